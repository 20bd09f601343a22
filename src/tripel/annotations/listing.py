"""The documents of a project as one of its members sees them: what is on each, which are done, and which comes next.

A member sees the shared sheets, or their own where annotators work blind. It knows no page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, Text, and_, case, cast, exists, func, or_, select, true

from tripel.annotations.appending import in_parts, sheet_of
from tripel.annotations.beginning import ANNOTATOR, NOBODY, SHARED, whose
from tripel.annotations.database import Database
from tripel.annotations.schema import datasets, documents, placed, projects, samples, sheets
from tripel.annotations.sheet import FLAG

Which = Literal["all", "open", "done", "flagged"]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A document in a list."""

    id: int
    name: str
    characters: int
    place: int
    """In the last data set, from 0."""
    done: bool
    labels: Counter[str]
    """Marks by their label."""
    undecided: int
    """Marks of a model or of a spreading that nobody has decided on, and those without a link."""
    flags: int
    comments: int
    milliseconds: int
    """Time spent on it by everybody who has worked on this sheet."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a member's documents are."""

    documents: int
    done: int


@dataclass(frozen=True, kw_only=True)
class Named:
    """A document by its name alone."""

    id: int
    name: str
    done: bool


def progress(database: Database, project: int, user: int) -> Progress:
    """How many documents the last data set has, and how many are done."""
    return progress_of(database, [project], user)[project]


def progress_of(database: Database, wanted: Sequence[int], user: int) -> dict[int, Progress]:
    """The same of several projects, counted by the database."""
    blind = projects.c.mode == "blind"
    theirs = and_(
        sheets.c.document == placed.c.document,
        sheets.c.kind == case((blind, ANNOTATOR), else_=SHARED),
        sheets.c.owner == case((blind, user), else_=NOBODY),
        sheets.c.done == true(),
    )
    joined = projects.join(datasets, datasets.c.id == _latest(projects.c.id)).join(placed).outerjoin(sheets, theirs)
    counted = (projects.c.id, func.count().label("documents"), func.count(sheets.c.id).label("done"))
    asked = select(*counted).select_from(joined).group_by(projects.c.id)
    with database.connect() as connection:
        rows = list(in_parts(connection, asked, projects.c.id, wanted))
    found = {row.id: Progress(documents=row.documents, done=row.done) for row in rows}
    return {one: found.get(one, Progress(documents=0, done=0)) for one in wanted}


def ready(database: Database, project: int) -> int:
    """Documents of the last data set that a training may learn from: somebody marked them done, or they came with gold.

    It is an upper bound, counted by the database: what is in them is read when a training is asked for.
    """
    finished = exists().where(sheets.c.document == placed.c.document, sheets.c.done == true())
    gold = func.length(cast(placed.c.mentions, Text)) > len("[]")
    asked = select(func.count()).select_from(placed).where(placed.c.dataset == _latest(project), or_(finished, gold))
    with database.connect() as connection:
        return int(connection.execute(asked).scalar_one())


def named(database: Database, project: int, user: int, *, first: int = 0, n: int = 50) -> tuple[list[Named], int]:
    """n documents of the last data set from the place `first` on, by their names alone, and how many there are."""
    with database.connect() as connection:
        asked = _asked(connection, project, user, documents.c.name, sheets.c.done).offset(first).limit(n)
        rows = connection.execute(asked).all()
    found = [Named(id=row.number, name=row.name, done=bool(row.done)) for row in rows]
    return found, progress(database, project, user).documents


def names(database: Database, wanted: Sequence[int]) -> dict[int, str]:
    """The names of documents by their numbers."""
    asked = select(documents.c.id, documents.c.name)
    with database.connect() as connection:
        return {row.id: row.name for row in in_parts(connection, asked, documents.c.id, wanted)}


def beginnings(database: Database, wanted: Sequence[int], *, characters: int) -> dict[int, str]:
    """The first characters of documents by their numbers; the rest stays in the database."""
    asked = select(documents.c.id, func.substr(documents.c.text, 1, characters).label("beginning"))
    with database.connect() as connection:
        return {row.id: row.beginning for row in in_parts(connection, asked, documents.c.id, wanted)}


def listed(
    database: Database,
    project: int,
    user: int,
    *,
    which: Which = "all",
    containing: str = "",
    first: int = 0,
    n: int = 50,
) -> tuple[list[Listed], int]:
    """n documents of the last data set from the place `first` on, and how many there are of this kind.

    `containing`: only those whose id has this in it, apart from case.
    """
    columns: tuple[Any, ...] = (documents.c.name, sheets.c.done)
    if which == "flagged":  # states are large
        columns = (*columns, sheets.c.state)
    with database.connect() as connection:
        rows = connection.execute(_asked(connection, project, user, *columns)).all()
        chosen = [row.number for row in rows if containing.casefold() in row.name.casefold() and _is(row, which)]
        page = chosen[first : first + n]
        shown = _some(connection, project, user, page)
    return [shown[number] for number in page], len(chosen)


