"""What a score is worth: how sure links are, how often sure ones are wrong. Pure functions of scores and hits.

Shapes: M mentions, B bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Links given away from the surest on (El-Yaniv & Wiener 2010): the share of all mentions that have one, and how many of
    those are wrong."""

    coverage_M: Float
    risk_M: Float

    @property
    def area(self) -> float:
        """Mean risk over all coverages that are reached; lower is better. Links of one score count as often as there are."""
        if not len(self.risk_M):
            return 0.0
        return float(np.diff(self.coverage_M, prepend=0.0) @ self.risk_M / self.coverage_M[-1])

    def at(self, risk: float) -> float:
        """The largest coverage at which no more than `risk` of the links are wrong; 0 where there is none."""
        within = np.flatnonzero(self.risk_M <= risk)
        return float(self.coverage_M[within[-1]]) if len(within) else 0.0


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities in bins of equal width, and how often they came true (Guo et al. 2017)."""

    said_B: Float
    """Mean probability of each bin that is not empty."""
    true_B: Float
    count_B: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of what was said and what came true, by mentions (equation 3)."""
        total = max(1, int(self.count_B.sum()))
        return float((self.count_B * np.abs(self.said_B - self.true_B)).sum() / total)


def risk_coverage(
    score_M: Float, right_M: Float, *, mentions: int | None = None, weight_M: Float | None = None
) -> RiskCoverage:
    """Mentions of one score are given together, so the order of ties plays no part.

    mentions: how many there are, where some have no link, so that the curve ends before all are covered. weight_M: how often
    each counts, once where nothing is said.
    """
    order = np.argsort(-score_M, kind="stable")
    weight_M = np.ones(len(score_M)) if weight_M is None else weight_M[order]
    last = np.flatnonzero(np.diff(score_M[order], append=-np.inf))
    given_M, wrong_M = np.cumsum(weight_M)[last], np.cumsum(weight_M * (1.0 - right_M[order]))[last]
    kept = given_M > 0
    total = max(1, weight_M.sum() if mentions is None else mentions)
    return RiskCoverage(given_M[kept] / total, wrong_M[kept] / given_M[kept])


def ranked_apart(score_M: Float, right_M: Float) -> float:
    """How often a right link has a higher score than a wrong one, ties a half: the area under the ROC curve; NaN where all
    are right, or all are wrong."""
    from sklearn.metrics import roc_auc_score  # slow to import, and linking does without

    return float(roc_auc_score(right_M, score_M)) if 0 < right_M.sum() < len(right_M) else math.nan


def reliability(probability_M: Float, right_M: Float) -> Reliability:
    """A probability of 1 stands in the last bin."""
    bin_M = binned(probability_M)
    count_B = np.bincount(bin_M, minlength=BINS)
    kept = count_B > 0
    said_B, true_B = (
        np.bincount(bin_M, values, minlength=BINS)[kept] / count_B[kept] for values in (probability_M, right_M)
    )
    return Reliability(said_B, true_B, count_B[kept])


def binned(probability_M: Float) -> NDArray[np.int64]:
    """The bin that each probability is in [M]."""
    return np.minimum((probability_M * BINS).astype(np.int64), BINS - 1)


def calibrated(score_dev: Float, right_dev: Float, score_M: Float) -> Float:
    """Probabilities of scores, by isotonic regression on dev: never falling as the score rises [M]."""
    from sklearn.isotonic import IsotonicRegression  # slow to import, and linking does without

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(score_dev, right_dev)
    probability_M: Float = fitted.predict(score_M)
    return probability_M
