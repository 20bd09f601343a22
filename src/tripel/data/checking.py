"""What is wrong with a file, whatever kind it is: it tells the kind and asks that kind's reader.

It knows PubTator, .context files and YAML; other formats of documents and files of names it hands on. How a whole recipe is
read, it is told by whoever can train from one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tripel import formats
from tripel.config import load
from tripel.corpora import context, pubtator
from tripel.corpora.lines import unreadable
from tripel.formats.pubtator import is_pubtator
from tripel.problems import Problem
from tripel.terminologies import checks


def check(path: Path, *, recipe: Callable[[dict[str, Any]], object]) -> Iterator[Problem]:
    """Every problem of a file, in its order. `recipe` reads the values of a configuration; it raises ValueError."""
    fault, fitting = unreadable(path), formats.fitting(path)
    if path.is_dir() and len(fitting) == 1:
        yield from _documents(path, fitting[0])
    elif fault:
        yield fault
    elif path.suffix in (".yaml", ".yml"):
        yield from _config(path, recipe)
    elif path.suffix == ".context":
        yield from (found for found in context.parse(path) if isinstance(found, Problem))
    elif is_pubtator(path):
        yield from (found for found in pubtator.parse(path) if isinstance(found, Problem))
    elif len(fitting) == 1:
        yield from _documents(path, fitting[0])
    else:
        yield from checks.check(path)


def _documents(path: Path, name: str) -> Iterator[Problem]:
    """What is wrong with documents of a format."""
    yield from (found for found in formats.of(name).read(path) if isinstance(found, Problem))


def _config(path: Path, recipe: Callable[[dict[str, Any]], object]) -> Iterator[Problem]:
    """What keeps a configuration from being used."""
    try:
        recipe(load(path))
    except ValueError as error:
        place = re.match(rf"{re.escape(str(path))}(?::(\d+))?: ", str(error))
        said, line = (str(error)[place.end() :], int(place[1] or 0)) if place else (str(error), 0)
        yield Problem(
            str(path), line, f"a configuration that cannot be used ({said})", "keys and values as in configs/"
        )
