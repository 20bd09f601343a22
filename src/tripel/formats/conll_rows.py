"""Rows of labelled tokens out of a CoNLL file, and mentions out of their labels. It knows nothing of texts and offsets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tripel.corpora.lines import Line, numbered
from tripel.formats.making import UTF8, Fault, Place
from tripel.problems import Problem

START = re.compile(r"-DOCSTART-(?:\s+\((?P<id>.*)\))?(?:\s.*)?")
LABEL = re.compile(r"O|(?P<place>[BIESLU])(?:-(?P<kind>\S*))?")  # L and U are BILOU's E and S
STRAY = "labels that go on with no mention, read as its beginning"


@dataclass(slots=True)
class Rows:
    """The tokens of a document and their labels, sentence by sentence."""

    place: Place
    id: str
    sentences: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    sound: bool = True
    """Whether all of its rows could be read."""

    @property
    def tokens(self) -> list[str]:
        return [token for sentence in self.sentences for token, _ in sentence]


def documents(path: Path) -> Iterator[Rows | Problem]:
    """The documents of a file; problems stand before the document they are in."""
    rows: Rows | None = None
    number = 0
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
            continue
        start = START.fullmatch(line.text)
        if start or (rows is None and line.text.strip()):
            if rows is not None:
                yield rows
            number += 1
            id = (start and start["id"]) or (path.name.partition(".")[0] + (f"-{number}" if start else ""))
            rows = Rows(Place(str(path), line.number), id)
        if rows is not None and not start:
            yield from _take(rows, line)
    if rows is not None:
        yield rows


def _take(rows: Rows, line: Line) -> Iterator[Problem]:
    cells = line.text.split("\t") if "\t" in line.text else line.text.split()
    if not line.text.strip():
        rows.sentences += [[]] if rows.sentences[-1] else []
    elif line.damaged or len(cells) < 2 or not cells[0].strip() or not LABEL.fullmatch(cells[-1].strip()):
        rows.sound = False
        found = Fault(f"a line of {len(line.text)} characters that is no token with its label", EXPECTED)
        yield Place(rows.place.source, line.number).problem(UTF8 if line.damaged else found)
    else:
        rows.sentences[-1].append((cells[0].strip(), cells[-1].strip()))


EXPECTED = "a token and, in the last column, O or one of B- I- E- S- with a type; blank lines between sentences"


def spans(rows: Rows, skipped: Counter[str]) -> Iterator[tuple[int, int, str]]:
    """Tokens [first, end) of each mention, and what stands after the hyphen of its labels."""
    before = 0
    for sentence in rows.sentences:
        for first, end, kind in _spans([label for _, label in sentence], skipped):
            yield before + first, before + end, kind
        before += len(sentence)


def _spans(labels: Sequence[str], skipped: Counter[str]) -> Iterator[tuple[int, int, str]]:
    first, kind = -1, ""  # -1: no mention is open
    for at, label in enumerate([*labels, "O"]):
        found = LABEL.fullmatch(label)
        place, this = (found["place"], found["kind"] or "") if found else (None, "")
        goes_on = place in ("I", "E", "L") and first >= 0 and this == kind
        if first >= 0 and not goes_on:
            yield first, at, kind
            first = -1
        if place and not goes_on:
            skipped[STRAY] += place in ("I", "E", "L")
            first, kind = at, this
        if place in ("E", "L", "S", "U"):
            yield first, at + 1, kind
            first = -1
