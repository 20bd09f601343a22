"""What a proposal changes of a sheet, or why it does not: pure functions. They know no database.

A person's decision makes a mark USER, whatever it was. A model never touches what a person, a data set or a spreading said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tripel.annotations.events import Event, Mark, Proposal
from tripel.annotations.schema import written
from tripel.annotations.sheet import COMMENT, DONE, FLAG, MARK, REJECTED, SERVER, Sheet

ON_A_DONE_SHEET = ("comment", "flag", "time", "reopen", "undo", "redo", "spread")  # the rest asks to reopen it first
DONE_MEANWHILE = "the document was marked done meanwhile; reopen it to go on"


class Conflict(Exception):
    """Something else happened since the person looked; nothing was changed."""

    def __init__(self, why: str, sheet: Sheet) -> None:
        super().__init__(why)
        self.why = why
        """In words, to be shown."""
        self.sheet = sheet
        """As it stands now."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an event does to the items of a sheet."""

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


def changing(sheet: Sheet, wanted: Mapping[str, Any], detail: Mapping[str, Any] | None = None) -> Change:
    """The change of a sheet's items from what stands there to what is wanted."""
    before = {name: sheet.items.get(name) for name in wanted}
    return Change(before=before, after=dict(wanted), detail=dict(detail or {}))


def change(sheet: Sheet, proposal: Proposal, *, by: int, at: datetime, text: str) -> Change:
    """What a proposal changes, of any kind but undo, redo and spread. `text` is the document's.

    Raises Conflict where another person changed its mark since it was seen, or the document is done; ValueError where the
    proposal makes no sense on any such sheet.
    """
    if sheet.done and proposal.kind not in ON_A_DONE_SHEET:
        raise Conflict(DONE_MEANWHILE, sheet)
    wanted = dict(_wanted(sheet, proposal, by=by, at=at, text=text))
    refuse_stale(sheet, proposal, _concerned(sheet, proposal, wanted), by)
    detail = {"milliseconds": proposal.milliseconds} if proposal.kind == "time" else {}
    return changing(sheet, wanted, detail)


def reverse(sheet: Sheet, events: Iterable[Event], *, by: int, again: bool) -> Event | None:
    """The first of these events that can be undone (`again`: redone), since what it changed stands as the person left it."""
    for event in events:
        stands = event.before if again else event.after
        if all(
            sheet.items.get(name) == value and sheet.changed.get(name, (0, by))[1] == by
            for name, value in stands.items()
        ):
            return event
    return None


def reversal(sheet: Sheet, event: Event, *, again: bool) -> Change:
    """What undoing (`again`: redoing) an event changes."""
    return changing(sheet, event.after if again else event.before, {"event": event.key})


def prediction(sheet: Sheet, marks: Iterable[Mark], *, text: str) -> Change:
    """A model's marks in the place of older PRED ones, but where a person decided the same span, or took a mark away from it,
    whatever its type. What they left standing beside that one may stay."""
    theirs = [mark for mark in sheet.marks if mark.label != "PRED"]
    taken, ids = {mark.span for mark in theirs}, {mark.id for mark in theirs}
    older = [mark for mark in sheet.marks if mark.label == "PRED"]
    rejected, left = sheet.rejected_spans, {mark.place for mark in older}
    wanted: dict[str, Any] = {MARK + mark.id: None for mark in older}
    for mark in marks:
        made = replace(mark, label="PRED").within(text)
        free = made.span not in rejected or made.place in left
        if free and made.span not in taken and made.id not in ids:
            wanted[MARK + made.id] = made.record
    return Change(after={name: value for name, value in wanted.items() if sheet.items.get(name) != value})


