"""How far annotators who work blind agree. Figures from sheets; it knows no database, `comparing` gives it the sheets.

Marks that people made count: USER and SILVER, and GOLD unless it was given to all and nobody changed it. A model's PRED does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from tripel.annotations.events import Mark
from tripel.annotations.hierarchy import Hierarchy
from tripel.formats.tokens import WORD

Place: TypeAlias = "tuple[int, int, tuple[tuple[int, int], ...]]"
NIL = "NIL"
NO_HIERARCHY = (
    "not known: knowledge bases keep no hierarchy; name a table with tree numbers, such as MeSH's, to have it counted"
)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A document that several annotators finished."""

    document: int
    text: str
    marks: Mapping[int, Sequence[Mark]]
    """What counts, for each annotator."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two annotators, over the documents that both finished."""

    a: int
    b: int
    documents: int
    marks_a: int
    marks_b: int
    strict: float | None
    """F1 of spans with the same offsets and type: 2 |A and B| / (|A| + |B|); None where neither marked anything."""
    lenient: float | None
    """F1 where a span counts as found if one of its type overlaps it."""
    strict_by_type: Mapping[str, float]
    """`strict` of the spans of each type that one of them marked."""
    linked: int
    """Spans that both marked with the same offsets, and both linked or called NIL: what the next two are of."""
    concept: float | None
    """The share of them with the same entities; None where there are none."""
    near: float | None
    """The mean likeness of their entities in a hierarchy (`hierarchy.Hierarchy.likeness`); None where none is known."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What annotators agree in."""

    documents: int
    """That two or more finished."""
    annotators: tuple[int, ...]
    pairs: tuple[Pair, ...]
    alpha_words: float | None
    """Krippendorff's alpha over words, the value of each being the types of the marks on it, or none. None where undefined."""
    alpha_concepts: float | None
    """Krippendorff's alpha over spans that two or more marked alike, the value being the entities; None where undefined."""
    hierarchy: str = ""
    """Why `near` is not known; empty where it is."""

    @property
    def types(self) -> tuple[str, ...]:
        """The types that somebody marked, in their order."""
        return tuple(sorted({type for pair in self.pairs for type in pair.strict_by_type}))


def agreement(compared: Sequence[Compared], *, hierarchy: Hierarchy | None = None) -> Agreement:
    """The figures over some documents."""
    people = sorted({user for one in compared for user in one.marks})
    pairs = (_pair(compared, a, b, hierarchy) for a, b in combinations(people, 2))
    return Agreement(
        documents=sum(len(one.marks) > 1 for one in compared),
        annotators=tuple(people),
        pairs=tuple(pair for pair in pairs if pair.documents),
        alpha_words=alpha(unit for one in compared for unit in _words(one)),
        alpha_concepts=alpha(unit for one in compared for unit in _concepts(one)),
        hierarchy=NO_HIERARCHY if hierarchy is None else "",
    )


def counting(sheets: Mapping[int, Sequence[Mark]]) -> dict[int, tuple[Mark, ...]]:
    """The marks that people made, of each annotator."""
    given = Counter(mark for marks in sheets.values() for mark in marks if mark.label == "GOLD")
    return {
        user: tuple(
            mark for mark in marks if mark.label != "PRED" and not (mark.label == "GOLD" and given[mark] == len(sheets))
        )
        for user, marks in sheets.items()
    }


def place(mark: Mark) -> Place:
    """Where a mark is."""
    return mark.start, mark.end, mark.parts


def alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Krippendorff's nominal alpha: of each unit the values that it got, one for each who said something.

    None where fewer than two values occur in units that two or more judged: then nothing can be told from chance.
    """
    import krippendorff

    judged = [Counter(values) for values in units if len(values) > 1]
    domain = {value: number for number, value in enumerate(sorted({value for unit in judged for value in unit}))}
    if len(domain) < 2:
        return None
    counts = np.zeros((len(judged), len(domain)))
    for row, unit in zip(counts, judged, strict=True):
        for value, count in unit.items():
            row[domain[value]] = count
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _pair(compared: Sequence[Compared], a: int, b: int, hierarchy: Hierarchy | None) -> Pair:
    both = [(one.marks[a], one.marks[b]) for one in compared if a in one.marks and b in one.marks]
    types = sorted({mark.type for ours, theirs in both for mark in (*ours, *theirs)})
    by_type = {type: _strict([(_of(ours, type), _of(theirs, type)) for ours, theirs in both]) for type in types}
    linked = [pair for ours, theirs in both for pair in _same_places(ours, theirs)]
    same = [set(one.entities) == set(other.entities) for one, other in linked]
    near = [hierarchy.likeness(one.entities, other.entities) for one, other in linked] if hierarchy else []
    return Pair(
        a=a,
        b=b,
        documents=len(both),
        marks_a=sum(len(ours) for ours, _ in both),
        marks_b=sum(len(theirs) for _, theirs in both),
        strict=_strict(both),
        lenient=_lenient(both),
        strict_by_type={type: value for type, value in by_type.items() if value is not None},
        linked=len(linked),
        concept=sum(same) / len(same) if same else None,
        near=sum(near) / len(near) if near else None,
    )


def _of(marks: Sequence[Mark], type: str) -> list[Mark]:
    return [mark for mark in marks if mark.type == type]


def _strict(both: Sequence[tuple[Sequence[Mark], Sequence[Mark]]]) -> float | None:
    common = whole = 0
    for ours, theirs in both:
        one, other = (Counter((place(mark), mark.type) for mark in marks) for marks in (ours, theirs))
        common += (one & other).total()
        whole += one.total() + other.total()
    return 2 * common / whole if whole else None


def _lenient(both: Sequence[tuple[Sequence[Mark], Sequence[Mark]]]) -> float | None:
    """2PR / (P + R), P the share of one's spans that the other's overlap, R the share of the other's that one's overlap."""
    found, whole = [0, 0], [0, 0]
    for pair in both:
        for side, (ours, theirs) in enumerate((pair, pair[::-1])):
            whole[side] += len(ours)
            found[side] += sum(any(_overlap(one, other) for other in theirs) for one in ours)
    if not any(whole):
        return None
    shares = [count / of if of else 0.0 for count, of in zip(found, whole, strict=True)]
    return 2 * shares[0] * shares[1] / sum(shares) if any(shares) else 0.0


def _overlap(one: Mark, other: Mark) -> bool:
    return one.type == other.type and one.start < other.end and other.start < one.end


def _same_places(ours: Sequence[Mark], theirs: Sequence[Mark]) -> list[tuple[Mark, Mark]]:
    """Marks of one place that are decided on both sides, one with one where there are several: those of the same type and
    entities first."""
    waiting = [mark for mark in theirs if _decided(mark)]
    found = []
    for mark in (mark for mark in ours if _decided(mark)):
        there = [other for other in waiting if place(other) == place(mark)]
        if there:
            best = max(there, key=lambda other: (set(other.entities) == set(mark.entities), other.type == mark.type))
            waiting.remove(best)
            found.append((mark, best))
    return found


def _decided(mark: Mark) -> bool:
    return mark.nil or bool(mark.entities)


def _words(one: Compared) -> Iterable[list[str]]:
    """Of each word the types that each annotator has on it."""
    for word in WORD.finditer(one.text):
        yield [
            "|".join(
                sorted({mark.type or "?" for mark in marks if mark.start < word.end() and word.start() < mark.end})
            )
            for marks in one.marks.values()
        ]


def _concepts(one: Compared) -> Iterable[list[str]]:
    """Of each place the entities that those who marked it gave it."""
    said: dict[Place, list[str]] = {}
    for marks in one.marks.values():
        theirs: dict[Place, set[str]] = {}
        for mark in marks:
            if _decided(mark):
                theirs.setdefault(place(mark), set()).update(mark.entities or (NIL,))
        for where, entities in theirs.items():
            said.setdefault(where, []).append("|".join(sorted(entities)))
    yield from said.values()
