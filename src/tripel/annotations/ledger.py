"""The door to the log: what people and models decide comes in, sheets and events go out, one transaction each.

What was acknowledged is on the disk. The same key again is answered as before and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from tripel.annotations import proposing, schema, spreading
from tripel.annotations.appending import ROWS, Appended, Held, again, event_of, held, known, put, retried, sheet_of
from tripel.annotations.database import Database
from tripel.annotations.events import Event, Mark, Proposal, candidate_record
from tripel.annotations.proposing import DONE_MEANWHILE, Conflict
from tripel.annotations.schema import documents, events, sheets
from tripel.annotations.sheet import Sheet, replay

ON_A_DONE_SHEET = ("done", "reopen", "comment", "flag", "spread")  # can be undone there


def append(database: Database, sheet: int, proposal: Proposal, *, by: int) -> Appended:
    """Put what a person decided into the log. Undo and redo find by themselves what they are of.

    Raises Conflict, with the sheet as it stands, where it does not fit what others did since; LookupError where there is no such
    sheet; ValueError where it makes no sense, or its key was used for something else.
    """
    return retried(database, lambda connection: _append(connection, sheet, proposal, by))


def predict(
    database: Database, sheet: int, marks: Iterable[Mark], *, key: str, model: str, knowledge: str = ""
) -> bool:
    """A model's marks in the place of older PRED ones, unless the document is done; whether they were put there.

    Where a person decided on the same place, or took a mark of the type away from it, theirs stays. The same key again changes
    nothing. Raises LookupError where there is no such sheet, ValueError for a mark outside of the document.
    """
    with database.begin() as connection:
        its = held(connection, [sheet])[sheet]
        if its.sheet.done or known(connection, key) is not None:
            return False
        change = proposing.prediction(its.sheet, marks, text=its.text)
        put(connection, its, change, kind="predict", key=key, by=None, model=model, knowledge=knowledge)
    return True


def sheet_now(database: Database, sheet: int) -> Sheet:
    """A sheet as it stands. Raises LookupError."""
    with database.connect() as connection:
        row = connection.execute(select(sheets).where(sheets.c.id == sheet)).one_or_none()
    if row is None:
        raise LookupError(f"there is no sheet {sheet}")
    return sheet_of(row)


def sheet_at(database: Database, sheet: int, *, until: datetime) -> Sheet:
    """A sheet as it stood at a moment: a replay. Raises LookupError."""
    now = sheet_now(database, sheet)
    return replay(history(database, sheet=sheet, until=until), id=sheet, document=now.document)


def history(
    database: Database,
    *,
    sheet: int | None = None,
    project: int | None = None,
    beyond: int = 0,
    until: datetime | None = None,
) -> Iterator[Event]:
    """Events in the order of their numbers: of a sheet or a project, with a number above `beyond`, none after `until`."""
    wanted = select(events)
    for column, value in ((events.c.sheet, sheet), (events.c.project, project)):
        wanted = wanted if value is None else wanted.where(column == value)
    if until is not None:
        wanted = wanted.where(events.c.at <= until)
    with database.connect() as connection:
        yield from _paged(connection, wanted, beyond)


def check(database: Database, project: int) -> list[str]:
    """What is wrong with the log of a project, a sentence each: states that are no replay, and chains that do not hold."""
    found = []
    with database.connect() as connection:
        whole = select(sheets).join(documents).where(documents.c.project == project).order_by(sheets.c.id)
        for row in connection.execute(whole).all():
            its = list(_paged(connection, select(events).where(events.c.sheet == row.id)))
            kept = sheet_of(row)
            if replay(its, id=row.id, document=row.document) != kept or row.done != kept.done:
                found.append(f"sheet {row.id}: its state is not the replay of its {len(its)} events")
            before = ""
            for event in its:
                if event.chained(before) != event.digest:
                    found.append(
                        f"sheet {row.id}: event {event.seq} is not as it was written, or one before it is missing"
                    )
                    break
                before = event.digest
    return found


def _append(connection: Connection, sheet: int, proposal: Proposal, by: int) -> Appended:
    echoing = spreading.echoing(connection, sheet, proposal) if proposal.kind == "spread" else []
    locked = held(connection, [sheet, *echoing])
    its = locked[sheet]
    if (there := again(connection, its, key=proposal.key, kind=proposal.kind, by=by)) is not None:
        return there
    if proposal.kind == "spread":
        return spreading.spread(connection, locked, sheet, proposal, by=by)
    if proposal.kind in ("undo", "redo"):
        return _turn(connection, its, proposal, by)
    return put(
        connection,
        its,
        proposing.change(its.sheet, proposal, by=by, at=schema.now(), text=its.text),
        kind=proposal.kind,
        key=proposal.key,
        by=by,
        mark=proposal.about,
        shown=[candidate_record(one) for one in proposal.shown],
        model=proposal.model,
        knowledge=proposal.knowledge,
    )


def _turn(connection: Connection, its: Held, proposal: Proposal, by: int) -> Appended:
    """Undo the person's last event that still stands, or redo the last one undone."""
    redo = proposal.kind == "redo"
    keys = (its.sheet.redo if redo else its.sheet.undo).get(by, ())
    rows = connection.execute(select(events).where(events.c.key.in_(keys))).all()
    by_key = {row.key: event_of(row) for row in rows}
    target = proposing.reverse(its.sheet, (by_key[key] for key in reversed(keys)), by=by, again=redo)
    if target is None:
        why = f"nothing of yours can be {'redone' if redo else 'undone'} here"
        raise Conflict(f"{why}: others changed it since" if keys else why, its.sheet)
    if its.sheet.done and target.kind not in ON_A_DONE_SHEET:
        raise Conflict(DONE_MEANWHILE, its.sheet)
    change = proposing.reversal(its.sheet, target, again=redo)
    made = put(connection, its, change, kind=proposal.kind, key=proposal.key, by=by, mark=target.mark)
    if target.kind == "spread":
        spreading.reverse_echoes(connection, target, made.event, by=by)
    return made


def _paged(connection: Connection, wanted: Select[Any], beyond: int = 0) -> Iterator[Event]:
    wanted = wanted.order_by(events.c.seq).limit(ROWS)
    while rows := connection.execute(wanted.where(events.c.seq > beyond)).all():
        yield from map(event_of, rows)
        beyond = rows[-1].seq
