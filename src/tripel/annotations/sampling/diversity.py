"""Documents of all kinds: clusters of their embeddings take turns, so that few texts show what many are like.

Shapes: P documents of the pool, C clusters, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.random import Generator
from pydantic import PositiveInt

from tripel.annotations.sampling.base import Float, Known, Sample, Strategy

SEEDS = 2**31  # what k-means takes


class Diversity(Strategy):
    """k-means; the largest cluster begins each round, and of a cluster the document nearest its centre comes first."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        clusters: PositiveInt = 10
        """As many as a page shows, so that each page shows all kinds."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """Round robin over the clusters; documents without an embedding are last, by chance."""
        del known
        placed = [(place, its.vector_D) for place, its in enumerate(pool) if its.vector_D is not None]
        rest = rng.permutation([place for place, its in enumerate(pool) if its.vector_D is None]).tolist()
        if not placed:
            return [int(place) for place in rest]
        where = [place for place, _ in placed]
        groups = _clusters(np.stack([vector for _, vector in placed]), self.config.clusters, rng)
        turns = zip_longest(*sorted(groups, key=lambda group: (-len(group), group[0])))
        return [where[place] for place in chain(*turns) if place is not None] + [int(place) for place in rest]


def _clusters(vector_PD: Float, clusters: int, rng: Generator) -> list[list[int]]:
    """The documents of each cluster that has some, the nearest to its centre first."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(vector_PD, axis=0))
    fitted = KMeans(min(clusters, distinct), n_init=1, random_state=int(rng.integers(SEEDS))).fit(vector_PD)
    far_P = np.linalg.norm(vector_PD - fitted.cluster_centers_[fitted.labels_], axis=1)
    order_P = np.argsort(far_P, kind="stable")
    groups = [order_P[fitted.labels_[order_P] == c].tolist() for c in range(fitted.n_clusters)]
    return [group for group in groups if group]
