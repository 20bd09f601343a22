"""What people decided, parted into documents to learn from and documents to judge by. It trains nothing.

A document is held out by a number that is always the same for it. One with a number below HELD_OUT is never learnt from, not
while it is annotated partly, nor when it is reopened, so that no later model has seen what an earlier one is compared on. Where
no whole document has such a number, the first of them stands in for these, and may be learnt from once others are done. All
mentions of a document that is held out are known, as of those that a recogniser learns from.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from tripel.annotations.database import Database
from tripel.annotations.exporting import SILVER
from tripel.annotations.settled import GIVEN, annotated
from tripel.documents import Document

HELD_OUT = 0.2  # share of the documents
FEWEST = 2  # whole documents: one to learn from and one to judge by


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A document to train on."""

    document: Document
    """With GOLD and USER mentions, SILVER ones where they are wanted, never PRED."""
    whole: bool
    """Whether all its mentions are known, so that a recognizer can learn from what is none; a linker learns from any."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Documents; none is in `held_out` and in another."""

    whole: tuple[Document, ...]
    """To learn from, all their mentions known."""
    partly: tuple[Document, ...]
    """To learn from, with some of their mentions: a linker can, a recogniser would take the others for none. Those that are
    to be held out once they are whole are not among them."""
    held_out: tuple[Document, ...]
    """To judge by."""

    @property
    def types(self) -> tuple[str, ...]:
        """The types of mentions to learn from, in their order."""
        found = {mention.type for document in (*self.whole, *self.partly) for mention in document.mentions}
        return tuple(sorted(found - {""}))


def lessons(database: Database, project: int, *, silver: bool = False) -> Iterator[Lesson]:
    """What there is to train on: documents with at least one mention that people said, or that are done, in their order."""
    labels = (*GIVEN, SILVER) if silver else GIVEN
    for one in annotated(database, project):
        document = one.document(labels)
        if document.mentions or one.sheet.done:
            yield Lesson(document=document, whole=one.whole)


def gathered(database: Database, project: int, *, silver: bool) -> Lessons:
    """What is annotated now. Raises ValueError where there is too little."""
    found = list(lessons(database, project, silver=silver))
    whole = [lesson.document for lesson in found if lesson.whole]
    if len(whole) < FEWEST:
        raise ValueError(
            f"{len(whole)} documents are annotated and marked done; two or more are needed, one to learn from and one to judge by"
        )
    chance = {lesson.document.id: drawn(project, lesson.document.id) for lesson in found}
    first = min(chance[document.id] for document in whole)
    below = HELD_OUT if first < HELD_OUT else math.nextafter(first, math.inf)
    parted = Lessons(
        whole=tuple(document for document in whole if chance[document.id] >= below),
        partly=tuple(one.document for one in found if not one.whole and chance[one.document.id] >= below),
        held_out=tuple(document for document in whole if chance[document.id] < below),
    )
    if not parted.whole:
        raise ValueError(f"the {len(whole)} documents that are done are all held out to judge by; mark one more done")
    if not any(mention.entities for document in parted.whole for mention in document.mentions):
        raise ValueError("no mention to learn from has an entity; link some, and mark their documents done")
    return parted


def drawn(project: int, document: str) -> float:
    """A number from 0 to 1, always the same for a document: what is below HELD_OUT is held out once it is whole."""
    digest = hashlib.sha256(f"held out {project} {document}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
