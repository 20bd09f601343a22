"""Which of dev and test a run may be judged on: what neither training nor its index has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tripel.linking.ranker import INDEX
from tripel.searching import learn as index_learn
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe, Role


def judged(run: Path, recipe: Recipe, found: Ground) -> Sequence[Role]:
    """Which of dev and test a run is judged on. Raises ValueError where documents of one joined its index, and as `left` does."""
    for role in recipe.data.judged:
        fresh(run, found, role)
    return left(run, recipe, found)


def left(run: Path, recipe: Recipe, found: Ground) -> Sequence[Role]:
    """Which of them training does not show whole. Raises ValueError where none is left."""
    roles = [role for role in recipe.data.judged if not learnt_from(found, role)]
    if not roles:
        raise ValueError(
            f"{run} learnt from all documents of {' and '.join(recipe.data.judged)}: nothing is left to judge"
        )
    return roles


def fresh(run: Path, found: Ground, role: Role) -> None:
    """Raises ValueError where documents of dev or test joined the index of a run after it was trained."""
    joined = index_learn.learnt(run / INDEX, found.documents[role])
    if joined:
        raise ValueError(
            f"{run}: {joined:,} documents of {role} joined its index (`tripel index learn`), so it is not judged on"
            f" {role}; delete {run / INDEX} to judge what was trained"
        )


def learnt_from(found: Ground, role: Role) -> bool:
    """Whether training had all documents of dev or test."""
    learned = {document.id for document in found.documents["train"]}
    return learned.issuperset(document.id for document in found.documents[role])
