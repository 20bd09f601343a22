"""Names that mean the same, two by two, drawn from a knowledge base or listed. It knows no vectors.

Shapes: C concepts, P pairs, B pairs taken at a time. A name is its position in `kb.names`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tripel.knowledge import KnowledgeBase

Int = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Which pairs are drawn from a knowledge base."""

    more_than: int = 1
    """Only concepts with more than so many names."""
    concepts: int | None = None
    """So many of them, at random; all when left out."""
    most: int = 50
    """Pairs of one concept."""
    fewest: int | None = None
    """Where given, each concept's number of pairs is drawn between this and `most`."""

    def __post_init__(self) -> None:
        if self.most < 1 or self.more_than < 1 or not 1 <= (self.fewest or 1) <= self.most:
            raise ValueError(
                f"pairs: expected 1 <= fewest <= most and more_than >= 1,"
                f" found fewest={self.fewest}, most={self.most}, more_than={self.more_than}"
            )


class Pairs(ABC):
    """P pairs of names, told by their number, so that none need lie in memory."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, number_B: Int) -> tuple[Int, Int]:
        """The two names of each pair [B], [B]."""


class Listed(Pairs):
    """Pairs as they stand in a file."""

    def __init__(self, one_P: Int, other_P: Int) -> None:
        self.one_P, self.other_P = one_P, other_P

    def __len__(self) -> int:
        return len(self.one_P)

    def take(self, number_B: Int) -> tuple[Int, Int]:
        """By position."""
        return self.one_P[number_B], self.other_P[number_B]


class Drawn(Pairs):
    """Of each concept all pairs of its names, or `most` of them at random; worked out when they are taken."""

    def __init__(self, kb: KnowledgeBase, rows: Int, drawing: Drawing, *, seed: int) -> None:
        self.first_C = kb.first_E[rows]
        self.names_C = kb.first_E[rows + 1] - self.first_C
        self.seed = seed
        most_C = np.full(len(rows), drawing.most)
        if drawing.fewest is not None:
            most_C = np.random.default_rng([seed, 1]).integers(drawing.fewest, drawing.most + 1, size=len(rows))
        self.all_C = self.names_C * (self.names_C - 1) // 2
        self.end_C = np.cumsum(np.minimum(most_C, self.all_C))

    def __len__(self) -> int:
        return int(self.end_C[-1]) if len(self.end_C) else 0

    def take(self, number_B: Int) -> tuple[Int, Int]:
        """The earlier name of the concept first."""
        concept_B = np.searchsorted(self.end_C, number_B, side="right")
        begin_C = np.concatenate([[0], self.end_C])
        within_B = number_B - begin_C[concept_B]
        for b in np.flatnonzero(self.all_C[concept_B] > self.end_C[concept_B] - begin_C[concept_B]):
            within_B[b] = self._chosen(int(concept_B[b]), int(begin_C[concept_B[b]]))[within_B[b]]
        one_B, other_B = _of_triangle(within_B)
        return self.first_C[concept_B] + one_B, self.first_C[concept_B] + other_B

    def _chosen(self, concept: int, begin: int) -> Int:
        """Which of all pairs of a concept are its own: the same whenever asked."""
        rng = np.random.default_rng([self.seed, 2, int(self.first_C[concept])])
        return rng.choice(int(self.all_C[concept]), size=int(self.end_C[concept]) - begin, replace=False)


def candidates(kb: KnowledgeBase, drawing: Drawing, *, seed: int) -> Int:
    """The rows of the concepts that pairs may come from, in order. Raises ValueError where there are none."""
    rows = np.flatnonzero(np.diff(kb.first_E) > drawing.more_than)
    if not len(rows):
        raise ValueError(f"no concept has more than {drawing.more_than} names: lower pairs.more_than")
    if drawing.concepts is not None and drawing.concepts < len(rows):
        rows = np.sort(np.random.default_rng([seed, 3]).choice(rows, size=drawing.concepts, replace=False))
    return rows


def held_out(rows: Int, *, share: float, seed: int) -> tuple[Int, Int]:
    """The concepts to learn from and those held out: no concept is in both, whatever its pairs."""
    count = min(len(rows) - 1, int(np.ceil(share * len(rows))))
    apart = np.random.default_rng([seed, 4]).permutation(len(rows)) < count
    return rows[~apart], rows[apart]


def ambiguous(kb: KnowledgeBase) -> dict[str, frozenset[int]]:
    """Names, case apart, that several concepts have, with those concepts: never wrong for one another."""
    encoded = kb.folded.dictionary_encode()
    code_N = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    both_P = np.unique(code_N * len(kb) + kb.row_N)  # each name with each of its concepts once, by name
    code_P, row_P = np.divmod(both_P, len(kb))
    code_S, first_S, count_S = np.unique(code_P, return_index=True, return_counts=True)
    several = count_S > 1
    return {
        str(encoded.dictionary[code].as_py()): frozenset(row_P[first : first + count].tolist())
        for code, first, count in zip(*(found[several].tolist() for found in (code_S, first_S, count_S)), strict=True)
    }


def _of_triangle(number_B: Int) -> tuple[Int, Int]:
    """0, 1, 2, 3, ... -> (0, 1), (0, 2), (1, 2), (0, 3), ..."""
    other_B = ((1 + np.sqrt(1 + 8 * number_B.astype(np.float64))) // 2).astype(np.int64)
    other_B -= other_B * (other_B - 1) // 2 > number_B
    other_B += other_B * (other_B + 1) // 2 <= number_B
    return number_B - other_B * (other_B - 1) // 2, other_B
