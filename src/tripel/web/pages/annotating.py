"""The page where a document is annotated, and the way to the next one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import ledger, listing
from tripel.annotations.name_index import types
from tripel.web.access import Number
from tripel.web.pages.reaching import Annotator, OnSheet, open_kb, sheet_of
from tripel.web.pages.sheets import said
from tripel.web.rendering import page
from tripel.web.services import services

MOST_TYPES = 300  # offered for a mention: UMLS has 127

routes = APIRouter(include_in_schema=False)


def _reached(request: Request, member: Annotator, document: Number, final: bool = False) -> OnSheet:
    return sheet_of(request, member, document, final)


@routes.get("/projects/{project}/documents/{document}")
def show(request: Request, member: Annotator, its: Annotated[OnSheet, Depends(_reached)]) -> Response:
    """The page."""
    database, project = services(request).database, its.project.id
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
            "sheet": said(database, its, sheet, member),
            "user": {"id": member.user.id, "name": member.user.name},
            "knowledge": kb.fingerprint if kb else "",
            "paths": paths,
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


def _paths(its: OnSheet, before: int | None, behind: int | None) -> dict[str, str]:
    """What the page asks for."""
    project, document = its.project.id, its.document.id
    api, pages = f"/api/projects/{project}", f"/projects/{project}"
    of = f"{api}/documents/{document}"
    which = f"?{urlencode({'final': str(its.final).lower()})}"
    onward = f"{pages}/agreement" if its.final else f"{pages}/onward?document={document}"
    return {
        **{name: f"{of}/{name}{which}" for name in ("sheet", "events", "candidates", "refresh", "presence", "spread")},
        "names": f"{api}/names",
        "entities": f"{api}/entities",
        "before": f"{pages}/documents/{before}" if before else "",
        "behind": f"{pages}/documents/{behind}" if behind else "",
        "onward": onward,
    }
