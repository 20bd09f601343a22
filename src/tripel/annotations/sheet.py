"""The state of one document's annotations: a pure replay of events. It knows no database.

A sheet is for one document and, where annotators work blind, for one of them. `after` is one event more; `replay` is all of
them; both give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from tripel.annotations.events import Event, Items, Mark
from tripel.annotations.schema import read, written

UNDOABLE = ("add", "link", "span", "delete", "accept", "spread", "comment", "flag", "done", "reopen", "choose")
MARK, COMMENT, FLAG, REJECTED, SETTLED, DONE = "mark/", "comment/", "flag/", "rejected/", "settled/", "done"
SERVER = 0  # who changed something, where it was no person
STEPS = 200  # that a person can undo on one sheet


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What stands on a sheet after its events so far."""

    id: int
    document: int
    version: int = 0
    """The number of its last event."""
    at: datetime | None = None
    """When that was."""
    digest: str = ""
    """Of its last event."""
    items: Items = field(default_factory=dict)
    """All that is there, by the names of `events`."""
    changed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """For each item that ever was: the number of the event that last changed it, and by whom."""
    undo: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """For each user the keys of the events that they could undo, the last at the end."""
    redo: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """For each user the keys of what they undid, the last undone at the end."""
    milliseconds: Mapping[int, int] = field(default_factory=dict)
    """Time spent, for each user."""

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """In the order of their offsets; overlapping and nested ones are all there."""
        found = [Mark.of(value) for name, value in self.items.items() if name.startswith(MARK)]
        return tuple(sorted(found, key=lambda mark: (mark.start, -mark.end, mark.type, mark.id)))

    def mark(self, id: str) -> Mark | None:
        """The mark with an id; None where there is none, or none any more."""
        found = self.items.get(MARK + id)
        return None if found is None else Mark.of(found)

    @property
    def rejected_spans(self) -> set[tuple[int, int]]:
        """Where a person took a mark away, whatever its type."""
        return {(its["start"], its["end"]) for name, its in self.items.items() if name.startswith(REJECTED)}

    @property
    def comments(self) -> tuple[Mapping[str, Any], ...]:
        """In the order they were made: `key`, `text`, `mark`, `by`, `at`."""
        found = [
            {"key": name.removeprefix(COMMENT), **its} for name, its in self.items.items() if name.startswith(COMMENT)
        ]
        return tuple(sorted(found, key=lambda comment: (comment["at"], comment["key"])))

    @property
    def flags(self) -> Mapping[str, Mapping[str, Any]]:
        """By the id of the mark, or "" for the document: `text`, `by`."""
        return {name.removeprefix(FLAG): value for name, value in self.items.items() if name.startswith(FLAG)}

    @property
    def done(self) -> bool:
        """Whether a person said that the document is finished."""
        return bool(self.items.get(DONE))

    @property
    def decided(self) -> bool:
        """Whether something that a person said of its mentions stands: a mark, one taken away, a choice, or that it is done.

        Comments and flags say nothing of them, nor does what was spread from another document.
        """
        said = any(name.startswith((REJECTED, SETTLED)) for name in self.items)
        return said or self.done or any(mark.label == "USER" for mark in self.marks)

    @property
    def as_uploaded(self) -> bool:
        """Whether the gold of its upload is on it, and nobody decided anything."""
        return not self.decided and any(mark.label == "GOLD" for mark in self.marks)

    def may_undo(self, user: int) -> bool:
        """Whether the user has something to undo."""
        return bool(self.undo.get(user))

    def may_redo(self, user: int) -> bool:
        """Whether the user has something to redo."""
        return bool(self.redo.get(user))

    @property
    def state(self) -> dict[str, Any]:
        """What a replay gives, as JSON; `of` makes the sheet of it again."""
        return {
            "at": None if self.at is None else written(self.at),
            "digest": self.digest,
            "items": dict(self.items),
            "changed": {name: list(last) for name, last in self.changed.items()},
            "undo": {str(user): list(keys) for user, keys in self.undo.items() if keys},
            "redo": {str(user): list(keys) for user, keys in self.redo.items() if keys},
            "milliseconds": {str(user): spent for user, spent in self.milliseconds.items()},
        }

    @classmethod
    def of(cls, id: int, *, document: int, version: int, state: Mapping[str, Any]) -> Sheet:
        """The sheet that `state` is of."""
        if not state:
            return cls(id=id, document=document, version=version)
        return cls(
            id=id,
            document=document,
            version=version,
            at=None if state["at"] is None else read(state["at"]),
            digest=state["digest"],
            items=state["items"],
            changed={name: (last[0], last[1]) for name, last in state["changed"].items()},
            undo={int(user): tuple(keys) for user, keys in state["undo"].items()},
            redo={int(user): tuple(keys) for user, keys in state["redo"].items()},
            milliseconds={int(user): spent for user, spent in state["milliseconds"].items()},
        )


def replay(events: Iterable[Event], *, id: int, document: int) -> Sheet:
    """The sheet after these events, in the order of their numbers."""
    sheet = Sheet(id=id, document=document)
    working = _Working(sheet)
    for event in events:
        working.take(event)
    return working.sheet()


def after(sheet: Sheet, event: Event) -> Sheet:
    """The sheet after one more event."""
    working = _Working(sheet)
    working.take(event)
    return working.sheet()


class _Working:
    """A sheet that changes in place, so that a long replay copies nothing."""

    def __init__(self, sheet: Sheet) -> None:
        self.begun = sheet
        self.last: Event | None = None
        self.items, self.changed = dict(sheet.items), dict(sheet.changed)
        self.undo, self.redo = dict(sheet.undo), dict(sheet.redo)
        self.milliseconds = dict(sheet.milliseconds)

    def take(self, event: Event) -> None:
        assert event.seq > (self.begun.version if self.last is None else self.last.seq), "events out of their order"
        self.last = event
        by = SERVER if event.by is None else event.by
        for name, value in event.after.items():
            self.changed[name] = (event.seq, by)
            if value is None:
                self.items.pop(name, None)
            else:
                self.items[name] = value
        if event.kind == "time":
            self.milliseconds[by] = self.milliseconds.get(by, 0) + event.detail["milliseconds"]
        self._remember(event, by)

    def _remember(self, event: Event, by: int) -> None:
        """What the person can undo and redo now; an echo of what they did elsewhere is none of it."""
        if "echo" in event.detail:
            return
        if event.kind == "undo":
            key = event.detail["event"]
            self.undo[by] = tuple(other for other in self.undo.get(by, ()) if other != key)
            self.redo[by] = (*self.redo.get(by, ()), key)
        elif event.kind == "redo":
            key = event.detail["event"]
            self.redo[by] = tuple(other for other in self.redo.get(by, ()) if other != key)
            self.undo[by] = (*self.undo.get(by, ()), key)
        elif event.kind in UNDOABLE:
            self.undo[by] = (*self.undo.get(by, ()), event.key)[-STEPS:]
            self.redo[by] = ()

    def sheet(self) -> Sheet:
        last = self.last
        return Sheet(
            id=self.begun.id,
            document=self.begun.document,
            version=self.begun.version if last is None else last.seq,
            at=self.begun.at if last is None else last.at,
            digest=self.begun.digest if last is None else last.digest,
            items=self.items,
            changed=self.changed,
            undo={user: keys for user, keys in self.undo.items() if keys},
            redo={user: keys for user, keys in self.redo.items() if keys},
            milliseconds=self.milliseconds,
        )
