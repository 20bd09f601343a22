"""The hole that every strategy fills: documents nobody has annotated -> the order in which help is worth most.

It knows no database and no model: what the model said of each document comes with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What the model said of one mention."""

    text: str
    recognizer: float = 1.0
    """How sure the recogniser is of the span, from 0 to 1."""
    scores: tuple[float, ...] = ()
    """Of the candidates, best first, higher is closer; empty where there is none."""
    entity: str = ""
    """The one decided on; empty where it is NIL."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """A document that may be drawn."""

    document: str
    predicted: tuple[Predicted, ...] = ()
    vector_D: Float | None = None
    """Its embedding, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What people have annotated already."""

    entities: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    """Surface forms, apart from case."""


class Strategy(ABC):
    """Orders documents. One file each beside this one: `margin.py` holds `Margin`, found by its name."""

    Config: type[Any]

    @abstractmethod
    def __init__(self, config: Any) -> None:
        """Settings of the strategy."""

    @abstractmethod
    def order(self, pool: Sequence[Sample], known: Known, *, rng: Generator) -> list[int]:
        """Positions of all documents of the pool, those first that are worth most; equal ones by `rng`."""
