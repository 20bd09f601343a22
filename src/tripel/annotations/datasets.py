"""Data sets of a project: looked at before anything is stored, then stored as a new version. It knows no format.

A version lists documents. One that has the same id and text as in an earlier version is the same document, and what was
annotated on it stays; another text under the same id is a new document.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from tripel.annotations import beginning, schema
from tripel.annotations.appending import held, in_parts
from tripel.annotations.beginning import NOBODY, SHARED
from tripel.annotations.database import Database
from tripel.annotations.projects import plain
from tripel.annotations.schema import datasets, documents, placed, projects, sheets, storable
from tripel.annotations.uploads import opened
from tripel.documents import Document
from tripel.problems import BadInput, Problem

SHOWN = 50  # problems of a preview
LONGEST_NAME = 500  # characters of a document's id
EXAMPLES = 5
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


@dataclass(kw_only=True)
class Preview:
    """What is in an upload, before anything of it is stored."""

    format: str = ""
    documents: int = 0
    characters: int = 0
    longest: int = 0
    """Characters of the longest document."""
    bare: int = 0
    """Documents without mentions."""
    mentions: int = 0
    unlinked: int = 0
    """Mentions without an entity."""
    overlapping: int = 0
    """Mentions that overlap one before them; they are kept."""
    unknown: int | None = None
    """Mentions none of whose entities is in the knowledge base; None where it was not asked."""
    types: Counter[str] = field(default_factory=Counter)
    new: int = 0
    """Documents the project does not have yet."""
    known: int = 0
    """Documents it has already, with the same text."""
    altered: int = 0
    """Documents whose id it has with another text: they would be new ones beside the old."""
    examples: list[str] = field(default_factory=list)
    """Ids of the first documents."""
    problems: list[Problem] = field(default_factory=list)
    """The first of them."""
    troubles: int = 0
    """How many there are."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What the file holds and no document can, by kind."""


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
    seen = Preview(unknown=None if knows is None else 0)
    with opened(path, name=name, read_as=read_as) as found:
        seen.format = found.format
        for one in _sound_or_not(found.read(), found.name):
            if isinstance(one, Problem):
                seen.troubles += 1
                seen.problems += [one] if len(seen.problems) < SHOWN else []
            else:
                _count(seen, one, there.get(one.id, ()), knows)
        seen.skipped = +found.skipped
    return seen


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
        read = list(_sound_or_not(found.read(), found.name))
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


def latest(database: Database, project: int) -> Dataset | None:
    """The last version; None where nothing was uploaded yet."""
    return next(iter(of_project(database, project)), None)


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
    ids = document_ids(database, dataset)
    for first in range(0, len(ids), PAGE):
        some = ids[first : first + PAGE]
        with database.connect() as connection:
            rows = {row.id: row for row in connection.execute(select(documents).where(documents.c.id.in_(some)))}
        yield from (_stored(rows[id]) for id in some if id in rows)


def document_ids(database: Database, dataset: int) -> list[int]:
    """The documents of a version in the order of the upload."""
    asked = select(placed.c.document).where(placed.c.dataset == dataset).order_by(placed.c.place)
    with database.connect() as connection:
        return list(connection.execute(asked).scalars())


def _sound_or_not(found: Iterator[Document | Problem], name: str) -> Iterator[Document | Problem]:
    """Documents that can be kept, and what is wrong with the others, never with a text."""
    for number, one in enumerate(found, 1):
        place = f"{name}, document {number}"
        if isinstance(one, Problem):
            yield one
        elif not 0 < len(one.id) <= LONGEST_NAME:
            yield Problem(place, 0, f"an id of {len(one.id)} characters", f"1 to {LONGEST_NAME}")
        elif not one.text.strip():
            yield Problem(place, 0, "no text", "a text to annotate")
        elif not all(map(storable, _strings(one))):
            yield Problem(place, 0, "a NUL or half a character", "text without them; mend the file")
        else:
            try:
                beginning.gold_marks(one.mentions)
            except ValueError as error:
                yield Problem(place, 0, str(error), "a mention that can be kept")
            else:
                yield one


def _strings(document: Document) -> Iterator[str]:
    yield document.id
    yield document.text
    for mention in document.mentions:
        yield from (mention.type, mention.long_form, *mention.entities)


def _count(seen: Preview, document: Document, theirs: Collection[str], knows: Callable[[str], bool] | None) -> None:
    seen.documents += 1
    seen.characters += len(document.text)
    seen.longest = max(seen.longest, len(document.text))
    seen.bare += not document.mentions
    seen.mentions += len(document.mentions)
    seen.types.update(mention.type for mention in document.mentions)
    seen.unlinked += sum(not mention.entities for mention in document.mentions)
    reached = 0
    for mention in document.mentions:
        seen.overlapping += mention.start < reached
        reached = max(reached, mention.end)
        if knows is not None and seen.unknown is not None and mention.entities:
            seen.unknown += not any(map(knows, mention.entities))
    if not theirs:
        seen.new += 1
    elif _digest(document) in theirs:
        seen.known += 1
    else:
        seen.altered += 1
    seen.examples += [document.id] if len(seen.examples) < EXAMPLES else []


def _digest(document: Document) -> str:
    return hashlib.sha256(f"{document.title_end} {document.text}".encode()).hexdigest()


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
    new = [document for document in sound if (document.id, _digest(document)) not in there]
    if new:
        made = connection.execute(
            insert(documents).returning(documents.c.id, documents.c.name, documents.c.digest),
            [
                {
                    "project": project,
                    "name": document.id,
                    "digest": _digest(document),
                    "text": document.text,
                    "title_end": document.title_end,
                }
                for document in new
            ],
        ).all()
        there |= {(row.name, row.digest): row.id for row in made}
    ids = [there[document.id, _digest(document)] for document in sound]
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
