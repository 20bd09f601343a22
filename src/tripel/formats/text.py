"""Plain text: a file is a document that is called like it, `17.txt` is 17; a folder holds one a file. It is only read.

Texts are taken as they are, line ends and all, so that offsets are those of the file; a byte order mark at the beginning is none
of it. There are no mentions, and no titles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from tripel.documents import Document
from tripel.formats.base import Format
from tripel.formats.folders import TEXT, id_of, text_of
from tripel.problems import Problem

MARK = "\ufeff"


class Text(Format):
    """Plain text, without mentions."""

    ENDINGS: ClassVar[tuple[str, ...]] = (TEXT,)
    FOLDER: ClassVar[str] = TEXT
    WRITES: ClassVar[bool] = False

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """The document of a file, or those of a folder in the order of their names; `skipped` counts its other files."""
        if not path.is_dir():
            found = _document(path)
            yield (
                found if isinstance(found, Problem) or found.text else Problem(str(path), 0, "an empty file", "a text")
            )
            return
        there = list(path.iterdir())
        texts = sorted((one for one in there if one.name.endswith(TEXT)), key=lambda one: one.name.removesuffix(TEXT))
        skipped["other files"] += len(there) - len(texts) if texts else 0
        yield from map(_document, texts)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Refuse: of what others marked nothing would be left."""
        raise ValueError(f"{path}: plain text holds no mentions")


def _document(path: Path) -> Document | Problem:
    text = text_of(path)
    name = path.name.removesuffix(".gz").removesuffix(TEXT)
    return text if isinstance(text, Problem) else Document(id=id_of(name), text=text.removeprefix(MARK))
