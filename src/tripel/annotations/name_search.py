"""Full-text search over the names of a knowledge base, as one types. It knows no pages and no models.

The last word may be begun only; words come in any order; case and diacritics do not matter; an id is found exactly. First come
names that begin with what is typed, then those that have all its words, then those that have words beginning with each of
them; the shorter first, so that the very name is the first of all. An entity comes once.

The index is SQLite's FTS5. Its rows are the names in the order of their length, so what it gives first is the best, and it need
not look further: `scripts/benchmarks/name_search.py` measures it against tantivy, which ranks all that it finds.
Shapes: N names, E entities.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tripel.annotations import name_index
from tripel.annotations.typed_words import ranges, words
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent

LONGEST = 200  # characters of a query that are read
MOST_WORDS = 12


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
    """Finds entities by what one types. Any thread may ask."""

    def __init__(self, kb: KnowledgeBase, folder: Path) -> None:
        """`folder` holds the index of this knowledge base: `open` makes it."""
        self.kb = kb
        self._path = folder / name_index.NAMES
        self._name_N = np.load(folder / name_index.ORDER, mmap_mode="r")
        self._types = {type: number for number, type in enumerate(name_index.types(kb))}
        self._threads = threading.local()

    @classmethod
    def open(cls, kb: KnowledgeBase, folder: Path, *, progress: Progress = silent) -> NameSearch:
        """The index in `folder`, built there first where there is none of this knowledge base.

        Raises ValueError where this Python's SQLite has no FTS5, OSError where the folder cannot be written.
        """
        name_index.build(kb, folder, progress=progress)
        return cls(kb, folder)

    def find(self, query: str, *, k: int = 20, types: Iterable[str] = ()) -> list[Found]:
        """At most k entities, best first; only those of one of `types` where some are given. Nothing typed finds nothing.

        Raises ValueError for a type that no entity has.
        """
        wanted, typed = frozenset(types), words(query[:LONGEST])[:MOST_WORDS]
        allowed = self._allowed(wanted)
        found: dict[int, Found] = {}
        row = self._by_id(query.strip())
        if row is not None and (not wanted or wanted & set(self.kb.types(row))):
            found[row] = self._found(row, int(self.kb.first_E[row]), [], begun=False)
        for question, begun in _questions(typed):
            for name in self._names(question + allowed):
                if len(found) >= k:
                    return list(found.values())[:k]
                row = int(np.searchsorted(self.kb.first_E, name, side="right")) - 1
                if row not in found:
                    found[row] = self._found(row, name, typed, begun=begun)
        return list(found.values())[:k]

    def _found(self, row: int, name: int, typed: list[str], *, begun: bool) -> Found:
        matched = str(self.kb.names[name].as_py())
        return Found(
            row=row,
            entity=self.kb.id(row),
            name=str(self.kb.names[int(self.kb.first_E[row])].as_py()),
            matched=matched,
            ranges=ranges(matched, typed, begun=begun) if typed else (),
            types=self.kb.types(row),
        )

    def _by_id(self, query: str) -> int | None:
        """The row of an id, however it is cased, and with the vocabulary in front or not: `d003920`, `MESH:D003920`."""
        said = (query, query.upper(), query.rpartition(":")[2], query.rpartition(":")[2].upper())
        return next((row for row in map(self.kb.row, filter(None, said)) if row is not None), None)

    def _allowed(self, wanted: frozenset[str]) -> str:
        unknown = wanted - self._types.keys()
        if unknown:
            raise ValueError(f"no entity has types {', '.join(sorted(unknown))}; `tripel kb stats` lists them")
        listed = " OR ".join(f"t{self._types[type]}" for type in sorted(wanted))
        return f" AND types : ({listed})" if wanted else ""

    def _names(self, question: str) -> Iterator[int]:
        """Positions in `kb.names` of names, the shorter first, as they are found."""
        for (rowid,) in self._connection().execute("SELECT rowid FROM names WHERE names MATCH ?", (question,)):
            yield int(self._name_N[rowid])

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = name_index.connected(self._path)
        connection: sqlite3.Connection = self._threads.connection
        return connection


def _questions(typed: list[str]) -> Iterator[tuple[str, bool]]:
    """What FTS5 is asked, one after the other, and whether every word may be a beginning. Words are letters and digits alone."""
    if not typed:
        return
    quoted = [f'"{word}"' for word in typed]
    yield f"words : (^ {' + '.join(quoted)} *)", False
    yield f"words : ({' AND '.join(quoted)} *)", False
    if len(typed) > 1:
        yield f"words : ({' AND '.join(f'{one} *' for one in quoted)})", True
