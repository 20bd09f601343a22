"""What a project's documents have on them now, or had at a moment: for each document the one sheet that counts.

That is the shared sheet; where annotators work blind, the reviewer's, and until something was chosen there, that of the only
annotator who decided anything. Where several did, nothing counts until a reviewer has settled it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, select

from tripel.annotations import datasets
from tripel.annotations.appending import in_parts, sheet_of
from tripel.annotations.beginning import ANNOTATOR, FINAL, SHARED
from tripel.annotations.database import Database
from tripel.annotations.datasets import Stored
from tripel.annotations.ledger import history
from tripel.annotations.schema import sheets, written
from tripel.annotations.sheet import Sheet, replay
from tripel.documents import Document

GIVEN = ("GOLD", "USER")  # what people said, of this document


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """A document and what counts of it."""

    stored: Stored
    sheet: Sheet
    """An empty one with id 0 where nothing counts yet."""

    def document(self, labels: Collection[str] = GIVEN) -> Document:
        """With the mentions whose label is one of these. One that is NIL has no entity, as one that is not linked yet."""
        its = [mark.mention() for mark in self.sheet.marks if mark.label in labels]
        return self.stored.document().having(mentions=its)

    @property
    def whole(self) -> bool:
        """Whether all its mentions are known: a person marked it done, or its gold came with it and nobody changed it."""
        return self.sheet.done or self.sheet.as_uploaded


def annotated(
    database: Database,
    project: int,
    *,
    dataset: int | None = None,
    whose: int | None = None,
    until: datetime | None = None,
) -> Iterator[Annotated]:
    """The documents of a data set, the last one where none is named, in their order; nothing where there is no data set.

    `whose`: the sheets of one annotator of a blind project, instead of those that count. `until`: as it stood then, with the
    data set that was the last one then. Raises LookupError where there is no such data set in the project, ValueError for a
    moment without a time zone.
    """
    if until is not None:
        written(until)
    chosen = datasets.latest(database, project, until=until) if dataset is None else datasets.get(database, dataset)
    if chosen is None:
        return
    if chosen.project != project:
        raise LookupError(f"there is no data set {dataset} in project {project}")
    yield from _annotated(database, datasets.documents_of(database, chosen.id), whose, until)


def agreed(database: Database, wanted: Sequence[int]) -> Iterator[Annotated]:
    """Some documents by their numbers, as they stand, with what all may see: where annotators work blind the reviewer's alone."""
    return _annotated(database, datasets.some(database, wanted), None, None, alone=False)


def _annotated(
    database: Database, found: Iterator[Stored], whose: int | None, until: datetime | None, *, alone: bool = True
) -> Iterator[Annotated]:
    """`alone`: whether the sheet of the only annotator who decided anything counts."""
    while page := list(islice(found, datasets.PAGE)):
        with database.connect() as connection:
            rows = _rows(connection, [stored.id for stored in page])
        for stored in page:
            theirs = [(row.kind, row.owner, _then(database, row, until)) for row in rows.get(stored.id, ())]
            sheet = _counting(theirs, whose, alone=alone)
            yield Annotated(stored=stored, sheet=sheet or Sheet(id=0, document=stored.id))


def _rows(connection: Connection, documents: list[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in in_parts(connection, select(sheets).order_by(sheets.c.id), sheets.c.document, documents):
        found.setdefault(row.document, []).append(row)
    return found


def _then(database: Database, row: Row[Any], until: datetime | None) -> Sheet:
    now = sheet_of(row)
    if until is None or (now.at is not None and now.at <= until):
        return now
    return replay(history(database, sheet=row.id, until=until), id=row.id, document=row.document)


def _counting(theirs: list[tuple[str, int, Sheet]], whose: int | None, *, alone: bool) -> Sheet | None:
    if whose is not None:
        return next((sheet for kind, owner, sheet in theirs if kind == ANNOTATOR and owner == whose), None)
    first = {kind: sheet for kind, _, sheet in reversed(theirs)}
    if SHARED in first:
        return first[SHARED]
    if FINAL in first and first[FINAL].decided:
        return first[FINAL]
    decided = [sheet for kind, _, sheet in theirs if kind == ANNOTATOR and (sheet.decided or _spread_to(sheet))]
    return decided[0] if alone and len(decided) == 1 else None


def _spread_to(sheet: Sheet) -> bool:
    """Whether the annotator applied to it what they decided elsewhere."""
    return any(mark.label == "SILVER" for mark in sheet.marks)
