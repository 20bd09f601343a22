"""Several strategies in turn: each gives its best document that no other has given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from tripel.annotations.sampling.base import Known, Sample, Strategy
from tripel.find import component

SAMPLING = "annotations.sampling"


class Mix(Strategy):
    """Round robin."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        strategies: tuple[str, ...] = ("margin", "diversity", "novelty")
        """By their names, with their defaults."""

        def __post_init__(self) -> None:
            if not self.strategies or "mix" in self.strategies:
                raise ValueError(f"strategies is {list(self.strategies)}: expected names of others than mix")

    def __init__(self, config: Config) -> None:
        self.config = config
        kinds = [component(SAMPLING, name) for name in config.strategies]
        self.strategies: list[Strategy] = [kind(kind.Config()) for kind in kinds]

    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """The first of each, then the second of each, a document once."""
        orders = [strategy.order(pool, known, rng=rng) for strategy in self.strategies]
        return list(dict.fromkeys(place for turn in zip(*orders, strict=True) for place in turn))
