"""What a linker said, in words, as JSON Lines, or counted; and texts with their mentions in [[double brackets]]."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tripel.documents import Candidate, Decision, Document, Link, Linked, Mention

BRACKETS = re.compile(r"\[\[(.+?)\]\]", re.DOTALL)
WORDS: dict[Decision, str] = {"linked": "linked", "nil": "NIL", "filtered": "filtered"}
ID = 12  # characters of a column of ids, more where one is longer


@dataclass
class Tally:
    """What became of the mentions of documents, as far as they were linked."""

    vocabulary: str = ""
    """The one whose ids are wanted."""
    documents: int = 0
    decisions: Counter[Decision] = field(default_factory=Counter)
    unnamed: int = 0
    """Links to entities that the wanted vocabulary has no id for."""

    def count(self, documents: Iterable[Linked]) -> Iterator[Linked]:
        """The same documents, counted as they go by."""
        for linked in documents:
            self.documents += 1
            self.decisions.update(link.decision for link in linked.links)
            if self.vocabulary:
                self.unnamed += sum(link.entity is not None and not link.candidates[0].ids for link in linked.links)
            yield linked

    def __str__(self) -> str:
        said = ", ".join(f"{self.decisions[decision]:,} {word}" for decision, word in WORDS.items())
        said = f"{self.decisions.total():,} mentions: {said}"
        unnamed = f"; {self.unnamed:,} links keep the id of the knowledge base, for {self.vocabulary} has none"
        return said + (unnamed if self.unnamed else "")


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


def in_words(linked: Linked, *, headed: bool = False) -> str:
    """A line for each mention and one for each of its candidates; of a link that was not made, why. `headed`: the id before."""
    head = [f"document {linked.document.id}"] if headed else []
    return "\n".join([*head, *(_lines(linked.links) if linked.links else ["no mentions"])])


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


def _lines(links: Sequence[Link]) -> Iterator[str]:
    width = max([ID, *(len(one.entity) for link in links for one in link.candidates)])
    for link in links:
        told = "" if link.decision == "linked" else f"  {link.decision.upper()}: {link.why}"
        yield f"{link.mention.text} [{link.mention.start}, {link.mention.end}){told}"
        for one in link.candidates:
            sure = one.score if one.probability is None else one.probability
            yield f"    {sure:.3f}  {one.entity:<{width}}  {one.name}{_beside(one)}"


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
        "entities": list(link.ids),
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
        "types": list(one.types),
        "score": round(one.score, 6),
        "probability": None if one.probability is None else round(one.probability, 6),
    }
