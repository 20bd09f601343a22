"""UMLS in the RRF format: MRCONSO, MRSTY, MRDEF, MRCUI. Read as a stream in the order of concepts; no table is held whole.

Types of a concept are the names of its semantic types, as encoders are shown them, then their TUIs: either can be asked for.
The licence is the user's own: nothing of UMLS comes with this project or is fetched by it. Quote characters are literal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from tripel.corpora.lines import Line, is_id, numbered
from tripel.kb.vocabularies import reference
from tripel.knowledge import BETWEEN, Entity
from tripel.problems import BadInput, Problem
from tripel.terminologies import fetched
from tripel.terminologies.base import Terminology

CUI, LAT, TS, STT, ISPREF, SAB, CODE, STR, SUPPRESS = 0, 1, 2, 4, 6, 11, 13, 14, 16  # columns of MRCONSO
NO_CODE = "NOCODE"
LEVEL = re.compile("[0-9]")
COLUMNS = {"MRCONSO": 18, "MRSTY": 6, "MRDEF": 8, "MRCUI": 7, "MRSAB": 25}

# MedMentions ST21pv (Mohan & Li 2019): 18 vocabularies; 21 semantic types by their tree numbers, with all below
ST21PV_SOURCES = (
    "CPT", "FMA", "GO", "HGNC", "HPO", "ICD10", "ICD10CM", "ICD9CM", "MDR", "MSH", "MTH", "NCBI", "NCI", "NDDF", "NDFRT",
    "OMIM", "RXNORM", "SNOMEDCT_US",
)  # fmt: skip
ST21PV_TYPES = {
    "T005": "A1.1.4", "T007": "A1.1.2", "T017": "A1.2", "T022": "A2.1.4.1", "T031": "A1.4.2", "T033": "A2.2",
    "T037": "B2.3", "T038": "B2.2.1", "T058": "B1.3.1", "T062": "B1.3.2", "T074": "A1.3.1", "T082": "A2.1.5",
    "T091": "A2.6.1", "T092": "A2.7", "T097": "A2.9.1", "T098": "A2.9.2", "T103": "A1.4.1", "T168": "A1.4.3",
    "T170": "A2.4", "T201": "A2.3.1", "T204": "A1.1.3",
}  # fmt: skip


class Umls(Terminology):
    """The Metathesaurus, or what filters leave of it."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """The folder of the RRF files (META of a release), plain or gzipped; `umls` in the data folder when empty."""
        languages: tuple[str, ...] = ("ENG",)
        sources: tuple[str, ...] = ()
        """Vocabularies (SAB) whose names count; all when empty."""
        types: tuple[str, ...] = ()
        """Semantic types, by TUI or by name, of which a concept needs one; all when empty."""
        subset: Literal["", "st21pv"] = ""
        """The sources and types of MedMentions ST21pv."""
        cross_references: bool = False
        """Keep what vocabularies call a concept: the codes of the names that count, `SNOMEDCT:386661006`; it takes memory."""

    def __init__(self, config: Config) -> None:
        self.folder = Path(config.path) if config.path else fetched.umls()
        self.languages = set(config.languages)
        self.sources = set(ST21PV_SOURCES) if config.subset else set(config.sources)
        self.types = set(config.types)
        self.trees = tuple(ST21PV_TYPES.values()) if config.subset else ()
        self.cross_references = config.cross_references

    def parse(self) -> Iterator[Entity | Problem]:
        """Concepts in the order of MRCONSO that keep a name and a type."""
        problems: list[Problem] = []
        retired = self._retired(problems)
        types = _Beside(_rows(self._file("MRSTY"), "MRSTY", problems))
        definitions = _Beside(_rows(self._file("MRDEF"), "MRDEF", problems, optional=True))
        for cui, group in groupby(_rows(self._file("MRCONSO"), "MRCONSO", problems), key=lambda row: row[CUI]):
            rows = list(group)
            entity = self._concept(cui, rows, types.of(cui), definitions.of(cui), tuple(retired.get(cui, ())))
            yield from problems
            problems.clear()
            if entity:
                yield entity
        yield from problems

    def restrictions(self) -> dict[str, int]:
        """The restriction level of each vocabulary (SRL of MRSAB); none where the release has no MRSAB."""
        if not any((self.folder / f"MRSAB.RRF{end}").exists() for end in ("", ".gz")):
            return {}
        return {source: int(level) for source, _, level in self.sources_of() if LEVEL.fullmatch(level)}

    def sources_of(self) -> Iterator[tuple[str, str, str]]:
        """Each vocabulary in MRSAB: abbreviation, name, and restriction level (0 is free) for whoever shares names."""
        problems: list[Problem] = []
        for row in _rows(self._file("MRSAB"), "MRSAB", problems):
            yield row[3], row[4], row[13]
        if problems:
            raise BadInput(problems)

    def _file(self, name: str) -> Path:
        plain = self.folder / f"{name}.RRF"
        return (
            plain
            if plain.exists()
            else plain.with_suffix(".RRF.gz")
            if plain.with_suffix(".RRF.gz").exists()
            else plain
        )

    def _retired(self, problems: list[Problem]) -> dict[str, list[str]]:
        """Ids that MRCUI says are the same concept under another id now (SY); broader, narrower and deleted ones are not."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in _rows(self._file("MRCUI"), "MRCUI", problems, optional=True, ordered=False):
            if row[2] == "SY" and row[5]:
                found[row[5]].append(row[0])
        return {cui: list(dict.fromkeys(ids)) for cui, ids in found.items()}

    def _concept(
        self,
        cui: str,
        rows: list[list[str]],
        types: list[list[str]],
        definitions: list[list[str]],
        retired: tuple[str, ...],
    ) -> Entity | None:
        if not self._wanted(types):
            return None
        kept = [row for row in rows if self._counts(row)]
        if not kept:
            return None
        best = min(kept, key=lambda row: (row[TS] != "P", row[STT] != "PF", row[ISPREF] != "Y"))
        names = {row[STR].casefold(): row[STR] for row in reversed([best, *kept]) if row[STR].strip()}
        ordered = dict.fromkeys(names[row[STR].casefold()] for row in [best, *kept] if row[STR].strip())
        if not ordered:
            return None
        name, *synonyms = ordered
        vocabularies: dict[str, dict[str, None]] = defaultdict(dict)
        for row in kept:
            vocabularies[row[STR].casefold()][row[SAB]] = None
        definition = next((row[5] for row in definitions if row[6] == "N" and row[5]), "")
        labels = tuple(dict.fromkeys([*(row[3] for row in types), *(row[1] for row in types)]))
        return Entity(
            id=cui,
            name=name,
            synonyms=tuple(synonyms),
            types=labels,
            definition=definition,
            alternatives=retired,
            sources=tuple(BETWEEN.join(vocabularies[one.casefold()]) for one in ordered),
            cross_references=tuple(dict.fromkeys(_codes(kept))) if self.cross_references else (),
        )

    def _counts(self, row: list[str]) -> bool:
        vocabulary = not self.sources or row[SAB] in self.sources
        return row[SUPPRESS] == "N" and row[LAT] in self.languages and vocabulary

    def _wanted(self, types: list[list[str]]) -> bool:
        """A row of MRSTY is CUI, TUI, tree number, name."""
        if self.types and not any(row[1] in self.types or row[3] in self.types for row in types):
            return False
        return not self.trees or any(
            row[1] in ST21PV_TYPES or any(_below(row[2], tree) for tree in self.trees) for row in types
        )


