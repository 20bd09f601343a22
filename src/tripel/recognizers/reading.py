"""Texts as names are compared with them: apart from case, accents, and the kind of blank, hyphen or apostrophe.

It knows no names. `fold` keeps the way back to the characters, so that offsets stay exact where folding makes one of them two
(`ß`, `ﬁ`) or none (an accent of its own, a soft hyphen). What each becomes hangs on itself alone, so a name is folded alike
wherever it stands.

Shapes: C characters of a text, F folded ones, P = F + 1 places before, between and after these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from unicodedata import category, combining, normalize

import numpy as np
from numpy.typing import NDArray

from tripel.indexes.base import Bool

ACCENT = (
    200  # the combining class from which on marks stand above or below a letter; others make it another one, as in kana
)
MINUS, ZERO_WIDTH_SPACE = "\u2212", "\u200b"
APOSTROPHES = "\u2018\u2019\u02bc\u2032\u00b4"
NO_CHARACTER = "\ufffd"  # for NUL and halves of surrogate pairs, which no trie takes


class _Table(dict[str, str]):
    """What each character becomes, worked out when it is first seen."""

    def __init__(self, *, cased: bool) -> None:
        super().__init__()
        self.cased = cased

    def __missing__(self, character: str) -> str:
        plain = _plain(character)
        return self.setdefault(character, plain if self.cased else plain.casefold())


class _Words(dict[str, bool]):
    """Whether each folded character is part of a word."""

    def __missing__(self, character: str) -> bool:
        return self.setdefault(character, character.isalnum() or category(character).startswith("M"))


FOLDED, CASED, WORD = _Table(cased=False), _Table(cased=True), _Words()


@dataclass(frozen=True, eq=False)
class Folded:
    """A folded text and where it comes from."""

    text: str
    begin_F: NDArray[np.int64]
    """The character that each folded one was made of."""
    end_F: NDArray[np.int64]
    """Where that ends, with the accents behind it."""
    word_F: Bool

    @cached_property
    def edge_P(self) -> Bool:
        """Whether a name may begin or end at a place: not within a word, and not within what was one character."""
        word_P = np.concatenate([[False], self.word_F, [False]])
        within_P = word_P[:-1] & word_P[1:]
        within_P[1:-1] |= self.begin_F[1:] == self.begin_F[:-1]
        edge_P: Bool = ~within_P
        return edge_P

    @cached_property
    def starts(self) -> list[int]:
        """Places where a name may begin."""
        return [place for place in np.flatnonzero(self.edge_P[:-1]).tolist() if self.text[place] != " "]

    @cached_property
    def words(self) -> list[tuple[int, int]]:
        """Where each word begins and ends, folded."""
        edges = pairwise(np.flatnonzero(self.edge_P).tolist())
        return [(first, end) for first, end in edges if self.word_F[first]]

    def span(self, first: int, end: int) -> tuple[int, int]:
        """The characters of the text that the folded ones [first, end) were made of."""
        return int(self.begin_F[first]), int(self.end_F[end - 1])


def fold(text: str) -> Folded:
    """A text without case, accents and so on, and the way back."""
    pieces = list(map(FOLDED.__getitem__, text))
    end_C = list(range(1, len(text) + 1))
    last = -1  # the piece before that is not empty
    for place, piece in enumerate(pieces):
        if piece == " " and last >= 0 and pieces[last] == " ":
            pieces[place] = ""
        elif piece:
            last = place
        elif last >= 0 and combining(text[place]):
            end_C[last] = place + 1
    length_C = np.fromiter(map(len, pieces), np.int64, len(pieces))
    folded = "".join(pieces)
    return Folded(
        folded,
        np.repeat(np.arange(len(pieces)), length_C),
        np.repeat(np.array(end_C, np.int64), length_C),
        np.fromiter(map(WORD.__getitem__, folded), np.bool_, len(folded)),
    )


def folded(name: str) -> str:
    """A name as `fold` has it within a text."""
    return _joined(name, FOLDED)


def cased(name: str) -> str:
    """The same with its case."""
    return _joined(name, CASED)


def _joined(name: str, table: Mapping[str, str]) -> str:
    return " ".join("".join(map(table.__getitem__, name)).split())


def _plain(character: str) -> str:
    """A character without accents; of letters and digits what they are made of, such as `fi` of the ligature."""
    kind = category(character)
    if character.isspace() or character == ZERO_WIDTH_SPACE:
        return " "
    if kind == "Pd" or character == MINUS:
        return "-"
    if character in APOSTROPHES:
        return "'"
    if kind == "Cf" or combining(character) >= ACCENT:
        return ""
    if kind == "Cs" or character == "\0":
        return NO_CHARACTER
    if not character.isalnum():
        return character
    return "".join(part for part in normalize("NFKD", character) if combining(part) < ACCENT)
