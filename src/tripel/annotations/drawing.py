"""Which documents come next: n by a strategy, some of them by chance, so that what the strategy gains can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tripel.annotations.sampling.base import Known, Sample, Strategy

Arm = Literal["strategy", "control"]
CONTROL = 0.1  # share of samples that are drawn by chance


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document and how it came to be drawn; to be kept with it."""

    document: str
    arm: Arm
    strategy: str
    """By its name in `sampling`."""


def draw(
    pool: Sequence[Sample],
    strategy: Strategy,
    *,
    name: str,
    n: int,
    known: Known,
    seed: int,
    control: float = CONTROL,
) -> list[Drawn]:
    """n documents, or all where there are fewer; each is of the control arm with probability `control`. Equal for equal seeds.

    The pool holds only what may be drawn: no document that is done, none that someone else holds.
    """
    rng = np.random.default_rng(seed)
    ordered = strategy.order(pool, known, rng=rng)
    by_chance = [int(place) for place in rng.permutation(len(pool))]
    taken: dict[int, Arm] = {}
    while len(taken) < min(n, len(pool)):
        arm: Arm = "control" if rng.random() < control else "strategy"
        source = by_chance if arm == "control" else ordered
        taken[next(place for place in source if place not in taken)] = arm
    return [Drawn(pool[place].document, arm, name) for place, arm in taken.items()]