def some(database: Database, project: int, user: int, wanted: Sequence[int]) -> dict[int, Listed]:
    """Documents of the last data set by their numbers; those that it does not have are left out."""
    with database.connect() as connection:
        return _some(connection, project, user, wanted)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A document that was drawn for a user, and how."""

    document: int
    arm: str
    """`strategy`, or `control` where it was drawn by chance."""
    strategy: str
    drawn_at: datetime


def drawn(database: Database, project: int, user: int) -> list[Sample]:
    """The documents drawn for a user, in the order they were drawn, each as it was drawn last."""
    with database.connect() as connection:
        return _drawn(connection, project, user)


def neighbours(database: Database, project: int, user: int, document: int) -> tuple[int | None, int | None]:
    """The documents before and behind one: among the user's samples where it is one of them, else in the last data set."""
    with database.connect() as connection:
        order = [row.number for row in connection.execute(_asked(connection, project, user)).all()]
        sampled = [one.document for one in _drawn(connection, project, user)]
    order = _of(sampled, order) if document in sampled else order
    if document not in order:
        return None, None
    place = order.index(document)
    return order[place - 1] if place else None, order[place + 1] if place + 1 < len(order) else None


def onward(database: Database, project: int, user: int, document: int) -> int | None:
    """The next document that is not done: of the user's samples where it is one of them, else of the data set; from the one
    behind `document` on, and then from the first. None where all are done."""
    with database.connect() as connection:
        rows = connection.execute(_asked(connection, project, user, sheets.c.done)).all()
        done = {row.number: bool(row.done) for row in rows}
        sampled = [one.document for one in _drawn(connection, project, user) if one.document in done]
    order = sampled if document in sampled or not document else list(done)
    place = order.index(document) + 1 if document in order else 0
    return next((one for one in [*order[place:], *order[:place]] if not done[one] and one != document), None)


def _asked(connection: Connection, project: int, user: int, *columns: Any) -> Select[Any]:
    """Documents of the last data set with a member's sheet, in the order of the upload."""
    mode = connection.execute(select(projects.c.mode).where(projects.c.id == project)).scalar_one()
    kind, owner = whose(mode, user)
    theirs = and_(sheets.c.document == documents.c.id, sheets.c.kind == kind, sheets.c.owner == owner)
    joined = placed.join(documents).outerjoin(sheets, theirs)
    asked = select(documents.c.id.label("number"), placed.c.place, *columns).select_from(joined)
    return asked.where(placed.c.dataset == _latest(project)).order_by(placed.c.place)


def _latest(project: Any) -> Any:
    """The last data set of a project, which may be a column."""
    its = select(func.max(datasets.c.id)).where(datasets.c.project == project)
    return (its if isinstance(project, int) else its.correlate(projects)).scalar_subquery()


def _of(some: Iterable[int], known: Iterable[int]) -> list[int]:
    """Those that are known, in their order."""
    there = set(known)
    return [one for one in some if one in there]


def _some(connection: Connection, project: int, user: int, wanted: Sequence[int]) -> dict[int, Listed]:
    length = func.length(documents.c.text).label("characters")  # which reads the texts: of a few alone
    asked = _asked(connection, project, user, documents.c.name, length, *sheets.c)
    return {row.number: _listed(row) for row in in_parts(connection, asked, documents.c.id, wanted)}


def _drawn(connection: Connection, project: int, user: int) -> list[Sample]:
    asked = select(samples).where(samples.c.project == project, samples.c.user == user).order_by(samples.c.id)
    last = {row.document: row for row in connection.execute(asked)}
    return [
        Sample(document=row.document, arm=row.arm, strategy=row.strategy, drawn_at=row.drawn_at)
        for row in sorted(last.values(), key=lambda row: int(row.id))
    ]


def _is(row: Any, which: Which) -> bool:
    if which == "flagged":
        return any(name.startswith(FLAG) for name in (row.state or {}).get("items", {}))
    return which == "all" or bool(row.done) == (which == "done")


def _listed(row: Any) -> Listed:
    sheet = None if row.state is None else sheet_of(row)
    marks = () if sheet is None else sheet.marks
    return Listed(
        id=row.number,
        name=row.name,
        characters=row.characters,
        place=row.place,
        done=bool(row.done),
        labels=Counter(mark.label for mark in marks),
        undecided=sum(
            mark.label in ("PRED", "SILVER") or (mark.label == "USER" and not mark.nil and not mark.entities)
            for mark in marks
        ),
        flags=0 if sheet is None else len(sheet.flags),
        comments=0 if sheet is None else len(sheet.comments),
        milliseconds=0 if sheet is None else sum(sheet.milliseconds.values()),
    )
