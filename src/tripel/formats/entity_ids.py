"""Ids of entities in a cell of a file, and which of them come back from it. It knows no vocabulary but two prefixes.

`MESH:` and `UMLS:` are left off, as in PubTator, since knowledge bases here have bare ids; `-1` and `-` are no id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tripel.corpora.pubtator import NO_ID, PREFIX
from tripel.kb.vocabularies import FORMS

BAR = "|"
PLAIN = re.compile(r"(?:[A-Za-z]+:)?[A-Za-z]{0,8}\d+")


def bare(id: str) -> str:
    """An id without blanks around it and the prefix of its vocabulary; empty where it says that there is none."""
    short = PREFIX.sub("", id.strip()).strip()
    return "" if short in NO_ID else short


def parted(cell: str) -> tuple[str, ...]:
    """The ids that bars part."""
    return coming_back(cell.split(BAR), without="")


def parted_anyhow(cell: str) -> tuple[str, ...]:
    """The same, and plain ids that commas or semicolons part, as others write them: `D010051,D010534`."""
    ids: list[str] = []
    for part in cell.split(BAR):
        some = re.split("[,;]", part)
        ids += some if all(PLAIN.fullmatch(one.strip()) for one in some) else [part]
    return coming_back(ids, without="")


def coming_back(entities: Iterable[str], *, without: str = BAR) -> tuple[str, ...]:
    """Ids as they are read back of a cell that cannot hold the characters `without`, nor white space if " " is among them."""
    fitting = (id for id in map(bare, entities) if not any(letter in id for letter in without))
    return tuple(dict.fromkeys(id for id in fitting if id and (" " not in without or not any(map(str.isspace, id)))))


def qualified(id: str) -> str:
    """A bare id with a vocabulary before it, for formats that ask for one: its own, that of its form, or `ID`."""
    vocabulary = next((name for name, form in FORMS.items() if form.fullmatch(id)), "ID")
    return id if ":" in id else f"{vocabulary}:{id}"


def unqualified(id: str) -> str:
    """What `qualified` was given; other vocabularies stay."""
    return bare(id.removeprefix("ID:"))
