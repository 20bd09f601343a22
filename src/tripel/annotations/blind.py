"""The sheets of annotators who work blind, side by side: for a reviewer, and for figures of agreement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, select

from tripel.annotations import datasets
from tripel.annotations.agreement import Agreement, Compared, agreement, counting
from tripel.annotations.appending import in_parts, sheet_of
from tripel.annotations.beginning import ANNOTATOR
from tripel.annotations.database import Database
from tripel.annotations.hierarchy import Hierarchy
from tripel.annotations.schema import sheets, users
from tripel.annotations.sheet import Sheet


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """The sheet of one annotator."""

    user: int
    name: str
    sheet: Sheet


def side_by_side(connection: Connection, documents: list[int]) -> dict[int, list[Theirs]]:
    """Of each document the sheets of its annotators, in the order of their ids."""
    asked = select(sheets, users.c.name).select_from(sheets.join(users, users.c.id == sheets.c.owner))
    asked = asked.where(sheets.c.kind == ANNOTATOR).order_by(sheets.c.owner)
    found: dict[int, list[Theirs]] = {document: [] for document in documents}
    for row in in_parts(connection, asked, sheets.c.document, documents):
        found[row.document].append(Theirs(user=row.owner, name=row.name, sheet=sheet_of(row)))
    return found


def compared(database: Database, project: int) -> Iterator[Compared]:
    """The documents of a project's last data set that two or more annotators marked done, with what counts of each."""
    last = datasets.latest(database, project)
    some = [] if last is None else datasets.document_ids(database, last.id)
    for first in range(0, len(some), datasets.PAGE):
        ids = some[first : first + datasets.PAGE]
        with database.connect() as connection:
            there = side_by_side(connection, ids)
        done = {
            document: {one.user: one.sheet.marks for one in theirs if one.sheet.done}
            for document, theirs in there.items()
        }
        for stored in datasets.some(database, [document for document in ids if len(done[document]) > 1]):
            yield Compared(document=stored.id, text=stored.text, marks=counting(done[stored.id]))


@lru_cache(maxsize=1)
def hierarchy_of(path: Path) -> Hierarchy:
    """A hierarchy, which is read once: a large one takes seconds. Raises BadInput, OSError."""
    return Hierarchy.read(path)


def agreed(database: Database, project: int, *, hierarchy: Path | None = None) -> Agreement:
    """How far the annotators of a project agree. `hierarchy`: a file that `Hierarchy.read` reads. Raises BadInput, OSError."""
    known = None if hierarchy is None else hierarchy_of(hierarchy)
    return agreement(list(compared(database, project)), hierarchy=known)
