"""What is wrong with a file, said so that a person can mend it. Readers yield these; doors print them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SHOWN = 20  # problems spelled out in one message; `tripel data check` lists them all


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault at one place."""

    source: str
    line: int
    """Counted from 1; 0 where the fault is the file as a whole."""
    found: str
    expected: str
    """What should stand there, or what to do about it."""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: found {self.found}; expected {self.expected}"


class BadInput(ValueError):
    """Input that cannot be used as it is; its text is the problems, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            shown.append(f"... and {len(self.problems) - SHOWN} more")
        super().__init__("\n".join(shown))

    def whole(self, source: object) -> str:
        """Every problem on a line of its own, and how many there are."""
        count = len(self.problems)
        said = f"{count} problem{'s' * (count != 1)} in {source}; nothing was written"
        return "\n".join([*map(str, self.problems), said])


def sound(found: Iterable[T | Problem]) -> Iterator[T]:
    """What a reader gives that is no problem, none of it after the first problem; at the end raises BadInput with all."""
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
        elif not problems:
            yield item
    if problems:
        raise BadInput(problems)
