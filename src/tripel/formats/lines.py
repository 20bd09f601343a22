"""Plain text with a document on each line, called by its number. Nothing in a file tells it from other text: it must be said.

Lines that are blank are counted and left out. It is only read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tripel.corpora.lines import numbered
from tripel.documents import Document
from tripel.formats.making import UTF8, Place
from tripel.formats.text import Text
from tripel.problems import Problem


class Lines(Text):
    """A document a line, without mentions."""

    ENDINGS: ClassVar[tuple[str, ...]] = ()
    FOLDER: ClassVar[str] = ""

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents by the numbers of their lines; `skipped` counts blank ones."""
        for line in numbered(path):
            if isinstance(line, Problem):
                yield line
            elif line.damaged:
                yield Place(str(path), line.number).problem(UTF8)
            elif line.text.strip():
                yield Document(id=str(line.number), text=line.text)
            else:
                skipped["blank lines"] += 1
