"""JSON Lines, a document a line: the one format here that holds everything.

    {"id": "1", "text": "Fever fell.", "title_end": 0, "mentions": [{"start": 0, "end": 5, "text": "Fever",
     "type": "Disease", "entities": ["D005334"], "long_form": "", "parts": []}]}

Offsets are half-open characters of `text`; [0, title_end) is the title. `parts` are the pieces of a discontinuous mention.
A reader needs `id` and `text` of a document, `start` and `end` of a mention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from tripel.documents import Document, Mention
from tripel.files import write_lines
from tripel.formats.base import Format
from tripel.formats.json_items import has_key, lines
from tripel.formats.making import Fault, Place, document, field, mention, pairs, strings
from tripel.problems import Problem


class Jsonl(Format):
    """JSON Lines."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")

    @staticmethod
    def begins(head: bytes) -> bool:
        """An object with a text, and not one of the other formats in JSON."""
        others = has_key(head, "passages", "documents", "annotations", "protocol", "tokens")
        return head.lstrip().startswith(b"{") and has_key(head, "text") and not others

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems, a line at a time."""
        del skipped
        for found in lines(path):
            if isinstance(found, Problem):
                yield found
            else:
                yield from from_record(*found)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write a line for each document."""
        write_lines(path, map(_record, documents))


def from_record(place: Place, record: Any) -> Iterator[Document | Problem]:
    """The document that an object holds, and its problems."""
    try:
        id, text = field(record, "id", str), field(record, "text", str)
        title_end = field(record, "title_end", int, default=0)
        mentions = field(record, "mentions", list, default=[])
    except Fault as fault:
        yield place.problem(fault)
        return
    yield from document(
        place, id=id, text=text, title_end=title_end, mentions=mentions, make=lambda one: _mention(one, text)
    )


def _mention(record: Any, text: str) -> Mention:
    whole = (field(record, "start", int), field(record, "end", int))
    made = mention(
        text,
        pairs(field(record, "parts", list, default=[]), "parts") or [whole],
        said=field(record, "text", str) if "text" in record else None,
        type=field(record, "type", str, default=""),
        entities=strings(field(record, "entities", list, default=[]), "entities"),
        long_form=field(record, "long_form", str, default=""),
    )
    if (made.start, made.end) != whole:
        raise Fault(
            f"parts from {made.start} to {made.end} of a mention [{whole[0]}, {whole[1]})", "the same at both ends"
        )
    return made


def _record(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "text": document.text,
        "title_end": document.title_end,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": mention.text,
                "type": mention.type,
                "entities": mention.entities,
                "long_form": mention.long_form,
                "parts": mention.parts,
            }
            for mention in document.mentions
        ],
    }
