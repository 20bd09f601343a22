"""What is wrong with a file of names: it tells the kind by name and first line, and asks that kind's reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tripel.corpora.lines import Line, numbered
from tripel.knowledge import Entity
from tripel.names import pair_files
from tripel.names.pair_files import NamePair
from tripel.problems import Problem
from tripel.terminologies import dictionary
from tripel.terminologies.ctd import Ctd
from tripel.terminologies.mesh import Mesh, is_xml
from tripel.terminologies.umls import COLUMNS, problems_of


def check(path: Path) -> Iterator[Problem]:
    """Every problem of a file, in its order."""
    yield from (found for found in _reader(path) if isinstance(found, Problem))


def _reader(path: Path) -> Iterator[Entity | NamePair | Problem]:
    plain = path.name.removesuffix(".gz")
    if plain.removesuffix(".RRF") in COLUMNS and plain.endswith(".RRF"):
        return problems_of(path, plain.removesuffix(".RRF"))
    first = next((line.text for line in numbered(path) if isinstance(line, Line) and line.text.strip()), "")
    if is_xml(path) or first.startswith(("id\t", "id ")):
        return Mesh(Mesh.Config(path=str(path), retired="none")).parse()
    if first.startswith("#"):
        return Ctd(Ctd.Config(path=str(path))).parse()
    return pair_files.parse(path) if pair_files.is_pair(first) else dictionary.parse(path)
