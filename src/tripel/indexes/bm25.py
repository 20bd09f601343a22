"""BM25 (Robertson & Zaragoza 2009, equation 3.15) over the words of names: the baseline that search engines give.

Shapes: M queries, N names, R rows wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bm25s
import numpy as np

from tripel.indexes.base import Bool, Float, Index, Int, Queries, best

WORD = r"(?u)\b\w+\b"  # one letter, too: "vitamin D"

BYTES = 900  # of a name, with its words, while it is made


class Bm25(Index):
    """Sum over the words of the query of their weight in the name. It is quick to make, so it is made anew and not kept."""

    dense = False

    @dataclass(frozen=True, kw_only=True)
    class Config:
        k1: float = 1.2
        """How soon a repeated word counts no more."""
        b: float = 0.75
        """How much a long name is held against it."""

    def __init__(self, config: Config, names: Sequence[str]) -> None:
        self.config = config
        self.count = len(names)
        self.found = bm25s.BM25(k1=config.k1, b=config.b)
        self.found.index(_words(names), show_progress=False)

    @staticmethod
    def size(config: Config, *, rows: int, dimensions: int) -> int:
        """Bytes in memory, as names of MeSH and MEDIC take them while it is made."""
        return BYTES * rows

    def __len__(self) -> int:
        return self.count

    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """Every name that shares a word is scored."""
        score_MR = np.full((len(queries), rows), -np.inf, np.float32)
        row_MR = np.full((len(queries), rows), -1, np.int64)
        for m, score_N in enumerate(self._scores(queries)):
            found = np.flatnonzero(score_N > 0 if allowed_N is None else (score_N > 0) & allowed_N)
            if len(found) > rows:
                edge = np.partition(score_N[found], -rows)[-rows]
                found = found[score_N[found] >= edge]
            scores, kept = best(score_N[found][None], found[None], rows=rows)
            score_MR[m], row_MR[m] = scores[0], kept[0]
        return score_MR, row_MR

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """Scores of the rows asked for."""
        out = [
            np.where(rows < 0, -np.inf, score_N[rows])
            for rows, score_N in zip(row_MR, self._scores(queries), strict=True)
        ]
        return np.array(out, np.float32).reshape(row_MR.shape)

    def _scores(self, queries: Queries) -> Sequence[Float]:
        nothing = np.zeros(self.count, np.float32)
        return [
            np.asarray(self.found.get_scores(known), np.float32) if known else nothing
            for words in _words(queries.texts)
            for known in [[word for word in words if word in self.found.vocab_dict]]
        ]


def _words(texts: Sequence[str]) -> list[list[str]]:
    words: list[list[str]] = bm25s.tokenize(
        list(texts), token_pattern=WORD, stopwords=[], return_ids=False, show_progress=False
    )
    return words
