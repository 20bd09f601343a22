"""BRAT standoff: a folder of texts, `ID.txt`, and beside each its marks, `ID.ann`.

    T1 <tab> Disease 0 5;10 15 <tab> heart block           characters [start, end) of the text, pieces parted by ;
    N1 <tab> Reference T1 MESH:D006327 <tab> heart block   an id for T1; several for several

A line end is a character, or two where it is two. An id that names no vocabulary gets the prefix of the one it looks like, else
`ID:`; the reader leaves it off. A type is one word: white space in it becomes `_`, and `_` alone is no type. There are no titles
and no long forms. Relations, events, attributes and notes are counted and left out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from tripel.corpora.lines import Line, numbered
from tripel.documents import Document, Mention
from tripel.formats.base import Format
from tripel.formats.entity_ids import coming_back, qualified, unqualified
from tripel.formats.folders import Pair, file_name, pairs, replacing_folder, text_of, write_text_in
from tripel.formats.making import UTF8, Fault, Place, document_of_lines, mention
from tripel.problems import Problem

NO_TYPE = "_"
TEXT_BOUND = re.compile(
    r"T\S*\t(?P<type>\S+) (?P<spans>\d{1,12} \d{1,12}(?:;\d{1,12} \d{1,12})*)\t(?P<text>.*)", re.DOTALL
)
REFERENCE = re.compile(r"N\S*\t\S+ (?P<of>T\S*) (?P<id>\S+)(?:\t.*)?", re.DOTALL)
OTHERS = {"R": "relations", "E": "events", "A": "attributes", "M": "attributes", "*": "equivalences", "#": "notes"}
EXPECTED = "T1<tab>TYPE START END[;START END]<tab>TEXT, or N1<tab>Reference T1 VOCABULARY:ID<tab>NAME"


class Brat(Format):
    """BRAT standoff."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".brat",)
    FOLDER: ClassVar[str] = ".ann"

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents in the order of their names, and problems; `skipped` counts what is neither T nor N."""
        for pair in pairs(path, self.FOLDER):
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
                write_text_in(part / f"{name}.ann", "".join(_lines(document)))

    def held(self, document: Document) -> Document:
        """The document without its title, long forms left out, types and ids as words."""
        return replace(document, title_end=0).having(mentions=map(_held, document.mentions))


def _held(mention: Mention) -> Mention:
    type = re.sub(r"\s", NO_TYPE, mention.type)
    ids = coming_back(mention.entities, without=" ")
    kept = tuple(id for id in ids if unqualified(qualified(id)) == id)
    return replace(mention, type="" if type == NO_TYPE else type, entities=kept, long_form="")


def _lines(document: Document) -> Iterator[str]:
    references = 0
    for number, one in enumerate(document.mentions, 1):
        pieces = one.parts or ((one.start, one.end),)
        spans = ";".join(f"{start} {end}" for start, end in pieces)
        shown = re.sub(r"\s", " ", " ".join(document.text[start:end] for start, end in pieces))
        yield f"T{number}\t{one.type or NO_TYPE} {spans}\t{shown}\n"
        for entity in one.entities:
            references += 1
            yield f"N{references}\tReference T{number} {qualified(entity)}\t{shown}\n"


def _read(pair: Pair, skipped: Counter[str]) -> Iterator[Document | Problem]:
    text = text_of(pair.text)
    if isinstance(text, Problem):
        yield text
        return
    marks = _Marks(str(pair.marks))
    for line in numbered(pair.marks):
        if isinstance(line, Problem):
            yield line
        else:
            yield from marks.take(line, skipped)
    for number in marks.unknown():
        yield Place(marks.source, number).problem(Fault("an id of a mention that is not there", "its T line, too"))
    bounds = ((number, (found, marks.ids[name])) for name, (number, found) in marks.bounds.items())
    yield from document_of_lines(marks.source, bounds, lambda one: _mention(*one, text), id=pair.id, text=text)


def _mention(found: re.Match[str], ids: list[tuple[int, str]], text: str) -> Mention:
    spans = [tuple(map(int, span.split())) for span in found["spans"].split(";")]
    return mention(
        text,
        [(start, end) for start, end in spans],
        said=found["text"],
        type="" if found["type"] == NO_TYPE else found["type"],
        entities=(entity for _, entity in ids if entity),
    )


@dataclass
class _Marks:
    """The lines of one file of marks, T by their names and N by those they are of."""

    source: str
    bounds: dict[str, tuple[int, re.Match[str]]] = field(default_factory=dict)
    ids: defaultdict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, line: Line, skipped: Counter[str]) -> Iterator[Problem]:
        bound, reference = TEXT_BOUND.fullmatch(line.text), REFERENCE.fullmatch(line.text)
        if line.damaged:
            yield Place(self.source, line.number).problem(UTF8)
        elif bound:
            name = line.text.partition("\t")[0]
            if name in self.bounds:
                yield Place(self.source, line.number).problem(Fault("a T of a name that is taken", "each name once"))
            self.bounds.setdefault(name, (line.number, bound))
        elif reference:
            self.ids[reference["of"]].append((line.number, unqualified(reference["id"])))
        elif line.text[:1] in OTHERS:
            skipped[OTHERS[line.text[0]]] += 1
        elif line.text.strip():
            found = f"a line of {len(line.text)} characters that is no mark"
            yield Place(self.source, line.number).problem(Fault(found, EXPECTED))

    def unknown(self) -> Iterator[int]:
        """Lines of ids of no mention."""
        yield from (line for of, ids in self.ids.items() if of not in self.bounds for line, _ in ids)
