"""The first page: paste a text, see its links."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from tripel.web.access import Asker, signed_in
from tripel.web.rendering import page

routes = APIRouter(include_in_schema=False)


@routes.get("/")
def show(request: Request, asker: Annotated[Asker, Depends(signed_in)]) -> Response:
    """The form."""
    return page(request, "first.html", text="", linked=None)
