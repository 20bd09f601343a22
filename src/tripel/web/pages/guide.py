"""The guide: how to work with it, from the first upload to a better model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from tripel.web.access import Asker, signed_in
from tripel.web.rendering import page

routes = APIRouter(include_in_schema=False)


@routes.get("/guide")
def show(request: Request, asker: Annotated[Asker, Depends(signed_in)]) -> Response:
    """All of it on one page."""
    return page(request, "guide.html")
