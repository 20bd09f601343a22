"""PubTator as a format: `corpora/pubtator.py` reads and writes it; here is what it can hold.

It has no long forms and no pieces of discontinuous mentions, and a text stands in lines: line breaks and tabs become blanks,
a title ends at a blank or with the text. Ids of entities with white space or one of `|+,` in them are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import ClassVar

from tripel.corpora import pubtator
from tripel.corpora.lines import Line, numbered
from tripel.documents import Document, Mention
from tripel.formats.base import Format
from tripel.formats.entity_ids import coming_back
from tripel.problems import Problem

LOOK = 50  # lines, among which a PubTator file has a title even if it begins badly
TITLE = re.compile(rb"^\s*[^\s|]*\s*\|[ta]\|", re.MULTILINE)


class Pubtator(Format):
    """PubTator text."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".pubtator", ".pubtator.txt")

    @staticmethod
    def begins(head: bytes) -> bool:
        """Whether a title or abstract is among the first lines."""
        return any(TITLE.match(line) for line in head.split(b"\n", LOOK)[:LOOK])

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts relations, and what else has no place in a document."""
        return pubtator.parse(path, skipped=skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write title, abstract and rows of mentions."""
        pubtator.write(path, documents)

    def held(self, document: Document) -> Document:
        """The document in lines, with what rows of six columns hold of its mentions."""
        text = document.text.translate(pubtator.LINE_ENDS)
        kept = Document(id=document.id, text=text, title_end=pubtator.end_of_title(text, document.title_end))
        return kept.having(mentions=(_held(mention, text) for mention in document.mentions))


def _held(mention: Mention, text: str) -> Mention:
    return replace(
        mention,
        text=text[mention.start : mention.end],
        type=mention.type.translate(pubtator.LINE_ENDS).strip(),
        entities=coming_back(mention.entities, without=f"{pubtator.SEPARATORS} "),
        long_form="",
        parts=(),
    )


def is_pubtator(path: Path) -> bool:
    """By its name, or by a title or abstract among its first lines."""
    name = path.name.casefold()
    if "pubtator" in name and not name.removesuffix(".gz").endswith((".json", ".jsonl")):
        return True
    lines = (line.text for line in islice(numbered(path), LOOK) if isinstance(line, Line))
    return any(pubtator.HEADER.fullmatch(line) for line in lines)
