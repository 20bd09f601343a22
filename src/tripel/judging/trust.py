"""How far probabilities can be trusted, and what a threshold gives: links that are right, and mentions that are NIL.

Functions of arrays, and what they found as a file; every mention counts, those without an id or with one outside the knowledge
base, too. Shapes: M mentions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tripel.files import read_json, write_json
from tripel.judging.calibration import Reliability, reliability, risk_coverage

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
    nil_found: dict[str, float] = field(default_factory=dict)
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
    """Of the best candidate of each mention. Files of older runs have neither bins nor kinds."""

    n: int
    nil: int
    """Mentions that no entity of the knowledge base is right for."""
    error: float
    """Expected calibration error (Guo et al. 2017), ten bins."""
    area: float
    """Mean risk over all coverages."""
    points: tuple[Operating, ...]
    bins: tuple[Bin, ...] = ()
    """Of the calibration error; empty ones are left out."""
    kinds: dict[str, int] = field(default_factory=dict)
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
    *,
    thresholds: Mapping[str, float],
    kinds: Mapping[str, Bool] | None = None,
) -> Trust:
    """`thresholds` by what they were chosen for; `kinds` tells of each NIL mention why it is."""
    right = right_M.astype(np.float64)
    curve = reliability(probability_M, right)
    there = {kind: its_M for kind, its_M in (kinds or {}).items() if its_M.any()}
    return Trust(
        n=len(right_M),
        nil=int(nil_M.sum()),
        error=curve.error,
        area=risk_coverage(probability_M, right).area,
        points=tuple(_operating(name, at, probability_M, right_M, nil_M, there) for name, at in thresholds.items()),
        bins=tuple(map(Bin, curve.said_B.tolist(), curve.true_B.tolist(), curve.count_B.tolist())),
        kinds={kind: int(its_M.sum()) for kind, its_M in there.items()},
    )


def _operating(
    name: str, threshold: float, probability_M: Float, right_M: Bool, nil_M: Bool, kinds: Mapping[str, Bool]
) -> Operating:
    given_M = probability_M >= threshold
    return Operating(
        name=name,
        threshold=threshold,
        precision=_share(right_M, given_M),
        coverage=float(given_M.mean()) if len(given_M) else 0.0,
        nil_precision=_share(nil_M, ~given_M),
        nil_recall=_share(~given_M, nil_M),
        nil_found={kind: _share(~given_M, its_M) for kind, its_M in kinds.items()},
    )


def _share(what_M: Bool, among_M: Bool) -> float:
    return float(what_M[among_M].mean()) if among_M.any() else 0.0
