"""Sheets as JSON: what stands on one, what a person decides, what a model offers, who else is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request

from tripel.annotations import datasets, ledger, models, presence, projects, spreading
from tripel.annotations.database import Database
from tripel.annotations.events import Proposal, candidate_record
from tripel.annotations.proposing import Conflict
from tripel.annotations.sheet import MARK, SERVER, Sheet
from tripel.documents import Mention
from tripel.web.access import Member, Number
from tripel.web.pages.described import EVENT, EventsAnswer, SheetAnswer
from tripel.web.pages.reaching import Annotating, OnSheet, Reading, sheet_of
from tripel.web.project_models import Askers, opened
from tripel.web.refusals import Refused
from tripel.web.services import Services, services

MOST_EVENTS = 100  # of one request
AROUND = 40  # characters shown on either side of a place
OFFERED = 9  # candidates: as many as have a key
PLACE = "/api/projects/{project}/documents/{document}"
ASKING = 32  # threads that wait for models; what waits for one is linked in one go, so that more are no faster

routes = APIRouter(tags=["annotating"])


class Events(BaseModel):
    """What a person decided, in the order of deciding."""

    events: list[dict[str, Any]] = Field(max_length=MOST_EVENTS, json_schema_extra={"items": EVENT})
    """Each as `annotations.events.Proposal` has it: `key`, `kind`, `seen`, `after` and so on."""


class Span(BaseModel):
    """Characters [start, end) of the document."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)
    type: str = Field(default="", max_length=200)


def _read(request: Request, member: Reading, document: Number, final: bool = False) -> OnSheet:
    return sheet_of(request, member, document, final)


def _write(request: Request, member: Annotating, document: Number, final: bool = False) -> OnSheet:
    return sheet_of(request, member, document, final)


ToRead = Annotated[OnSheet, Depends(_read)]
ToWrite = Annotated[OnSheet, Depends(_write)]


@routes.get(f"{PLACE}/sheet", response_model=SheetAnswer, response_model_exclude_unset=True)
def show(request: Request, member: Reading, its: ToRead) -> dict[str, Any]:
    """What stands on the sheet of a document. Needs the scope `read`."""
    server = services(request)
    return {"sheet": said(server, its, ledger.sheet_now(server.database, its.sheet), member)}


@routes.post(f"{PLACE}/events", response_model=EventsAnswer, response_model_exclude_unset=True)
def append(request: Request, member: Annotating, its: ToWrite, body: Events) -> dict[str, Any]:
    """Append decisions, one after the other. What does not fit what others did is answered with why, and changes nothing.

    An event sent again, with the same key, is answered as before. Needs the scope `annotate`.
    """
    server = services(request)
    answers = [_append(server.database, its.sheet, record, member.user.id) for record in body.events]
    return {"answers": answers, "sheet": said(server, its, ledger.sheet_now(server.database, its.sheet), member)}


@routes.get(f"{PLACE}/spread")
def spread(request: Request, its: ToRead, mark: str) -> dict[str, Any]:
    """What applying a mark to all equal strings would do; nothing is done."""
    database = services(request).database
    try:
        found = spreading.preview(database, its.sheet, mark)
        there = ledger.sheet_now(database, its.sheet).mark(mark)
    except (LookupError, Conflict) as error:
        raise Refused(409, str(error)) from None
    examples = [
        _example(database, document, start, len(there.text if there else "")) for document, start in found.examples
    ]
    return {"marks": found.marks, "documents": found.documents, "kept": found.kept, "examples": examples}


@routes.post(f"{PLACE}/candidates")
async def candidates(request: Request, member: Reading, its: ToRead, body: Span) -> dict[str, Any]:
    """What the project's model offers for a span, best first, with what was annotated so far in its index."""
    text = its.document.text
    if not body.start < body.end <= len(text):
        raise Refused(422, f"a span [{body.start}, {body.end}) in a document of {len(text)} characters")
    mention = Mention(start=body.start, end=body.end, text=text[body.start : body.end], type=body.type)
    document = its.document.document().having(mentions=[mention])

    def asked() -> dict[str, Any]:
        linked = opened(request, its.project.id).link(its.project.id, document, given=True)
        offered = [candidate_record(one) for one in linked.links[0].candidates[:OFFERED]]
        return {"candidates": offered, **fingerprints(services(request), its)}

    return await _asking(asked)