def _codes(rows: list[list[str]]) -> Iterator[str]:
    """What the vocabulary of each name calls the concept."""
    return (reference(row[CODE], vocabulary=row[SAB]) for row in rows if row[CODE].strip() not in ("", NO_CODE))


class _Beside:
    """Rows of a table that goes in the same order of concepts, read as far as the concept asked for."""

    def __init__(self, rows: Iterator[list[str]]) -> None:
        self.groups = groupby(rows, key=lambda row: row[CUI])
        self.cui, self.rows = "", list[list[str]]()

    def of(self, cui: str) -> list[list[str]]:
        """The rows of a concept; concepts must be asked for in order."""
        while self.cui < cui:
            following = next(self.groups, None)
            if following is None:
                self.cui, self.rows = "\uffff", []
            else:
                self.cui, self.rows = following[0], list(following[1])
        return self.rows if self.cui == cui else []


def _rows(
    path: Path, table: str, problems: list[Problem], *, optional: bool = False, ordered: bool = True
) -> Iterator[list[str]]:
    """Rows of an RRF table with as many columns as it should have; every other one is a problem."""
    if optional and not path.exists():
        return
    last, read = "", False
    for line in numbered(path):
        read = True
        if isinstance(line, Problem):
            problems.append(line)
            continue
        cells = line.text.split("|")
        problem = _fault(path, table, line, cells, after=last if ordered else "")
        if problem:
            problems.append(problem)
            continue
        last = cells[CUI]
        yield cells
    if not read:
        problems.append(Problem(str(path), 0, "an empty file", "rows, as released; unpack the release again"))


def _fault(path: Path, table: str, line: Line, cells: list[str], *, after: str) -> Problem | None:
    expected = COLUMNS[table]
    if line.damaged:
        return Problem(
            str(path), line.number, "bytes that are not UTF-8", "UTF-8, as released; unpack the release again"
        )
    if len(cells) not in (expected, expected + 1):  # with or without the bar at the end
        return Problem(str(path), line.number, f"{len(cells) - 1} columns", f"{expected}; is the line cut?")
    if table != "MRSAB" and (cells[CUI] != after or not after) and not is_id(cells[CUI]):
        return Problem(str(path), line.number, "a first column that is no id", "a CUI, as released")
    if table != "MRSAB" and cells[CUI] < after:
        return Problem(
            str(path),
            line.number,
            f"{cells[CUI]} after {after}",
            "rows in the order of CUI; sort it: LC_ALL=C sort -t'|' -k1,1 -s",
        )
    return None


def _below(number: str, tree: str) -> bool:
    return number == tree or number.startswith(f"{tree}.")


def problems_of(path: Path, table: str) -> Iterator[Problem]:
    """What is wrong with one RRF file."""
    problems: list[Problem] = []
    for _ in _rows(path, table, problems, ordered=table != "MRCUI"):
        yield from problems
        problems.clear()
    yield from problems
