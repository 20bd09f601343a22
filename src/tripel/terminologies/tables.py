"""Tab-separated tables with a header, several values in a cell joined by `|`. It knows no terminology."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.lines import numbered
from tripel.kb.vocabularies import reference
from tripel.knowledge import REFERENCES, Entity
from tripel.problems import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column names."""

    number: int
    cells: dict[str, str]

    def list(self, column: str) -> tuple[str, ...]:
        """The values of a cell; none where the table has no such column."""
        return tuple(part for part in map(str.strip, self.cells.get(column, "").split("|")) if part)


def rows(path: Path, *, needed: Sequence[str], header: Sequence[str] | None = None) -> Iterator[Row | Problem]:
    """Rows of a table whose first line names its columns, or whose columns are given; `#` begins a comment then."""
    columns = list(header or ())
    commented = header is not None
    count = 0
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
            return
        if not line.text.strip() or (commented and line.text.startswith("#")):
            continue
        cells = line.text.split("\t")
        if not columns:
            columns = cells
            missing = [name for name in needed if name not in columns]
            if missing:
                yield Problem(
                    str(path), line.number, f"a header without {', '.join(missing)}", f"columns {', '.join(needed)}"
                )
                return
            continue
        count += 1
        problem = _fault(path, line.number, cells, columns, needed, damaged=line.damaged)
        yield problem or Row(line.number, dict(zip(columns, cells, strict=True)))
    if not count:
        yield Problem(str(path), 0, "no rows", "a header and at least one row; fetch the file again")


def entity(row: Row, *, types: tuple[str, ...] = (), retired: tuple[str, ...] = (), source: str = "") -> Entity:
    """The entity of a row with columns id, preferred_name, synonyms, definition, alt_ids, cross_references; all its names are
    of one vocabulary."""
    name = row.cells["preferred_name"].strip()
    synonyms = tuple(dict.fromkeys(other for other in row.list("synonyms") if other != name))
    return Entity(
        id=row.cells["id"].strip(),
        name=name,
        synonyms=synonyms,
        types=types or row.list("types"),
        definition=row.cells.get("definition", "").strip(),
        alternatives=tuple(dict.fromkeys((*row.list("alt_ids"), *retired))),
        sources=(source,) * (1 + len(synonyms)) if source else (),
        cross_references=tuple(dict.fromkeys(map(reference, row.list(REFERENCES)))),
    )


HEADER = f"id\tpreferred_name\tsynonyms\ttypes\talt_ids\t{REFERENCES}\n"


def row(entity: Entity, names: Sequence[str]) -> str:
    """An entity by some of its names, none with a tab or a bar in it, as a row under HEADER."""
    lists = (names[1:], entity.types, entity.alternatives, entity.cross_references)
    return "\t".join([entity.id, names[0], *map("|".join, lists)]) + "\n"


def _fault(
    path: Path, number: int, cells: Sequence[str], columns: Sequence[str], needed: Sequence[str], *, damaged: bool
) -> Problem | None:
    if damaged:
        return Problem(str(path), number, "bytes that are not UTF-8", "UTF-8 text; convert the file with iconv")
    if len(cells) != len(columns):
        told = f"the row is cut before {columns[len(cells)]}" if len(cells) < len(columns) else "no tab inside a name"
        return Problem(str(path), number, f"{len(cells)} columns", f"{len(columns)}, as the header names; {told}")
    for name in needed:
        if not cells[columns.index(name)].strip():
            return Problem(
                str(path), number, f"an empty {name}", f"every row to have a {name}; fill it in or drop the row"
            )
    if REFERENCES in columns:
        found = [part for part in cells[columns.index(REFERENCES)].split("|") if part.strip() and not reference(part)]
        if found:
            said = f"{len(found)} of its {REFERENCES} without a vocabulary"
            return Problem(
                str(path), number, said, "a vocabulary before each, as in OMIM:114500; several parted by a bar"
            )
    return None
