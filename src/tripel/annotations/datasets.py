"""Data sets of a project: looked at before anything is stored, then stored as a new version. It knows no format.

A version lists documents. One that has the same id and text as in an earlier version is the same document, and what was
annotated on it stays; another text under the same id is a new document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from tripel.annotations import beginning, schema
from tripel.annotations.appending import held, in_parts
from tripel.annotations.beginning import NOBODY, SHARED
from tripel.annotations.database import Database
from tripel.annotations.previewing import Preview, counted, digest, sound_or_not
from tripel.annotations.projects import plain
from tripel.annotations.schema import datasets, documents, placed, projects, sheets
from tripel.annotations.uploads import opened
from tripel.documents import Document
from tripel.problems import BadInput, Problem

PAGE = 100  # documents read at a time


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One version of a project's documents."""

    id: int
    project: int
    version: int
    """Counted from 1."""
    name: str
    format: str
    documents: int
    mentions: int
    """Gold ones of the upload."""
    created_at: datetime
    created_by: int


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A document as it is stored."""

    id: int
    project: int
    name: str
    """Its id in the upload, and in every export."""
    text: str
    title_end: int

    def document(self) -> Document:
        """As the rest of tripel has it, without mentions."""
        return Document(id=self.name, text=self.text, title_end=self.title_end)


def preview(
    database: Database,
    project: int,
    path: Path,
    *,
    name: str,
    read_as: str = "",
    knows: Callable[[str], bool] | None = None,
) -> Preview:
    """Read an upload and count, storing nothing. `name` is what the person called the file; `knows` says whether an entity's id
    is in the knowledge base. Raises ValueError where no format can be told, or it is too large or a damaged archive."""
    with database.connect() as connection:
        asked = select(documents.c.name, documents.c.digest).where(documents.c.project == project)
        there: dict[str, set[str]] = {}
        for row in connection.execute(asked):
            there.setdefault(row.name, set()).add(row.digest)
    with opened(path, name=name, read_as=read_as) as found:
        return counted(found, there=there, knows=knows)


def upload(
    database: Database,
    project: int,
    path: Path,
    *,
    name: str,
    by: int,
    read_as: str = "",
    partly: bool = False,
) -> Dataset:
    """Store an upload as the next version, all of it or nothing. Gold mentions come onto the sheets as `import` events.

    Raises BadInput with the problems, unless it is to be stored `partly`, without what is wrong. Raises ValueError as `preview`
    does, and where no document is left or the project is archived.
    """
    with opened(path, name=name, read_as=read_as) as found:
        read = list(sound_or_not(found))
        kind = found.format
    problems = [one for one in read if isinstance(one, Problem)]
    sound = [one for one in read if isinstance(one, Document)]
    if problems and not partly:
        raise BadInput(problems)
    if not sound:
        raise ValueError(f"{name}: no document in it can be stored")
    with database.begin() as connection:
        row = connection.execute(
            select(projects).where(projects.c.id == project).with_for_update(key_share=True)
        ).one_or_none()
        if row is None:
            raise LookupError(f"there is no project {project}")
        if row.archived_at is not None:
            raise ValueError("the project is archived; resume it to go on")
        last = select(func.max(datasets.c.version)).where(datasets.c.project == project)
        values = {
            "project": project,
            "version": (connection.execute(last).scalar_one() or 0) + 1,
            "name": plain(name, "name of a file", most=200),
            "format": kind,
            "documents": len(sound),
            "mentions": sum(len(document.mentions) for document in sound),
            "created_at": schema.now(),
            "created_by": by,
        }
        made = connection.execute(insert(datasets).values(values).returning(datasets)).one()
        _store(connection, made.id, project, sound, shared=row.mode == "shared")
    return _dataset(made)


def of_project(database: Database, project: int) -> list[Dataset]:
    """The versions of a project's documents, the last one first."""
    asked = select(datasets).where(datasets.c.project == project).order_by(datasets.c.version.desc())
    with database.connect() as connection:
        return [_dataset(row) for row in connection.execute(asked).all()]


