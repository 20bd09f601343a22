"""Mentions as labels of words, and labels as mentions: BIO or BIOES, with types. It knows no tensors but tables of numbers.

Shapes: W words of a document, L labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tripel.corpora.overlaps import without_overlaps
from tripel.documents import Document

Scheme = Literal["bioes", "bio"]
OUT = "O"


@dataclass(frozen=True, slots=True)
class Span:
    """Words [first, last) of a document that are a mention."""

    first: int
    last: int
    type: str
    confidence: float
    """The probability of its labels together."""


@dataclass(frozen=True)
class Tags:
    """The labels of a scheme for some types; label 0 is O."""

    scheme: Scheme
    types: tuple[str, ...]
    """One of them, `""`, where types are not told apart."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """`O`, then of each type `B-Disease`, `I-Disease`, ..."""
        return (OUT, *(f"{place}-{type}" for type in self.types for place in self._places))

    def of(self, document: Document, start_W: NDArray[np.int64], end_W: NDArray[np.int64]) -> NDArray[np.int64]:
        """The label of each word [W], given where words stand in the text. Of mentions that overlap the first, longer one is
        told; one that begins or ends within a word has all of that word."""
        label_W = np.zeros(len(start_W), np.int64)
        for mention in without_overlaps(document).mentions:
            first = int(np.searchsorted(end_W, mention.start, side="right"))
            last = int(np.searchsorted(start_W, mention.end, side="left"))
            if first < last and not label_W[first:last].any():
                label_W[first:last] = self._span(mention.type, last - first)
        return label_W

    def spans(self, chance_WL: NDArray[np.float64]) -> list[Span]:
        """The mentions of the likeliest sequence of labels that the scheme allows (Viterbi 1967)."""
        if not len(chance_WL):
            return []
        label_W = self._likeliest(np.log(np.maximum(chance_WL, 1e-12)))
        return [
            Span(first, last, type, float(chance_WL[np.arange(first, last), label_W[first:last]].prod()))
            for first, last, type in self._read(label_W)
        ]

    @property
    def _places(self) -> str:
        return "BIES" if self.scheme == "bioes" else "BI"

    def _span(self, type: str, length: int) -> list[int]:
        """The labels of a mention of so many words."""
        kind = type if type in self.types else self.types[0]
        inner = "BIES" if self.scheme == "bioes" else "BIIB"  # first, within, last, alone
        places = inner[3] if length == 1 else inner[0] + inner[1] * (length - 2) + inner[2]
        return [self.labels.index(f"{place}-{kind}") for place in places]

    @cached_property
    def _allowed_LL(self) -> NDArray[np.bool_]:
        """Which label may follow which."""
        return np.array([[self._follows(before, after) for after in self.labels] for before in self.labels], np.bool_)

    def _follows(self, before: str, after: str) -> bool:
        goes_on = before[0] in ("BI" if self.scheme == "bioes" else "")
        continues = after[0] in "IE"
        same = before[2:] == after[2:] and before != OUT
        if self.scheme == "bio":
            return not continues or same
        return (same and continues) if goes_on else not continues

    def _likeliest(self, logit_WL: NDArray[np.float64]) -> NDArray[np.int64]:
        """The best allowed path; it begins and ends where a mention may."""
        barred_LL = np.where(self._allowed_LL, 0.0, -np.inf)
        begins_L = barred_LL[0]
        ends_L = barred_LL[:, 0]
        best_L = logit_WL[0] + begins_L
        came_WL = np.zeros(logit_WL.shape, np.int64)
        for w in range(1, len(logit_WL)):
            way_LL = best_L[:, None] + barred_LL
            came_WL[w] = way_LL.argmax(axis=0)
            best_L = way_LL.max(axis=0) + logit_WL[w]
        label_W = np.zeros(len(logit_WL), np.int64)
        label_W[-1] = (best_L + ends_L).argmax()
        for w in range(len(logit_WL) - 1, 0, -1):
            label_W[w - 1] = came_WL[w, label_W[w]]
        return label_W

    def _read(self, label_W: Sequence[int] | NDArray[np.int64]) -> Iterator[tuple[int, int, str]]:
        """Words [first, last) and type of each mention of an allowed sequence."""
        said = [self.labels[label] for label in label_W]
        begins = [w for w, label in enumerate(said) if label[0] in "BS"]
        for first in begins:
            last = first + 1
            while last < len(said) and said[last][0] in "IE" and said[last][2:] == said[first][2:]:
                last += 1
            yield first, last, said[first][2:]
