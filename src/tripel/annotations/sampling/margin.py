"""The least confident documents first: where the model knows least, a correction teaches most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from tripel.annotations.sampling.base import Known, Sample, Strategy
from tripel.annotations.sampling.confidence import Over, of_document


class Margin(Strategy):
    """By the recogniser's score + the margin between the first two candidates, ascending."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        over: Over = "mean"
        """A document is as sure as its mentions in the mean, or as the least sure of them."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """Ascending; documents in which the model found nothing are last, since nothing tells how sure it is."""
        sure = [of_document(sample.predicted, over=self.config.over) for sample in pool]
        chance = rng.permutation(len(pool)).tolist()
        last = float("inf")
        return sorted(range(len(pool)), key=lambda i: (last if sure[i] is None else sure[i], chance[i]))
