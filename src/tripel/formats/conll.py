"""CoNLL: a token a line, its label in the last column, with the offsets in a file beside it.

    -DOCSTART- (12345)

    Hay <tab> B-Disease|D006255         type, then ids, parted by bars; I- goes on with the mention, O is none
    fever <tab> I-Disease|D006255
    fell <tab> O

`NAME.offsets.jsonl` has a line for each document: tokens as pairs of offsets, id, title_end and text. With it a document comes
back with its very text; without it the text is rebuilt, tokens joined by blanks and sentences by line ends, which is counted.
Labels may be BIO, BIOES or BILOU; columns are parted by tabs or blanks, those between token and label are left alone. Mentions
that overlap a longer or an earlier one, or that begin or end with white space, have no place, nor have long forms and pieces.
White space and bars in a type become `_`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from tripel.corpora.overlaps import without_overlaps
from tripel.documents import Document, Mention
from tripel.files import json_line, replacing
from tripel.formats import making
from tripel.formats.base import Format
from tripel.formats.conll_rows import Rows, documents, spans
from tripel.formats.entity_ids import BAR, coming_back, parted
from tripel.formats.json_items import lines
from tripel.formats.making import Fault, Place
from tripel.formats.tokens import of_tokens, sentences, tokens
from tripel.problems import Problem

BESIDE = ".offsets.jsonl"
LABELLED = re.compile(rb"\S+([ \t]\S+)*[ \t](O|[BIESLU]-\S*)\r?")
REBUILT = "texts rebuilt from tokens, for want of offsets beside"


class Conll(Format):
    """Tokens with labels."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".conll", ".bio", ".iob", ".iob2", ".bioes")

    @staticmethod
    def begins(head: bytes) -> bool:
        """A document's start, or tokens with labels, several and in equally many columns: prose may end in `B-12`, too."""
        first = [line for line in head.split(b"\n", 20)[:5] if line.strip()]
        if not first or first[0].startswith(b"-DOCSTART-"):
            return bool(first)
        columns = {len(line.split()) for line in first}
        return len(first) > 1 and len(columns) == 1 and all(map(LABELLED.fullmatch, first))

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems; `skipped` counts texts that had to be rebuilt, and labels without a beginning."""
        beside = path.with_name(path.name + BESIDE)
        offsets = lines(beside) if beside.exists() else None
        for rows in documents(path):
            if isinstance(rows, Problem):
                yield rows
                continue
            found = _rebuilt(rows) if offsets is None else next(offsets, (Place(str(beside)), None))
            skipped[REBUILT] += offsets is None
            if isinstance(found, Problem):
                yield found
            elif rows.sound:
                yield from _document(rows, found[1], skipped)
        for left in offsets or ():
            yield left if isinstance(left, Problem) else left[0].problem(Fault("offsets of no document", "its tokens"))

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write the tokens, and the offsets beside."""
        with (
            replacing(path) as part,
            replacing(path.with_name(path.name + BESIDE)) as beside,
            part.open("w", encoding="utf-8", newline="\n") as out,
            beside.open("w", encoding="utf-8", newline="\n") as offsets,
        ):
            for document in documents:
                found = [(token.start, token.end) for token in tokens(document.text, document.mentions)]
                place = {"id": document.id, "title_end": document.title_end, "text": document.text}
                offsets.write(json_line({"tokens": found} | place))
                out.writelines(_lines(document))

    def held(self, document: Document) -> Document:
        """The document with mentions of whole tokens that do not overlap."""
        whole = document.having(mentions=(_held(one) for one in document.mentions if of_tokens(one)))
        return without_overlaps(whole)


def _held(mention: Mention) -> Mention:
    ids = coming_back(mention.entities, without=f"{BAR} ")
    return replace(mention, type=re.sub(r"[\s|]", "_", mention.type), entities=ids, long_form="", parts=())


def _lines(document: Document) -> Iterator[str]:
    yield f"-DOCSTART- ({re.sub(r'[^ -~]', '_', document.id)})\n\n"
    found = tokens(document.text, document.mentions)
    begins = {mention.start: mention for mention in document.mentions}
    within: Mention | None = None
    for sentence in sentences(document.text, found, document.mentions):
        for token in found[sentence.start : sentence.stop]:
            within = begins.get(token.start, within if within and token.start < within.end else None)
            place = "" if not within else "B" if token.start == within.start else "I"
            label = f"{place}-{BAR.join([within.type, *within.entities])}" if within else "O"
            yield f"{token.text}\t{label}\n"
        yield "\n"


def _rebuilt(rows: Rows) -> tuple[Place, dict[str, Any]]:
    """What would stand beside, had the tokens been written with single blanks between them."""
    text, spans = "", []
    for sentence in rows.sentences:
        text += "\n" if text and sentence else ""
        for at, (token, _) in enumerate(sentence):
            text += " " if at else ""
            spans.append([len(text), len(text) + len(token)])
            text += token
    return rows.place, {"id": rows.id, "title_end": 0, "text": text, "tokens": spans}


def _document(rows: Rows, record: Any, skipped: Counter[str]) -> Iterator[Document | Problem]:
    try:
        id, text = making.field(record, "id", str), making.field(record, "text", str)
        title_end = making.field(record, "title_end", int, default=0)
        offsets = making.pairs(making.field(record, "tokens", list), "tokens")
        if [text[start:end] for start, end in offsets] != rows.tokens:
            raise Fault(
                "tokens that are not the text at their offsets", f"the file with {BESIDE} that was written with it"
            )
    except Fault as fault:
        yield rows.place.problem(fault)
        return
    yield from making.document(
        rows.place,
        id=id,
        text=text,
        title_end=title_end,
        mentions=spans(rows, skipped),
        make=lambda one: _mention(one, text, offsets),
    )


def _mention(span: tuple[int, int, str], text: str, offsets: list[tuple[int, int]]) -> Mention:
    first, end, kind = span
    type, _, ids = kind.partition(BAR)
    return making.mention(text, [(offsets[first][0], offsets[end - 1][1])], said=None, type=type, entities=parted(ids))
