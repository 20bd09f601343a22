"""What any software said of mentions, from a file: our own predictions, plain JSON Lines, or PubTator.

Our predictions begin with a line that says what made them. Plain JSON Lines are one object a mention, `document`, `start`, `end`
and either `candidates` ([[id, score], ...] or [id, ...], best first) or `entity`: an id, several, or null for NIL. Several ids
parted by bars, and those of a mention of PubTator are candidates in their order. Ids are read as those of documents
are: without `MESH:` or `UMLS:`, and `-1`, `NIL` and nothing are none. Where no scores are given, minus the place is the score:
none shares the first place with another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isfinite
from operator import index
from pathlib import Path
from typing import Any

from tripel.corpora import pubtator
from tripel.files import read_lines
from tripel.formats.entity_ids import parted
from tripel.formats.pubtator import is_pubtator
from tripel.judging.predictions import Prediction

EXPECTED = (
    'expected {"document": id, "start": n, "end": n, "candidates": [[id, score], ...]}, best first, or "entity": id'
)
NIL = "NIL"


def read(path: Path) -> list[Prediction]:
    """Read a file of one of the kinds. Raises ValueError with file:line and what was expected."""
    if not path.is_file():
        raise ValueError(f"{path}: neither a run folder nor a file of predictions")
    if is_pubtator(path):
        said = (
            Prediction(document.id, mention.start, mention.end, tuple(_in_order(mention.entities)))
            for document in pubtator.whole(pubtator.parse(path))
            for mention in document.mentions
        )
        return _once(list(dict.fromkeys(said)), path)
    return _once(list(_lines(path)), path)


def _lines(path: Path) -> Iterator[Prediction]:
    for number, line in enumerate(read_lines(path), 1):
        if number == 1 and isinstance(line, dict) and "protocol" in line and "document" not in line:
            continue
        try:
            place = str(line["document"]), index(line["start"]), index(line["end"])
            yield Prediction(*place, _sorted(tuple(_candidates(line))))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError(f"{path}:{number}: {EXPECTED}") from None


def _candidates(line: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Raises TypeError for what is neither an id nor some."""
    if "candidates" not in line:
        said = line["entity"]
        several = said if isinstance(said, list) else [] if said is None else [said]
        yield from _in_order([id for one in several for id in parted(_id(one)) if id != NIL])
        return
    if not isinstance(line["candidates"], list):
        raise TypeError
    for place, one in enumerate(line["candidates"]):
        id, score = one if isinstance(one, list) else (one, -place)
        for short in parted(_id(id)):
            if short != NIL:
                yield short, float(score)


def _sorted(candidates: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    """Raises ValueError where a score is no number, or higher than the one before it."""
    scores = [score for _, score in candidates]
    if not all(map(isfinite, scores)) or any(later > score for score, later in pairwise(scores)):
        raise ValueError
    return candidates


def _id(said: Any) -> str:
    if isinstance(said, bool) or not isinstance(said, str | int):
        raise TypeError
    return str(said)


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
