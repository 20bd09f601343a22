"""Documents to be read: from a file, a folder or standard input, in any format. It knows no format.

Standard input is taken whole, since a fault at its end must be known before anything is made of its beginning.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tripel import formats
from tripel.documents import Document
from tripel.problems import Problem, sound

STANDARD, STANDARD_NAME = Path("-"), "standard input"


@dataclass(frozen=True)
class Survey:
    """What is in an input."""

    documents: int
    bare: int
    """Documents without mentions."""
    mentions: int


@dataclass
class Input:
    """Documents that can be read, as often as wanted."""

    path: Path
    format: str
    name: str
    """What messages call it."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What was passed over on purpose when it was last read, by kind."""
    keep_going: bool = False
    """Whether documents that can be read are given although others cannot."""
    problems: list[Problem] = field(default_factory=list)
    """Where it keeps going: those of the last time it was read."""

    def read(self) -> Iterator[Document | Problem]:
        """Documents and problems."""
        self.skipped.clear()
        for found in formats.of(self.format).read(self.path, skipped=self.skipped):
            if isinstance(found, Problem):
                yield replace(found, source=found.source.replace(str(self.path), self.name))
            else:
                yield found

    def documents(self) -> Iterator[Document]:
        """The documents; once all are read raises BadInput where there were problems, and gives none after the first.

        Where it keeps going it gives all that are sound, and keeps the problems.
        """
        if not self.keep_going:
            yield from sound(self.read())
            return
        self.problems.clear()
        for one in self.read():
            if isinstance(one, Problem):
                self.problems.append(one)
            else:
                yield one

    def survey(self) -> Survey:
        """Read it all and count. Raises BadInput with every problem, as `documents` does."""
        counts = [len(document.mentions) for document in self.documents()]
        return Survey(len(counts), counts.count(0), sum(counts))


@contextmanager
def opened(path: Path, *, read_as: str = "", keep_going: bool = False) -> Iterator[Input]:
    """A file, a folder or, as `-`, standard input; its format is told by its content and its name where it is not given.

    Standard input is plain text where it looks like nothing else. Raises ValueError where no format can be told.
    """
    if path != STANDARD:
        yield Input(path, read_as or formats.detect(path), str(path), keep_going=keep_going)
        return
    with _standard() as held:
        told = read_as or (formats.detect(held) if formats.fitting(held) else formats.PLAIN)
        yield Input(held, told, STANDARD_NAME, keep_going=keep_going)


@contextmanager
def _standard() -> Iterator[Path]:
    """Standard input as a file that is gone afterwards. Where the system can, it is in memory and never on a disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        if hasattr(os, "memfd_create"):
            held = os.fdopen(os.memfd_create("stdin"), "wb")
            path.symlink_to(f"/proc/self/fd/{held.fileno()}")
        else:
            held = path.open("wb")
        with held:
            shutil.copyfileobj(sys.stdin.buffer, held)
            held.flush()
            yield path
