"""MeSH: the tab-separated form, and descriptor and supplementary XML as the National Library of Medicine publishes them.

Types are the categories of the tree numbers (C14, D03, F03): the branch just below the top letter.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from xml.etree.ElementTree import Element, ParseError, iterparse

from tripel.corpora.lines import unreadable
from tripel.files import data_folder
from tripel.knowledge import Entity
from tripel.problems import Problem
from tripel.terminologies.base import Terminology
from tripel.terminologies.tables import Row, entity, rows

SOURCE = "MSH"  # as UMLS calls it
COLUMNS = ("id", "preferred_name")
RECORDS = {"DescriptorRecord": "Descriptor", "SupplementalRecord": "SupplementalRecord"}


class Mesh(Terminology):
    """Medical Subject Headings."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """A .tsv[.gz] or .xml[.gz]; kb/mesh.tsv.gz in the data folder when empty."""
        retired: str = ""
        """A table retired_id, mesh2024_id whose ids become alternatives; kb/bc5cdr_retired_chemical_ids.tsv when empty
        and there, `none` for none."""

    def __init__(self, config: Config) -> None:
        self.path = Path(config.path) if config.path else data_folder() / "kb" / "mesh.tsv.gz"
        default = data_folder() / "kb" / "bc5cdr_retired_chemical_ids.tsv"
        wanted = Path(config.retired) if config.retired else default
        self.retired = None if config.retired == "none" or (not config.retired and not default.exists()) else wanted

    def parse(self) -> Iterator[Entity | Problem]:
        """Entities, each with its retired ids."""
        retired: dict[str, list[str]] = defaultdict(list)
        for row in rows(self.retired, needed=("retired_id", "mesh2024_id")) if self.retired else ():
            if isinstance(row, Problem):
                yield row
            else:
                retired[row.cells["mesh2024_id"]].append(row.cells["retired_id"])
        if self.path.name.removesuffix(".gz").endswith(".xml"):
            yield from _xml(self.path, retired)
            return
        for row in rows(self.path, needed=COLUMNS):
            yield row if isinstance(row, Problem) else _of_row(row, retired)


def _of_row(row: Row, retired: dict[str, list[str]]) -> Entity:
    return entity(
        row, types=categories(row.list("tree_numbers")), retired=tuple(retired.get(row.cells["id"], ())), source=SOURCE
    )


def categories(tree_numbers: tuple[str, ...]) -> tuple[str, ...]:
    """`C14.280.647` -> `C14`, each once, in order."""
    return tuple(sorted({number.partition(".")[0] for number in tree_numbers}))


def _xml(path: Path, retired: dict[str, list[str]]) -> Iterator[Entity | Problem]:
    fault = unreadable(path)
    if fault:
        yield fault
        return
    with cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as source:
        try:
            for _, element in iterparse(source):
                if element.tag in RECORDS:
                    yield _of_record(element, RECORDS[element.tag], retired)
                    element.clear()
        except (ParseError, EOFError) as error:
            line = getattr(error, "position", (0, 0))[0]
            yield Problem(str(path), line, f"XML that breaks off ({error})", "a whole file; fetch it again")


def _of_record(record: Element, kind: str, retired: dict[str, list[str]]) -> Entity:
    id = record.findtext(f"{kind}UI", "").strip()
    name = record.findtext(f"{kind}Name/String", "").strip()
    terms = (term.text.strip() for term in record.iterfind(".//TermList/Term/String") if term.text)
    trees = tuple(number.text for number in record.iterfind(".//TreeNumberList/TreeNumber") if number.text)
    synonyms = tuple(term for term in dict.fromkeys(terms) if term != name)
    return Entity(
        id=id,
        name=name,
        synonyms=synonyms,
        sources=(SOURCE,) * (1 + len(synonyms)),
        types=categories(trees),
        definition=record.findtext(".//ScopeNote", "").strip() or record.findtext("Note", "").strip(),
        alternatives=tuple(retired.get(id, ())),
    )
