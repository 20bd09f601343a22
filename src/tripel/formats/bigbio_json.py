"""BigBIO's `bigbio_kb` as JSON: a record a line, or one list of records. What a record is, `bigbio.py` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from tripel.documents import Document
from tripel.files import write_lines
from tripel.formats import bigbio
from tripel.formats.base import Format
from tripel.formats.json_items import has_key, is_list, items, lines
from tripel.problems import Problem


class BigbioJson(Format):
    """BigBIO in JSON; written as JSON Lines."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".bigbio.jsonl", ".bigbio.json")

    @staticmethod
    def begins(head: bytes) -> bool:
        """A record, or a list of them."""
        return head.lstrip()[:1] in (b"{", b"[") and has_key(head, "passages") and has_key(head, "document_id")

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts relations, events and coreferences."""
        for found in items(path, (), skipped) if is_list(path) else lines(path):
            if isinstance(found, Problem):
                yield found
            else:
                yield from bigbio.from_record(*found, skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write a line for each document."""
        write_lines(path, map(bigbio.to_record, documents))

    def held(self, document: Document) -> Document:
        """The document without long forms."""
        return bigbio.held(document)
