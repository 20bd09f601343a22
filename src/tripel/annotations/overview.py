"""What the first page of a project says of its people and its model: who worked how long, and since when a version is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from tripel.annotations.database import Database
from tripel.annotations.schema import events, users, uses

DECIDING = ("add", "link", "span", "delete", "accept", "spread", "choose")


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What somebody did in a project."""

    user: int
    name: str
    milliseconds: int
    """Of annotating, as pages counted it: over all their sheets."""
    decisions: int
    """Marks that they set, changed, took away, agreed with, settled or spread to equal strings, which counts once."""


def worked(database: Database, project: int, *, user: int | None = None) -> list[Worked]:
    """Everybody who annotated something, by name; or one user alone. Counted by the database, of the log."""
    spent = func.coalesce(func.sum(events.c.detail["milliseconds"].as_integer()), 0)
    people = events.join(users, users.c.id == events.c.by)
    asked = select(users.c.id, users.c.name, spent.label("spent"), func.count().label("times")).select_from(people)
    asked = asked.where(events.c.project == project).group_by(users.c.id, users.c.name).order_by(users.c.name)
    if user is not None:
        asked = asked.where(events.c.by == user)
    decided = asked.where(events.c.kind.in_(DECIDING), events.c.detail["echo"].as_string().is_(None))
    with database.connect() as connection:
        times = {row.id: row for row in connection.execute(asked.where(events.c.kind == "time"))}
        decisions = {row.id: row for row in connection.execute(decided)}
    found = [
        Worked(
            user=id,
            name=(times.get(id) or decisions[id]).name,
            milliseconds=times[id].spent if id in times else 0,
            decisions=decisions[id].times if id in decisions else 0,
        )
        for id in times.keys() | decisions.keys()
    ]
    return sorted(found, key=lambda one: one.name)


def in_use_since(database: Database, project: int) -> datetime | None:
    """When the version in use was put into use last; None where the project has no model."""
    last = select(uses.c.at).where(uses.c.project == project).order_by(uses.c.id.desc()).limit(1)
    with database.connect() as connection:
        found: datetime | None = connection.execute(last).scalar_one_or_none()
    return found
