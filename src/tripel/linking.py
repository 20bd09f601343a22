"""What a linker said, in words or as JSON Lines; and texts with their mentions in [[double brackets]]."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tripel.documents import Candidate, Document, Link, Linked, Mention

BRACKETS = re.compile(r"\[\[(.+?)\]\]")


def documents_of(texts: Iterable[str]) -> Iterator[tuple[Document, bool]]:
    """A document for each text, numbered from 1, and whether it brings its mentions, in double brackets."""
    for number, text in enumerate(texts, 1):
        document = bracketed(text, id=str(number))
        yield document, bool(document.mentions)


def bracketed(text: str, *, id: str) -> Document:
    """`The [[MS]] lesions` -> a document with its mention; without brackets one without mentions."""
    plain, mentions = "", []
    for number, piece in enumerate(BRACKETS.split(text)):
        if number % 2:
            mentions.append(Mention(start=len(plain), end=len(plain) + len(piece), text=piece))
        plain += piece
    return Document(id=id, text=plain, mentions=tuple(mentions))


def in_words(linked: Linked) -> str:
    """A line for each mention and one for each of its candidates; of a link that was not made, why."""
    return "\n".join(_lines(linked.links))


def as_record(linked: Linked, *, text: bool = True) -> dict[str, Any]:
    """A document as an object of JSON: what `formats.jsonl` reads back, and of each mention the candidates and the decision."""
    document = linked.document
    return {
        "id": document.id,
        **({"text": document.text} if text else {}),
        "title_end": document.title_end,
        "mentions": [link_record(link, text=text) for link in linked.links],
    }


def as_line(linked: Linked) -> str:
    """The same on one line."""
    return json.dumps(as_record(linked), ensure_ascii=False)


def _lines(links: Iterable[Link]) -> Iterator[str]:
    for link in links:
        told = "" if link.decision == "linked" else f"  {link.decision.upper()}: {link.why}"
        yield f"{link.mention.text} [{link.mention.start}, {link.mention.end}){told}"
        for one in link.candidates:
            sure = one.score if one.probability is None else one.probability
            yield f"    {sure:.3f}  {one.entity:<14}{one.name}{_beside(one)}"


def _beside(one: Candidate) -> str:
    """What else is worth knowing of a candidate."""
    matched = f" (as {one.matched!r})" if one.matched != one.name else ""
    source = f" [{one.source}]" if one.source else ""
    ids = f" = {', '.join(one.ids)}" if one.ids else ""
    return f"{matched}{source}{ids}"


def link_record(link: Link, *, text: bool) -> dict[str, Any]:
    """A link as an object of JSON, plain lists and numbers: the span, what was decided, the candidates, best first."""
    mention = link.mention
    return {
        "start": mention.start,
        "end": mention.end,
        **({"text": mention.text, "long_form": mention.long_form} if text else {}),
        "type": mention.type,
        "parts": [list(part) for part in mention.parts],
        "confidence": round(link.confidence, 6),
        "entities": [link.entity] if link.entity else [],
        "decision": link.decision,
        "why": link.why,
        "candidates": [_candidate(one) for one in link.candidates],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "name": one.name,
        "matched": one.matched,
        "source": one.source,
        "ids": list(one.ids),
        "score": round(one.score, 6),
        "probability": None if one.probability is None else round(one.probability, 6),
    }
