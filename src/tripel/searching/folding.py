"""Rows -> entities: which entity each row stands for, how much closer it must be, and what may be found at all.

An entity scores as its best row. Several indexes stand together, one for names, one for clusters of training mentions; some
rows only speak for entities that others found.
Shapes: M queries, N rows of all parts end to end, R rows fetched, K entities wanted, E entities of the knowledge base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tripel.indexes.base import Bool, Float, Hits, Index, Int, Queries, best
from tripel.progress import Progress, silent

AT_ONCE = 4096  # queries; scores of cells and of rows are held for so many
RANKED = 256  # queries whose given entities are compared together, with every row where there are fewer
FETCHED = 4  # rows fetched for each entity wanted, at first: names of one entity come together


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one kind, searched by one index."""

    index: Index
    entity_N: Int
    """The entity of each row; -1 where it was taken out."""
    name_N: Int
    """Position in `kb.names` where the row is a name, -1 otherwise."""
    kind: str
    """What its rows are."""
    discount: float = 0.0
    """How much closer than others such a row must be."""
    finds: bool = True
    """Whether an entity is found by such rows; otherwise they are evidence of what was found alone."""


class Entities:
    """score(m, e) = max over rows r of e of s(m, r) - discount of r."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(part for part in parts if len(part.entity_N))
        if not any(part.finds for part in self.parts):
            raise ValueError("an index without rows: is the knowledge base empty?")
        self.first_P = np.cumsum([0, *(len(part.entity_N) for part in self.parts)])
        self.entity_N = np.concatenate([part.entity_N for part in self.parts])
        self.name_N = np.concatenate([part.name_N for part in self.parts])
        self.finds_N = np.concatenate([np.full(len(part.entity_N), part.finds) for part in self.parts])
        self.dense = any(part.index.dense for part in self.parts)
        """Queries need vectors; otherwise they are compared as they are spelt."""
        self.order_N = np.argsort(self.entity_N, kind="stable")
        self.sorted_N = self.entity_N[self.order_N]

    def kind(self, row: int) -> str:
        """What a row is: a name, an entity shown whole, a centroid, a description, or a cluster of training mentions."""
        return self.parts[int(np.searchsorted(self.first_P, row, side="right")) - 1].kind

    def discount(self, row: int) -> float:
        """How much closer than others a row must be."""
        return self.parts[int(np.searchsorted(self.first_P, row, side="right")) - 1].discount

    def search(self, queries: Queries, *, k: int, allowed_E: Bool | None = None) -> Hits:
        """The k closest entities of each query, and which row of each was closest; only those allowed.

        Rows are fetched until k distinct entities are sure: the last of them scores above every row not fetched. Ties go to
        the entity that comes first in the knowledge base.
        """
        allowed_N = None
        if allowed_E is not None:
            allowed_N = (self.entity_N >= 0) & allowed_E[np.maximum(self.entity_N, 0)]
        if k < 1:
            raise ValueError(f"{k} entities are asked for: at least 1")
        if len(queries) > AT_ONCE:
            parts = [
                self.search(
                    some(queries, np.arange(first, min(first + AT_ONCE, len(queries)))), k=k, allowed_E=allowed_E
                )
                for first in range(0, len(queries), AT_ONCE)
            ]
            return Hits(
                *(np.concatenate([getattr(part, name) for part in parts]) for name in ("row_MK", "score_MK", "name_MK"))
            )
        out = Hits(
            np.full((len(queries), k), -1, np.int64),
            np.full((len(queries), k), -np.inf, np.float32),
            np.full((len(queries), k), -1, np.int64),
        )
        left, fetched, every = np.arange(len(queries)), FETCHED * k, len(self.entity_N)
        while len(left):
            asked = some(queries, left)
            score_MR, row_MR, floor_M = self._nearest(asked, min(fetched, every), allowed_N)
            unsure = []
            for m, (scores, rows, floor) in enumerate(zip(score_MR, row_MR, floor_M, strict=True)):
                entities, places = _distinct(self.entity_N, rows, scores, k)
                if floor > -np.inf and (len(places) < k or scores[places[-1]] <= floor):
                    unsure.append(left[m])
                    continue
                out.row_MK[left[m], : len(places)] = entities
                out.score_MK[left[m], : len(places)] = scores[places]
                out.name_MK[left[m], : len(places)] = rows[places]
            left, fetched = np.array(unsure, np.int64), 4 * fetched
        return out

    def rank(self, queries: Queries, row_MK: Int, *, progress: Progress = silent) -> Hits:
        """Only the given entities of each query (-1 pads), closest first; ties keep the given order.

        An entity without rows is left out.
        """
        out = Hits(np.full_like(row_MK, -1), np.full(row_MK.shape, -np.inf, np.float32), np.full_like(row_MK, -1))
        for first in range(0, len(row_MK), RANKED):
            progress(first, len(row_MK))
            chosen = np.arange(first, min(first + RANKED, len(row_MK)))
            wanted = [self._finding(*self._rows(row_K)) for row_K in row_MK[chosen]]
            for m, (owner_R, place_R), score_R in zip(
                chosen, wanted, self._closeness(some(queries, chosen), wanted), strict=True
            ):
                if not len(place_R):
                    continue
                order = np.lexsort((np.arange(len(place_R)), -score_R, owner_R))
                best = order[np.flatnonzero(np.diff(owner_R[order], prepend=-1))]  # the best row of each
                best = best[np.argsort(-score_R[best], kind="stable")]
                out.row_MK[m, : len(best)] = row_MK[m, owner_R[best]]
                out.score_MK[m, : len(best)] = score_R[best]
                out.name_MK[m, : len(best)] = place_R[best]
        return out

    def rows_like(self, kind: str, queries: Queries, row_MK: Int) -> Iterator[tuple[Int, Float]]:
        """The rows of one kind that given entities have (-1 is none): for each query the place of the entity in its row of
        `row_MK`, and closeness without discount [R] each.

        Where more are asked for than there are, as of entities with thousands of clusters, all are compared at once.
        """
        for part, first in zip(self.parts, self.first_P.tolist(), strict=False):
            if part.kind == kind:
                yield from _closeness_to(part, first, queries, [self._rows(row_K) for row_K in row_MK])
                return
        yield from ((np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in row_MK)

    def _nearest(self, queries: Queries, fetched: int, allowed_N: Bool | None) -> tuple[Float, Int, Float]:
        """The closest rows of all parts [M, R], and what no row that was not fetched is above [M]: -inf where none is left."""
        found = []
        floor_M = np.full(len(queries), -np.inf, np.float32)
        for part, first in zip(self.parts, self.first_P.tolist(), strict=False):
            if not part.finds:
                continue
            here = None if allowed_N is None else allowed_N[first : first + len(part.entity_N)]
            rows = min(fetched, len(part.entity_N))
            score_MR, row_MR = part.index.nearest(queries, rows=rows, allowed_N=here)
            score_MR = score_MR - np.float32(part.discount)
            if rows < len(part.entity_N):
                floor_M = np.maximum(floor_M, score_MR[:, -1])
            gone_MR = (row_MR < 0) | (part.entity_N[row_MR] < 0)
            found.append((np.where(gone_MR, -np.inf, score_MR), np.where(gone_MR, -1, row_MR + first)))
        score_MR, row_MR = (np.hstack(columns) for columns in zip(*found, strict=True))
        return *best(score_MR, row_MR, rows=score_MR.shape[1]), floor_M

    def _finding(self, owner_R: Int, place_R: Int) -> tuple[Int, Int]:
        """Those of the rows that an entity is found by."""
        kept_R = self.finds_N[place_R]
        return owner_R[kept_R], place_R[kept_R]

    def _rows(self, row_K: Int) -> tuple[Int, Int]:
        """The rows of each entity, one entity after the other: place in `row_K`, and row [R] each."""
        first_K = np.searchsorted(self.sorted_N, row_K, side="left")
        end_K = np.where(row_K < 0, first_K, np.searchsorted(self.sorted_N, row_K, side="right"))
        counts_K = end_K - first_K
        begin_K = np.cumsum(counts_K) - counts_K
        within_R = np.repeat(first_K - begin_K, counts_K) + np.arange(counts_K.sum())
        return np.repeat(np.arange(len(row_K)), counts_K), self.order_N[within_R]

    def _closeness(self, queries: Queries, wanted: Sequence[tuple[Int, Int]]) -> list[Float]:
        """How close the wanted rows of each query are, discounts taken off [R] each."""
        found = [np.empty(len(place_R), np.float32) for _, place_R in wanted]
        for part, first in zip(self.parts, self.first_P.tolist(), strict=False):
            its = _closeness_to(part, first, queries, wanted)
            for out, (_, place_R), (_, score_R) in zip(found, wanted, its, strict=True):
                out[_of(part, first, place_R)] = score_R - np.float32(part.discount)
        return found


def _closeness_to(
    part: Part, first: int, queries: Queries, wanted: Sequence[tuple[Int, Int]]
) -> Iterator[tuple[Int, Float]]:
    """Owners and closeness of the wanted rows that are of a part, whose rows begin at `first`, for each query."""
    its = []
    for owner_R, place_R in wanted:
        kept_R = _of(part, first, place_R)
        its.append((owner_R[kept_R], place_R[kept_R] - first))
    if sum(len(place_R) for _, place_R in its) > len(part.entity_N):
        every_MN = part.index.closeness_of_all(queries)
        yield from ((owner_R, every_MN[m, place_R]) for m, (owner_R, place_R) in enumerate(its))
    else:
        for m, (owner_R, place_R) in enumerate(its):
            yield owner_R, part.index.closeness(some(queries, np.array([m])), place_R[None])[0]


def _of(part: Part, first: int, place_R: Int) -> Bool:
    """Which rows lie in a part, whose rows begin at `first`."""
    return np.asarray((place_R >= first) & (place_R < first + len(part.entity_N)))


def some(queries: Queries, places: Int) -> Queries:
    """Of some of the queries."""
    vectors = None if queries.vectors_MD is None else queries.vectors_MD[places]
    return Queries(tuple(queries.texts[i] for i in places) if queries.texts else (), vectors)


def _distinct(entity_N: Int, rows_R: Int, score_R: Float, k: int) -> tuple[Int, Int]:
    """The first k distinct entities of rows, closest first, and the place of each one's first row."""
    entities, first = np.unique(entity_N[rows_R[rows_R >= 0]], return_index=True)
    order = np.lexsort((entities, -score_R[first]))[:k]
    return entities[order], first[order]
