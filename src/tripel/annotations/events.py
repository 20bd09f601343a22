"""The nouns of the log: a mark, an event, and what a client proposes. It knows no database and no page.

An event says what it changed as two mappings of *items*, `before` and `after`, with null for one that is not there:

    mark/ID           a mark as JSON (see `Mark.record`)
    rejected/0-5-T    a person took a mark of type T away from characters [0, 5), so that no model sets one there again
    comment/KEY       {"text", "mark", "by", "at"}
    flag/ID           {"text", "by"}; `flag/` is of the document
    done              true

`predict` alone leaves `before` empty: the event before has it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from tripel.annotations.fields import checked, pair, strings
from tripel.documents import Candidate, Mention

Label = Literal["GOLD", "USER", "PRED", "SILVER"]
Kind = Literal[
    "import", "predict", "add", "link", "span", "delete", "accept", "spread", "comment", "flag", "done", "reopen",
    "undo", "redo", "time", "choose",
]  # fmt: skip
Items = Mapping[str, Any]
LABELS: tuple[str, ...] = get_args(Label)
KINDS: tuple[str, ...] = get_args(Kind)
ASKED = tuple(kind for kind in KINDS if kind not in ("import", "predict", "choose"))  # what a client may propose
KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MOST = 100  # entities or candidates of one mark
LONGEST = 4000  # characters of a comment
LONGEST_TYPE, LONGEST_ID = 200, 200
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mention on a sheet: where it is, what it means, and who says so."""

    id: str
    """Of the sheet; letters, digits, - and _, at most 64."""
    start: int
    end: int
    """Characters [start, end) of the document."""
    text: str = ""
    """What stands there; set by the server."""
    type: str = ""
    label: Label = "USER"
    entities: tuple[str, ...] = ()
    """Ids; empty where it is not linked yet, or NIL."""
    nil: bool = False
    """Whether a person or model said that no entity is meant."""
    parts: tuple[tuple[int, int], ...] = ()
    """The pieces of a discontinuous mention, as in `documents.Mention`."""
    long_form: str = ""
    confidence: float | None = None
    """How sure a recognizer is of the span, from 0 to 1; None where none was asked."""
    score: float | None = None
    """Of the entity, as the linker has it; higher is closer."""
    probability: float | None = None
    candidates: tuple[Candidate, ...] = ()
    """What the model offers, best first."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.id):
            raise ValueError("a mark whose id is not 1 to 64 letters, digits, - or _")
        if self.label not in LABELS:
            raise ValueError(f"a mark with a label that is none of {', '.join(LABELS)}")
        if self.nil and self.entities:
            raise ValueError("a mark that is NIL and has entities; expected one of them")
        if len(self.entities) > MOST or len(self.candidates) > MOST:
            raise ValueError(f"a mark with more than {MOST} entities or candidates")
        if len(self.type) > LONGEST_TYPE or any(not 0 < len(id) <= LONGEST_ID for id in self.entities):
            raise ValueError(f"a type or an id of an entity that is empty or longer than {LONGEST_ID} characters")
        self.mention()

    def mention(self) -> Mention:
        """As the rest of tripel has it. Raises ValueError for offsets that are none."""
        return Mention(
            start=self.start,
            end=self.end,
            text=self.text,
            type=self.type,
            entities=self.entities,
            long_form=self.long_form,
            parts=self.parts,
        )

    def within(self, text: str) -> Mark:
        """The same mark with what stands in the text of its document. Raises ValueError where it reaches beyond."""
        if self.end > len(text):
            raise ValueError(f"a mark [{self.start}, {self.end}) in a document of {len(text)} characters")
        return replace(self, text=text[self.start : self.end])

    @property
    def span(self) -> tuple[int, int]:
        """[start, end)."""
        return self.start, self.end

    @property
    def place(self) -> str:
        """Offsets and type: what `rejected/` remembers."""
        return f"{self.start}-{self.end}-{self.type}"

    @property
    def record(self) -> dict[str, Any]:
        """As JSON. What is empty is left out."""
        whole = {
            "id": self.id,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "type": self.type,
            "label": self.label,
            "entities": list(self.entities),
            "nil": self.nil,
            "parts": [list(part) for part in self.parts],
            "long_form": self.long_form,
            "confidence": self.confidence,
            "score": self.score,
            "probability": self.probability,
            "candidates": [candidate_record(one) for one in self.candidates],
        }
        always = ("id", "start", "end", "text", "type", "label", "entities", "nil")
        return {name: value for name, value in whole.items() if name in always or value not in (None, "", [])}

    @classmethod
    def of(cls, record: Any) -> Mark:
        """A mark of its JSON. Raises ValueError with what is wrong, never with a text."""
        kinds: dict[str, type | tuple[type, ...]] = {
            "id": str, "start": int, "end": int, "text": str, "type": str, "label": str, "entities": list, "nil": bool,
            "parts": list, "long_form": str, "confidence": (int, float), "score": (int, float),
            "probability": (int, float), "candidates": list,
        }  # fmt: skip
        known = checked(record, kinds, needed=("id", "start", "end"), what="a mark")
        return cls(
            **{
                **known,
                "entities": strings(known.get("entities", ()), "entities"),
                "parts": tuple(pair(part) for part in known.get("parts", ())),
                "candidates": tuple(map(candidate_of, known.get("candidates", ()))),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a client asks to happen to a sheet."""

    key: str
    """Made by the client, best a UUID; the same key again changes nothing and is answered alike."""
    kind: Kind
    seen: int = 0
    """The version of the sheet that the person saw."""
    mark: str = ""
    """The id of the mark it is about; empty where it is about the document."""
    after: Mark | None = None
    """For add, link, span and accept: the whole mark as it is to be."""
    text: str = ""
    """Of a comment, or why something is flagged."""
    on: bool = True
    """For flag: false takes it away."""
    milliseconds: int = 0
    """For time: how long the person worked since the last such event."""
    shown: tuple[Candidate, ...] = ()
    """The candidates that were on the screen."""
    model: str = ""
    knowledge: str = ""
    """Fingerprints of what made the candidates."""

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise ValueError("an event without a key of 8 to 64 letters, digits or -; expected a UUID")
        if self.kind not in ASKED:
            raise ValueError(f"an event of an unknown kind; expected one of {', '.join(ASKED)}")
        if self.after is not None and self.mark not in ("", self.after.id):
            raise ValueError("an event about one mark with another one after it")
        if self.kind in ("add", "link", "span", "accept") and self.after is None:
            raise ValueError(f"an event of kind {self.kind} without the mark as it is to be")
        if self.kind in ("delete", "spread") and not self.mark:
            raise ValueError(f"an event of kind {self.kind} without the id of its mark")
        if len(self.text) > LONGEST or (self.kind == "comment" and not self.text.strip()):
            raise ValueError(f"a comment or reason of {len(self.text)} characters; expected 1 to {LONGEST}")
        if not 0 <= self.milliseconds <= DAY_MS:
            raise ValueError(f"{self.milliseconds} milliseconds of work; expected 0 to {DAY_MS}, a day")
        if len(self.shown) > MOST or max(len(self.model), len(self.knowledge)) > 80:
            raise ValueError(f"more than {MOST} candidates shown, or a fingerprint of more than 80 characters")

    @property
    def about(self) -> str:
        """The id of its mark, or nothing."""
        return self.after.id if self.after is not None else self.mark

    @classmethod
    def of(cls, record: Any) -> Proposal:
        """A proposal of its JSON. Raises ValueError with what is wrong, never with a text."""
        kinds: dict[str, type | tuple[type, ...]] = {
            "key": str, "kind": str, "seen": int, "mark": str, "after": dict, "text": str, "on": bool,
            "milliseconds": int, "shown": list, "model": str, "knowledge": str,
        }  # fmt: skip
        known = checked(record, kinds, needed=("key", "kind"), what="an event")
        if "after" in known:
            known["after"] = Mark.of(known["after"])
        return cls(**{**known, "shown": tuple(map(candidate_of, known.get("shown", ())))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a sheet. It never changes."""

    seq: int
    """Increasing; of one sheet in the order of happening."""
    key: str
    project: int
    document: int
    sheet: int
    by: int | None
    """The user; None where it was the server, or a model."""
    at: datetime
    kind: Kind
    mark: str
    """The id of the mark it is about; empty where there is no such one."""
    before: Items
    after: Items
    shown: tuple[Mapping[str, Any], ...] = ()
    """The candidates that were on the screen, as JSON."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """`milliseconds` of time; `event`, the key that an undo or redo is of; `group` of a spread."""
    model: str = ""
    knowledge: str = ""
    digest: str = ""
    """SHA-256 of this event and of the digest before it on its sheet: a changed log is seen."""

    def content(self) -> dict[str, Any]:
        """All but the number and the digest, as JSON."""
        return {
            "key": self.key,
            "project": self.project,
            "document": self.document,
            "sheet": self.sheet,
            "by": self.by,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "mark": self.mark,
            "before": dict(self.before),
            "after": dict(self.after),
            "shown": [dict(one) for one in self.shown],
            "detail": dict(self.detail),
            "model": self.model,
            "knowledge": self.knowledge,
        }

    def chained(self, previous: str) -> str:
        """The digest that it has after an event with the digest `previous`; empty before the first."""
        return hashlib.sha256((previous + json.dumps(self.content(), sort_keys=True)).encode()).hexdigest()


def candidate_record(one: Candidate) -> dict[str, Any]:
    """A candidate as JSON. What is empty is left out."""
    whole: dict[str, Any] = {
        "entity": one.entity,
        "score": one.score,
        "name": one.name,
        "matched": one.matched,
        "source": one.source,
        "probability": one.probability,
        "ids": list(one.ids),
    }
    return {name: value for name, value in whole.items() if value not in (None, "", [])}


def candidate_of(record: Any) -> Candidate:
    """A candidate of its JSON. Raises ValueError."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "entity": str, "score": (int, float), "name": str, "matched": str, "source": str,
        "probability": (int, float), "ids": list,
    }  # fmt: skip
    known = checked(record, kinds, needed=("entity", "score"), what="a candidate")
    return Candidate(**{**known, "ids": strings(known.get("ids", ()), "ids")})
