"""MEDIC, the disease vocabulary of CTD (Davis et al. 2012): as CTD publishes it, and the tab-separated form.

MeSH ids stand without their prefix, as corpora have them; OMIM:123456 keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.lines import Line, numbered
from tripel.knowledge import Entity
from tripel.problems import Problem
from tripel.terminologies import fetched
from tripel.terminologies.base import Terminology
from tripel.terminologies.mesh import categories
from tripel.terminologies.tables import Row, entity, rows

SOURCE = "CTD"
PUBLISHED = (
    "DiseaseName", "DiseaseID", "AltDiseaseIDs", "Definition", "ParentIDs", "TreeNumbers", "ParentTreeNumbers",
    "Synonyms", "SlimMappings",
)  # fmt: skip


class Ctd(Terminology):
    """Diseases with MeSH and OMIM ids."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """CTD_diseases.tsv[.gz] or a table with id, preferred_name. When empty, of the data folder: ctd/CTD_diseases.tsv, as
        `tripel data fetch ctd` leaves it; else ctd/medic_2012.tsv or kb/medic_2012.tsv, plain or gzipped."""

    def __init__(self, config: Config) -> None:
        self.path = Path(config.path) if config.path else fetched.ctd()

    def parse(self) -> Iterator[Entity | Problem]:
        """Diseases, in the order of the file."""
        first = next((line for line in numbered(self.path) if isinstance(line, Line)), None)
        if first is not None and first.text.startswith("#"):
            for row in rows(self.path, needed=PUBLISHED[:2], header=_columns(self.path)):
                yield row if isinstance(row, Problem) else _published(self.path, row)
        else:
            for row in rows(self.path, needed=("id", "preferred_name")):
                types = () if isinstance(row, Problem) else categories(row.list("tree_numbers"))
                yield row if isinstance(row, Problem) else entity(row, types=types, source=SOURCE)


def _columns(path: Path) -> tuple[str, ...]:
    """As a comment before the rows names them; editions differ. Those of today where none does."""
    for line in numbered(path):
        if isinstance(line, Problem) or not line.text.startswith("#"):
            break
        columns = tuple(line.text.lstrip("# ").split("\t"))
        if columns[:2] == PUBLISHED[:2]:
            return columns
    return PUBLISHED


def _published(path: Path, row: Row) -> Entity | Problem:
    id = _bare(row.cells["DiseaseID"].strip())
    if not id:
        return Problem(
            str(path), row.number, "a DiseaseID that is a prefix alone", "an id after it, as in MESH:D005334"
        )
    name = row.cells["DiseaseName"].strip()
    synonyms = tuple(other for other in dict.fromkeys(row.list("Synonyms")) if other != name)
    trees = tuple(number.rpartition("/")[2] for number in row.list("TreeNumbers"))
    return Entity(
        id=id,
        name=name,
        synonyms=synonyms,
        sources=(SOURCE,) * (1 + len(synonyms)),
        types=categories(trees),
        definition=row.cells.get("Definition", "").strip(),
        alternatives=tuple(filter(None, map(_bare, row.list("AltDiseaseIDs")))),
    )


def _bare(id: str) -> str:
    return id.removeprefix("MESH:")
