"""Annotations out of the database: documents in every format, the log itself. It knows no format.

PRED marks are a model's and in no document; what was deleted is nowhere.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tripel import formats
from tripel.annotations import projects
from tripel.annotations.database import Database
from tripel.annotations.events import Event
from tripel.annotations.ledger import history
from tripel.annotations.schema import documents, now, users
from tripel.annotations.settled import GIVEN, annotated
from tripel.documents import Document
from tripel.files import read_lines, replacing, write_lines

SILVER = "SILVER"
HIDDEN = "x"


@dataclass(frozen=True, kw_only=True)
class Account:
    """What an export wrote."""

    documents: int
    mentions: int
    lost: Counter[str]
    """What the format cannot hold, by kind."""
    zipped: bool
    """Whether it is a zip, since the format takes more than one file."""


def export(
    database: Database,
    project: int,
    target: Path,
    *,
    write_as: str,
    dataset: int | None = None,
    labels: Collection[str] = GIVEN,
    whose: int | None = None,
    until: datetime | None = None,
    text: bool = True,
    only_done: bool = False,
) -> Account:
    """Write the documents of a data set as one file; several files become a zip. See `annotated` for what counts.

    Without `text` every letter and digit is an x: offsets, types and ids stay. Raises ValueError for an unknown format and for
    ids that it cannot hold, LookupError where there is no such project or data set.
    """
    projects.get(database, project)
    until = until or now()  # one moment for all documents, though people go on
    writer = formats.writer(write_as)
    counts = Counter[str]()

    def wanted() -> Iterator[Document]:
        for one in annotated(database, project, dataset=dataset, whose=whose, until=until):
            if only_done and not one.sheet.done:
                continue
            document = one.document(labels)
            counts["documents"] += 1
            counts["mentions"] += len(document.mentions)
            yield document if text else hidden(document)

    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as held:
        folder = Path(held)
        written = folder / f"annotations{writer.ENDINGS[0]}"
        lost = writer.write(written, wanted())
        files = sorted((written if writer.FOLDER else folder).iterdir())
        zipped = bool(writer.FOLDER) or len(files) > 1
        with replacing(target) as part:
            if zipped:
                _pack(files, part)
            else:
                written.replace(part)
    return Account(documents=counts["documents"], mentions=counts["mentions"], lost=lost, zipped=zipped)


def export_events(
    database: Database, project: int, target: Path, *, until: datetime | None = None, text: bool = True
) -> int:
    """Write the log as JSON Lines, an event a line in the order of their numbers, with names of users and documents; how many.

    Without `text` what marks and comments say is left out; such a log cannot be checked against its digests.
    """
    projects.get(database, project)
    with database.connect() as connection:
        people = {row.id: row.name for row in connection.execute(select(users.c.id, users.c.name))}
        asked = select(documents.c.id, documents.c.name).where(documents.c.project == project)
        names = {row.id: row.name for row in connection.execute(asked)}
    written = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal written
        for event in history(database, project=project, until=until):
            written += 1
            its = event.content() | {"before": _shown(event.before, text), "after": _shown(event.after, text)}
            by = None if event.by is None else people[event.by]
            numbers = {"seq": event.seq, "digest": event.digest}
            yield {**its, **numbers, "by_name": by, "document_name": names[event.document]}

    write_lines(target, records())
    return written


def events_of(path: Path) -> Iterator[Event]:
    """The events of a file that `export_events` wrote. Raises ValueError for one that is none."""
    names = Event.__dataclass_fields__
    for number, record in enumerate(read_lines(path), 1):
        try:
            known = {name: record[name] for name in names}
            yield Event(**{**known, "at": datetime.fromisoformat(known["at"]), "shown": tuple(known["shown"])})
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{path}:{number}: no event of a log; expected a file of `tripel annotations log`"
            ) from None


def hidden(document: Document) -> Document:
    """The document with an x for each letter and digit: as long as it was, its words where they were."""
    text = "".join(HIDDEN if letter.isalnum() else letter for letter in document.text)
    mentions = [replace(mention, text=text[mention.start : mention.end], long_form="") for mention in document.mentions]
    return replace(document, text=text, mentions=()).having(mentions=mentions)


def _shown(items: Any, text: bool) -> dict[str, Any]:
    if text:
        return dict(items)
    return {name: _without_text(value) for name, value in items.items()}


def _without_text(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: its for name, its in value.items() if name not in ("text", "long_form")}


def _pack(files: Iterable[Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, path.name)
