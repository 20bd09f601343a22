"""The guide: how to work with it, from the first upload to a better model."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tripel.web.access import SignedIn
from tripel.web.rendering import page

routes = APIRouter(include_in_schema=False)


@routes.get("/guide")
def show(request: Request, asker: SignedIn) -> Response:
    """All of it on one page."""
    return page(request, "guide.html")
