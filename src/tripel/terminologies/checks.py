"""What is wrong with a file of a terminology: it tells the kind by name and first line, and asks that kind's reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tripel.corpora.lines import Line, numbered
from tripel.knowledge import Entity
from tripel.problems import Problem
from tripel.terminologies import dictionary
from tripel.terminologies.ctd import Ctd
from tripel.terminologies.mesh import Mesh
from tripel.terminologies.umls import COLUMNS, problems_of


def check(path: Path) -> Iterator[Problem]:
    """Every problem of a file, in its order."""
    yield from (found for found in _reader(path) if isinstance(found, Problem))


def _reader(path: Path) -> Iterator[Entity | Problem]:
    plain = path.name.removesuffix(".gz")
    if plain.removesuffix(".RRF") in COLUMNS and plain.endswith(".RRF"):
        return problems_of(path, plain.removesuffix(".RRF"))
    if plain.endswith(".xml"):
        return Mesh(Mesh.Config(path=str(path), retired="none")).parse()
    first = next((line.text for line in numbered(path) if isinstance(line, Line)), "")
    if first.startswith("#"):
        return Ctd(Ctd.Config(path=str(path))).parse()
    if first.startswith(("id\t", "id ")):
        return Mesh(Mesh.Config(path=str(path), retired="none")).parse()
    return dictionary.parse(path)
