"""Marks of what a linker said of a document. It knows no model."""

from __future__ import annotations

import hashlib

from tripel.annotations.events import Mark
from tripel.documents import Link, Linked

OFFERED = 10  # candidates of a mark


def marks(linked: Linked) -> list[Mark]:
    """PRED marks, each with its best candidates. The same span and type has the same id in every prediction."""
    made: dict[str, Mark] = {}
    for link in linked.links:
        mark = _mark(link)
        made.setdefault(mark.id, mark)
    return list(made.values())


def _mark(link: Link) -> Mark:
    mention = link.mention
    place = repr((mention.start, mention.end, mention.parts, mention.type))
    first = next((one for one in link.candidates if one.entity == link.entity), None)
    return Mark(
        id=f"p-{hashlib.sha256(place.encode()).hexdigest()[:16]}",
        start=mention.start,
        end=mention.end,
        text=mention.text,
        type=mention.type,
        label="PRED",
        entities=() if link.entity is None else (link.entity,),
        nil=link.entity is None,
        parts=mention.parts,
        long_form=mention.long_form,
        confidence=link.confidence,
        score=None if first is None else first.score,
        probability=None if first is None else first.probability,
        candidates=link.candidates[:OFFERED],
    )
