"""How far probabilities can be trusted, and what a threshold gives: links that are right, and mentions that are NIL.

Pure functions of arrays; every mention counts, those without an id or with one outside the knowledge base, too.
Shapes: M mentions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tripel.calibration import reliability, risk_coverage

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Operating:
    """What a threshold gives: a mention whose best candidate is less likely is NIL."""

    name: str
    threshold: float
    precision: float
    """Of the links given, how many are right."""
    coverage: float
    """Of the mentions, how many get a link."""
    nil_precision: float
    """Of the mentions said to be NIL, how many are: without an id, or with one outside the knowledge base."""
    nil_recall: float
    """Of the mentions that are NIL, how many are said to be."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Of the best candidate of each mention."""

    n: int
    nil: int
    """Mentions that no entity of the knowledge base is right for."""
    error: float
    """Expected calibration error (Guo et al. 2017), ten bins."""
    area: float
    """Mean risk over all coverages."""
    points: tuple[Operating, ...]


def trust(probability_M: Float, right_M: Bool, nil_M: Bool, *, thresholds: Mapping[str, float]) -> Trust:
    """`thresholds` by what they were chosen for."""
    right = right_M.astype(np.float64)
    return Trust(
        n=len(right_M),
        nil=int(nil_M.sum()),
        error=reliability(probability_M, right).error,
        area=risk_coverage(probability_M, right).area,
        points=tuple(_operating(name, at, probability_M, right_M, nil_M) for name, at in thresholds.items()),
    )


def _operating(name: str, threshold: float, probability_M: Float, right_M: Bool, nil_M: Bool) -> Operating:
    given_M = probability_M >= threshold
    return Operating(
        name=name,
        threshold=threshold,
        precision=_share(right_M, given_M),
        coverage=float(given_M.mean()) if len(given_M) else 0.0,
        nil_precision=_share(nil_M, ~given_M),
        nil_recall=_share(~given_M, nil_M),
    )


def _share(what_M: Bool, among_M: Bool) -> float:
    return float(what_M[among_M].mean()) if among_M.any() else 0.0
