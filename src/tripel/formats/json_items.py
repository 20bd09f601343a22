"""Values out of JSON with the lines they begin at: one a line, or the items of a list in a file. It knows no format.

A file that is one JSON value is held as text; its items are made one at a time.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from tripel.corpora.lines import Line, numbered
from tripel.formats.making import UTF8, Fault, Place
from tripel.problems import Problem

SPACE = re.compile(r"[ \t\n\r]*")
DECODER = json.JSONDecoder()
CUT = "a file that is whole; it may be cut short"


def lines(path: Path) -> Iterator[tuple[Place, Any] | Problem]:
    """The value of each line that is not blank."""
    return values(path, numbered(path))


def values(path: Path, some: Iterable[Line | Problem]) -> Iterator[tuple[Place, Any] | Problem]:
    """The values of some lines of a file."""
    for line in some:
        if isinstance(line, Problem):
            yield line
        elif line.damaged:
            yield Place(str(path), line.number).problem(UTF8)
        elif line.text.strip():
            place = Place(str(path), line.number)
            try:
                yield place, json.loads(line.text)
            except (ValueError, RecursionError):
                yield place.problem(Fault(f"a line of {len(line.text)} characters that is no JSON value", "one object"))


def has_key(head: bytes, *names: str) -> bool:
    """Whether one of these keys is among the first bytes of a JSON text; a string of the same letters is none."""
    return any(re.search(rf'"{name}"\s*:'.encode(), head) for name in names)


def is_list(path: Path) -> bool:
    """Whether the first line that is not blank begins a list."""
    found = (line.text.strip() for line in numbered(path) if isinstance(line, Line))
    return next(filter(None, found), "").startswith("[")


def items(path: Path, keys: Collection[str], skipped: Counter[str]) -> Iterator[tuple[Place, Any] | Problem]:
    """Items of the list that a file is, or that stands under one of `keys` in the object that a file is.

    `skipped` counts the other keys whose values are lists with something in them.
    """
    text = _text(path)
    if isinstance(text, Problem):
        yield text
        return
    scan = _Scan(text)
    try:
        if scan.next() == "[":
            yield from ((Place(str(path), scan.line(start)), value) for start, value in scan.items())
        else:
            known = False
            for key in scan.members():
                if key in keys and scan.next() == "[":
                    known = True
                    yield from ((Place(str(path), scan.line(start)), value) for start, value in scan.items())
                elif isinstance(value := scan.value(), list) and value:
                    skipped[f"lists beside {' or '.join(sorted(keys))}"] += 1
            if not known:
                raise Fault("an object without a list of documents", f"{' or '.join(sorted(keys))}: [...]")
        if scan.next():
            raise Fault("more after the end of the value", "one JSON value; JSON Lines are another format")
    except Fault as fault:
        yield Place(str(path), scan.line(scan.at)).problem(fault)
    except (ValueError, RecursionError):
        yield Place(str(path), scan.line(scan.at)).problem(Fault("something that is no JSON value", CUT))


class _Scan:
    """A place in a JSON text, and steps on from it. Raises Fault or ValueError where the text is not JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._counted, self._line = 0, 1

    def line(self, at: int) -> int:
        """The line of a place that is not before the one asked for last."""
        self._line += self.text.count("\n", self._counted, at)
        self._counted = max(at, self._counted)
        return self._line

    def next(self) -> str:
        """The next character that is not white space; empty at the end."""
        space = SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def value(self) -> Any:
        self.next()
        value, self.at = DECODER.raw_decode(self.text, self.at)
        return value

    def items(self) -> Iterator[tuple[int, Any]]:
        """Each item of a list with the place where it begins."""
        for start in self._steps("[", "]"):
            yield start, self.value()

    def members(self) -> Iterator[str]:
        """Each key of an object; whoever asks must step over its value."""
        for _ in self._steps("{", "}"):
            key = self.value()
            self._expect(":")
            yield str(key)

    def _steps(self, opening: str, closing: str) -> Iterator[int]:
        self._expect(opening)
        if self.next() != closing:
            self.next()
            yield self.at
            while self.next() == ",":
                self.at += 1
                self.next()
                yield self.at
        self._expect(closing)

    def _expect(self, character: str) -> None:
        if self.next() != character:
            raise Fault("something that is no JSON value", CUT)
        self.at += 1


def _text(path: Path) -> str | Problem:
    gathered = []
    for line in numbered(path):
        if isinstance(line, Problem):
            return line
        if line.damaged:
            return Place(str(path), line.number).problem(UTF8)
        gathered.append(line.text)
    return "\n".join(gathered)
