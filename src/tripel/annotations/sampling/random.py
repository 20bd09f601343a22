"""Documents by chance: the control that every other strategy is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from tripel.annotations.sampling.base import Known, Sample, Strategy


class Random(Strategy):
    """Any order, each as likely."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """A permutation."""
        return [int(place) for place in rng.permutation(len(pool))]
