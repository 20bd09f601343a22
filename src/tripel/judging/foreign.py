"""What any software said of mentions, from a file: our own predictions, plain JSON Lines, or PubTator.

Our predictions begin with a line that says what made them. Plain JSON Lines are one object a mention, `document`, `start`, `end`
and either `candidates` ([[id, score], ...] or [id, ...], best first) or `entity` (an id, or null for NIL). Of PubTator the ids of
a mention are its candidates in their order. Where no scores are given, minus the place is the score: none shares the first place
with another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tripel.corpora import pubtator
from tripel.files import read_lines
from tripel.formats.pubtator import is_pubtator
from tripel.judging.predictions import Prediction

EXPECTED = 'expected {"document": id, "start": n, "end": n, "candidates": [[id, score], ...]}, or "entity": id'


def read(path: Path) -> list[Prediction]:
    """Read a file of one of the kinds. Raises ValueError with file:line and what was expected."""
    if not path.is_file():
        raise ValueError(f"{path}: neither a run folder nor a file of predictions")
    if is_pubtator(path):
        return [
            Prediction(document.id, mention.start, mention.end, tuple(_in_order(mention.entities)))
            for document in pubtator.whole(pubtator.parse(path))
            for mention in document.mentions
        ]
    return _once(list(_lines(path)), path)


def _lines(path: Path) -> Iterator[Prediction]:
    for number, line in enumerate(read_lines(path), 1):
        if number == 1 and isinstance(line, dict) and "protocol" in line:
            continue
        try:
            yield Prediction(str(line["document"]), int(line["start"]), int(line["end"]), tuple(_candidates(line)))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{path}:{number}: {EXPECTED}") from None


def _candidates(line: dict[str, Any]) -> Iterator[tuple[str, float]]:
    if "candidates" not in line:
        if line["entity"] is not None:
            yield from _in_order([str(line["entity"])])
        return
    for place, one in enumerate(line["candidates"]):
        id, score = (one, -place) if isinstance(one, str) else one
        yield str(id), float(score)


def _in_order(ids: Sequence[str]) -> Iterator[tuple[str, float]]:
    return ((id, float(-place)) for place, id in enumerate(ids))


def _once(found: list[Prediction], path: Path) -> list[Prediction]:
    """Raises ValueError where there is nothing, or where a place is answered twice."""
    places = set()
    for one in found:
        place = (one.document, one.start, one.end)
        if place in places:
            raise ValueError(f"{path}: two predictions for document {one.document}, [{one.start}, {one.end}); give one")
        places.add(place)
    if not found:
        raise ValueError(f"{path}: no predictions in it; {EXPECTED}")
    return found
