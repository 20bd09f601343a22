"""Every row scored against every query, exactly: in blocks of the shards on disk, on a GPU where there is one.

Shapes: M queries, N rows, R rows wanted, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np
import torch

from tripel.indexes.base import Bool, Float, Index, Int, Queries, best
from tripel.similarity import BY_NAME, Name
from tripel.vectors import Vectors

GATHERED = 1 << 18  # vectors brought together at a time to be scored again: 400 MB at 384 dimensions
CELLS = 1 << 28  # scores held at a time on a GPU: 1 GiB


class Exact(Index):
    """score(m, n) = s(m, n), for all n."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        pass

    def __init__(self, config: Config, vectors: Vectors, *, similarity: Name) -> None:
        """`vectors` as `similarity.searchable` gives them."""
        self.config = config
        self.vectors = vectors
        self.similarity = similarity

    def __len__(self) -> int:
        return len(self.vectors)

    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """By one product of matrices for each block; the scores of what is found are worked out one by one.

        Products lose digits: of distances, and of unit vectors that half precision made a little longer or shorter.
        """
        query_MD = vectors_of(queries)
        score_MR = np.full((len(query_MD), 0), -np.inf, np.float32)
        row_MR = np.full((len(query_MD), 0), -1, np.int64)
        for row_N, block_ND in self._blocks(allowed_N):
            score, place = _closest(query_MD, block_ND, min(rows, len(block_ND)), self.similarity)
            found = np.where(place < 0, -1, row_N[place])
            score_MR, row_MR = best(np.hstack([score_MR, score]), np.hstack([row_MR, found]), rows=rows)
        return best(self.closeness(queries, row_MR), row_MR, rows=rows)

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """Each row's vector brought from where it lies and compared."""
        query_MD = vectors_of(queries)
        out = np.full(row_MR.shape, -np.inf, np.float32)
        step = max(1, GATHERED // max(1, row_MR.shape[1]))
        for first in range(0, len(query_MD), step):
            rows_mR = row_MR[first : first + step]
            distinct, back = np.unique(np.maximum(rows_mR, 0), return_inverse=True)
            vectors_nD = self.vectors[distinct]
            for m, (rows, places) in enumerate(zip(rows_mR, back.reshape(rows_mR.shape), strict=True)):
                out[first + m] = one_by_one(query_MD[first + m], vectors_nD[places], self.similarity)
                out[first + m, rows < 0] = -np.inf
        return out

    def _blocks(self, allowed_N: Bool | None) -> Iterator[tuple[Int, Float]]:
        for first, block_ND in self.vectors.blocks():
            if allowed_N is None:
                yield np.arange(first, first + len(block_ND)), block_ND
                continue
            kept = np.flatnonzero(allowed_N[first : first + len(block_ND)])
            if len(kept):
                yield first + kept, block_ND[kept]


def vectors_of(queries: Queries) -> Float:
    """The vectors of queries, which every dense index needs."""
    assert queries.vectors_MD is not None, "a dense index is asked by vectors"
    return np.ascontiguousarray(queries.vectors_MD, np.float32)


def one_by_one(query_D: Float, vectors_RD: Float, similarity: Name) -> Float:
    """The closeness of one query to some vectors [R]."""
    closeness = BY_NAME[similarity](torch.from_numpy(query_D)[None], torch.from_numpy(vectors_RD))
    scores: Float = closeness[0].numpy()
    return scores


def _closest(query_MD: Float, block_ND: Float, rows: int, similarity: Name) -> tuple[Float, Int]:
    """Scores and places of the closest rows of a block [M, R], in no order that counts."""
    if torch.cuda.is_available():
        return _closest_on_gpu(query_MD, block_ND, rows, similarity)
    metric = faiss.METRIC_L2 if similarity == "euclidean" else faiss.METRIC_INNER_PRODUCT
    score, place = faiss.knn(query_MD, block_ND, rows, metric=metric)
    return (-score if similarity == "euclidean" else score), place.astype(np.int64)


def _closest_on_gpu(query_MD: Float, block_ND: Float, rows: int, similarity: Name) -> tuple[Float, Int]:
    query, block = torch.from_numpy(query_MD).cuda(), torch.from_numpy(block_ND).cuda()
    step = max(1, CELLS // len(block_ND))
    found = [BY_NAME[similarity](query[i : i + step], block).topk(rows, dim=1) for i in range(0, len(query), step)]
    score, place = (torch.cat(part).cpu().numpy() for part in zip(*found, strict=True))
    return score, place
