"""What the first page of a project says of its people and its model: who worked how long, and since when a version is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select

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
    decides = and_(events.c.kind.in_(DECIDING), events.c.detail["echo"].as_string().is_(None))
    spent = func.coalesce(func.sum(events.c.detail["milliseconds"].as_integer()), 0)
    counted = (spent.label("milliseconds"), func.sum(case((decides, 1), else_=0)).label("decisions"))
    asked = select(users.c.id.label("user"), users.c.name, *counted).select_from(
        events.join(users, users.c.id == events.c.by)
    )
    asked = asked.where(events.c.project == project, or_(events.c.kind == "time", decides))
    if user is not None:
        asked = asked.where(events.c.by == user)
    with database.connect() as connection:
        rows = connection.execute(asked.group_by(users.c.id, users.c.name).order_by(users.c.name)).all()
    return [Worked(**row._mapping) for row in rows]


def in_use_since(database: Database, project: int) -> datetime | None:
    """When the version in use was put into use last; None where the project has no model."""
    last = select(uses.c.at).where(uses.c.project == project).order_by(uses.c.id.desc()).limit(1)
    with database.connect() as connection:
        found: datetime | None = connection.execute(last).scalar_one_or_none()
    return found
