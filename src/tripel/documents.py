"""The nouns of text: a document, the mentions in it, and what they were linked to.

Knows nothing of corpora, files, tensors or encoders. Offsets are characters, intervals half-open. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Characters [start, end) of a document that name something."""

    start: int
    end: int
    text: str
    """Always `document.text[start:end]`."""
    type: str = ""
    entities: tuple[str, ...] = ()
    """Gold ids as the corpus gives them; several for a composite mention; empty when the vocabulary has none."""
    long_form: str = ""
    """What an abbreviation stands for in this document."""
    parts: tuple[tuple[int, int], ...] = ()
    """The pieces of a discontinuous mention, [start, end) each, in their order; empty when it is one piece."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(
                f"mention [{self.start}, {self.end}) is empty or negative; offsets are half-open characters"
            )
        if self.parts and not _fill(self.parts, self.start, self.end):
            raise ValueError(
                f"mention [{self.start}, {self.end}) in {len(self.parts)} pieces; expected two or more in their order,"
                f" the first from {self.start}, the last to {self.end}"
            )

    def having(self, *, long_form: str) -> Mention:
        """The same mention with its long form."""
        return replace(self, long_form=long_form)


def _fill(parts: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    """Whether pieces are two or more, none empty, in order, apart, and reach from start to end."""
    apart = all(before[1] <= after[0] for before, after in pairwise(parts))
    whole = (parts[0][0], parts[-1][1]) == (start, end)
    return len(parts) > 1 and apart and whole and all(first < last for first, last in parts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that a mention may mean, and why."""

    entity: str
    """Its id in the knowledge base."""
    score: float
    """Higher is closer; where entities are judged as wholes, the probability among the candidates."""
    name: str = ""
    """The preferred name."""
    matched: str = ""
    """The name that matched; the preferred one where a training mention or the entity as a whole did."""
    source: str = ""
    """The vocabulary that the matched name is from; empty where none is known."""
    probability: float | None = None
    """That it is meant, as calibrated on dev; None where nothing was calibrated."""
    ids: tuple[str, ...] = ()
    """What the wanted vocabulary calls it; empty where none is wanted or none is known."""
    types: tuple[str, ...] = ()
    """Its semantic types."""


Decision = Literal["linked", "nil", "filtered"]


@dataclass(frozen=True, slots=True)
class Link:
    """What a linker said of one mention: candidates, best first, and what was decided."""

    mention: Mention
    candidates: tuple[Candidate, ...]
    entity: str | None
    """The one decided on; None where it is NIL or filtered."""
    decision: Decision = "linked"
    why: str = ""
    """The decision in words."""
    confidence: float = 1.0
    """How sure the recognizer is of the span, from 0 to 1; 1 where the mention was given."""

    @property
    def ids(self) -> tuple[str, ...]:
        """What the entity decided on is called: by the wanted vocabulary, or by its own id where none is wanted or none known.

        Empty where the mention is NIL or filtered.
        """
        if self.entity is None:
            return ()
        called = next((one.ids for one in self.candidates if one.entity == self.entity), ())
        return called or (self.entity,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text and the mentions in it; they stand in the order of their offsets, however they are given."""

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    title_end: int = 0
    """Characters [0, title_end) are the title; 0 when the text has none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mentions", tuple(sorted(self.mentions, key=lambda m: (m.start, m.end, m.type))))
        for mention in self.mentions:
            if self.text[mention.start : mention.end] != mention.text:
                raise ValueError(
                    f"document {self.id}: mention [{mention.start}, {mention.end}) is not the text at its offsets"
                    f" (document of {len(self.text)} characters)"
                )

    def having(self, *, mentions: Iterable[Mention]) -> Document:
        """The same text with other mentions."""
        return replace(self, mentions=tuple(mentions))


@dataclass(frozen=True, slots=True)
class Linked:
    """A document as it was linked: a link for each of its mentions, in their order."""

    document: Document
    links: tuple[Link, ...]

    @property
    def decided(self) -> Document:
        """The document, its mentions with the ids of the entity decided on, and with none where they are NIL or filtered."""
        return self.document.having(mentions=[replace(link.mention, entities=link.ids) for link in self.links])


DOCUMENTS_AT_ONCE = 64
CHARACTERS_AT_ONCE = 200_000  # of documents that are worked on together


def batched(documents: Iterable[Document], *, characters: int = CHARACTERS_AT_ONCE) -> Iterator[list[Document]]:
    """Documents in their order, so many at a time that they fit in memory; a batch ends with the one that fills it."""
    some: list[Document] = []
    room = characters
    for document in documents:
        some.append(document)
        room -= len(document.text)
        if len(some) == DOCUMENTS_AT_ONCE or room <= 0:
            yield some
            some, room = [], characters
    if some:
        yield some
