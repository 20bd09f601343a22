"""Documents to and from the objects of the package `bioc`, which both its XML and its JSON are read into.

Text is that of the passages at their offsets, blanks between; a first passage of type `title` is the title. Infons of an
annotation: `type`, `identifier` (several ids parted by bars; plain ids by commas or semicolons, too), `long_form`; elsewhere
infons named after a vocabulary hold ids. Locations are characters of the document; several are the pieces of a discontinuous
mention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bioc import BioCAnnotation, BioCDocument, BioCLocation, BioCPassage

from tripel.documents import Document, Mention
from tripel.formats.entity_ids import BAR, coming_back, parted_anyhow
from tripel.formats.making import Fault, Place, document, mention
from tripel.formats.passages import TITLE, Passage, joined, passages
from tripel.problems import Problem

IDS = ("identifier", "MESH", "UMLS", "OMIM", "NCBI Gene", "NCBIGene", "CUI")  # infons that hold ids; the first is taken


def from_bioc(source: Any, place: Place, skipped: Counter[str]) -> Iterator[Document | Problem]:
    """A document of ours from one of `bioc`, and its problems; `skipped` counts relations."""
    parts = [source, *source.passages, *(one for passage in source.passages for one in passage.sentences)]
    skipped["relations"] += sum(len(part.relations) for part in parts)
    try:
        if not isinstance(source.id, str):
            raise Fault("a document without id", "an id in letters and digits")
        text, title_end = joined(list(_passages(source)))
    except Fault as fault:
        yield place.problem(fault)
        return
    yield from document(
        place,
        id=source.id,
        text=text,
        title_end=title_end,
        mentions=[annotation for part in parts for annotation in part.annotations],
        make=lambda one: _mention(one, text),
    )


def _passages(source: Any) -> Iterator[Passage]:
    for passage in source.passages:
        for part in [passage] if passage.text else passage.sentences:
            if type(part.offset) is not int or part.offset < 0 or not isinstance(part.text or "", str):
                raise Fault("a passage without a text at an offset", "offset: a whole number from 0; text: a string")
            if part.text:
                yield Passage(TITLE if _is_title(passage) else "", part.offset, part.text)


def _is_title(passage: Any) -> bool:
    kinds = (passage.infons.get("type"), passage.infons.get("section_type"))
    return any(isinstance(kind, str) and kind.casefold() == TITLE for kind in kinds)


def _mention(annotation: Any, text: str) -> Mention:
    infons = annotation.infons
    if not all(isinstance(value, str | None) for value in (*infons.values(), annotation.text)):
        raise Fault("infons or a text that are no strings", "strings")
    places = [(place.offset, place.length) for place in annotation.locations]
    if not all(type(number) is int for place in places for number in place):
        raise Fault("a location that is no pair of whole numbers", "offset and length in characters of the document")
    return mention(
        text,
        [(start, start + length) for start, length in places],
        said=annotation.text,
        type=infons.get("type") or "",
        entities=parted_anyhow(next((infons[name] for name in IDS if infons.get(name)), "")),
        long_form=infons.get("long_form") or "",
    )


def held(document: Document) -> Document:
    """The document with ids that come back."""
    return document.having(mentions=(replace(one, entities=_held(one)) for one in document.mentions))


def _held(mention: Mention) -> tuple[str, ...]:
    return tuple(id for id in coming_back(mention.entities) if parted_anyhow(id) == (id,))


def to_bioc(document: Document) -> Any:
    """A document of `bioc`; mentions stand in the passage they are in, those that cross passages in the document."""
    made = BioCDocument()
    made.id = document.id
    places = passages(document)
    for place in places:
        passage = BioCPassage()
        passage.offset, passage.text, passage.infons = place.start, place.text, {"type": place.type}
        made.add_passage(passage)
    for number, one in enumerate(document.mentions, 1):
        within = (at for at, place in enumerate(places) if place.start <= one.start and one.end <= place.end)
        holder = next(within, None)
        (made if holder is None else made.passages[holder]).add_annotation(_annotation(one, number))
    return made


def _annotation(mention: Mention, number: int) -> Any:
    made = BioCAnnotation()
    made.id, made.text = str(number), mention.text
    said = {"type": mention.type, "identifier": BAR.join(mention.entities), "long_form": mention.long_form}
    made.infons = {name: value for name, value in said.items() if value}
    for start, end in mention.parts or [(mention.start, mention.end)]:
        made.add_location(BioCLocation(start, end - start))
    return made
