"""Whether the server lives, and whether its model is ready; for those who watch over it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from tripel.web.services import services

routes = APIRouter(include_in_schema=False)


@routes.get("/healthz")
def alive() -> JSONResponse:
    """It answers."""
    return JSONResponse({"status": "alive"})


@routes.get("/readyz")
def ready(request: Request) -> JSONResponse:
    """200 where the model can be asked, 503 while it loads or where it failed."""
    state = services(request).batcher.state.name
    return JSONResponse({"status": state}, status_code=200 if state == "ready" else 503)
