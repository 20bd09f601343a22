"""MeSH: the tab-separated form, and descriptor and supplementary XML as the National Library of Medicine publishes them.

Types are the categories of the tree numbers (C14, D03, F03): the branch just below the top letter. Registry numbers of chemicals
in XML are cross references: CAS, UNII, EC; those of the concept that gives a record its name, not of narrower ones.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers.expat import ErrorString

from tripel.corpora.lines import Line, numbered
from tripel.files import data_folder
from tripel.knowledge import Entity
from tripel.problems import BadInput, Problem
from tripel.terminologies import fetched
from tripel.terminologies.base import Terminology
from tripel.terminologies.tables import Row, entity, rows

SOURCE = "MSH"  # as UMLS calls it
COLUMNS = ("id", "preferred_name")
RECORDS = {"DescriptorRecord": "Descriptor", "SupplementalRecord": "SupplementalRecord"}
REGISTERED = {  # a number tells its register by its form; `0` is none
    "CAS": re.compile(r"(\d{2,7}-\d\d-\d)"),
    "EC": re.compile(r"EC (\d+(?:\.[\d-]+){1,3})"),
    "UNII": re.compile(r"([0-9A-Z]{10})"),
}
RELATED = re.compile(r"(?P<number>.+?) \((?P<of>.+)\)")


class Mesh(Terminology):
    """Medical Subject Headings."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """A .tsv[.gz] or .xml[.gz]. When empty, of the data folder: descriptors and supplementary records in mesh/, as
        `tripel data fetch mesh` leaves them; else mesh/mesh.tsv or kb/mesh.tsv, plain or gzipped."""
        retired: str = ""
        """A table retired_id, mesh2024_id whose ids become alternatives; kb/bc5cdr_retired_chemical_ids.tsv when empty
        and there, `none` for none."""

    def __init__(self, config: Config) -> None:
        self.paths = (Path(config.path),) if config.path else fetched.mesh()
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
        for path in self.paths:
            yield from _xml(path, retired) if is_xml(path) else _table(path, retired)


def is_xml(path: Path) -> bool:
    """By its name, or by its first character."""
    if path.name.removesuffix(".gz").endswith(".xml"):
        return True
    return next((line.text.startswith("<") for line in numbered(path) if isinstance(line, Line)), False)


def trees(path: Path) -> dict[str, tuple[str, ...]]:
    """The tree numbers of each record of an XML file by its id. Raises BadInput where the file is damaged."""
    found, problems = dict[str, tuple[str, ...]](), list[Problem]()
    for record in _records(path):
        if isinstance(record, Problem):
            problems.append(record)
        else:
            _, element = record
            found[element.findtext(f"{RECORDS[element.tag]}UI", "").strip()] = _tree_numbers(element)
    if problems:
        raise BadInput(problems)
    return found


def _tree_numbers(record: Element) -> tuple[str, ...]:
    return tuple(number.text for number in record.iterfind(".//TreeNumberList/TreeNumber") if number.text)


def categories(tree_numbers: tuple[str, ...]) -> tuple[str, ...]:
    """`C14.280.647` -> `C14`, each once, in order."""
    return tuple(sorted({number.partition(".")[0] for number in tree_numbers}))


def _table(path: Path, retired: dict[str, list[str]]) -> Iterator[Entity | Problem]:
    for row in rows(path, needed=COLUMNS):
        yield row if isinstance(row, Problem) else _of_row(row, retired)


def _of_row(row: Row, retired: dict[str, list[str]]) -> Entity:
    return entity(
        row, types=categories(row.list("tree_numbers")), retired=tuple(retired.get(row.cells["id"], ())), source=SOURCE
    )


def _xml(path: Path, retired: dict[str, list[str]]) -> Iterator[Entity | Problem]:
    """Entities of the records, each told by the line it begins at where it is none."""
    nothing = True
    for found in _records(path):
        nothing = False
        if isinstance(found, Problem):
            yield found
        else:
            line, record = found
            yield _of_record(record, retired) or Problem(
                str(path), line, "a record without id or name", "both, as published; fetch the file again"
            )
    if nothing:
        yield Problem(str(path), 0, "XML without records of MeSH", f"{' or '.join(RECORDS)}; is it another file?")


def _records(path: Path) -> Iterator[tuple[int, Element] | Problem]:
    """Records with their lines. Only the one at hand is in memory."""
    parser: XMLPullParser[Element] = XMLPullParser(["start", "end"])
    root: Element | None = None
    number = begun = 0
    try:
        for line in numbered(path):
            if isinstance(line, Problem):
                yield line
                return
            if line.damaged:
                yield Problem(str(path), line.number, "bytes that are not UTF-8", "UTF-8; fetch the file again")
            number = line.number
            parser.feed(f"{line.text}\n")
            for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
                root = element if root is None else root
                if element.tag in RECORDS and event == "start":
                    begun = number
                elif element.tag in RECORDS:
                    yield begun, element
                    root.clear()
        parser.close()
    except ParseError as error:
        said = f"XML that breaks off ({ErrorString(error.code)})"
        yield Problem(str(path), number, said, "a whole file; fetch it again")


def _of_record(record: Element, retired: dict[str, list[str]]) -> Entity | None:
    kind = RECORDS[record.tag]
    id = record.findtext(f"{kind}UI", "").strip()
    name = record.findtext(f"{kind}Name/String", "").strip()
    if not id or not name:
        return None
    terms = (term.text.strip() for term in record.iterfind(".//TermList/Term/String") if term.text)
    synonyms = tuple(term for term in dict.fromkeys(terms) if term not in ("", name))
    return Entity(
        id=id,
        name=name,
        synonyms=synonyms,
        sources=(SOURCE,) * (1 + len(synonyms)),
        types=categories(_tree_numbers(record)),
        definition=record.findtext(".//ScopeNote", "").strip() or record.findtext("Note", "").strip(),
        alternatives=tuple(retired.get(id, ())),
        cross_references=tuple(_registered(record)),
    )


def _registered(record: Element) -> Iterator[str]:
    """The registry numbers of a record's preferred concept, and those that were set aside beside them, each once.

    `50-78-2 (Aspirin)` among related numbers is one's own where the name is; others are of salts and the like.
    """
    concept = record.find("ConceptList/Concept[@PreferredConceptYN='Y']")
    if concept is None:
        return
    terms = {term.text.strip().casefold() for term in concept.iterfind("TermList/Term/String") if term.text}
    numbers = [number.text.strip() for number in concept.iter("RegistryNumber") if number.text]
    for beside in concept.iter("RelatedRegistryNumber"):
        related = RELATED.fullmatch((beside.text or "").strip())
        numbers += [related["number"]] if related and related["of"].casefold() in terms else []
    for number in dict.fromkeys(numbers):
        found = ((name, form.fullmatch(number)) for name, form in REGISTERED.items())
        yield from (f"{name}:{its[1]}" for name, its in found if its)