def latest(database: Database, project: int, *, until: datetime | None = None) -> Dataset | None:
    """The last version, or the one that was the last then; None where nothing was uploaded yet."""
    there = of_project(database, project)
    return next((one for one in there if until is None or one.created_at <= until), None)


def get(database: Database, dataset: int) -> Dataset:
    """A version. Raises LookupError."""
    with database.connect() as connection:
        row = connection.execute(select(datasets).where(datasets.c.id == dataset)).one_or_none()
    if row is None:
        raise LookupError(f"there is no data set {dataset}")
    return _dataset(row)


def document(database: Database, document: int) -> Stored:
    """A document with its text. Raises LookupError."""
    with database.connect() as connection:
        row = connection.execute(select(documents).where(documents.c.id == document)).one_or_none()
    if row is None:
        raise LookupError(f"there is no document {document}")
    return _stored(row)


def documents_of(database: Database, dataset: int) -> Iterator[Stored]:
    """The documents of a version in the order of the upload, with their texts, some at a time."""
    return some(database, document_ids(database, dataset))


def some(database: Database, wanted: Sequence[int]) -> Iterator[Stored]:
    """Documents by their numbers, with their texts, some at a time; those that are not there are left out."""
    for first in range(0, len(wanted), PAGE):
        ids = wanted[first : first + PAGE]
        with database.connect() as connection:
            rows = {row.id: row for row in connection.execute(select(documents).where(documents.c.id.in_(ids)))}
        yield from (_stored(rows[id]) for id in ids if id in rows)


def document_ids(database: Database, dataset: int) -> list[int]:
    """The documents of a version in the order of the upload."""
    asked = select(placed.c.document).where(placed.c.dataset == dataset).order_by(placed.c.place)
    with database.connect() as connection:
        return list(connection.execute(asked).scalars())


def _store(connection: Connection, dataset: int, project: int, sound: list[Document], *, shared: bool) -> None:
    """The documents that are new, the list of all, and gold on the sheets."""
    there = {
        (row.name, row.digest): row.id
        for row in in_parts(
            connection,
            select(documents.c.id, documents.c.name, documents.c.digest).where(documents.c.project == project),
            documents.c.name,
            [document.id for document in sound],
        )
    }
    known = set(there.values())
    keys = [(document.id, digest(document)) for document in sound]
    new = {key: document for key, document in zip(keys, sound, strict=True) if key not in there}
    if new:
        made = connection.execute(
            insert(documents).returning(documents.c.id, documents.c.name, documents.c.digest),
            [
                {
                    "project": project,
                    "name": name,
                    "digest": its,
                    "text": document.text,
                    "title_end": document.title_end,
                }
                for (name, its), document in new.items()
            ],
        ).all()
        there |= {(row.name, row.digest): row.id for row in made}
    ids = [there[key] for key in keys]
    gold = [[mark.record for mark in beginning.gold_marks(document.mentions)] for document in sound]
    connection.execute(
        insert(placed),
        [
            {"dataset": dataset, "document": id, "place": place, "mentions": marks}
            for place, (id, marks) in enumerate(zip(ids, gold, strict=True))
        ],
    )
    if shared:
        beginning.begun(connection, ids, kind=SHARED, owner=NOBODY)
    _import_more(connection, {id: marks for id, marks in zip(ids, gold, strict=True) if id in known and marks})


def _import_more(connection: Connection, gold: dict[int, list[dict[str, Any]]]) -> None:
    """Gold that a later upload has of documents that are there, on the sheets that were begun."""
    asked = select(sheets.c.id).where(sheets.c.kind != beginning.FINAL)
    ids = [row.id for row in in_parts(connection, asked, sheets.c.document, sorted(gold))]
    there = held(connection, ids).values()
    beginning.import_gold(connection, [(its, gold[its.sheet.document]) for its in there])


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(**row._mapping)


def _stored(row: Row[Any]) -> Stored:
    return Stored(id=row.id, project=row.project, name=row.name, text=row.text, title_end=row.title_end)
