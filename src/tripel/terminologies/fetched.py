"""Where a terminology lies when no path is given: as `tripel data fetch` left it, else as a table. It reads none of them."""

from __future__ import annotations

import re
from pathlib import Path

from tripel.files import data_folder
from tripel.problems import BadInput, Problem

RECORDS = re.compile(r"(?P<part>desc|supp)(?P<year>\d{4})\.(?:xml|gz|xml\.gz)")  # NLM's own name for XML gzipped is .gz
PARTS = ("desc", "supp")


def mesh() -> tuple[Path, ...]:
    """Descriptors and supplementary records of the newest year that is whole, else a table of MeSH. Raises BadInput."""
    folder = data_folder() / "mesh"
    named = [(RECORDS.fullmatch(path.name), path) for path in sorted(folder.glob("*"))]
    lying = {(found["year"], found["part"]): path for found, path in named if found}
    years = [year for year, _ in lying if all((year, part) in lying for part in PARTS)]
    if years:
        return tuple(lying[max(years), part] for part in PARTS)
    if lying:
        found = ", ".join(path.name for path in lying.values())
        expected = "desc and supp of one year; run `tripel data fetch mesh`, or name what is to be read with path="
        raise BadInput([Problem(str(folder), 0, f"{found} alone", expected)])
    return (_first("mesh", "mesh/mesh.tsv", "kb/mesh.tsv"),)


def ctd() -> Path:
    """The diseases of CTD as published, else a table of them. Raises BadInput."""
    return _first("ctd", "ctd/CTD_diseases.tsv", "ctd/medic_2012.tsv", "kb/medic_2012.tsv")


def umls() -> Path:
    """The folder of a release that was copied. Raises BadInput that says what to give."""
    return _first("umls", "umls/MRCONSO.RRF", remedy="give path=.../META of your own release").parent


def _first(name: str, *places: str, remedy: str = "say where it is with path=") -> Path:
    """The first place with a file, plain or gzipped."""
    folder = data_folder()
    for place in (form for plain in places for form in (plain, f"{plain}.gz")):
        if (folder / place).is_file():
            return folder / place
    expected = f"one, plain or .gz; run `tripel data fetch {name}`, or {remedy}"
    raise BadInput([Problem(str(folder), 0, f"no {' and no '.join(places)}", expected)])
