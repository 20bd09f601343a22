"""TeXoo JSON, which TrainX keeps its projects in: one data set of documents in a file.

    {"class": "Dataset", "name": "", "documents": [{"class": "Document", "id": "1", "title": null, "text": "Fever fell.",
      "begin": 0, "length": 11, "annotations": [{"class": "NamedEntityAnnotation", "begin": 0, "length": 5, "text": "Fever",
      "source": "GOLD", "confidence": 1.0, "refId": "D005334", "type": "Disease", "candidates": []}]}], "queries": []}

A title is taken where the text begins with it. Annotations that a model predicted (source PRED) and those that were taken back
(type DELETED, which TrainX reads as new ones) are counted and left out. A mention has one id; there are no long forms and no
pieces.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from tripel.documents import Document, Mention
from tripel.files import replacing
from tripel.formats import making
from tripel.formats.base import Format
from tripel.formats.entity_ids import coming_back
from tripel.formats.json_items import has_key, items
from tripel.formats.making import Fault, Place
from tripel.problems import Problem

HEAD = '{"class": "Dataset", "name": "", "language": null, "queries": [], "documents": ['
DELETED, PREDICTED = "DELETED", "PRED"
FOREIGN_TITLE = "titles that their text does not begin with"


class Texoo(Format):
    """TeXoo's data sets."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".texoo.json", ".texoo", ".json")

    @staticmethod
    def begins(head: bytes) -> bool:
        """An object with a list of documents that have a text and no passages."""
        ours = has_key(head, "documents") and has_key(head, "text")
        return head.lstrip().startswith(b"{") and ours and not has_key(head, "passages", "infons")

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts annotations left out and titles from elsewhere."""
        for found in items(path, ("documents",), skipped):
            if isinstance(found, Problem):
                yield found
            else:
                yield from _document(*found, skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write one data set, a document a line."""
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
            out.write(HEAD)
            for number, document in enumerate(documents):
                out.write(("," if number else "") + "\n" + json.dumps(_record(document), ensure_ascii=False))
            out.write("\n]}\n")

    def held(self, document: Document) -> Document:
        """The document, its mentions with one id each."""
        return document.having(mentions=(_held(one) for one in document.mentions if one.type != DELETED))


def _held(mention: Mention) -> Mention:
    return replace(mention, entities=coming_back(mention.entities, without="")[:1], long_form="", parts=())


def _document(place: Place, record: Any, skipped: Counter[str]) -> Iterator[Document | Problem]:
    try:
        text, title = making.field(record, "text", str), making.field(record, "title", str, default="")
        id = making.field(record, "id", str, default="") or making.field(record, "uid", str)
        mentions = making.field(record, "annotations", list, default=[])
    except Fault as fault:
        yield place.problem(fault)
        return
    ours = text.startswith(title)
    skipped[FOREIGN_TITLE] += not ours
    yield from making.document(
        place,
        id=id,
        text=text,
        title_end=len(title) if ours else 0,
        mentions=mentions,
        make=lambda one: _mention(one, text, skipped),
    )


def _mention(record: Any, text: str, skipped: Counter[str]) -> Mention | None:
    start, length = making.field(record, "begin", int), making.field(record, "length", int)
    type, id = making.field(record, "type", str, default=""), making.field(record, "refId", str, default="")
    deleted, predicted = type == DELETED, making.field(record, "source", str, default="") == PREDICTED
    skipped["deleted annotations"] += deleted
    skipped["predicted annotations"] += predicted and not deleted
    if deleted or predicted:
        return None
    said = making.field(record, "text", str, default="") or None
    return making.mention(text, [(start, start + length)], said=said, type=type, entities=coming_back([id], without=""))


def _record(document: Document) -> dict[str, Any]:
    return {
        "class": "Document",
        "id": document.id,
        "title": document.text[: document.title_end] or None,
        "text": document.text,
        "begin": 0,
        "length": len(document.text),
        "language": None,
        "type": None,
        "annotations": [
            {
                "class": "NamedEntityAnnotation",
                "begin": one.start,
                "length": one.end - one.start,
                "text": one.text,
                "source": "GOLD",
                "confidence": 1.0,
                "refId": next(iter(one.entities), None),
                "type": one.type or None,
                "candidates": [],
            }
            for one in document.mentions
        ],
    }
