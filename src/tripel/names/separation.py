"""How well an encoder parts synonyms from other names: cosines of pairs, and of each pair's name with other pairs' (KGNEL).

It is told cosines and knows no encoder. Shapes: N pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Separation:
    """Means and standard deviations of both kinds of cosines."""

    pairs: int
    positive_mean: float
    positive_sd: float
    negative_mean: float
    negative_sd: float
    published_mean: float
    """Of the negatives as KGNEL computed it: over all N x N cells of a lower triangle, so that more than half are 0."""
    published_sd: float
    overlap: float
    """Area under both fitted normal curves: 0 where they are apart, 1 where they are one."""

    @property
    def difference(self) -> float:
        """DIFF: how much closer synonyms are."""
        return self.positive_mean - self.negative_mean

    @property
    def published_difference(self) -> float:
        """DIFF as KGNEL computed it."""
        return self.positive_mean - self.published_mean


def measure(cosine_NN: NDArray[Any], concept_N: NDArray[np.int64]) -> Separation:
    """From the cosines of all first names with all second ones: the diagonal are the pairs.

    Negatives are the cells below it, as in the source, here without those whose two pairs are of one concept. Raises
    ValueError where there are fewer than two pairs of different concepts.
    """
    positive_N = np.diag(cosine_NN).astype(np.float64)
    apart_NN = np.tril(concept_N[:, None] != concept_N[None, :], k=-1)
    negative = cosine_NN[apart_NN].astype(np.float64)
    if not len(negative):
        raise ValueError(f"{len(cosine_NN)} pairs of one concept: separation needs pairs of several concepts")
    published = np.tril(cosine_NN.astype(np.float64), k=-1)
    return Separation(
        pairs=len(positive_N),
        positive_mean=float(positive_N.mean()),
        positive_sd=float(positive_N.std()),
        negative_mean=float(negative.mean()),
        negative_sd=float(negative.std()),
        published_mean=float(published.mean()),
        published_sd=float(published.std()),
        overlap=_overlap(positive_N, negative),
    )


def _overlap(positive: Float, negative: Float) -> float:
    """0 or 1 where a curve has no width."""
    if positive.std() == 0 or negative.std() == 0:
        return float(positive.mean() == negative.mean())
    one, other = (NormalDist(float(part.mean()), float(part.std())) for part in (positive, negative))
    return one.overlap(other)
