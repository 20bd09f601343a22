"""Names by spelling: cosine of TF-IDF vectors over character n-grams or over words, fitted on the names alone.

Shapes: M queries, N names, R rows wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sparse_dot_topn import sp_matmul_topn

from tripel.indexes.base import Bool, Float, Index, Int, Queries

READ: dict[str, dict[str, object]] = {
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    "words": {"analyzer": "word", "token_pattern": r"[a-zA-Z0-9_]{1,}", "stop_words": "english"},
}


class Ngram(Index):
    """Cosine of TF-IDF vectors. It is quick to make, so it is made anew and not kept."""

    dense = False

    @dataclass(frozen=True, kw_only=True)
    class Config:
        read: Literal["characters", "words"] = "characters"
        """n-grams of 2 to 5 characters within words, or whole words."""
        threads: int = 2

    def __init__(self, config: Config, names: Sequence[str]) -> None:
        self.config = config
        self.vectorizer = TfidfVectorizer(dtype=np.float32, **READ[config.read])
        self.features_NF = csr_matrix(self.vectorizer.fit_transform([name.casefold() for name in names]))
        self.features_FN = csr_matrix(self.features_NF.T)

    def __len__(self) -> int:
        return int(self.features_NF.shape[0])

    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """By one sparse product; a name that shares nothing with the query is not found."""
        score_MR = np.full((len(queries), rows), -np.inf, np.float32)
        row_MR = np.full((len(queries), rows), -1, np.int64)
        features_FN, kept = self.features_FN, None
        if allowed_N is not None:
            kept = np.flatnonzero(allowed_N)
            features_FN = csr_matrix(self.features_FN[:, kept])
        top = sp_matmul_topn(self._features(queries), features_FN, top_n=rows, sort=True, n_threads=self.config.threads)
        for m in range(len(queries)):
            here = slice(top.indptr[m], top.indptr[m + 1])
            names, scores = top.indices[here], top.data[here]
            order = np.lexsort((names, -scores))
            row_MR[m, : len(order)] = names[order] if kept is None else kept[names[order]]
            score_MR[m, : len(order)] = scores[order]
        return score_MR, row_MR

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """Products of the rows asked for."""
        query_MF = self._features(queries)
        out = np.full(row_MR.shape, -np.inf, np.float32)
        for m, rows in enumerate(row_MR):
            scores = (self.features_NF[np.maximum(rows, 0)] @ query_MF[m].T).toarray()[:, 0]
            out[m] = np.where(rows < 0, -np.inf, scores)
        return out

    def _features(self, queries: Queries) -> csr_matrix:
        return csr_matrix(self.vectorizer.transform([text.casefold() for text in queries.texts]))
