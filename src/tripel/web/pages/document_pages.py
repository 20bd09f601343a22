"""The documents of a project in a list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tripel.annotations import listing
from tripel.annotations.listing import Which
from tripel.web.pages.reaching import Annotator, project_page
from tripel.web.services import services

PAGE = 50

routes = APIRouter(include_in_schema=False)


@routes.get("/projects/{project}/documents")
def show(
    request: Request,
    member: Annotator,
    which: Which = "all",
    containing: Annotated[str, Query(max_length=100)] = "",
    first: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """A page of them, as the member sees them."""
    found, total = listing.listed(
        services(request).database,
        member.project,
        member.user.id,
        which=which,
        containing=containing,
        first=first,
        n=PAGE,
    )
    return project_page(
        request,
        "documents.html",
        member,
        listed=found,
        total=total,
        which=which,
        containing=containing,
        first=first,
        n=PAGE,
    )
