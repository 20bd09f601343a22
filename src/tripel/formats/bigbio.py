"""Records of BigBIO's schema `bigbio_kb`, which both its JSON and its Parquet hold.

    {"id", "document_id", "passages": [{"id", "type", "text": [...], "offsets": [[start, end]]}],
     "entities": [{"id", "type", "text": [...], "offsets": [[start, end], ...], "normalized": [{"db_name", "db_id"}]}],
     "events": [], "coreferences": [], "relations": []}

Offsets are half-open characters of the document, several are the pieces of a discontinuous mention; text is that of the passages
at their offsets. The vocabulary of an id that names none is told by its form, else `db_name` is empty. Long forms have no place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tripel.documents import Document, Mention
from tripel.formats.entity_ids import bare, coming_back, qualified
from tripel.formats.making import Fault, Place, document, field, mention, pairs, strings
from tripel.formats.passages import Passage, joined, passages
from tripel.problems import Problem

OTHERS = ("events", "coreferences", "relations")


def from_record(place: Place, record: Any, skipped: Counter[str]) -> Iterator[Document | Problem]:
    """A document from a record, and its problems; `skipped` counts what else is annotated."""
    try:
        id = field(record, "document_id", str)
        text, title_end = joined(list(_passages(field(record, "passages", list))))
        entities = field(record, "entities", list, default=[])
        for name in OTHERS:
            skipped[name] += len(field(record, name, list, default=[]))
    except Fault as fault:
        yield place.problem(fault)
        return
    yield from document(
        place, id=id, text=text, title_end=title_end, mentions=entities, make=lambda one: _mention(one, text)
    )


def _passages(records: list[Any]) -> Iterator[Passage]:
    for record in records:
        texts = strings(field(record, "text", list), "text")
        offsets = pairs(field(record, "offsets", list), "offsets")
        if len(texts) != len(offsets):
            raise Fault(
                f"a passage of {len(texts)} texts and {len(offsets)} offsets", "a pair of offsets for each text"
            )
        for text, (start, end) in zip(texts, offsets, strict=True):
            if start < 0 or end - start != len(text):
                found = f"a passage at [{start}, {end}) of {len(text)} characters"
                raise Fault(found, "offsets that are its ends, in characters (not bytes)")
            if text:
                yield Passage(field(record, "type", str, default="").casefold(), start, text)


def _mention(record: Any, text: str) -> Mention:
    said = strings(field(record, "text", list, default=[]), "text")
    return mention(
        text,
        pairs(field(record, "offsets", list), "offsets"),
        said=" ".join(said) if said else None,
        type=field(record, "type", str, default=""),
        entities=filter(None, map(_entity, field(record, "normalized", list, default=[]))),
    )


def _entity(record: Any) -> str:
    vocabulary, id = field(record, "db_name", str, default=""), field(record, "db_id", str, default="")
    return bare(f"{vocabulary}:{id}") if vocabulary and id else bare(id)


def held(document: Document) -> Document:
    """The document without long forms."""
    kept = (
        replace(mention, entities=coming_back(mention.entities, without=""), long_form="")
        for mention in document.mentions
    )
    return document.having(mentions=kept)


def to_record(document: Document) -> dict[str, Any]:
    """The record of a document."""
    id = document.id
    return {
        "id": id,
        "document_id": id,
        "passages": [
            {
                "id": f"{id}_{place.type}",
                "type": place.type,
                "text": [place.text],
                "offsets": [[place.start, place.end]],
            }
            for place in passages(document)
        ],
        "entities": [_entity_record(f"{id}_T{at}", one, document.text) for at, one in enumerate(document.mentions, 1)],
    } | {name: [] for name in OTHERS}


def _entity_record(id: str, mention: Mention, text: str) -> dict[str, Any]:
    pieces = mention.parts or ((mention.start, mention.end),)
    return {
        "id": id,
        "type": mention.type,
        "text": [text[start:end] for start, end in pieces],
        "offsets": [[start, end] for start, end in pieces],
        "normalized": [_normalized(entity) for entity in mention.entities],
    }


def _normalized(entity: str) -> dict[str, str]:
    vocabulary, _, id = qualified(entity).partition(":")
    named = id and vocabulary not in ("", "ID")
    return {"db_name": vocabulary, "db_id": id} if named else {"db_name": "", "db_id": entity}
