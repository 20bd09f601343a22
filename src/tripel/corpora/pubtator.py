"""PubTator text: documents out of it, and documents into it. It knows the format and no corpus.

    12345|t|title
    12345|a|abstract
    12345 <tab> start <tab> end <tab> mention <tab> type <tab> ids [<tab> parts of a composite mention]
    12345 <tab> relation <tab> id <tab> id [<tab> novelty]

Documents are parted by a blank line. Offsets are half-open characters of title, one separator, abstract.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tripel.corpora.lines import Line, is_id, numbered
from tripel.documents import Document, Mention
from tripel.files import replacing
from tripel.problems import Problem, sound

HEADER = re.compile(r"\s*(?P<id>[^\s|]*)\s*\|(?P<part>[ta])\|(?P<text>.*)", re.DOTALL)
RELATION = re.compile(r"[A-Za-z][A-Za-z_-]*")
RELATION_COLUMNS = (4, 5)  # BC5CDR has four, BioRED a fifth that says whether the relation is new
MENTION_COLUMNS = (6, 7)
PREFIX = re.compile(r"(?:UMLS|MESH):\s*", re.IGNORECASE)
NO_ID = frozenset({"-1", "-"})
SEPARATORS = "|+,;"
ONE_OF_SEVERAL = "composite mentions of one entity"  # D1|D1, or D1|-1
NEARBY = 200  # characters; an offset is seldom wrong by more
LONGEST = 18  # digits of an offset; Python refuses to read very long numbers
LINE_ENDS = str.maketrans("\n\r\t", "   ")


def read(
    path: Path,
    *,
    separators: str = SEPARATORS,
    known_repeats: Collection[str] = (),
    skipped: Counter[str] | None = None,
) -> list[Document]:
    """All documents of a file without faults. Raises BadInput with every problem."""
    return whole(parse(path, separators=separators, known_repeats=known_repeats, skipped=skipped))


def whole(found: Iterable[Document | Problem]) -> list[Document]:
    """The documents of a stream without problems. Raises BadInput with every problem."""
    return list(sound(found))


def parse(
    path: Path,
    *,
    separators: str = SEPARATORS,
    known_repeats: Collection[str] = (),
    skipped: Counter[str] | None = None,
) -> Iterator[Document | Problem]:
    """Documents and problems of a file, plain or gzipped, in one pass.

    A bad mention costs the mention, a bad title or abstract the document; what follows is read. `skipped` counts
    what was passed over on purpose: relations by name, further ids of a mention that are `-1` or repeat one, and second
    copies of the documents in `known_repeats`.
    """
    reader = _Reader(
        source=str(path),
        separators=re.compile(f"[{re.escape(separators)}]"),
        known_repeats=frozenset(known_repeats),
        skipped=Counter() if skipped is None else skipped,
    )
    nothing = True
    for line in numbered(path):
        nothing = nothing and isinstance(line, Line) and not line.text.strip()
        if isinstance(line, Problem):
            yield line
            return  # the document at hand may lack its end
        yield from reader.take(line)
    yield from reader.finish()
    if nothing:
        yield Problem(str(path), 0, "an empty file", "documents such as 12345|t|title; fetch or export it again")


def write(path: Path, documents: Iterable[Document]) -> None:
    """Write PubTator, atomically; `read` gives equal documents back, but for long forms, which it has no column for.

    A line break or tab within a text becomes a blank, since a text must stand in one line: offsets stay true.
    A text without a title stands in the line of the title.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(map(_written, documents))


def _written(document: Document) -> str:
    text = document.text.translate(LINE_ENDS)
    id = _cell(document.id, "document id")
    cut = end_of_title(text, document.title_end)
    lines = [f"{id}|t|{text[:cut]}", f"{id}|a|{text[cut + 1 :]}"]
    for mention in document.mentions:
        entities = "|".join(_cell(entity, "entity id", SEPARATORS) for entity in mention.entities) or "-1"
        span = text[mention.start : mention.end]
        lines.append(f"{id}\t{mention.start}\t{mention.end}\t{span}\t{mention.type.translate(LINE_ENDS)}\t{entities}")
    return "\n".join(lines) + "\n\n"


