"""What `tripel doctor` found, line by line: whether it is well, what is there, and what to do. It looks at nothing itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Mark = Literal["ok", "warning", "problem"]
SIGNS: dict[Mark, str] = {"ok": "+", "warning": "!", "problem": "x"}  # beside the word, for whoever skims


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    mark: Mark
    what: str
    found: str
    do: str = ""
    """In words; empty where nothing is to be done."""

    def __str__(self) -> str:
        do = f"; {self.do}" if self.do else ""
        return f"{SIGNS[self.mark]} {self.mark:<9}{self.what:<15}{self.found}{do}"


def ok(what: str, found: str) -> Finding:
    """All is well."""
    return Finding("ok", what, found)


def warning(what: str, found: str, do: str) -> Finding:
    """It works, but not as it could."""
    return Finding("warning", what, found, do)


def problem(what: str, found: str, do: str) -> Finding:
    """Something does not work."""
    return Finding("problem", what, found, do)


def in_words(findings: Iterable[Finding]) -> str:
    """A line for each, and how many are not well."""
    lines = list(findings)
    counts = {mark: sum(one.mark == mark for one in lines) for mark in ("problem", "warning")}
    said = ", ".join(f"{count} {mark}{'s' * (count != 1)}" for mark, count in counts.items())
    return "\n".join([*map(str, lines), said])


def as_json(findings: Iterable[Finding]) -> str:
    """A list of objects."""
    return json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=2)
