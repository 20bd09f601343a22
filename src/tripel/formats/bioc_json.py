"""BioC JSON through the package `bioc`: one collection in a file, or PubTator's list of documents. It holds any character."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from bioc import biocjson
from bioc.biocjson.decoder import parse_doc

from tripel.documents import Document
from tripel.files import replacing
from tripel.formats import bioc_documents
from tripel.formats.base import Format
from tripel.formats.json_items import has_key, items
from tripel.formats.making import Fault, Place
from tripel.problems import Problem

LISTS = ("documents", "PubTator3")
LACKING = Fault("a document without a key that BioC asks for", "id, infons, passages, annotations, relations, ...")
HEAD = (
    '{"bioctype": "BioCCollection", "source": "", "date": "", "key": "", "version": "1.0", "infons": {}, "documents": ['
)


class BiocJson(Format):
    """BioC JSON."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".bioc.json", ".json")

    @staticmethod
    def begins(head: bytes) -> bool:
        """An object with a list of documents that have passages or infons."""
        return head.lstrip().startswith(b"{") and has_key(head, *LISTS) and has_key(head, "infons", "passages")

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts relations."""
        for found in items(path, LISTS, skipped):
            if isinstance(found, Problem):
                yield found
                continue
            place, record = found
            try:
                source = parse_doc(record)
            except (KeyError, TypeError, AttributeError, IndexError):
                yield place.problem(LACKING)
            else:
                yield from _read(source, place, skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write one collection, a document a line."""
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
            out.write(HEAD)
            for number, document in enumerate(documents):
                record = biocjson.toJSON(bioc_documents.to_bioc(document))
                out.write(("," if number else "") + "\n" + json.dumps(record, ensure_ascii=False))
            out.write("\n]}\n")

    def held(self, document: Document) -> Document:
        """The document, its mentions with ids that bars can part."""
        return bioc_documents.held(document)


def _read(source: Any, place: Place, skipped: Counter[str]) -> Iterator[Document | Problem]:
    """Lists and infons may be of any kind in JSON, which only shows when they are used."""
    try:
        yield from bioc_documents.from_bioc(source, place, skipped)
    except (TypeError, AttributeError):
        yield place.problem(LACKING)
