"""What every format shares: reading says what is wrong, writing says what is lost. It knows no format.

A format tells what it would give back of a document (`held`); the difference to the document is what it loses. So nothing is
dropped in silence: a writer only ever sees what it can hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from tripel.documents import Document
from tripel.formats.losses import difference
from tripel.formats.making import named
from tripel.problems import Problem


class Format(ABC):
    """One way to keep documents in a file, or in a folder of files."""

    ENDINGS: ClassVar[tuple[str, ...]]
    """How names of it end, in small letters."""
    FOLDER: ClassVar[str] = ""
    """The ending of the files that show a folder to be of this format; empty where it is a file."""
    REBUILDS: ClassVar[bool] = False
    """Whether the text that comes back is another one, made of tokens."""
    WRITES: ClassVar[bool] = True
    """Whether it is written, too; what holds no mentions is only read."""

    @staticmethod
    def begins(head: bytes) -> bool:
        """Whether a file that begins with these bytes is of this format."""
        del head
        return False

    @abstractmethod
    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems in one pass; `skipped` counts what is passed over on purpose."""

    @abstractmethod
    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write documents that are as `held` makes them, atomically."""

    def held(self, document: Document) -> Document | None:
        """The document as it is read back after it was written; None where nothing of it can be kept."""
        return document

    def read(self, path: Path, *, skipped: Counter[str] | None = None) -> Iterator[Document | Problem]:
        """Documents, each id once, and problems: a fault of a mention costs the mention, other faults the document."""
        skipped = Counter() if skipped is None else skipped
        seen: set[str] = set()
        nothing = True
        for found in self.parse(path, skipped):
            nothing = False
            if isinstance(found, Problem) or found.id not in seen:
                yield found
            else:
                yield Problem(str(path), 0, f"{named(found.id)} again", "each id once; remove one")
            if isinstance(found, Document):
                seen.add(found.id)
        if nothing and not skipped.total():
            yield Problem(str(path), 0, "no documents in it", "one or more; fetch or export it again")

    def write(self, path: Path, documents: Iterable[Document]) -> Counter[str]:
        """Write all documents or nothing; what the format cannot hold, by kind. Raises ValueError for ids it cannot hold."""
        lost: Counter[str] = Counter()
        self.put(path, self._kept(documents, lost))
        return +lost

    def _kept(self, documents: Iterable[Document], lost: Counter[str]) -> Iterator[Document]:
        seen: set[str] = set()
        for document in documents:
            if document.id in seen:
                raise ValueError(f"{named(document.id)} is there twice; give each document an id of its own")
            seen.add(document.id)
            kept = self.held(document)
            lost.update(difference(document, kept, rebuilt=self.REBUILDS))
            if kept is not None:
                yield kept
