"""Systems against each other on the same mentions, from what they said in files; nothing is linked here.

A system is a run that was judged, or a file of predictions by any software. The first run says what is right: its corpus, its
knowledge base, and what training had shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tripel import foreign, predictions, tables
from tripel.evaluation import compare, compare_slices, evaluate
from tripel.judging import FULL, TRAINED, right
from tripel.predictions import Prediction
from tripel.preparing import Ground
from tripel.recipe import Role


def said(source: Path, role: Role) -> list[Prediction]:
    """What a run said over the full knowledge base, or what stands in a file."""
    if not source.is_dir():
        return foreign.read(source)
    path = source / "predictions" / f"{role}-{TRAINED}-{FULL}.jsonl"
    if not path.is_file():
        raise ValueError(f"{source}: no predictions for {role}; make them with `tripel evaluate {source} --on {role}`")
    return predictions.read(path)[1]


def compared(sources: Sequence[Path], found: Ground, role: Role, *, seed: int) -> str:
    """Tables of all systems, and of what the first gained over each other one, in all and by slices, as Markdown."""
    answers = {name: said(source, role) for name, source in named(sources).items()}
    truth = right(found, role)
    scores = [
        evaluate(made, truth, kb=found.kb, system=name, protocol=FULL, seed=seed) for name, made in answers.items()
    ]
    first, *others = answers
    gained = {
        f"{first} over {name}": compare(answers[first], answers[name], truth, kb=found.kb, seed=seed) for name in others
    }
    parts: list[object] = [f"## {role}", tables.main(scores), tables.gains(gained), tables.slices(scores)]
    for name in others:
        by_slice = compare_slices(answers[first], answers[name], truth, kb=found.kb, seed=seed)
        parts += [f"### {first} over {name}", tables.gains_by_slice(by_slice)]
    return "\n\n".join(map(str, parts))


def named(sources: Sequence[Path]) -> Mapping[str, Path]:
    """Each by its own name. Raises ValueError where two have the same."""
    found = {source.stem if source.is_file() else source.resolve().name: source for source in sources}
    if len(found) < len(sources):
        raise ValueError(f"{', '.join(map(str, sources))}: two of them have the same name; rename one")
    return found
