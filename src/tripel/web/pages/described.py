"""How OpenAPI describes what a sheet is sent and answers. What is accepted `annotations.events` says; a test compares the two."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tripel.annotations.events import ASKED, DAY_MS, KEY, LABELS, LONGEST, LONGEST_ID, LONGEST_TYPE, MOST, NAME

TEXT: dict[str, Any] = {"type": "string"}
ID = TEXT | {"minLength": 1, "maxLength": LONGEST_ID}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
CANDIDATE: dict[str, Any] = {
    "type": "object",
    "required": ["entity", "score"],
    "properties": {
        "entity": TEXT,
        "score": {"type": "number", "description": "Higher is closer."},
        "name": TEXT,
        "matched": TEXT,
        "source": TEXT,
        "probability": SHARE,
        "ids": {"type": "array", "items": TEXT},
        "types": {"type": "array", "items": TEXT},
    },
}
CANDIDATES = {"type": "array", "maxItems": MOST, "items": CANDIDATE}
MARK: dict[str, Any] = {
    "type": "object",
    "description": "For add, link, span and accept: the whole mark as it is to be.",
    "required": ["id", "start", "end"],
    "properties": {
        "id": TEXT | {"pattern": f"^{NAME.pattern}$", "description": "Made by the client where it is new."},
        "start": {"type": "integer", "minimum": 0},
        "end": {
            "type": "integer",
            "minimum": 1,
            "description": "Characters [start, end), counted as Unicode code points.",
        },
        "text": TEXT | {"description": "Set by the server."},
        "type": TEXT | {"maxLength": LONGEST_TYPE},
        "label": {"enum": list(LABELS), "description": "Set by the server."},
        "entities": {"type": "array", "maxItems": MOST, "items": ID, "description": "Empty: not linked yet, or NIL."},
        "nil": {"type": "boolean", "description": "That no entity is meant."},
        "parts": {
            "type": "array",
            "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}},
            "description": "The pieces of a mention that is not in one piece.",
        },
        "long_form": TEXT,
        "confidence": SHARE,
        "score": {"type": "number"},
        "probability": SHARE,
        "candidates": CANDIDATES,
    },
}
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["key", "kind"],
    "properties": {
        "key": TEXT | {"pattern": f"^{KEY.pattern}$", "description": "A UUID; sent again, it is answered as before."},
        "kind": {"type": "string", "enum": list(ASKED)},
        "seen": {"type": "integer", "description": "The version of the sheet that the person saw."},
        "mark": TEXT | {"description": "The id of the mark it is about; left out where it is about the document."},
        "after": MARK,
        "text": TEXT | {"maxLength": LONGEST, "description": "Of a comment, or why something is flagged."},
        "on": {"type": "boolean", "description": "For flag: false takes it away."},
        "milliseconds": {
            "type": "integer",
            "minimum": 0,
            "maximum": DAY_MS,
            "description": "For time: of work since the last such event.",
        },
        "shown": CANDIDATES | {"description": "What was on the screen."},
        "model": TEXT | {"maxLength": 80},
        "knowledge": TEXT | {"maxLength": 80, "description": "Fingerprints of what made the candidates."},
    },
    "example": {
        "key": "0e37df36-f698-11e6-8dd4-cb9ced3df976",
        "kind": "link",
        "seen": 7,
        "after": {"id": "m1", "start": 10, "end": 15, "type": "Symptom", "entities": ["D003371"]},
        "shown": [{"entity": "D003371", "score": 0.81, "name": "Cough"}],
    },
}


class Open(BaseModel):
    """It may say more."""

    model_config = ConfigDict(extra="allow")


class Answered(Open):
    """What became of an event: its number, or why it was refused, which changes nothing."""

    key: Any
    seq: int | None = Field(None, description="In the log.")
    refused: str | None = None
    conflict: bool | None = Field(None, description="Whether it was refused for what somebody else did.")


class SheetSaid(Open):
    """What stands on a sheet."""

    id: int
    version: int = Field(description="The number of its last event; `seen` of what is sent next.")
    done: bool
    marks: list[dict[str, Any]] = Field(json_schema_extra={"items": MARK})
    comments: list[dict[str, Any]] = Field(description="`key`, `text`, `mark`, `by`, `at`.")
    flags: dict[str, dict[str, Any]] = Field(description='By the id of the mark, or "" for the document.')
    milliseconds: int = Field(description="Of your work on it.")
    people: dict[str, str] = Field(description="Names by the ids of users.")


class SheetAnswer(Open):
    """A sheet."""

    sheet: SheetSaid


class EventsAnswer(SheetAnswer):
    """In the order of the events, and the sheet after them."""

    answers: list[Answered]
