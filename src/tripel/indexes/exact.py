"""Every row scored against every query, exactly: shard by shard as they are mapped, on a GPU where there is one.

Shapes: M queries, N rows, R rows wanted, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tripel.encoding.similarity import BY_NAME, Name
from tripel.indexes.base import Bool, Float, Index, Int, Queries, best
from tripel.searching.vectors import Vectors, resident

CELLS = 1 << 25  # scores held at a time: 128 MB
COMPARED = 1 << 14  # rows brought at a time to be compared each with one query: 25 MB at 384 dimensions
ROWS = 1024  # made single precision at a time by each core, few enough for its cache: 8,192 took a query twice as long


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
            score, place = _closest(query_MD, block_ND, min(rows, len(row_N)), self.similarity)
            found = np.where(place < 0, -1, row_N[place])
            score_MR, row_MR = best(np.hstack([score_MR, score]), np.hstack([row_MR, found]), rows=rows)
        return best(self.closeness(queries, row_MR), row_MR, rows=rows)

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """Each row's vector brought from where it lies and compared."""
        query_MD = torch.from_numpy(vectors_of(queries))
        out = np.full(row_MR.shape, -np.inf, np.float32)
        step = max(1, COMPARED // max(1, row_MR.shape[1]))
        for first in range(0, len(row_MR), step):
            rows = row_MR[first : first + step]
            brought_mRD = torch.from_numpy(self.vectors[rows.clip(0).ravel()]).view(
                *rows.shape, self.vectors.dimensions
            )
            closeness = BY_NAME[self.similarity](query_MD[first : first + step, None], brought_mRD)
            out[first : first + step] = np.where(rows < 0, -np.inf, closeness[:, 0].numpy())
        return out

    def closeness_of_all(self, queries: Queries) -> Float:
        """By one product of matrices for each block."""
        query_MD = torch.from_numpy(vectors_of(queries))
        found = [
            BY_NAME[self.similarity](query_MD.to(block_ND.device), block_ND.float()).cpu()
            for _, block_ND in self._blocks(None)
        ]
        every_MN: Float = torch.cat(found, dim=1).numpy()
        return every_MN

    def _blocks(self, allowed_N: Bool | None) -> Iterator[tuple[Int, Tensor]]:
        """Rows, and their vectors where they are compared."""
        if allowed_N is None and self._on_gpu is not None:
            yield np.arange(len(self)), self._on_gpu
            return
        for first, block_ND in self.vectors.blocks():
            row_N = first + np.arange(len(block_ND))
            tensor_ND = torch.from_numpy(block_ND)
            if allowed_N is not None:
                row_N = row_N[allowed_N[row_N]]
                tensor_ND = tensor_ND[torch.from_numpy(row_N - first)]
            if len(row_N):
                yield row_N, _moved(tensor_ND)

    @cached_property
    def _on_gpu(self) -> Tensor | None:
        """All vectors, moved there once, where there is a GPU and they are not too many."""
        few = len(self.vectors.parts) == 1 or resident(len(self), self.vectors.dimensions)
        if not (torch.cuda.is_available() and few and len(self)):
            return None
        return torch.cat([_moved(torch.from_numpy(part)) for part in self.vectors.parts])


def vectors_of(queries: Queries) -> Float:
    """The vectors of queries, which every dense index needs."""
    assert queries.vectors_MD is not None, "a dense index is asked by vectors"
    return np.ascontiguousarray(queries.vectors_MD, np.float32)


def _moved(vectors_ND: Tensor) -> Tensor:
    """On the GPU, in single precision, where there is one; else as they are."""
    return vectors_ND.to("cuda", torch.float32) if torch.cuda.is_available() else vectors_ND


def _closest(query_MD: Float, block_ND: Tensor, rows: int, similarity: Name) -> tuple[Float, Int]:
    """About the scores, and the places, of the closest rows of a block [M, R].

    By torch also without a GPU: on a CPU of 2023 its product of matrices was 15 times as fast as the one faiss brings.
    """
    step = max(1, CELLS // len(block_ND))
    found = []
    for first in range(0, len(query_MD), step):
        query_mD = torch.from_numpy(query_MD[first : first + step]).to(block_ND.device)
        found.append(_products(query_mD, block_ND, similarity).topk(rows, dim=1))
    score, place = (torch.cat(part).cpu().numpy() for part in zip(*found, strict=True))
    return score, place


def _products(query_mD: Tensor, block_ND: Tensor, similarity: Name) -> Tensor:
    """What ranks the rows of a block for each query as the similarity does [m, N]."""
    out_mN = torch.empty(len(query_mD), len(block_ND), device=block_ND.device)
    rows = len(block_ND) if block_ND.dtype == torch.float32 else ROWS * torch.get_num_threads()
    for some_nD, out_mn in zip(torch.split(block_ND, rows), torch.split(out_mN, rows, dim=1), strict=True):
        single_nD = some_nD.float()
        torch.mm(query_mD, single_nD.T, out=out_mn)
        if similarity == "euclidean":  # of one query: |q - v|^2 = |v|^2 - 2 q v + a constant
            out_mn.mul_(2).sub_(single_nD.square().sum(dim=1))
    return out_mN
