"""What is wrong with a file, whatever kind it is: it tells the kind and asks that kind's reader.

It knows PubTator and YAML; files of terminologies it hands on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tripel.config import choose, load
from tripel.corpora import pubtator
from tripel.corpora.lines import Line, numbered, unreadable
from tripel.problems import Problem
from tripel.terminologies import checks

LOOK = 50  # lines, among which a PubTator file has a title even if it begins badly


def check(path: Path) -> Iterator[Problem]:
    """Every problem of a file, in its order."""
    fault = unreadable(path)
    if fault:
        yield fault
    elif path.suffix in (".yaml", ".yml"):
        yield from _config(path)
    elif is_pubtator(path):
        yield from (found for found in pubtator.parse(path) if isinstance(found, Problem))
    else:
        yield from checks.check(path)


def is_pubtator(path: Path) -> bool:
    """By its name, or by a title or abstract among its first lines."""
    if "pubtator" in path.name.casefold():
        return True
    lines = (line.text for line in islice(numbered(path), LOOK) if isinstance(line, Line))
    return any(pubtator.HEADER.fullmatch(line) for line in lines)


def _config(path: Path) -> Iterator[Problem]:
    """What keeps a configuration from being loaded, and its corpus from being chosen."""
    try:
        values = load(path)
        if "corpus" in values:
            choose("corpora", values["corpus"], where="corpus")
    except ValueError as error:
        said = str(error).removeprefix(f"{path}: ")
        yield Problem(str(path), 0, f"a configuration that cannot be used ({said})", "keys and values as in configs/")
