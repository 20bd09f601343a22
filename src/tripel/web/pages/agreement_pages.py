"""How far annotators who work blind agree, and where a reviewer settles what they differ in."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import adjudication, blind, datasets, ledger, listing, projects
from tripel.annotations.adjudication import Question, Review
from tripel.annotations.beginning import final_sheet
from tripel.annotations.events import Mark, Proposal
from tripel.annotations.proposing import Conflict
from tripel.web.access import Member, Number
from tripel.web.pages.reaching import Reviewer, document_of, open_kb, project_of, project_page
from tripel.web.services import services

AROUND = 70  # characters shown on either side of a question

routes = APIRouter(include_in_schema=False)


@routes.get("/projects/{project}/agreement")
def show(request: Request, member: Reviewer) -> Response:
    """The figures, and the documents that somebody finished."""
    its, project = services(request), project_of(request, member)
    database = its.database
    latest = datasets.latest(database, project.id) if project.mode == "blind" else None
    ids = [] if latest is None else datasets.document_ids(database, latest.id)
    reviews = adjudication.reviews(database, ids)
    names = listing.names(database, [one.document for one in reviews])
    return project_page(
        request,
        "agreement.html",
        member,
        figures=blind.agreed(database, project.id, hierarchy=its.settings.hierarchy) if reviews else None,
        reviews=[(one, names[one.document]) for one in reviews],
        people={one.user: one.name for one in projects.members_of(database, project.id)},
    )


@routes.get("/projects/{project}/agreement/{document}")
def settle(request: Request, member: Reviewer, document: Number) -> Response:
    """What annotators said of a document, question by question."""
    return _settle(request, member, document)


@routes.post("/projects/{project}/agreement/{document}")
def choose(
    request: Request,
    member: Reviewer,
    document: Number,
    start: Annotated[int, Form()],
    end: Annotated[int, Form()],
    seen: Annotated[int, Form()],
    key: Annotated[str, Form()],
    option: Annotated[list[str], Form()] = [],  # noqa: B006  FastAPI copies it
) -> Response:
    """Settle one question: with the options that were ticked, or with none."""
    document_of(request, member, document)
    try:
        marks = [(int(sheet), mark) for sheet, _, mark in (one.partition(":") for one in option)]
        adjudication.choose(
            services(request).database,
            document,
            start=start,
            end=end,
            marks=marks,
            key=key,
            seen=seen,
            by=member.user.id,
        )
    except (Conflict, ValueError, LookupError) as error:
        return _settle(request, member, document, status=409, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/agreement/{document}#open", 303)


@routes.post("/projects/{project}/agreement/{document}/agreed")
def take_over(request: Request, member: Reviewer, document: Number, key: Annotated[str, Form()]) -> Response:
    """Put all that annotators agree in onto the final sheet."""
    document_of(request, member, document)
    try:
        adjudication.accept_agreed(services(request).database, document, key=key, by=member.user.id)
    except (Conflict, ValueError, LookupError) as error:
        return _settle(request, member, document, status=409, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/agreement/{document}#open", 303)


@routes.post("/projects/{project}/agreement/{document}/done")
def finish(request: Request, member: Reviewer, document: Number) -> Response:
    """Mark the final sheet done, or reopen it."""
    database = services(request).database
    document_of(request, member, document)
    sheet = ledger.sheet_now(database, final_sheet(database, document))
    kind: Any = "reopen" if sheet.done else "done"
    try:
        proposal = Proposal(key=str(uuid.uuid4()), kind=kind, seen=sheet.version)
        ledger.append(database, sheet.id, proposal, by=member.user.id)
    except (Conflict, ValueError) as error:
        return _settle(request, member, document, status=409, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/agreement", 303)


def _settle(request: Request, member: Member, document: int, *, status: int = 200, wrong: str = "") -> Response:
    stored = document_of(request, member, document)
    review = adjudication.review(services(request).database, document)
    ids = [id for question in review.questions for option in question.options for id in option.mark.entities]
    return project_page(
        request,
        "settle.html",
        member,
        status=status,
        wrong=wrong,
        document=stored,
        review=review,
        questions=[_question(one, review, stored.text) for one in review.questions],
        entities=_names(request, member, ids),
        people={one.user: one.name for one in (*review.annotators, *review.at_work)},
        key=lambda: str(uuid.uuid4()),
    )


def _question(question: Question, review: Review, text: str) -> dict[str, Any]:
    """A question with the text around it, and which of its options stand on the final sheet."""
    final = {_meant(mark) for mark in review.final.marks}
    return {
        "start": question.start,
        "end": question.end,
        "state": "settled" if question.settled else "agreed" if question.agreed else "open",
        "before": text[max(0, question.start - AROUND) : question.start],
        "text": text[question.start : question.end],
        "after": text[question.end : question.end + AROUND],
        "options": [
            {"option": option, "name": f"{option.sheet}:{option.mark.id}", "chosen": _meant(option.mark) in final}
            for option in question.options
        ],
    }


def _meant(mark: Mark) -> tuple[Any, ...]:
    return mark.start, mark.end, mark.type, mark.entities, mark.nil


def _names(request: Request, member: Member, ids: list[str]) -> dict[str, str]:
    """The preferred names of entities, as far as the knowledge base is open and has them."""
    kb = open_kb(request, project_of(request, member))
    if kb is None:
        return {}
    rows = {id: kb.row(id) for id in dict.fromkeys(ids)}
    return {id: kb[row].name for id, row in rows.items() if row is not None}
