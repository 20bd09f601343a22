"""BioSyn's files of mentions: a folder of `ID.concept`, and beside each its text, `ID.txt`.

    12345||0|9||Disease||Hay fever||D006255        document, start, end, type, mention, ids parted by bars; -1 is no id

Without a text beside, one is made of the mentions, a line each, whatever the offsets say; that is counted. A mention that
BioSyn's preprocessing has put in small letters or stripped of punctuation is taken from the text, and counted. There are no
titles, no long forms and no pieces; white space in a type is a blank, and a bar in it a slash.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from tripel.corpora.lines import numbered
from tripel.documents import Document, Mention
from tripel.formats.base import Format
from tripel.formats.entity_ids import BAR, coming_back, parted
from tripel.formats.folders import Pair, file_name, pairs, replacing_folder, text_of, write_text_in
from tripel.formats.making import UTF8, Fault, Place, document, document_of_lines, mention
from tripel.problems import Problem

ROW = re.compile(r"(?P<start>\d{1,12})\|(?P<end>\d{1,12})\|\|(?P<type>.*?)\|\|(?P<text>.*)\|\|(?P<ids>.*)", re.DOTALL)
EXPECTED = "the name of its file, ||start|end||type||mention||ids, or -1 for no id"
REBUILT = "texts made of the mentions, for want of a text beside"
CHANGED = "mentions in other letters than their text's, which is taken"


class Biosyn(Format):
    """BioSyn's mentions, with texts."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".biosyn",)
    FOLDER: ClassVar[str] = ".concept"

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents in the order of their names, and problems; `skipped` counts what had to be made up."""
        for pair in pairs(path, self.FOLDER, alone=True):
            if isinstance(pair, Problem):
                yield pair
            else:
                yield from _read(pair, skipped)

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write the folder."""
        with replacing_folder(path) as part:
            for document in documents:
                name = file_name(document.id)
                write_text_in(part / f"{name}.txt", document.text)
                write_text_in(part / f"{name}{self.FOLDER}", "".join(_row(name, one) for one in document.mentions))

    def held(self, document: Document) -> Document:
        """The document without title, its mentions as rows hold them."""
        return replace(document, title_end=0).having(mentions=map(_held, document.mentions))


def _held(mention: Mention) -> Mention:
    type = re.sub(r"\s", " ", mention.type).strip().replace(BAR, "/")
    return replace(
        mention, type=type, entities=coming_back(mention.entities, without=f"{BAR}+ "), long_form="", parts=()
    )


def _row(name: str, mention: Mention) -> str:
    shown, ids = re.sub(r"\s", " ", mention.text), BAR.join(mention.entities) or "-1"
    return f"{name}||{mention.start}|{mention.end}||{mention.type}||{shown}||{ids}\n"


def _read(pair: Pair, skipped: Counter[str]) -> Iterator[Document | Problem]:
    rows: list[tuple[int, re.Match[str]]] = []
    source = str(pair.marks)
    name = pair.marks.name.removesuffix(Biosyn.FOLDER)
    for line in numbered(pair.marks):
        if isinstance(line, Problem):
            yield line
        elif line.damaged:
            yield Place(source, line.number).problem(UTF8)
        elif row := ROW.fullmatch(line.text.removeprefix(f"{name}||")):
            rows.append((line.number, row))
        elif line.text.strip():
            found = f"a line of {len(line.text)} characters that is no mention of this document"
            yield Place(source, line.number).problem(Fault(found, EXPECTED))
    text = text_of(pair.text) if pair.text.exists() else "\n".join(row["text"] for _, row in rows)
    if isinstance(text, Problem):
        yield text
    elif pair.text.exists():
        yield from document_of_lines(source, rows, lambda row: _mention(row, text, skipped), id=pair.id, text=text)
    else:
        skipped[REBUILT] += 1
        stacked = list(_stacked((row for _, row in rows), text))
        yield from document(Place(source), id=pair.id, text=text, mentions=stacked, make=lambda one: one)


def _mention(row: re.Match[str], text: str, skipped: Counter[str]) -> Mention:
    start, end = int(row["start"]), int(row["end"])
    changed = row["text"] != re.sub(r"\s", " ", text[start:end]) and _letters(row["text"]) == _letters(text[start:end])
    skipped[CHANGED] += changed
    return _at(start, end, row, text, said=None if changed else row["text"])


def _at(start: int, end: int, row: re.Match[str], text: str, *, said: str | None) -> Mention:
    ids = parted(row["ids"].replace("+", BAR))
    return mention(text, [(start, end)], said=said, type=row["type"].strip(), entities=ids)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _stacked(rows: Iterable[re.Match[str]], text: str) -> Iterator[Mention]:
    """Mentions of a text that has each in a line of its own."""
    start = 0
    for row in rows:
        end = start + len(row["text"])
        if start < end:
            yield _at(start, end, row, text, said=None)
        start = end + 1