@routes.post(f"{PLACE}/refresh")
async def refresh(request: Request, member: Annotating, its: ToWrite) -> dict[str, Any]:
    """Bring what is predicted to what the project's model says now, and give the sheet; people's marks stay as they are."""

    def asked() -> dict[str, Any]:
        try:
            sheet = opened(request, its.project.id).refresh(its.project.id, its.document.id, its.sheet)
        except ValueError as error:  # nothing that finds mentions
            raise Refused(409, str(error)) from None
        server = services(request)
        return {"sheet": said(server, its, sheet, member), **fingerprints(server, its)}

    return await _asking(asked)


@routes.post(f"{PLACE}/presence")
def here(request: Request, member: Annotating, its: ToWrite, leaving: bool = False) -> dict[str, Any]:
    """A person is on a document, or leaves it; who else is there, and the version of the sheet."""
    database, document = services(request).database, its.document.id
    (presence.gone if leaving else presence.here)(database, document, member.user.id)
    others = [one for one in presence.present(database, document) if one.user != member.user.id]
    return {
        "others": [{"user": one.user, "name": one.name} for one in others],
        "version": ledger.sheet_now(database, its.sheet).version,
    }


def said(server: Services, its: OnSheet, sheet: Sheet, member: Member) -> dict[str, Any]:
    """A sheet as the page reads it. Offsets are characters as Python counts them: code points."""
    user = member.user.id
    return {
        "id": sheet.id,
        "version": sheet.version,
        "done": sheet.done,
        "marks": [mark.record | {"by": sheet.changed[MARK + mark.id][1]} for mark in sheet.marks],
        "comments": list(sheet.comments),
        "flags": dict(sheet.flags),
        "may_undo": sheet.may_undo(user),
        "may_redo": sheet.may_redo(user),
        "milliseconds": sheet.milliseconds.get(user, 0),
        "people": {str(id): name for id, name in _people(server, its, sheet, member).items()},
    }


def fingerprints(server: Services, its: OnSheet) -> dict[str, str]:
    """Of the project's model in use and of its knowledge base, as events keep them; empty where there is none."""
    try:
        model = models.in_use(server.database, its.project.id)
    except ValueError:
        return {"model": "", "knowledge": ""}
    return {"model": model.fingerprint, "knowledge": model.knowledge}


def _people(server: Services, its: OnSheet, sheet: Sheet, member: Member) -> dict[int, str]:
    """The names of members, and of whoever else left something on the sheet: they may be no members any more, or never were."""
    names = {one.user: one.name for one in projects.members_of(server.database, its.project.id)}
    names[member.user.id] = member.user.name
    seen = {sheet.changed[name][1] for name in sheet.items} | {comment["by"] for comment in sheet.comments}
    others = [server.accounts.get(user) for user in seen - names.keys() - {SERVER}]
    return names | {one.id: one.name for one in others if one is not None}


_asking = Askers(ASKING, "asking")


def _append(database: Database, sheet: int, record: dict[str, Any], user: int) -> dict[str, Any]:
    key = record.get("key", "")
    try:
        made = ledger.append(database, sheet, Proposal.of(record), by=user)
    except Conflict as conflict:
        return {"key": key, "refused": conflict.why, "conflict": True}
    except (ValueError, LookupError) as error:
        return {"key": key, "refused": str(error), "conflict": False}
    return {"key": key, "seq": made.event.seq}


def _example(database: Database, document: int, start: int, length: int) -> dict[str, Any]:
    """A place with the text around it."""
    its = datasets.document(database, document)
    end = start + length
    return {
        "document": document,
        "name": its.name,
        "before": its.text[max(0, start - AROUND) : start],
        "text": its.text[start:end],
        "after": its.text[end : end + AROUND],
    }
