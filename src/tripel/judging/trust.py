"""How far probabilities can be trusted, and what a threshold gives: links that are right, and mentions that are NIL.

Functions of arrays, and what they found as a file; every mention counts, those without an id or with one outside the knowledge
base, too. Intervals are by bootstrap over documents. Shapes: M mentions, D documents, B draws of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tripel.files import read_json, write_json
from tripel.judging import metrics
from tripel.judging.calibration import BINS, Reliability, binned, reliability, risk_coverage
from tripel.judging.metrics import Estimate, Float, Int

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Operating:
    """What a threshold gives: a mention whose best candidate is less likely is NIL."""

    name: str
    threshold: float
    precision: Estimate
    """Of the links given, how many are right."""
    coverage: Estimate
    """Of the mentions, how many get a link."""
    nil_precision: Estimate
    """Of the mentions said to be NIL, how many are: without an id, or with one outside the knowledge base."""
    nil_recall: Estimate
    """Of the mentions that are NIL, how many are said to be."""
    nil_found: dict[str, Estimate]
    """The same of each kind of NIL."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Probabilities that are about the same."""

    said: float
    """Their mean."""
    true: float
    """How often they came true."""
    n: int


@dataclass(frozen=True, slots=True)
class Trust:
    """Of the best candidate of each mention."""

    n: int
    nil: int
    """Mentions that no entity of the knowledge base is right for."""
    error: Estimate
    """Expected calibration error (Guo et al. 2017), ten bins."""
    area: Estimate
    """Mean risk over all coverages."""
    points: tuple[Operating, ...]
    bins: tuple[Bin, ...]
    """Of the calibration error; empty ones are left out."""
    kinds: dict[str, int]
    """How many mentions are NIL for which reason; kinds of which there is none are left out."""

    @property
    def reliability(self) -> Reliability:
        """The bins as they are drawn."""
        said_B, true_B = (np.array([getattr(one, name) for one in self.bins], np.float64) for name in ("said", "true"))
        return Reliability(said_B, true_B, np.array([one.n for one in self.bins], np.int64))

    def save(self, path: Path) -> None:
        """Write JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read what `save` wrote. Raises ValueError where it is something else."""
        try:
            return TypeAdapter(cls).validate_python(read_json(path))
        except ValidationError as error:
            raise ValueError(f"{path}: {error.errors()[0]['msg']}; judge again with `tripel evaluate`") from None


def trust(
    probability_M: Float,
    right_M: Bool,
    nil_M: Bool,
    document_M: Int,
    *,
    thresholds: Mapping[str, float],
    seed: int,
    kinds: Mapping[str, Bool] | None = None,
) -> Trust:
    """`thresholds` by what they were chosen for; `kinds` tells of each NIL mention why it is."""
    right = right_M.astype(np.float64)
    curve = reliability(probability_M, right)
    there = {kind: its_M for kind, its_M in (kinds or {}).items() if its_M.any()}

    def share(what_M: Bool, among_M: Bool) -> Estimate:
        return metrics.mean(what_M[among_M].astype(np.float64), document_M[among_M], seed=seed)

    def operating(name: str, threshold: float) -> Operating:
        given_M = probability_M >= threshold
        return Operating(
            name=name,
            threshold=threshold,
            precision=share(right_M, given_M),
            coverage=share(given_M, np.ones_like(given_M)),
            nil_precision=share(nil_M, ~given_M),
            nil_recall=share(~given_M, nil_M),
            nil_found={kind: share(~given_M, its_M) for kind, its_M in there.items()},
        )

    return Trust(
        n=len(right_M),
        nil=int(nil_M.sum()),
        error=_error(probability_M, right, document_M, seed=seed),
        area=_area(probability_M, right, document_M, seed=seed),
        points=tuple(operating(name, at) for name, at in thresholds.items()),
        bins=tuple(map(Bin, curve.said_B.tolist(), curve.true_B.tolist(), curve.count_B.tolist())),
        kinds={kind: int(its_M.sum()) for kind, its_M in there.items()},
    )


def _error(probability_M: Float, right_M: Float, document_M: Int, *, seed: int) -> Estimate:
    """The calibration error: of each bin how far the sums of what was said and of what came true lie apart, by mentions."""
    document_M = np.unique(document_M, return_inverse=True)[1]
    cell_M = document_M * BINS + binned(probability_M)
    documents = 1 + int(document_M.max(initial=-1))
    apart_DF = np.bincount(cell_M, probability_M - right_M, documents * BINS).reshape(documents, BINS)
    sum_BF = metrics.resampled(np.column_stack([apart_DF, np.bincount(document_M)]), seed=seed)
    return metrics.estimate(np.abs(sum_BF[:, :-1]).sum(axis=1) / np.maximum(sum_BF[:, -1], 1), len(document_M))


def _area(score_M: Float, right_M: Float, document_M: Int, *, seed: int) -> Estimate:
    """Mean risk over all coverages, a mention counting as often as its document was drawn."""
    document_M = np.unique(document_M, return_inverse=True)[1]
    drawn_BD = metrics.draws(1 + int(document_M.max(initial=-1)), seed)
    area_B = [risk_coverage(score_M, right_M, weight_M=drawn_D[document_M]).area for drawn_D in drawn_BD]
    return metrics.estimate(np.array([risk_coverage(score_M, right_M).area, *area_B]), len(document_M))
