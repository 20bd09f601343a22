"""Documents that name what nobody has annotated yet: entities and surface forms that are new."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from tripel.annotations.sampling.base import Known, Sample, Strategy


class Novelty(Strategy):
    """Greedy: the document with the most new entities and forms, then the one with the most beside it, and so on."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """What a document shows is not new in those after it. A document's count only sinks, so it is counted again when it is
        the first, and taken where it still is."""
        seen = {*(("entity", one) for one in known.entities), *(("form", one) for one in known.forms)}
        chance = rng.permutation(len(pool)).tolist()
        waiting = [(-len(_shown(sample) - seen), chance[place], place) for place, sample in enumerate(pool)]
        heapq.heapify(waiting)
        order = []
        while waiting:
            count, by_chance, place = heapq.heappop(waiting)
            new = _shown(pool[place]) - seen
            if -len(new) > count and waiting and (-len(new), by_chance) > waiting[0][:2]:
                heapq.heappush(waiting, (-len(new), by_chance, place))
                continue
            seen |= new
            order.append(place)
        return order


def _shown(sample: Sample) -> set[tuple[str, str]]:
    """The entities and the surface forms that the model sees in a document."""
    entities = {("entity", mention.entity) for mention in sample.predicted if mention.entity}
    return entities | {("form", mention.text.casefold()) for mention in sample.predicted}
