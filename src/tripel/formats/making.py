"""From what stands in a file to documents and mentions, or to what is wrong with it. It knows no format.

A reader raises Fault where something is not as it should be; whoever gathers the document turns it into a Problem. No message
quotes a text: ids where they are ids for sure, else counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from tripel.corpora.lines import is_id
from tripel.documents import Document, Mention
from tripel.problems import Problem

T = TypeVar("T")
SPACE = re.compile(r"\s")
LARGEST = 1 << 40  # an offset beyond is no offset


class Fault(Exception):
    """One thing that is wrong, without its place."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected = found, expected


UTF8 = Fault("bytes that are not UTF-8", "UTF-8; convert the file or mend this line")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a document stands."""

    source: str
    line: int = 0

    def problem(self, fault: Fault, *, within: str = "") -> Problem:
        """The fault, at this place."""
        return Problem(self.source, self.line, f"{within}{fault.found}", fault.expected)


def document(
    place: Place, *, id: str, text: str, title_end: int = 0, mentions: Iterable[T], make: Callable[[T], Mention | None]
) -> Iterator[Document | Problem]:
    """A document with the mentions that `make` makes of what stands for them (None: not one), and its problems."""
    made: list[Mention] = []
    for number, raw in enumerate(mentions, 1):
        try:
            mention = make(raw)
        except Fault as fault:
            yield place.problem(fault, within=f"in {named(id)}, mention {number}: ")
        else:
            made += [mention] if mention is not None else []
    if not 0 <= title_end <= len(text):
        yield place.problem(
            Fault(f"in {named(id)}, a title that ends outside the text", f"a number from 0 to {len(text)}")
        )
    elif _has_surrogates(id, text, *(word for one in made for word in (one.type, one.long_form, *one.entities))):
        yield place.problem(Fault(f"in {named(id)}, half a character (a surrogate)", "whole characters; mend the file"))
    else:
        yield Document(id=id, text=text, title_end=title_end).having(mentions=made)


def document_of_lines(
    source: str, raw: Iterable[tuple[int, T]], make: Callable[[T], Mention], *, id: str, text: str
) -> Iterator[Document | Problem]:
    """A document whose mentions stand in lines of their own, each given with its number, and its problems at their lines."""
    made: list[Mention] = []
    for number, one in raw:
        try:
            made.append(make(one))
        except Fault as fault:
            yield Place(source, number).problem(fault)
    yield from document(Place(source), id=id, text=text, mentions=made, make=lambda mention: mention)


def mention(
    text: str,
    spans: Sequence[tuple[int, int]],
    *,
    said: str | None,
    type: str = "",
    entities: Iterable[str] = (),
    long_form: str = "",
) -> Mention:
    """The mention at spans of a text, [start, end) each. `said` is what the file says stands there; None: it says nothing.

    Raises Fault. A blank in `said` may stand for any white space, and pieces may be parted by any or none.
    """
    pieces = sorted(spans)
    if not pieces:
        raise Fault("no offsets", "one pair of offsets or more")
    start, end = pieces[0][0], pieces[-1][1]
    if any(not 0 <= first < last for first, last in pieces):
        raise Fault(f"offsets [{start}, {end})", "start before end, from 0 on; the end is exclusive")
    if end > len(text):
        raise Fault(f"offsets [{start}, {end}) in a text of {len(text)} characters", "offsets within it, in characters")
    if any(before[1] > after[0] for before, after in pairwise(pieces)):
        raise Fault("pieces that overlap", "pieces one after the other")
    if said is not None and not _says(said, text[start:end], [text[first:last] for first, last in pieces]):
        raise Fault(
            f"a text that is not characters [{start}, {end})",
            "the same text at both; offsets count characters (not bytes)",
        )
    return Mention(
        start=start,
        end=end,
        text=text[start:end],
        type=type,
        entities=tuple(dict.fromkeys(entities)),
        long_form=long_form,
        parts=tuple(pieces) if len(pieces) > 1 else (),
    )


def _says(said: str, whole: str, pieces: Sequence[str]) -> bool:
    if SPACE.sub(" ", said) == SPACE.sub(" ", whole):
        return True
    return len(pieces) > 1 and SPACE.sub("", said) == SPACE.sub("", "".join(pieces))


def field(record: Any, name: str, kind: type[T], *, default: T | None = None) -> T:
    """A value of a JSON object; `default` where it is missing or null. Raises Fault where it is missing or of another kind."""
    if not isinstance(record, dict):
        raise Fault(f"{_kind(record)} for an object", "an object in braces")
    value = record.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        found = f"no {name}" if value is None else f"{_kind(value)} for {name}"
        raise Fault(found, f"{name}: {KINDS[kind]}")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Fault(f"a number of {len(str(value))} digits for {name}", "an offset in characters")
    return value


KINDS: dict[type[Any], str] = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def pairs(values: list[Any], name: str) -> list[tuple[int, int]]:
    """Offsets from a list of pairs. Raises Fault."""
    for one in values:
        whole = isinstance(one, list) and len(one) == 2 and all(type(end) is int and abs(end) < LARGEST for end in one)
        if not whole:
            raise Fault(f"{name} that are no pairs of whole numbers", f"{name}: [[start, end], ...]")
    return [(start, end) for start, end in values]


def strings(values: list[Any], name: str) -> list[str]:
    """The strings of a list. Raises Fault where something else is among them."""
    if not all(isinstance(one, str) for one in values):
        raise Fault(f"{name} that are not all strings", f"{name}: a list of strings")
    return values


def named(id: str) -> str:
    """A document by its id, where that is one for sure."""
    return f"document {id}" if is_id(id) else f"a document whose id has {len(id)} characters"


def _kind(value: object) -> str:
    return next((said for kind, said in KINDS.items() if type(value) is kind), "a value of another kind")


def _has_surrogates(*strings: str) -> bool:
    try:
        "".join(strings).encode()
    except UnicodeEncodeError:
        return True
    return False
