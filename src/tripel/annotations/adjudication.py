"""A reviewer settles what annotators who worked blind said of a document, on a final sheet. Each choice is an event.

Marks that overlap are one question: where all annotators gave the same marks it is agreed, else they differ. A choice takes marks
of any of them, or none, and stands until what they said changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from tripel.annotations.appending import Appended, Held, again, held, put, retried
from tripel.annotations.beginning import FINAL, NOBODY, begun, standing
from tripel.annotations.blind import Theirs, side_by_side
from tripel.annotations.database import Database
from tripel.annotations.events import KEY, Label, Mark
from tripel.annotations.proposing import DONE_MEANWHILE, Change, Conflict, changing
from tripel.annotations.sheet import MARK, SERVER, SETTLED, Sheet


@dataclass(frozen=True, kw_only=True)
class Option:
    """A mark as one or several annotators made it."""

    mark: Mark
    """As the first of them has it."""
    sheet: int
    """Of the first of them."""
    by: tuple[int, ...]
    """Those who made it: same offsets, type and entities."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Marks that overlap, of all annotators."""

    start: int
    end: int
    """Characters [start, end) that they span."""
    options: tuple[Option, ...]
    agreed: bool
    """Whether every annotator made all of them."""
    settled: bool
    """Whether a reviewer chose, and nothing changed since."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """A document under review."""

    document: int
    annotators: tuple[Theirs, ...]
    """Those who marked it done; their marks count."""
    at_work: tuple[Theirs, ...]
    """Those who have not."""
    questions: tuple[Question, ...]
    """In the order of their offsets."""
    final: Sheet
    """As it stands; with id 0 where nothing was chosen yet."""

    @property
    def open(self) -> int:
        """Questions in which annotators differ and no reviewer chose."""
        return sum(not question.agreed and not question.settled for question in self.questions)


def review(database: Database, document: int) -> Review:
    """What annotators said of a document, and what a reviewer made of it."""
    with database.connect() as connection:
        return _review(connection, document)


def reviews(database: Database, documents: Sequence[int]) -> list[Review]:
    """Those of documents that somebody marked done, in the order given."""
    with database.connect() as connection:
        theirs = side_by_side(connection, list(documents))
        finals = standing(connection, list(documents), kind=FINAL, owner=NOBODY)
    found = [_of(document, theirs[document], finals.get(document)) for document in documents]
    return [one for one in found if one.annotators]


def choose(
    database: Database,
    document: int,
    *,
    start: int,
    end: int,
    marks: Iterable[tuple[int, str]],
    key: str,
    seen: int,
    by: int,
) -> Appended:
    """Settle the question at [start, end) with some of its options, each named by its sheet and its mark's id; none for no mark.

    What the final sheet had there goes. Raises Conflict where the question is another one by now, another reviewer chose since
    version `seen`, or the final sheet is done; ValueError for a mark that is no option; LookupError for an unknown document.
    """
    wanted = list(marks)

    def settle(its: Held, reviewed: Review) -> Change:
        question = next((one for one in reviewed.questions if (one.start, one.end) == (start, end)), None)
        if question is None:
            raise Conflict("the annotators changed this meanwhile; look at it again", its.sheet)
        name = _name(question)
        seq, who = its.sheet.changed.get(name, (0, by))
        if seq > seen and who not in (by, SERVER):
            raise Conflict("another reviewer settled this meanwhile; look at it again", its.sheet)
        options = {(one.sheet, one.mark.id): one for one in question.options}
        if any(one not in options for one in wanted):
            raise ValueError("a mark that is none of the options of this question")
        return _settling(its.sheet, [(question, [options[one] for one in wanted])], by)

    return _put(database, document, settle, key=key, by=by)


def accept_agreed(database: Database, document: int, *, key: str, by: int) -> Appended:
    """Take over, in one event, all that the annotators agree in and that is not settled yet.

    Raises Conflict where the final sheet is done; LookupError for an unknown document.
    """

    def settle(its: Held, reviewed: Review) -> Change:
        open = [one for one in reviewed.questions if one.agreed and not one.settled]
        return _settling(its.sheet, [(one, one.options) for one in open], by)

    return _put(database, document, settle, key=key, by=by)


def _put(database: Database, document: int, settle: Callable[[Held, Review], Change], *, key: str, by: int) -> Appended:
    if not KEY.fullmatch(key):
        raise ValueError("a choice without a key of 8 to 64 letters, digits or -; expected a UUID")

    def work(connection: Connection) -> Appended:
        sheet = begun(connection, [document], kind=FINAL, owner=NOBODY)[document]
        its = held(connection, [sheet])[sheet]
        if (there := again(connection, its, key=key, kind="choose", by=by)) is not None:
            return there
        if its.sheet.done:
            raise Conflict(DONE_MEANWHILE, its.sheet)
        change = settle(its, _review(connection, document))
        return put(connection, its, change, kind="choose", key=key, by=by)

    return retried(database, work)


def _review(connection: Connection, document: int) -> Review:
    theirs = side_by_side(connection, [document])[document]
    return _of(document, theirs, standing(connection, [document], kind=FINAL, owner=NOBODY).get(document))


def _of(document: int, theirs: Sequence[Theirs], final: Sheet | None) -> Review:
    final = final or Sheet(id=0, document=document)
    done = tuple(one for one in theirs if one.sheet.done)
    return Review(
        document=document,
        annotators=done,
        at_work=tuple(one for one in theirs if not one.sheet.done),
        questions=tuple(_question(options, done, final) for options in _overlapping(_options(done))),
        final=final,
    )


def _options(done: Sequence[Theirs]) -> list[Option]:
    """Every distinct mark, with those who made it; of one who made it twice it counts once."""
    found: dict[Any, Option] = {}
    for theirs in done:
        for mark in theirs.sheet.marks:
            if mark.label == "PRED":
                continue
            said = (mark.start, mark.end, mark.parts, mark.type, frozenset(mark.entities), mark.nil)
            there = found.get(said)
            if there is None:
                found[said] = Option(mark=mark, sheet=theirs.sheet.id, by=(theirs.user,))
            elif theirs.user not in there.by:
                found[said] = replace(there, by=(*there.by, theirs.user))
    return sorted(found.values(), key=lambda one: (one.mark.start, one.mark.end, one.mark.type, one.mark.entities))


def _overlapping(options: Sequence[Option]) -> list[list[Option]]:
    """Groups of options of which each overlaps another of its group."""
    groups: list[list[Option]] = []
    reached = 0
    for one in options:
        if groups and one.mark.start < reached:
            groups[-1].append(one)
        else:
            groups.append([one])
        reached = max(reached, one.mark.end)
    return groups


def _question(options: Sequence[Option], done: Sequence[Theirs], final: Sheet) -> Question:
    made = Question(
        start=min(one.mark.start for one in options),
        end=max(one.mark.end for one in options),
        options=tuple(options),
        agreed=all(len(one.by) == len(done) for one in options),
        settled=False,
    )
    settled = final.items.get(_name(made))
    return replace(made, settled=settled is not None and settled["of"] == _digest(made))


def _name(question: Question) -> str:
    return f"{SETTLED}{question.start}-{question.end}"


def _digest(question: Question) -> str:
    """Of what was to be chosen from: other options are another question."""
    said = [
        (one.mark.start, one.mark.end, one.mark.parts, one.mark.type, sorted(one.mark.entities), one.mark.nil, one.by)
        for one in question.options
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def _settling(sheet: Sheet, chosen: Iterable[tuple[Question, Sequence[Option]]], by: int) -> Change:
    """What the choices change of the final sheet."""
    wanted: dict[str, Any] = {}
    for question, options in chosen:
        for mark in sheet.marks:
            if mark.start < question.end and question.start < mark.end:
                wanted[MARK + mark.id] = None
        for one in options:
            label: Label = "GOLD" if one.mark.label == "GOLD" else "USER"
            id = f"c-{hashlib.sha256(f'{one.sheet} {one.mark.id}'.encode()).hexdigest()[:16]}"
            wanted[MARK + id] = replace(one.mark, id=id, label=label).record
        wanted[_name(question)] = {"by": by, "of": _digest(question)}
    return changing(sheet, wanted)
