"""Training a re-ranker for a run: its recipe, and what the run's encoder confuses as its lesson."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tripel import config
from tripel.encoding.encoder import Encoder
from tripel.progress import bar
from tripel.training import checkpoint, negatives
from tripel.training.journal import Journal
from tripel.training.preparing import Ground, lesson
from tripel.training.recipe import Recipe
from tripel.training.wiring import begun, steps

TRAINER: dict[str, Any] = {"epochs": 2, "batch": 64, "lr": 5e-5}  # where nothing else is said
SECTIONS = ("objective", "negatives", "trainer")  # what can be said


def recipe(its: Recipe, run: Path, overrides: Sequence[str]) -> Recipe:
    """The run's recipe with the re-ranker in the place of its objective. Raises ValueError where it cannot be judged with one."""
    if not its.whole.weigh:
        raise ValueError(
            f"{run}: whole.weigh is false, and a re-ranker speaks through weights; set it in {run}/config.yaml"
        )
    encoder = Encoder.load(checkpoint.published(run))
    values = its.dump()
    values["objective"] = {"name": "reranking", "dimensions": encoder.dimensions}
    values["trainer"] = {**TRAINER, "seed": its.trainer.seed, "precision": its.trainer.precision}
    model = checkpoint.published(run) / ("mention" if its.encoder.towers == "two" else "")
    values["encoder"] = {**values["encoder"], "model": str(model), "towers": "shared", "entity_view": "names"}
    for name, section in said(overrides).items():
        values[name] = {**values[name], **section}
    return Recipe.read(values)


def said(overrides: Sequence[str]) -> dict[str, Any]:
    """What `section.key=value` words say of a re-ranker. Raises ValueError for what is the run's own."""
    found = config.words(overrides)
    for name, section in found.items():
        if name not in SECTIONS:
            raise ValueError(f"{name} is the run's; of a re-ranker there is {', '.join(SECTIONS)}")
        if not isinstance(section, dict):
            raise ValueError(f"{name}={section}: expected {name}.key=value")
    return found


def trained(its: Recipe, found: Ground, folder: Path, *, resumed: bool) -> Iterator[Journal]:
    """Train; then, in the first process, yield the journal while it is open, to judge with.

    Wrong entities are those that the run's encoder takes a mention for; it is the encoder that training begins with.
    """
    trainer, start, near = begun(its, folder)
    taught, pool = lesson(its, found, trainer.student.encoder)
    if near is None:
        with bar("searching for what is confused") as progress:
            encoder = trainer.student.encoder  # the run's: nothing has been learnt yet, or a checkpoint would hold them
            near = negatives.by_encoder(encoder, taught, pool, kept=its.negatives.kept, progress=progress)
    made = replace(taught, near=near)
    yield from steps(its, folder, resumed, trainer, lambda epoch: made, start, near=lambda: near, look=None)
