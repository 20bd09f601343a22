"""The page where a document is annotated, and the way to the next one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import adjudication, datasets, ledger, listing
from tripel.annotations.database import Database
from tripel.annotations.name_index import types
from tripel.web.access import Number
from tripel.web.pages.reaching import Annotator, OnSheet, open_kb, sheet_of
from tripel.web.pages.sheets import fingerprints, said
from tripel.web.rendering import page
from tripel.web.services import services

MOST_TYPES = 300  # offered for a mention: UMLS has 127
AT_ONCE = 8  # documents looked at for the next one under review

routes = APIRouter(include_in_schema=False)


def _reached(request: Request, member: Annotator, document: Number, final: bool = False) -> OnSheet:
    return sheet_of(request, member, document, final)


@routes.get("/projects/{project}/documents/{document}")
def show(request: Request, member: Annotator, its: Annotated[OnSheet, Depends(_reached)]) -> Response:
    """The page."""
    server = services(request)
    database, project = server.database, its.project.id
    if its.final:
        before, behind = _under_review(database, project, its.document.id)
    else:
        before, behind = listing.neighbours(database, project, member.user.id, its.document.id)
    sheet = ledger.sheet_now(database, its.sheet)
    kb = open_kb(request, its.project)
    known = [*(mark.type for mark in sheet.marks if mark.type), *(types(kb) if kb else ())]
    offered = list(dict.fromkeys(known))[:MOST_TYPES]
    paths = _paths(its, before, behind)
    return page(
        request,
        "annotate.html",
        project=its.project,
        document=its.document,
        final=its.final,
        types=offered,
        before=paths["before"],
        behind=paths["behind"],
        data={
            "text": its.document.text,
            "title_end": its.document.title_end,
            "sheet": said(server, its, sheet, member),
            "user": {"id": member.user.id, "name": member.user.name},
            "paths": paths,
            **fingerprints(server, its),
        },
    )


@routes.get("/projects/{project}/onward")
def onward(request: Request, member: Annotator, document: int = 0) -> Response:
    """The next document that is not done; where all are, the samples."""
    its = services(request)
    number = listing.onward(its.database, member.project, member.user.id, document)
    if number is None:
        return RedirectResponse(f"/projects/{member.project}/samples?all_done=true", 303)
    return RedirectResponse(f"/projects/{member.project}/documents/{number}", 303)


def _under_review(database: Database, project: int, document: int) -> tuple[int | None, int | None]:
    """The documents before and behind one among those that somebody finished, which a reviewer settles."""
    latest = datasets.latest(database, project)
    order = [] if latest is None else datasets.document_ids(database, latest.id)
    if document not in order:
        return None, None
    place = order.index(document)
    return _finished(database, order[:place][::-1]), _finished(database, order[place + 1 :])


def _finished(database: Database, order: list[int]) -> int | None:
    """The first of these documents that somebody finished. What is on them is read a few at a time: it is large."""
    for first in range(0, len(order), AT_ONCE):
        found = adjudication.reviews(database, order[first : first + AT_ONCE])
        if found:
            return found[0].document
    return None


def _paths(its: OnSheet, before: int | None, behind: int | None) -> dict[str, str]:
    """What the page asks for."""
    project, document = its.project.id, its.document.id
    api, pages = f"/api/projects/{project}", f"/projects/{project}"
    of = f"{api}/documents/{document}"
    which = f"?{urlencode({'final': str(its.final).lower()})}"
    same = which if its.final else ""
    onward = f"{pages}/agreement" if its.final else f"{pages}/onward?document={document}"
    return {
        **{name: f"{of}/{name}{which}" for name in ("sheet", "events", "candidates", "refresh", "presence", "spread")},
        "names": f"{api}/names",
        "entities": f"{api}/entities",
        "before": f"{pages}/documents/{before}{same}" if before else "",
        "behind": f"{pages}/documents/{behind}{same}" if behind else "",
        "onward": onward,
    }