def end_of_title(text: str, wanted: int) -> int:
    """Where a title ends in PubTator: where it should, if a blank and more stands there, else with the text."""
    return wanted if text[wanted:].startswith(" ") and text[wanted + 1 :] else len(text)


def _cell(id: str, what: str, separators: str = "|") -> str:
    if not id or id != id.strip() or re.search(f"[\\s{re.escape(separators)}]", id):
        raise ValueError(
            f"a {what} of {len(id)} characters cannot stand in PubTator; expected no blank and none of {separators}"
        )
    return id


@dataclass
class _Record:
    """A document being read."""

    id: str
    title: str
    abstract: str = ""
    has_abstract: bool = False
    mentions: list[Mention] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title} {self.abstract}" if self.abstract else self.title


@dataclass(kw_only=True)
class _Reader:
    """Lines in, documents and problems out."""

    source: str
    separators: re.Pattern[str]
    known_repeats: frozenset[str]
    skipped: Counter[str]
    first_line: dict[str, int] = field(default_factory=dict)
    record: _Record | None = None
    passing: str | None = None
    """Id of a document whose other lines are passed over, because what is wrong with it has been said."""

    def take(self, line: Line) -> Iterator[Document | Problem]:
        if line.damaged:
            yield self._problem(line.number, "bytes that are not UTF-8", "UTF-8; convert the file or mend this line")
        header = HEADER.fullmatch(line.text)
        if not line.text.strip():
            yield from self.finish()
        elif header and header["part"] == "t":
            yield from self.finish()  # the blank line before a title may be missing
            yield from self._title(line, header["id"], header["text"])
        elif header:
            yield from self._abstract(line, header["id"], header["text"])
        elif not line.damaged:
            yield from self._row(line.number, line.text.split("\t"))

    def finish(self) -> Iterator[Document]:
        """The document that ends here, if there is one."""
        record, self.record, self.passing = self.record, None, None
        if record is not None:
            document = Document(id=record.id, text=record.text, title_end=len(record.title))
            yield document.having(mentions=record.mentions)

    def _title(self, line: Line, id: str, title: str) -> Iterator[Problem]:
        first = self.first_line.setdefault(id, line.number)
        if first == line.number and id and not line.damaged:
            self.record = _Record(id, title)
            return
        self.passing = id
        if not id:
            yield self._problem(line.number, "a blank document id", "an id before |t|")
        elif first != line.number and id in self.known_repeats:
            self.skipped["repeated documents"] += 1
        elif first != line.number:
            found = f"{_document(id)} again, first at line {first}"
            yield self._problem(line.number, found, "each id once; remove one")

    def _abstract(self, line: Line, id: str, abstract: str) -> Iterator[Problem]:
        record = self.record
        if record is not None and record.id == id and not record.has_abstract and not line.damaged:
            record.abstract, record.has_abstract = abstract, True
        elif record is not None and record.id == id and record.has_abstract:
            yield self._problem(line.number, f"a second abstract of {_document(id)}", "one; join the lines to one")
        elif self.passing != id:
            self.record, self.passing = None, id
            if record is not None and record.id != id:
                title = f"the title of {_document(record.id)} followed by the abstract of {_document(id)}"
                yield self._problem(line.number, title, "one id in both; mend it")
            elif record is None:
                found = f"an abstract of {_document(id)} without title"
                yield self._problem(line.number, found, "id|t|title before it")

    def _row(self, number: int, cells: list[str]) -> Iterator[Problem]:
        id, record = cells[0].strip(), self.record
        if len(cells) == 1 or " " in id:  # prose, and none of it must get into the message
            found = (
                f"a line of {sum(map(len, cells)) + len(cells) - 1} characters that is no title, abstract or mention"
            )
            yield self._problem(number, found, "|t|, |a| or tabs; join an abstract of several lines to one")
        elif record is None:
            if self.passing != id:
                self.passing = id
                expected = "its title and abstract directly before; remove a blank line between, or add them"
                yield self._problem(number, f"mentions of {_document(id)} outside a document", expected)
        elif record.id != id:
            found = f"a mention of {_document(id)} within {_document(record.id)}"
            yield self._problem(number, found, "the id of the document; mend the id or move the line")
        elif _is_relation(cells):
            self.skipped[f"{cells[1]} relations"] += 1
        else:
            mention = self._mention(number, cells, record)
            if isinstance(mention, Problem):
                yield mention
            else:
                record.mentions.append(mention)

    def _mention(self, number: int, cells: list[str], record: _Record) -> Mention | Problem:
        if len(cells) not in MENTION_COLUMNS:
            expected = "6 or 7: id, start, end, mention, type, ids, parts; the line may be cut short"
            return self._problem(number, f"{len(cells)} columns", expected)
        for name, cell in zip(("a start", "an end"), cells[1:3], strict=True):
            number_alone = cell.strip().isascii() and cell.strip().isdigit()
            if not number_alone or len(cell.strip()) > LONGEST:
                kind = "digits" if number_alone else "characters that are no whole number"
                expected = "a whole number from 0 to the document's end, in characters"
                return self._problem(number, f"{name} of {len(cell.strip()):,} {kind}", expected)
        start, end, text = int(cells[1]), int(cells[2]), record.text
        if start >= end:
            return self._problem(number, f"offsets [{start}, {end})", "start before end; the end is exclusive")
        if end > len(text):
            found = f"offsets [{start}, {end}) in a document of {len(text)} characters"
            return self._problem(number, found, "offsets within it, counted in characters over title, blank, abstract")
        if text[start:end] != cells[3]:
            found = f"a mention that is not characters [{start}, {end}) of {_document(record.id)}"
            return self._problem(number, found, _where(cells[3], text, start))
        if not cells[5].strip():
            return self._problem(number, "no entity id", "an id, or -1 where the vocabulary has none")
        return Mention(start=start, end=end, text=cells[3], type=cells[4].strip(), entities=self._entities(cells[5]))

    def _entities(self, cell: str) -> tuple[str, ...]:
        parts = [PREFIX.sub("", part.strip()) for part in self.separators.split(cell) if part.strip()]
        known = tuple(dict.fromkeys(part for part in parts if part not in NO_ID))
        if len(parts) > 1 and len(known) == 1:
            self.skipped[ONE_OF_SEVERAL] += 1
        return known

    def _problem(self, number: int, found: str, expected: str) -> Problem:
        return Problem(self.source, number, found, expected)


def _document(id: str) -> str:
    """A document by its id, where that is one for sure."""
    return f"document {id}" if is_id(id) else f"a document whose id has {len(id)} characters"


def _is_relation(cells: list[str]) -> bool:
    """A name, and two ids, which have digits: a mention that is cut is none."""
    named = len(cells) in RELATION_COLUMNS and RELATION.fullmatch(cells[1])
    return bool(named) and all(any(map(str.isdigit, cell)) for cell in cells[2:4])


def _where(mention: str, text: str, start: int) -> str:
    """What to do about a mention that is not at its offsets: where it stands nearby, if it does."""
    low = max(0, start - NEARBY)
    window = text[low : start + NEARBY + len(mention)]
    places = [low + found.start() for found in re.finditer(f"(?={re.escape(mention)})", window)] if mention else []
    if not places:
        return "the same text at both; offsets count characters (not bytes) over title, one blank, abstract"
    nearest = min(places, key=lambda place: (abs(place - start), place))
    return f"the same text at both; it stands at [{nearest}, {nearest + len(mention)})"
