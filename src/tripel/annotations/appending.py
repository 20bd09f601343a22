"""Within one transaction: sheets that are locked, and events put behind their last ones. It decides nothing.

The state of a sheet is kept beside it, and changes in the transaction that adds the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.events import Event, Kind
from tripel.annotations.proposing import Change
from tripel.annotations.schema import documents, events, projects, sheets
from tripel.annotations.sheet import Sheet, after

ROWS = 500  # asked for at a time
TRIES = 5  # of a transaction that was broken off
BROKEN_OFF = ("40P01", "40001")  # a deadlock, or two at once
USED = "the key of this event was used for another; make a new UUID for each"


@dataclass(frozen=True, kw_only=True)
class Appended:
    """What was acknowledged."""

    event: Event
    sheet: Sheet
    """As it stands now."""
    again: bool = False
    """Whether the key was there already, so that nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A sheet and what it is of."""

    sheet: Sheet
    kind: str
    owner: int
    project: int
    text: str
    """Of its document."""


def retried(database: Database, work: Callable[[Connection], Appended]) -> Appended:
    """Do it in one transaction, and again where PostgreSQL broke it off since two waited for each other.

    Raises ValueError where the key of an event was used for another one.
    """
    for tries in range(TRIES):
        try:
            with database.begin() as connection:
                return work(connection)
        except IntegrityError as error:
            if not any(name in str(error.orig) for name in ("events.key", "uq_events_key")):
                raise
            raise ValueError(USED) from None
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") not in BROKEN_OFF or tries == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def held(connection: Connection, ids: Iterable[int], *, lock: bool = True) -> dict[int, Held]:
    """Sheets, locked in the order of their ids until the transaction ends.

    Raises LookupError for one that is not there, and ValueError where a lock is wanted in an archived project.
    """
    wanted = sorted(set(ids))
    whole = select(sheets, documents.c.text, documents.c.project, projects.c.archived_at).select_from(
        sheets.join(documents).join(projects)
    )
    whole = whole.order_by(sheets.c.id)
    if lock:
        whole = whole.with_for_update(of=sheets, key_share=True)
    rows = list(in_parts(connection, whole, sheets.c.id, wanted))
    if len(rows) < len(wanted):
        raise LookupError(f"there is no sheet {min({*wanted} - {row.id for row in rows})}")
    if lock and any(row.archived_at is not None for row in rows):
        raise ValueError("the project is archived; resume it to go on")
    return {
        row.id: Held(sheet=sheet_of(row), kind=row.kind, owner=row.owner, project=row.project, text=row.text)
        for row in rows
    }


def in_parts(connection: Connection, whole: Select[Any], column: Any, values: Sequence[Any]) -> Iterable[Row[Any]]:
    """The rows whose column has one of the values, asked for some at a time, since a database takes only so many at once."""
    for first in range(0, len(values), ROWS):
        yield from connection.execute(whole.where(column.in_(values[first : first + ROWS]))).all()


def put(
    connection: Connection,
    held: Held,
    change: Change,
    *,
    kind: Kind,
    key: str,
    by: int | None,
    mark: str = "",
    shown: Sequence[Mapping[str, Any]] = (),
    model: str = "",
    knowledge: str = "",
) -> Appended:
    """Put a change behind the last event of a locked sheet."""
    event = _event(held, change, kind=kind, key=key, by=by)
    event = replace(event, mark=mark, shown=tuple(shown), model=model, knowledge=knowledge)
    (made,) = _put(connection, [(held, event)])
    return made


def put_all(
    connection: Connection, changes: Iterable[tuple[Held, Change, str]], *, kind: Kind, by: int | None
) -> list[Appended]:
    """Put a change behind the last event of each of many locked sheets, each with the key of its event."""
    return _put(connection, [(its, _event(its, change, kind=kind, key=key, by=by)) for its, change, key in changes])


def _event(held: Held, change: Change, *, kind: Kind, key: str, by: int | None) -> Event:
    now = schema.now()
    return Event(
        seq=0,
        key=key,
        project=held.project,
        document=held.sheet.document,
        sheet=held.sheet.id,
        by=by,
        at=now if held.sheet.at is None else max(now, held.sheet.at),  # clocks are set back
        kind=kind,
        mark="",
        before=change.before,
        after=change.after,
        detail=change.detail,
    )


def _put(connection: Connection, new: Sequence[tuple[Held, Event]]) -> list[Appended]:
    """Events without number and digest get theirs, and their sheets go on."""
    if not new:
        return []
    chained = [replace(event, digest=event.chained(held.sheet.digest)) for held, event in new]
    rows = [event.content() | {"at": event.at, "digest": event.digest} for event in chained]
    adding = insert(events).returning(events.c.seq, sort_by_parameter_order=True)
    numbers = connection.execute(adding, rows).scalars().all()
    made = []
    for (held, _), event, seq in zip(new, chained, numbers, strict=True):
        event = replace(event, seq=seq)
        made.append(Appended(event=event, sheet=after(held.sheet, event)))
    going_on = update(sheets).where(sheets.c.id == bindparam("its"))
    connection.execute(
        going_on.values(version=bindparam("version"), done=bindparam("done"), state=bindparam("state")),
        [
            {"its": its.id, "version": its.version, "done": its.done, "state": its.state}
            for its in (one.sheet for one in made)
        ],
    )
    return made


def known(connection: Connection, key: str) -> Event | None:
    """The event with a key."""
    row = connection.execute(select(events).where(events.c.key == key)).one_or_none()
    return None if row is None else event_of(row)


def again(connection: Connection, held: Held, *, key: str, kind: Kind, by: int | None) -> Appended | None:
    """What was answered where the key is there already; None where it is new. Raises ValueError where it was used for another."""
    there = known(connection, key)
    if there is None:
        return None
    if (there.sheet, there.by, there.kind) != (held.sheet.id, by, kind):
        raise ValueError(USED)
    return Appended(event=there, sheet=held.sheet, again=True)


def event_of(row: Row[Any]) -> Event:
    """An event of its row."""
    return Event(**{**row._mapping, "shown": tuple(row.shown)})


def sheet_of(row: Row[Any]) -> Sheet:
    """A sheet of its row."""
    return Sheet.of(row.id, document=row.document, version=row.version, state=row.state)