def spreading(sheet: Sheet, mark: Mark, places: Iterable[int], *, detail: Mapping[str, Any]) -> Change:
    """SILVER marks like `mark` from each of `places` on, but where a person, a data set or an earlier spreading has said
    something of the same span, or a person took a mark away from it, whatever its type."""
    wanted: dict[str, Any] = {}
    rejected = sheet.rejected_spans
    theirs = {one.span: one for one in sorted(sheet.marks, key=lambda one: one.label != "PRED")}
    for start in places:
        span = (start, start + mark.end - mark.start)
        there = theirs.get(span)
        made = replace(
            mark,
            id=f"s-{span[0]}-{span[1]}" if there is None else there.id,
            start=span[0],
            end=span[1],
            label="SILVER",
            confidence=None,
        )
        free = there is None or there.label == "PRED"
        if free and span not in rejected and MARK + made.id not in wanted:
            wanted[MARK + made.id] = made.record
    return changing(sheet, wanted, detail)


def occurrences(mark: Mark, text: str) -> list[int]:
    """Where the words of a mark stand in a text, as words of their own; none for a mark in pieces."""
    if mark.parts:
        return []
    before, behind = (r"(?<!\w)" if mark.text[0].isalnum() else ""), (r"(?!\w)" if mark.text[-1].isalnum() else "")
    return [found.start() for found in re.finditer(f"{before}{re.escape(mark.text)}{behind}", text)]


def _wanted(sheet: Sheet, proposal: Proposal, *, by: int, at: datetime, text: str) -> Iterator[tuple[str, Any]]:
    """Items as they are to be."""
    match proposal.kind:
        case "add" | "link" | "span" | "accept":
            yield from _marked(sheet, proposal, text)
        case "delete":
            there = sheet.mark(proposal.mark)
            if there is not None:
                yield MARK + there.id, None
                yield REJECTED + there.place, _rejected(there)
        case "comment":
            said = {"text": proposal.text.strip(), "mark": proposal.mark, "by": by, "at": written(at)}
            yield COMMENT + proposal.key, said
        case "flag":
            yield FLAG + proposal.mark, {"text": proposal.text.strip(), "by": by} if proposal.on else None
        case "done":
            yield DONE, True
        case "reopen":
            yield DONE, None
        case "time":
            pass
        case _:
            raise AssertionError(f"{proposal.kind} is none of a proposal alone")


def _marked(sheet: Sheet, proposal: Proposal, text: str) -> Iterator[tuple[str, Any]]:
    """A mark as a person wants it: what the model said of its place stays with it."""
    assert proposal.after is not None
    there = sheet.mark(proposal.after.id)
    if proposal.kind == "add" and there is not None:
        raise Conflict("a mark with this id is there already", sheet)
    made = replace(proposal.after, label="USER").within(text)
    if there is not None:
        same = there.span == made.span
        made = replace(
            made,
            confidence=there.confidence if same else None,
            candidates=made.candidates or (there.candidates if same else ()),
        )
        if there.place != made.place:
            yield REJECTED + there.place, _rejected(there)
    yield MARK + made.id, made.record
    if REJECTED + made.place in sheet.items:
        yield REJECTED + made.place, None


def _rejected(mark: Mark) -> dict[str, Any]:
    return {"start": mark.start, "end": mark.end, "type": mark.type}


def refuse_stale(sheet: Sheet, proposal: Proposal, names: Collection[str], by: int) -> None:
    """Raises Conflict where another person changed one of these items since the sheet was seen. What a model changed stands
    against nobody."""
    for name in names:
        seq, who = sheet.changed.get(name, (0, by))
        if seq > proposal.seen and who not in (by, SERVER) and not name.startswith((REJECTED, COMMENT)):
            raise Conflict("somebody else changed this meanwhile; look at it again", sheet)


def _concerned(sheet: Sheet, proposal: Proposal, wanted: Mapping[str, Any]) -> set[str]:
    """The items that a proposal changes, and marks of the same words."""
    names = {*wanted, MARK + proposal.about} if proposal.kind == "delete" else {*wanted}
    if proposal.after is not None:
        names |= {MARK + mark.id for mark in sheet.marks if mark.span == proposal.after.span}
    return names
