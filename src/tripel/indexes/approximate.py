"""What the approximate indexes share: faiss finds, the vectors on disk decide. What quantisation lost comes back that way.

Shapes: M queries, N rows, R rows wanted, D dimensions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from tripel.encoding.similarity import Name
from tripel.files import replacing
from tripel.indexes.base import Bool, Float, Index, Int, Queries, best
from tripel.indexes.exact import Exact, vectors_of
from tripel.searching.vectors import Vectors

Progress = Callable[[int, int], None]
BLOCK = 65_536  # rows added between two calls of a progress bar


class FaissIndex(Index):
    """A faiss index of the rows, and their vectors beside it."""

    def __init__(self, config: Any, vectors: Vectors, *, similarity: Name, found: faiss.Index) -> None:
        """`found`: what `build` gave or `open` read."""
        self.config = config
        self.exact = Exact(Exact.Config(), vectors, similarity=similarity)
        self.found = found

    @staticmethod
    def check(config: Any, *, rows: int, dimensions: int, similarity: Name) -> None:
        """Raises ValueError where so many rows cannot be searched with these settings."""

    def __len__(self) -> int:
        return len(self.exact)

    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """More rows than wanted are found, then scored exactly. Under a filter every allowed row is scored."""
        if allowed_N is not None:
            return self.exact.nearest(queries, rows=rows, allowed_N=allowed_N)
        wanted = min(len(self), self.overfetch * rows)
        row_MR = self.search(vectors_of(queries), wanted)
        score_MR, row_MR = best(self.closeness(queries, row_MR), row_MR, rows=min(rows, wanted))
        short = np.flatnonzero(row_MR[:, -1] < 0)  # the cells read had fewer rows, or the graph led to fewer
        if len(short):
            fewer = Queries(vectors_MD=vectors_of(queries)[short])
            score_MR[short], row_MR[short] = self.exact.nearest(fewer, rows=row_MR.shape[1])
        return best(score_MR, row_MR, rows=rows)

    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """As the exact index has it."""
        return self.exact.closeness(queries, row_MR)

    def closeness_of_all(self, queries: Queries) -> Float:
        """As the exact index has it."""
        return self.exact.closeness_of_all(queries)

    def save(self, path: Path) -> None:
        """faiss's own format, atomically."""
        with replacing(path) as part:
            faiss.write_index(self.found, str(part))

    @property
    @abstractmethod
    def overfetch(self) -> int:
        """Rows found for each one wanted, before they are scored exactly."""

    @abstractmethod
    def search(self, query_MD: Float, wanted: int) -> Int:
        """About the closest rows of each query, -1 pads [M, wanted]."""


def extended(path: Path, vectors: Vectors, *, first: int, output: Path, progress: Progress) -> None:
    """Add the rows from `first` on to what `save` wrote, and write that elsewhere."""
    found = faiss.read_index(str(path))
    add(found, vectors, first=first, progress=progress)
    with replacing(output) as part:
        faiss.write_index(found, str(part))


def opened(path: Path) -> faiss.Index:
    """Memory-map what `save` wrote. Raises ValueError where it is something else."""
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        said = str(error).rpartition(":")[2].strip()
        raise ValueError(
            f"{path}: not a search structure that can be read ({said}); delete it and build again"
        ) from None


def add(found: faiss.Index, vectors: Vectors, *, first: int, progress: Progress) -> None:
    """Add the vectors from row `first` on, block by block."""
    for begin, block_ND in vectors.blocks():
        for i in range(0, len(block_ND), BLOCK):
            rows = block_ND[max(i, first - begin) : i + BLOCK]
            if len(rows):
                found.add(np.asarray(rows, np.float32))
            progress(begin + min(i + BLOCK, len(block_ND)), len(vectors))


def metric(similarity: Name) -> int:
    """faiss's metric. Unit vectors are ranked alike by cosine and by distance, and graphs are better by distance."""
    return int(faiss.METRIC_INNER_PRODUCT if similarity == "dot" else faiss.METRIC_L2)
