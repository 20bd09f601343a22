"""The training of a run, wired: where it begins, what listens to it, and several processes that share it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sized
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from tripel.encoding.encoder import Encoder
from tripel.names.recipe import NameRecipe
from tripel.tagging.recipe import TaggerRecipe
from tripel.training import checkpoint
from tripel.training.batches import Near
from tripel.training.journal import Journal
from tripel.training.recipe import Recipe
from tripel.training.trainer import Place, Trainer
from tripel.training.watching import Watcher

AnyRecipe = Recipe | NameRecipe | TaggerRecipe
"""Of whatever a run may learn."""


def processes() -> PartialState:
    """The processes of this run: those of `accelerate launch` or `torchrun`, on CPUs where there is no GPU."""
    return PartialState(cpu=int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.cuda.is_available())


def agreed(run: Path) -> Path:
    """Of several processes, the first one's folder."""
    processes()
    names = [str(run)]
    broadcast_object_list(names)
    return Path(names[0])


def begun(recipe: AnyRecipe, run: Path) -> tuple[Trainer, Place, Near | None]:
    """A trainer, where it begins, and what its checkpoint kept of what was mined."""
    folder = checkpoint.latest(run)
    encoder = Encoder.load(folder / checkpoint.ENCODER) if folder else Encoder(recipe.encoder)
    trainer = Trainer(encoder, recipe.objective.make(), recipe.trainer)
    if folder is None:
        return trainer, Place(), None
    return trainer, checkpoint.place(folder), checkpoint.restore(folder, trainer)


def steps(
    recipe: AnyRecipe,
    run: Path,
    resumed: bool,
    trainer: Trainer,
    lessons: Callable[[int], Sized],
    start: Place,
    *,
    near: Callable[[], Near | None] = lambda: None,
    look: Callable[[Encoder], float] | None,
) -> Iterator[Journal]:
    """Train; then, in the first process, yield the journal while it is open, to judge with."""
    if not trainer.accelerator.is_main_process:
        for _ in trainer.steps(lessons, start=start):
            pass
        return
    since = start.step if resumed else None
    with Journal.open(run, recipe.journal, settings=public(recipe.dump()), resume_step=since) as journal:
        watcher = Watcher(run, trainer, journal, near=near, look=look)
        for step in trainer.steps(lessons, start=start):
            watcher.see(step)
        watcher.finish()
        yield journal


def public(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the texts that are to be linked, and without the folders of this machine: for wandb, and for others."""
    return {key: _placeless(value) for key, value in textless(settings).items()}


def textless(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the texts that are to be linked."""
    data = settings.get("data")
    return {**settings, **({"data": {key: value for key, value in data.items() if key != "examples"}} if data else {})}


def _placeless(value: Any) -> Any:
    """A path as its last part alone, wherever it stands."""
    if isinstance(value, dict):
        return {key: _placeless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item) for item in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
