"""Names by spelling: cosine of TF-IDF vectors over character n-grams, over words, or both, fitted on the names alone.

Shapes: M queries, N names, B names of a block, F n-grams or words, R rows wanted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sparse_dot_topn import sp_matmul_topn

from tripel.indexes.base import Bool, Float, Index, Int, Queries, best

READ: dict[str, dict[str, object]] = {
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    "words": {"analyzer": "word", "token_pattern": r"[a-zA-Z0-9_]{1,}", "stop_words": "english"},
}
READS = {"characters": ("characters",), "words": ("words",), "mixed": ("characters", "words")}
BYTES = {"characters": 1500, "words": 600, "mixed": 2100}  # of a name, with its n-grams or words, while it is made
BLOCK = 1 << 18  # names made into vectors at a time: some 500 MB beside those that are made
NO_WORD = " "  # where names have none, as words are told, which are of Latin letters
QUERIES = 1024  # searched at a time: some 30 MB of scores and rows at 512 rows wanted


class Ngram(Index):
    """Cosine of TF-IDF vectors. It is quick to make, so it is made anew and not kept."""

    dense = False

    @dataclass(frozen=True, kw_only=True)
    class Config:
        read: Literal["characters", "words", "mixed"] = "characters"
        """n-grams of 2 to 5 characters within words, whole words, or the mean of both cosines."""
        threads: int = 2

    def __init__(self, config: Config, names: Sequence[str]) -> None:
        """Names are read twice: fitted on all at once, they would take three times the memory of their vectors."""
        self.config = config
        self.vectorizers = [_fitted(read, names) for read in READS[config.read]]
        self.blocks_FB = [
            csr_matrix(self._features(names[first : first + BLOCK]).T) for first in range(0, len(names), BLOCK)
        ]

    @staticmethod
    def size(config: Config, *, rows: int, dimensions: int) -> int:
        """Bytes in memory, as names of MeSH and MEDIC take them while it is made."""
        return BYTES[config.read] * rows

    def __len__(self) -> int:
        return sum(block_FB.shape[1] for block_FB in self.blocks_FB)

    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """By sparse products, a block at a time; a name that shares nothing with the query is not found."""
        query_MF = self._features(queries.texts)
        score_MR = np.full((len(queries), rows), -np.inf, np.float32)
        row_MR = np.full((len(queries), rows), -1, np.int64)
        for row_B, block_FB in self._allowed(allowed_N):
            for first in range(0, len(queries), QUERIES):
                some = slice(first, first + QUERIES)
                top = sp_matmul_topn(query_MF[some], block_FB, top_n=rows, n_threads=self.config.threads)
                score, place = _dense(top, rows)
                score = np.hstack([score_MR[some], score])
                row = np.hstack([row_MR[some], np.where(place < 0, -1, row_B[place])])
                score_MR[some], row_MR[some] = best(score, row, rows=rows)
        return score_MR, row_MR

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """Products of the rows asked for."""
        query_MF = self._features(queries.texts)
        out = np.full(row_MR.shape, -np.inf, np.float32)
        for number, block_FB in enumerate(self.blocks_FB):
            here_MR = row_MR // BLOCK == number
            for m in np.flatnonzero(here_MR.any(axis=1)):
                score_B = (query_MF[m] @ block_FB).toarray()[0]
                out[m, here_MR[m]] = score_B[row_MR[m, here_MR[m]] - number * BLOCK]
        return out

    def _allowed(self, allowed_N: Bool | None) -> Iterator[tuple[Int, csr_matrix]]:
        """The rows of each block that may be found, and their vectors."""
        for number, block_FB in enumerate(self.blocks_FB):
            row_B = np.arange(number * BLOCK, number * BLOCK + block_FB.shape[1])
            if allowed_N is None:
                yield row_B, block_FB
            elif allowed_N[row_B].any():
                kept = np.flatnonzero(allowed_N[row_B])
                yield row_B[kept], csr_matrix(block_FB[:, kept])

    def _features(self, texts: Sequence[str]) -> csr_matrix:
        """Of unit length where each reading finds something."""
        read = [vectorizer.transform(text.casefold() for text in texts) for vectorizer in self.vectorizers]
        return csr_matrix(read[0] if len(read) == 1 else hstack(read) / np.float32(math.sqrt(len(read))))


def _fitted(read: str, names: Sequence[str]) -> TfidfVectorizer:
    """What scikit-learn fits, without the counts of all names in memory."""
    analyze = TfidfVectorizer(**READ[read]).build_analyzer()
    having: Counter[str] = Counter()
    for name in names:
        having.update(set(analyze(name.casefold())))
    grams = sorted(having) or [NO_WORD]
    vectorizer = TfidfVectorizer(vocabulary=grams, dtype=np.float32, **READ[read])
    having_F = np.array([having[gram] for gram in grams], np.float32)
    vectorizer.idf_ = np.log((1 + np.float32(len(names))) / (1 + having_F)) + 1
    return vectorizer


def _dense(top: csr_matrix, rows: int) -> tuple[Float, Int]:
    """Scores and places of each query's names [M, R]; -inf and -1 pad."""
    score_MR = np.full((top.shape[0], rows), -np.inf, np.float32)
    place_MR = np.full((top.shape[0], rows), -1, np.int64)
    m = np.repeat(np.arange(top.shape[0]), np.diff(top.indptr))
    r = np.arange(len(top.data)) - top.indptr[m]
    score_MR[m, r], place_MR[m, r] = top.data, top.indices
    return score_MR, place_MR
