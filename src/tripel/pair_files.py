"""Files of synonym pairs: SapBERT's `id||a||b`, NeMo's `id<TAB>a<TAB>b`, or a table whose header names its columns.

Tables are KGNEL's (CUI, STR_A, STR_P, perhaps STR_N) and ours (entity, anchor, positive, perhaps negative). The form is told
by the first line. A negative names something else than its row's entity; whose name it is stands nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tripel.corpora.lines import Line, numbered
from tripel.files import replacing
from tripel.knowledge import Entity, KnowledgeBase
from tripel.problems import BadInput, Problem
from tripel.synonyms import Int, Listed, Pairs

BAR = "||"
OURS = ("entity", "anchor", "positive", "negative")
KGNEL = ("CUI", "STR_A", "STR_P", "STR_N")


@dataclass(frozen=True, slots=True)
class NamePair:
    """Two names of one entity, and perhaps one of another."""

    entity: str
    anchor: str
    positive: str
    negative: str = ""


def parse(path: Path) -> Iterator[NamePair | Problem]:
    """Pairs in the order of the file, and what is wrong between them."""
    split: Callable[[str], list[str]] | None = None
    wanted: tuple[int, ...] = (3,)
    count = 0
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
            return
        if not line.text.strip():
            continue
        if split is None:
            header = _header(line.text)
            split = _bars if BAR in line.text else _tabs
            wanted = (len(header),) if header else (3,)
            if header:
                continue
        count += 1
        yield _pair(path, line, split(line.text), wanted)
    if not count:
        yield Problem(str(path), 0, "no pairs", "lines id||name||name, or a table with a header and rows")


def read(path: Path) -> list[NamePair]:
    """All pairs. Raises BadInput with every problem of the file."""
    found = list(parse(path))
    problems = [one for one in found if isinstance(one, Problem)]
    if problems:
        raise BadInput(problems)
    return [one for one in found if isinstance(one, NamePair)]


def grounded(pairs: Sequence[NamePair]) -> tuple[KnowledgeBase, Pairs, Int]:
    """A knowledge base of the pairs' names, the pairs as positions in it, and each one's negative, -1 for none [P].

    A negative is kept as a name of an entity of its own, since whose it is is not known, or of the one that has it here.
    """
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for pair in pairs:
        names[pair.entity] |= {pair.anchor: None, pair.positive: None}
    owner = {name: entity for entity, its in names.items() for name in its}
    for pair in pairs:
        if pair.negative and pair.negative not in owner:
            owner[pair.negative] = f"?{pair.negative}"
            names[owner[pair.negative]][pair.negative] = None
    kb = KnowledgeBase.of(Entity(id=id, name=first, synonyms=tuple(rest)) for id, (first, *rest) in names.items())
    place = {
        (kb.id(int(row)), name): n for n, (row, name) in enumerate(zip(kb.row_N, kb.names.to_pylist(), strict=True))
    }
    rows = [
        (
            place[pair.entity, pair.anchor],
            place[pair.entity, pair.positive],
            place[owner[pair.negative], pair.negative] if pair.negative else -1,
        )
        for pair in pairs
    ]
    table = np.array(rows, np.int64).reshape(-1, 3)
    return kb, Listed(table[:, 0], table[:, 1]), table[:, 2]


def write(path: Path, pairs: Sequence[NamePair]) -> None:
    """Our table, atomically."""
    columns = OURS if any(pair.negative for pair in pairs) else OURS[:3]
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(columns) + "\n")
        for pair in pairs:
            out.write("\t".join(" ".join(getattr(pair, column).split()) for column in columns) + "\n")


def _header(text: str) -> tuple[str, ...]:
    """The columns, where the line names them."""
    cells = tuple(_tabs(text))
    return next((cells for known in (OURS, KGNEL) if cells in (known[:3], known)), ())


def _pair(path: Path, line: Line, cells: list[str], wanted: tuple[int, ...]) -> NamePair | Problem:
    if line.damaged:
        return Problem(str(path), line.number, "bytes that are not UTF-8", "UTF-8 text; convert the file with iconv")
    if len(cells) not in wanted:
        columns = "one column" if len(cells) == 1 else f"{len(cells)} columns"
        return Problem(str(path), line.number, columns, f"{wanted[0]}: an id and two names, split by || or tabs")
    if not all(cells[:3]):
        empty = ("id", "first name", "second name")[[bool(cell) for cell in cells].index(False)]
        return Problem(str(path), line.number, f"an empty {empty}", "an id and two names; fill it in or drop the row")
    if cells[1] == cells[2]:
        return Problem(str(path), line.number, "a name paired with itself", "two different names; drop the row")
    return NamePair(*cells)


def _bars(text: str) -> list[str]:
    return [cell.strip() for cell in text.split(BAR)]


def _tabs(text: str) -> list[str]:
    return [cell.strip() for cell in text.split("\t")]
