"""One's own dictionary: `id||name` lines (BioSyn, SapBERT), Le & Nguyen's two forms, `id<TAB>name` lines (NeMo), or a table.

A table's header names id, preferred_name, synonyms, and perhaps more.
The form is told by the first line. Ids joined by `|` or `,` in `id||name` are the same name for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.lines import Line, numbered
from tripel.knowledge import Entity
from tripel.problems import BadInput, Problem
from tripel.terminologies.base import Terminology
from tripel.terminologies.tables import entity, rows

BAR, SEPARATOR = "||", "[SEP]"


class Dictionary(Terminology):
    """Names by id, from one file."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str
        """The file, plain or gzipped."""

    def __init__(self, config: Config) -> None:
        self.path = Path(config.path)

    def parse(self) -> Iterator[Entity | Problem]:
        """Entities; those of one id may come apart."""
        yield from parse(self.path)


def parse(path: Path) -> Iterator[Entity | Problem]:
    """Entities and problems of a dictionary file."""
    first = next((line for line in numbered(path) if isinstance(line, Line) and line.text.strip()), None)
    tabs = first is not None and BAR not in first.text and "\t" in first.text
    if first is not None and tabs and first.text.startswith("id\t"):
        for row in rows(path, needed=("id", "preferred_name")):
            yield row if isinstance(row, Problem) else entity(row)
        return
    count = 0
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
        elif line.text.strip():
            count += 1
            yield from _entities(path, line, "\t" if tabs else BAR)
    if not count:
        yield Problem(str(path), 0, "no lines", "lines id||name; fetch the file again")


def read_names(path: Path) -> list[tuple[str, str]]:
    """(id, name) of every line, in order. Raises BadInput with every problem of the file."""
    found = list(parse(path))
    problems = [one for one in found if isinstance(one, Problem)]
    if problems:
        raise BadInput(problems)
    return [(one.id, name) for one in found if isinstance(one, Entity) for name in one.names]


def _entities(path: Path, line: Line, between: str) -> Iterator[Entity | Problem]:
    cells = line.text.split(between)
    ids = [part.strip() for part in cells[0].replace(",", "|").split("|") if part.strip()]
    types, names = _names(cells[-1])
    said = "id||name" if between == BAR else "an id, a tab, and a name"
    if line.damaged:
        fault = "bytes that are not UTF-8", "UTF-8 text; convert the file with iconv"
    elif len(cells) == 1:
        fault = f"a line of {len(line.text)} characters without {'||' if between == BAR else 'a tab'}", said
    elif len(cells) > 2:
        fault = f"{len(cells)} columns", f"{said} alone; is it a file of pairs, or is a name left out?"
    elif not ids or not names:
        fault = "an empty id or name", f"{said}, both filled in; or drop the line"
    else:
        yield from (Entity(id=id, name=names[0], synonyms=names[1:], types=types) for id in ids)
        return
    yield Problem(str(path), line.number, *fault)


def _names(rest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Types and names of the three forms: `name`, `type [SEP] name [SEP] name`, `type|name|name`."""
    if SEPARATOR in rest:
        type, *names = (part.strip() for part in rest.split(SEPARATOR))
    elif "|" in rest:
        type, *names = (part.strip() for part in rest.split("|"))
    else:
        type, names = "", [rest.strip()]
    return ((type,) if type else ()), tuple(dict.fromkeys(name for name in names if name))
