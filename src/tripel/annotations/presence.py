"""Who is on a document just now. It forgets by itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.schema import presence, users

PRESENT = timedelta(seconds=30)  # after a page last said so; pages say it every 10 s


@dataclass(frozen=True, kw_only=True)
class Present:
    """Somebody on a document."""

    user: int
    name: str
    seen_at: datetime


def here(database: Database, document: int, user: int) -> None:
    """A user is on a document."""
    there = (presence.c.document == document) & (presence.c.user == user)
    values = {"document": document, "user": user, "seen_at": schema.now()}
    with suppress(IntegrityError), database.begin() as connection:  # another page of theirs said the same just now
        connection.execute(delete(presence).where(presence.c.seen_at < schema.now() - 2 * PRESENT))
        if not connection.execute(update(presence).where(there).values(values)).rowcount:
            connection.execute(insert(presence).values(values))


def gone(database: Database, document: int, user: int) -> None:
    """A user has left a document."""
    with database.begin() as connection:
        connection.execute(delete(presence).where(presence.c.document == document, presence.c.user == user))


def present(database: Database, document: int) -> list[Present]:
    """Who is on a document, by name."""
    asked = select(presence.c.user, users.c.name, presence.c.seen_at).select_from(presence.join(users))
    asked = asked.where(presence.c.document == document, presence.c.seen_at >= schema.now() - PRESENT)
    with database.connect() as connection:
        rows = connection.execute(asked.order_by(users.c.name)).all()
    return [Present(user=row.user, name=row.name, seen_at=row.seen_at) for row in rows]
