"""Pure functions on ranks and hits: accuracy at k, reciprocal rank, macro accuracy, intervals, a paired test.

Nothing here knows a mention, a document or a knowledge base. Shapes: M mentions, D documents, B bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]

DRAWS = 1000
PERCENT = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share between 0 and 1 with its 95 % interval and the number of mentions it comes from."""

    value: float
    low: float
    high: float
    n: int

    @property
    def count(self) -> int:
        """How many of the mentions they are."""
        return round(self.value * self.n)


@dataclass(frozen=True, slots=True)
class Paired:
    """What one system gained over another on the same mentions."""

    difference: float
    low: float
    high: float
    p: float
    """Two-sided, by flipping the sign of whole documents at random; of F1 by exchanging the two systems there."""
    n: int


def rank(gold: frozenset[str], candidates: Sequence[str]) -> int:
    """The place of the first right candidate, from 1; 0 where there is none (lenient: any gold id is right)."""
    return next((place for place, one in enumerate(candidates, 1) if one in gold), 0)


def strict_rank(gold: frozenset[str], candidates: Sequence[str]) -> int:
    """The smallest k at which all n gold ids stand among the first max(k, n) candidates; 0 where some id is missing."""
    places = {one: place for place, one in reversed(list(enumerate(candidates, 1)))}
    if not gold or not gold <= places.keys():
        return 0
    worst = max(places[one] for one in gold)
    return worst if worst > len(gold) else 1


def hits(rank_M: Int, *, k: int) -> Float:
    """1 where the rank is among the first k, 0 elsewhere [M]."""
    return ((rank_M > 0) & (rank_M <= k)).astype(np.float64)


def reciprocal(rank_M: Int) -> Float:
    """1 / rank, 0 where nothing was found [M]; its mean is the MRR."""
    found: Float = np.where(rank_M > 0, 1.0 / np.maximum(rank_M, 1), 0.0)
    return found


def mean(value_M: Float, document_M: Int, *, seed: int) -> Estimate:
    """The mean over mentions, with the percentile bootstrap over documents: those of one text stand or fall together."""
    if not len(value_M):
        return Estimate(0.0, 0.0, 0.0, 0)
    sum_D, count_D = _by_document(value_M, document_M)
    sum_B2 = resampled(np.column_stack([sum_D, count_D]), seed=seed)
    return estimate(sum_B2[:, 0] / np.maximum(sum_B2[:, 1], 1e-12), len(value_M))


def shares(kind_M: Sequence[str], document_M: Int, *, kinds: Sequence[str], seed: int) -> dict[str, Estimate]:
    """How many of the mentions are of each kind, as a share of all."""
    found_M = np.asarray(kind_M, np.str_)
    return {kind: mean((found_M == kind).astype(np.float64), document_M, seed=seed) for kind in kinds}


def resampled(sum_DF: Float, *, seed: int) -> Float:
    """Sums over all documents, and over each draw of documents [1 + B, F]."""
    return np.concatenate([np.ones((1, len(sum_DF))), draws(len(sum_DF), seed)]) @ sum_DF


def estimate(value_B: Float, n: int) -> Estimate:
    """From the value over all documents, and those over draws, as `resampled` orders them."""
    low, high = np.percentile(value_B[1:], PERCENT)
    return Estimate(float(value_B[0]), float(low), float(high), n)


def precision_recall_f1(
    right_D: Float, given_D: Float, found_D: Float, wanted_D: Float, *, seed: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Of each document: how many of those given are right, how many of those wanted are found. 0 where there is nothing.

    precision = right / given, recall = found / wanted, F1 their harmonic mean; intervals by bootstrap over documents.
    """
    sum_B4 = resampled(np.column_stack([right_D, given_D, found_D, wanted_D]), seed=seed)
    counts = int(given_D.sum()), int(wanted_D.sum()), int(wanted_D.sum())
    precision, recall, f1 = (estimate(its_B, n) for its_B, n in zip(_shares(sum_B4), counts, strict=True))
    return precision, recall, f1


def paired_f1(one_D4: Float, other_D4: Float, *, seed: int) -> Paired:
    """How much higher the F1 of the first is; of each document the four counts of `precision_recall_f1`, in their order.

    Interval by bootstrap over documents; p by exchanging the answers to whole documents at random (Yeh 2000).
    """
    gain_B = _shares(resampled(one_D4, seed=seed))[2] - _shares(resampled(other_D4, seed=seed))[2]
    seen = abs(float(gain_B[0]))
    swap_BD = np.random.default_rng(seed).integers(0, 2, (10 * DRAWS, len(one_D4)), np.int8).astype(np.float64)
    moved_B4 = swap_BD @ (other_D4 - one_D4)
    swapped_B = _shares(one_D4.sum(axis=0) + moved_B4)[2] - _shares(other_D4.sum(axis=0) - moved_B4)[2]
    p = (1 + int((np.abs(swapped_B) >= seen - 1e-9).sum())) / (1 + len(swapped_B))
    figure = estimate(gain_B, int(one_D4[:, 3].sum()))
    return Paired(figure.value, figure.low, figure.high, p, figure.n)


def _shares(count_B4: Float) -> tuple[Float, Float, Float]:
    """Precision, recall and F1 [B] of right, given, found and wanted."""
    right_B, given_B, found_B, wanted_B = count_B4.T
    precision_B, recall_B = right_B / np.maximum(given_B, 1e-12), found_B / np.maximum(wanted_B, 1e-12)
    return precision_B, recall_B, 2 * precision_B * recall_B / np.maximum(precision_B + recall_B, 1e-12)


def macro(value_M: Float, entity_M: Sequence[str], *, seed: int) -> Estimate:
    """The mean over entities of the mean over their mentions, so that a frequent entity counts as much as a rare one.

    The bootstrap is over entities: draws of documents leave out rare ones, and their means lie beside the value.
    """
    if not len(value_M):
        return Estimate(0.0, 0.0, 0.0, 0)
    _, entity_m = np.unique(np.asarray(entity_M), return_inverse=True)
    share_E = np.bincount(entity_m, value_M) / np.bincount(entity_m)
    return replace(mean(share_E, np.arange(len(share_E)), seed=seed), n=len(value_M))


def paired(one_M: Float, other_M: Float, document_M: Int, *, seed: int) -> Paired:
    """How much more often the first is right. Interval by bootstrap over documents; p by sign flips over documents.

    p = (1 + flips at least as far from 0 as what was seen) / (1 + flips).
    """
    gain_M = one_M - other_M
    figure = mean(gain_M, document_M, seed=seed)
    if not len(gain_M):
        return Paired(0.0, 0.0, 0.0, 1.0, 0)
    gain_D, _ = _by_document(gain_M, document_M)
    sign_BD = np.random.default_rng(seed).choice([-1.0, 1.0], (10 * DRAWS, len(gain_D)))
    seen = abs(float(gain_D.sum()))
    p = (1 + int((np.abs(sign_BD @ gain_D) >= seen - 1e-9).sum())) / (1 + len(sign_BD))
    return Paired(figure.value, figure.low, figure.high, p, figure.n)


def _by_document(value_M: Float, document_M: Int) -> tuple[Float, Float]:
    _, document_m = np.unique(document_M, return_inverse=True)
    return np.bincount(document_m, value_M).astype(np.float64), np.bincount(document_m).astype(np.float64)


def draws(documents: int, seed: int) -> Float:
    """How often each document was drawn [B, D]."""
    if not documents:
        return np.zeros((DRAWS, 0))
    rng = np.random.default_rng(seed)
    return rng.multinomial(documents, np.full(documents, 1 / documents), size=DRAWS).astype(np.float64)
