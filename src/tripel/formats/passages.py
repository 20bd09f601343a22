"""A document as passages with offsets, title first, and back. It knows no format that has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tripel.documents import Document
from tripel.formats.making import Fault

TITLE, ABSTRACT = "title", "abstract"
WIDEST = 10_000  # characters between two passages that are filled with blanks


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document's text; `start` is its first character in the document."""

    type: str
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def passages(document: Document) -> list[Passage]:
    """Title and the rest, without the blank between them; what is empty is left out."""
    title, rest = document.text[: document.title_end], document.text[document.title_end :]
    start = document.title_end
    if title and rest.startswith(" ") and rest != " ":
        start, rest = start + 1, rest[1:]
    found = (Passage(TITLE, 0, title), Passage(ABSTRACT, start, rest))
    return [passage for passage in found if passage.text]


def joined(found: Sequence[Passage]) -> tuple[str, int]:
    """The text that passages make, with blanks where there is none, and where its title ends.

    Raises Fault where they overlap or lie too far apart.
    """
    text = ""
    for passage in sorted(found, key=lambda one: (one.start, one.end)):
        if passage.start < len(text):
            where = f"a passage from {passage.start} where the one before ends at {len(text)}"
            raise Fault(where, "passages one after the other; offsets count characters (not bytes) of the document")
        if passage.start > len(text) + WIDEST:
            raise Fault(f"{passage.start - len(text)} characters before a passage", f"{WIDEST} or fewer without text")
        text = text.ljust(passage.start) + passage.text
    first = min(found, key=lambda one: one.start, default=Passage("", 0, ""))
    return text, first.end if first.type == TITLE and first.start == 0 else 0
