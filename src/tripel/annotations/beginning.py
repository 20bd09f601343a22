"""Sheets are begun: one for a document, or one for each annotator, with the gold of the upload on it.

Kinds: `shared` is everybody's, `annotator` one person's, who works blind, `final` the reviewer's of what annotators did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from tripel.annotations.appending import Held, in_parts, put_all, sheet_of
from tripel.annotations.database import Database
from tripel.annotations.events import Mark
from tripel.annotations.proposing import Change
from tripel.annotations.schema import documents, placed, projects, sheets
from tripel.annotations.sheet import MARK, Sheet
from tripel.documents import Mention

SHARED, ANNOTATOR, FINAL = "shared", "annotator", "final"
NOBODY = 0  # owns what is shared


def whose(mode: str, user: int) -> tuple[str, int]:
    """The kind and the owner of the sheets that a user of a project works on."""
    return (ANNOTATOR, user) if mode == "blind" else (SHARED, NOBODY)


def sheet_for(database: Database, document: int, *, user: int) -> int:
    """The sheet that a user works on: the document's, or where the project is blind their own, begun where it was not yet.

    Raises LookupError where there is no such document.
    """
    with database.connect() as connection:
        row = connection.execute(
            select(projects.c.mode).select_from(documents.join(projects)).where(documents.c.id == document)
        ).one_or_none()
        if row is None:
            raise LookupError(f"there is no document {document}")
        kind, owner = whose(row.mode, user)
        there = _there(connection, [document], kind=kind, owner=owner)
    if there:
        return there[document]
    with database.begin() as connection:
        return begun(connection, [document], kind=kind, owner=owner)[document]


def final_sheet(database: Database, document: int) -> int:
    """The sheet on which a reviewer settles a document; it begins empty. Raises LookupError where there is no such document."""
    with database.begin() as connection:
        return begun(connection, [document], kind=FINAL, owner=NOBODY)[document]


def begun(connection: Connection, wanted: Sequence[int], *, kind: str, owner: int) -> dict[int, int]:
    """The sheet of each document, those that are missing begun. The documents are locked meanwhile."""
    asked = select(documents.c.id, documents.c.project, documents.c.text).order_by(documents.c.id)
    rows = list(in_parts(connection, asked.with_for_update(key_share=True), documents.c.id, sorted(wanted)))
    if len(rows) < len({*wanted}):
        raise LookupError(f"there is no document {min({*wanted} - {row.id for row in rows})}")
    there = _there(connection, wanted, kind=kind, owner=owner)
    missing = [row for row in rows if row.id not in there]
    if missing:
        made = connection.execute(
            insert(sheets).returning(sheets.c.id, sheets.c.document),
            [{"document": row.id, "kind": kind, "owner": owner, "state": {}} for row in missing],
        ).all()
        there |= {row.document: row.id for row in made}
    if kind != FINAL:
        _import_gold(connection, {row.id: there[row.id] for row in missing})
    return there


def _import_gold(connection: Connection, sheet_D: dict[int, int]) -> None:
    """The gold of the last upload that has each document, where there is some, on a sheet that is new."""
    latest = (
        select(placed.c.document, func.max(placed.c.dataset).label("dataset")).group_by(placed.c.document).subquery()
    )
    asked = select(placed.c.document, placed.c.mentions, documents.c.project, documents.c.text).select_from(
        placed.join(latest, (placed.c.document == latest.c.document) & (placed.c.dataset == latest.c.dataset)).join(
            documents, documents.c.id == placed.c.document
        )
    )
    empty = []
    for row in in_parts(connection, asked, placed.c.document, sorted(sheet_D)):
        sheet = Sheet(id=sheet_D[row.document], document=row.document)
        its = Held(sheet=sheet, kind="", owner=NOBODY, project=row.project, text=row.text)
        empty.append((its, row.mentions))
    import_gold(connection, empty)


def import_gold(connection: Connection, gold: Iterable[tuple[Held, Iterable[Mapping[str, Any]]]]) -> None:
    """Gold marks, as JSON, that were never on their sheets, but on none that is done, and nowhere that a person decided.

    What they took away does not come back with a later upload, and what they said stands alone.
    """
    changes = []
    for its, mentions in gold:
        if its.sheet.done:
            continue
        decided = its.sheet.rejected_spans | {mark.span for mark in its.sheet.marks if mark.label == "USER"}
        never = {
            MARK + one["id"]: one
            for one in mentions
            if MARK + one["id"] not in its.sheet.changed and (one["start"], one["end"]) not in decided
        }
        if never:
            key = hashlib.sha256(f"import {its.sheet.id} {its.sheet.version}".encode()).hexdigest()[:32]
            changes.append((its, Change(before=dict.fromkeys(never), after=never), key))
    put_all(connection, changes, kind="import", by=None)


def gold_marks(mentions: Iterable[Mention]) -> list[Mark]:
    """GOLD marks with ids that are the same for the same mention whenever it is uploaded."""
    made: dict[str, Mark] = {}
    for mention in mentions:
        said = repr((mention.start, mention.end, mention.parts, mention.type, mention.entities))
        number = 0
        while (id := f"g-{hashlib.sha256(f'{said}{number}'.encode()).hexdigest()[:16]}") in made:
            number += 1
        made[id] = Mark(
            id=id,
            start=mention.start,
            end=mention.end,
            text=mention.text,
            type=mention.type,
            label="GOLD",
            entities=tuple(filter(None, mention.entities)),
            parts=mention.parts,
            long_form=mention.long_form,
        )
    return list(made.values())


def standing(connection: Connection, wanted: Sequence[int], *, kind: str, owner: int) -> dict[int, Sheet]:
    """The sheets of documents as they stand, where they were begun."""
    asked = select(sheets).where(sheets.c.kind == kind, sheets.c.owner == owner)
    return {row.document: sheet_of(row) for row in in_parts(connection, asked, sheets.c.document, wanted)}


def _there(connection: Connection, wanted: Sequence[int], *, kind: str, owner: int) -> dict[int, int]:
    asked = select(sheets.c.id, sheets.c.document).where(sheets.c.kind == kind, sheets.c.owner == owner)
    return {row.document: row.id for row in in_parts(connection, asked, sheets.c.document, wanted)}
