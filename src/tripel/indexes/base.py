"""What every index answers, and the rows it answers about. Which entity a row stands for is not known here.

Shapes: M queries, N rows, R rows wanted, K entities wanted, D dimensions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Hits:
    """The closest entities of each query, closest first; equally close ones in the order of the knowledge base."""

    row_MK: NDArray[np.int64]
    """Rows of the knowledge base; -1 pads."""
    score_MK: NDArray[np.float32]
    """Higher is closer; -inf pads."""
    name_MK: NDArray[np.int64]
    """Which name (or row of the index) matched; -1 where none is known."""


@dataclass(frozen=True, eq=False)
class Queries:
    """What is asked, as a dense index reads it and as a lexical one does."""

    texts: tuple[str, ...] = ()
    vectors_MD: Float | None = None

    def __len__(self) -> int:
        return len(self.texts) if self.vectors_MD is None else len(self.vectors_MD)


class Index(ABC):
    """N rows. One file each in `indexes/`; `Config` holds its settings."""

    Config: type[Any]
    dense: ClassVar[bool] = True
    """Rows are vectors; otherwise they are texts."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def nearest(self, queries: Queries, *, rows: int, allowed_N: Bool | None = None) -> tuple[Float, Int]:
        """Scores and rows of the closest `rows` rows, closest first [M, R]; -inf and -1 pad.

        A score is the row's exact one, however it was found. `allowed_N` acts before ranking, and exactly.
        """

    @abstractmethod
    def closeness(self, queries: Queries, row_MR: Int) -> Float:
        """The exact score of given rows [M, R]; -inf for -1."""

    def closeness_of_all(self, queries: Queries) -> Float:
        """The score of every row [M, N]."""
        every_MN = np.broadcast_to(np.arange(len(self)), (len(queries), len(self)))
        return self.closeness(queries, every_MN)


def best(score_MR: Float, row_MR: Int, *, rows: int) -> tuple[Float, Int]:
    """The highest scores of each query and their rows, ties by row; pads last [M, rows]."""
    order_MR = np.lexsort((np.where(row_MR < 0, np.iinfo(np.int64).max, row_MR), -score_MR), axis=1)[:, :rows]
    score, row = np.take_along_axis(score_MR, order_MR, 1), np.take_along_axis(row_MR, order_MR, 1)
    short = rows - score.shape[1]
    if short <= 0:
        return score, row
    return np.pad(score, ((0, 0), (0, short)), constant_values=-np.inf), np.pad(
        row, ((0, 0), (0, short)), constant_values=-1
    )
