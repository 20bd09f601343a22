"""Texts with their mentions in [[double brackets]] -> links, in words or as JSON Lines; and documents with theirs, linked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from tripel.abbreviations import expand
from tripel.documents import Document, Link, Mention
from tripel.knowledge import KnowledgeBase
from tripel.linker import Linker

AT_ONCE = 64  # documents that are linked together
BRACKETS = re.compile(r"\[\[(.+?)\]\]")


def linked(linker: Linker, texts: Sequence[str], *, k: int, as_json: bool) -> str:
    """A line for each mention, and one for each of its k best candidates; or JSON, a mention a line."""
    documents = [bracketed(text, id=str(number)) for number, text in enumerate(texts, 1)]
    if linker.encoder.config.long_forms:
        documents = list(map(expand, documents))
    found = ((document, link) for document in documents for link in linker.link(document, k=k))
    return "\n".join(_json(document, one) if as_json else _words(one, linker.kb) for document, one in found)


def linked_documents(linker: Linker, documents: Iterable[Document]) -> Iterator[Document]:
    """Documents with the best entity of each mention in the place of what stood there; so many at a time, whatever there is."""
    waiting = iter(documents)
    while some := list(islice(waiting, AT_ONCE)):
        shown = list(map(expand, some)) if linker.encoder.config.long_forms else some
        best = iter(linker.search(shown, k=1).row_MK[:, 0].tolist())
        for document in some:
            ids = [linker.kb.id(row) if row >= 0 else "" for row in islice(best, len(document.mentions))]
            pairs = zip(document.mentions, ids, strict=True)
            yield document.having(mentions=[replace(one, entities=(id,) if id else ()) for one, id in pairs])


def bracketed(text: str, *, id: str) -> Document:
    """`The [[MS]] lesions` -> a document with its mention. Raises ValueError where there is none."""
    pieces = BRACKETS.split(text)
    if len(pieces) < 3:
        raise ValueError("no mention in the text: put each in double brackets, as in 'The [[MS]] lesions'")
    plain, mentions = "", []
    for number, piece in enumerate(pieces):
        if number % 2:
            mentions.append(Mention(start=len(plain), end=len(plain) + len(piece), text=piece))
        plain += piece
    return Document(id=id, text=plain, mentions=tuple(mentions))


def _words(found: Link, kb: KnowledgeBase) -> str:
    said = [f"{found.mention.text} [{found.mention.start}, {found.mention.end})"]
    for one in found.candidates:
        row = kb.row(one.entity)
        preferred = kb[row].name if row is not None else ""
        matched = f" (as {one.name!r})" if one.name != preferred else ""
        said.append(f"    {one.score:.3f}  {one.entity:<14}{preferred}{matched}")
    return "\n".join(said)


def _json(document: Document, found: Link) -> str:
    record = {
        "document": document.id,
        "start": found.mention.start,
        "end": found.mention.end,
        "entity": found.entity,
        "candidates": [[one.entity, round(one.score, 6), one.name] for one in found.candidates],
    }
    return json.dumps(record, ensure_ascii=False)
