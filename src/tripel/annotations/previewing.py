"""What is in an upload: documents that can be kept, what is wrong with the others, and counts of both. It knows no database."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tripel.annotations.beginning import gold_marks
from tripel.annotations.schema import storable
from tripel.data.inputs import Input
from tripel.documents import Document
from tripel.problems import Problem

SHOWN = 50  # problems of a preview
LONGEST_NAME = 500  # characters of a document's id
EXAMPLES = 5


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


def counted(found: Input, *, there: Mapping[str, Collection[str]], knows: Callable[[str], bool] | None) -> Preview:
    """Read all of an upload and count. there: for each id of a document that the project has, the digests of its texts."""
    seen = Preview(format=found.format, unknown=None if knows is None else 0)
    for one in sound_or_not(found):
        if isinstance(one, Problem):
            seen.troubles += 1
            seen.problems += [one] if len(seen.problems) < SHOWN else []
        else:
            _count(seen, one, there.get(one.id, ()), knows)
    seen.skipped = +found.skipped
    return seen


def sound_or_not(found: Input) -> Iterator[Document | Problem]:
    """Documents that can be kept, and what is wrong with the others, never with a text."""
    for number, one in enumerate(found.read(), 1):
        place = f"{found.name}, document {number}"
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
                gold_marks(one.mentions)
            except ValueError as error:
                yield Problem(place, 0, str(error), "a mention that can be kept")
            else:
                yield one


def digest(document: Document) -> str:
    """What tells texts of one id apart."""
    return hashlib.sha256(f"{document.title_end} {document.text}".encode()).hexdigest()


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
    elif digest(document) in theirs:
        seen.known += 1
    else:
        seen.altered += 1
    seen.examples += [document.id] if len(seen.examples) < EXAMPLES else []
