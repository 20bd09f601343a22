"""The index of names that `name_search` asks: a file of SQLite with its origin beside it, whole or not there.

FOLDER/origin.json     the fingerprint of the knowledge base
FOLDER/names.sqlite    FTS5 over the words of each name and the types of its entity; row 0 is the shortest name
FOLDER/order.npy       the position in `kb.names` of each row [N]

Shapes: N names, E entities.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tripel.annotations.alone import alone
from tripel.annotations.typed_words import plain
from tripel.files import mended, read_json, swap_in, write_json
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent

NAMES, ORDER, ORIGIN = "names.sqlite", "order.npy", "origin.json"
FORMAT = 1
PREFIXES = "1 2 3 4 5 6 7 8"  # beginnings of words that have lists of their own; a longer one joins few words
AT_ONCE = 50_000  # names written together
HELD = 64 << 20  # bytes of words that are sorted in memory
MAPPED = 1 << 40  # the whole file is mapped, whatever its size


def build(kb: KnowledgeBase, folder: Path, *, progress: Progress = silent) -> None:
    """Make the index in `folder`, unless it is there and of this knowledge base. Whoever comes while it is made waits for it.

    Raises ValueError where this Python's SQLite has no FTS5.
    """
    origin = {"format": FORMAT, "knowledge_base": kb.fingerprint}
    with alone(folder):
        if _there(folder, origin):
            return
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        _write(kb, part, progress)
        write_json(part / ORIGIN, origin)
        swap_in(part, folder)


def connected(path: Path) -> sqlite3.Connection:
    """A connection that only reads; nothing changes the file while it is open."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.execute(f"PRAGMA mmap_size={MAPPED}")
    return connection


def types(kb: KnowledgeBase) -> list[str]:
    """All semantic types in their order; the place of each is what it is called in the index."""
    return sorted(filter(None, pc.unique(pc.list_flatten(kb.table["types"])).to_pylist()))


def _there(folder: Path, origin: dict[str, object]) -> bool:
    path = mended(folder) / ORIGIN
    return path.is_file() and read_json(path) == origin


def _write(kb: KnowledgeBase, part: Path, progress: Progress) -> None:
    words = plain(kb.names)
    name_N = _order(kb, pc.utf8_length(words).to_numpy())
    np.save(part / ORDER, name_N)
    path = part / NAMES
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")  # it is synced once, whole, before it has its name
        try:
            connection.execute(
                f"CREATE VIRTUAL TABLE names USING fts5(words, types, content='', columnsize=0, prefix='{PREFIXES}')"
            )
        except sqlite3.OperationalError:
            raise ValueError("the SQLite of this Python has no FTS5; use a Python whose SQLite has it") from None
        connection.execute("INSERT INTO names(names, rank) VALUES ('hashsize', ?)", (HELD,))
        number = {type: f"t{place}" for place, type in enumerate(types(kb))}
        connection.execute("BEGIN")
        for first in range(0, len(name_N), AT_ONCE):
            some = name_N[first : first + AT_ONCE]
            its = kb.table["types"].take(np.searchsorted(kb.first_E, some, side="right") - 1).to_pylist()
            coded = (" ".join(number[type] for type in types if type) for types in its)
            numbered = zip(range(first, first + len(some)), words.take(some).to_pylist(), coded, strict=True)
            connection.executemany("INSERT INTO names(rowid, words, types) VALUES (?, ?, ?)", numbered)
            progress(first + len(some), len(name_N))
        connection.execute("COMMIT")
        connection.execute("INSERT INTO names(names) VALUES ('optimize')")
    for written in (path, part / ORDER):
        with written.open("rb") as file:
            os.fsync(file.fileno())


def _order(kb: KnowledgeBase, length_N: NDArray[np.int32]) -> NDArray[np.int64]:
    """Names by their length; of equal ones those that are preferred first, then as the knowledge base has them [N]."""
    other_N = np.ones(len(length_N), np.bool_)
    other_N[kb.first_E[:-1]] = False
    return np.lexsort((other_N, length_N)).astype(np.int64)
