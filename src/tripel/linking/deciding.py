"""How sure a candidate is, as a probability that is fitted on dev, and what follows: it is linked, or the mention is NIL.

Scores say which candidate is best; they say little of whether it is right, since something is always best. Here a logistic
regression (Platt 1999) of a few signs of each candidate says it, and a curve of dev says what each threshold would give.
Shapes: M mentions, K candidates, F signs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tripel.files import read_json, write_json
from tripel.indexes.base import Bool, Float, Hits, Int
from tripel.linking.weighing import folds

Real = NDArray[np.float64]

CALIBRATION = "calibration.json"  # in a run folder
SIGNS = ("lead", "closeness", "exact")
MOST = 12.0  # of the logit of a probability
FIRST = 5  # candidates of each mention that are learnt from
FEWEST = 50  # mentions of which the first candidate is right, and of which it is wrong 5
LINKS = 50  # of dev that a precision is told of at least
PRECISIONS = (0.95, 0.97, 0.99)
LIKELIER = 0.5  # the threshold when nothing else is said: more likely right than wrong


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a threshold gives on dev, told by regressions that did not see the documents they judge."""

    threshold: float
    precision: float
    """Share of the links given that are right."""
    coverage: float
    """Share of the mentions that get a link."""

    def __str__(self) -> str:
        return (
            f"above {self.threshold:.2f}: precision {100 * self.precision:.1f} %, coverage {100 * self.coverage:.1f} %"
        )


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """P(right) = 1 / (1 + exp(-(intercept + weights . signs)))."""

    weights: dict[str, float]
    """By SIGNS."""
    intercept: float
    points: tuple[Point, ...]
    """By rising threshold."""
    encoder: str = ""
    """Fingerprint of the encoder that it serves."""
    reranker: str = ""
    """And of the re-ranker; empty where there is none."""
    chosen_on: dict[str, Any] = field(default_factory=dict)

    def probabilities(self, signs_MKF: Float, row_MK: Int) -> Real:
        """How likely each candidate is meant [M, K]; 0 where it is -1."""
        weight_F = np.array([self.weights.get(sign, 0.0) for sign in SIGNS])
        power_MK = np.exp(-(signs_MKF.astype(np.float64) @ weight_F + self.intercept))
        return np.where(row_MK < 0, 0.0, 1 / (1 + power_MK))

    def at(self, threshold: float) -> Point:
        """What a threshold gives on dev: the point that is nearest to it."""
        return min(self.points, key=lambda point: abs(point.threshold - threshold))

    def reaching(self, precision: float) -> Point:
        """The lowest threshold from which on dev links are right so often. Raises ValueError where none is."""
        enough = [point for point in self.told if point.precision >= precision]
        if not enough:
            best = max(self.told, key=lambda point: point.precision)
            raise ValueError(f"no threshold gives a precision of {100 * precision:.1f} % on dev; the best is {best}")
        return enough[0]

    @property
    def told(self) -> list[Point]:
        """The points that enough links of dev stand behind for their precision to say something."""
        links = self.chosen_on.get("mentions", math.inf)
        return [point for point in self.points if point.coverage > 0 and point.coverage * links >= LINKS]

    def thresholds(self) -> dict[str, float]:
        """Those worth looking at, by what they are for: more likely right than wrong, and each precision that dev reached."""
        reached = {
            f"{100 * precision:.0f} % on dev": self.reaching(precision).threshold
            for precision in PRECISIONS
            if any(point.precision >= precision for point in self.told)
        }
        return {"likelier right": LIKELIER, **reached}

    def serve(self, encoder: str, reranker: str) -> bool:
        """Whether it was fitted for these."""
        return (self.encoder, self.reranker) == (encoder, reranker)

    def save(self, path: Path) -> None:
        """Write JSON."""
        write_json(path, TypeAdapter(Calibration).dump_python(self, mode="json"))

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote. Raises ValueError where it is something else."""
        try:
            return TypeAdapter(cls).validate_python(read_json(path))
        except ValueError as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise ValueError(
                f"{path}: not the calibration of a linker ({first}); delete it and run `tripel evaluate`"
            ) from None


def signs(hits: Hits, closeness_MK: Float, exact_MK: Float, *, chances: bool) -> Float:
    """What tells how far to trust each candidate [M, K, F], in the order of SIGNS; 0 where it is -1.

    lead: the logit of its score where scores are `chances` among the candidates, else how far it is closer than the best of the
    others. closeness: the score of its best row. exact: whether the mention, or its long form, is one of its names.
    """
    none_MK = hits.row_MK < 0
    score_MK = np.where(none_MK, 0.0 if chances else -np.inf, hits.score_MK).astype(np.float64)
    if chances:
        lead_MK = np.clip(np.log(score_MK + 1e-9) - np.log(1 - score_MK + 1e-9), -MOST, MOST)
    else:
        lead_MK = np.where(none_MK, 0.0, score_MK) - _best_other(score_MK)
    stacked_MKF = np.stack([lead_MK, closeness_MK, exact_MK], axis=2)
    return np.where(none_MK[:, :, None], 0, np.nan_to_num(stacked_MKF, neginf=0, posinf=0)).astype(np.float32)


def _best_other(score_MK: Real) -> Real:
    """The best score among the other candidates of its mention; its own where it has no other [M, K]."""
    if score_MK.shape[1] < 2:
        return score_MK
    two_M2 = -np.partition(-score_MK, 1, axis=1)[:, :2]
    best_M, second_M = two_M2[:, :1], two_M2[:, 1:]
    other_MK = np.where(score_MK == best_M, second_M, best_M)
    return np.where(np.isfinite(other_MK), other_MK, score_MK)


def fit(
    signs_MKF: Float,
    row_MK: Int,
    right_MK: Bool,
    document_M: Int,
    *,
    encoder: str,
    reranker: str = "",
    seed: int,
) -> Calibration | None:
    """Of all mentions of dev, those without an id or with one outside the knowledge base, too: no candidate is right for them.

    None where dev has too few mentions to tell.
    """
    first_M = right_MK[:, 0] & (row_MK[:, 0] >= 0)
    if first_M.sum() < FEWEST or (~first_M).sum() < FEWEST / 10:
        return None
    for kept_M, _ in folds(document_M, seed=seed):
        if not (first_M[kept_M].any() and (~first_M[kept_M]).any()):  # all of one kind are in one document
            return None
    probability_M = np.zeros(len(row_MK))
    for kept_M, left_M in folds(document_M, seed=seed):
        its = _regression(signs_MKF[kept_M], row_MK[kept_M], right_MK[kept_M])
        probability_M[left_M] = its.probabilities(signs_MKF[left_M, :1], row_MK[left_M, :1])[:, 0]
    whole = _regression(signs_MKF, row_MK, right_MK)
    return Calibration(
        weights=whole.weights,
        intercept=whole.intercept,
        points=tuple(_points(probability_M, first_M)),
        encoder=encoder,
        reranker=reranker,
        chosen_on={"mentions": len(row_MK), "right": int(first_M.sum())},
    )


def _regression(signs_MKF: Float, row_MK: Int, right_MK: Bool) -> Calibration:
    """Of the first candidates of each mention; without points."""
    from sklearn.linear_model import LogisticRegression  # slow to import, and linking does without

    used_MK = row_MK[:, :FIRST] >= 0
    shown, right = signs_MKF[:, :FIRST][used_MK].astype(np.float64), right_MK[:, :FIRST][used_MK]
    spread_F = shown.std(axis=0)
    spread_F[spread_F == 0] = 1.0
    found = LogisticRegression(C=100.0, max_iter=1000).fit(shown / spread_F, right)
    weights = dict(zip(SIGNS, (found.coef_[0] / spread_F).tolist(), strict=True))
    return Calibration(weights=weights, intercept=float(found.intercept_[0]), points=())


def _points(probability_M: Real, right_M: Bool) -> Sequence[Point]:
    """What each threshold of hundredths gives."""
    points = []
    for threshold in np.arange(100) / 100:
        given_M = probability_M >= threshold
        precision = float(right_M[given_M].mean()) if given_M.any() else 1.0
        points.append(
            Point(threshold=float(threshold), precision=round(precision, 6), coverage=round(float(given_M.mean()), 6))
        )
    return points
