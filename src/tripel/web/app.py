"""The server as an ASGI application. It is given finished objects, and makes none but itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from tripel import __version__
from tripel.annotations.accounts import Accounts
from tripel.annotations.database import Database
from tripel.annotations.live import Live
from tripel.web import (
    account,
    api_page,
    entry,
    first,
    health,
    inception,
    label_studio,
    link_api,
    pages,
    project_api,
    user_pages,
)
from tripel.web.batching import Batcher
from tripel.web.knowledge_bases import KnowledgeBases
from tripel.web.limiting import Budget, Limits
from tripel.web.refusals import PROBLEMS, Refused, answer
from tripel.web.security import Door
from tripel.web.services import Services
from tripel.web.settings import Settings

STATIC = Path(__file__).parent / "static"


def create_app(
    *, database: Database, batcher: Batcher, settings: Settings | None = None, accounts: Accounts | None = None
) -> FastAPI:
    """The application. The model of `batcher` begins to load when the server starts, and ends with it."""
    settings = settings or Settings()
    accounts = accounts or Accounts(database, idle=settings.idle, longest=settings.session)
    live = Live(database, settings.folder)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        live.start()
        yield
        live.stop()
        batcher.stop()

    app = FastAPI(
        title="tripel",
        version=__version__,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=PROBLEMS,
    )
    limits = Limits(links=Budget(settings.links_per_minute))
    app.state.services = Services(settings, database, accounts, batcher, limits, KnowledgeBases(settings.folder), live)
    app.add_middleware(Door)
    for kind in (Refused, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _refuse)
    for routes in (
        health.routes,
        entry.routes,
        account.routes,
        user_pages.routes,
        first.routes,
        link_api.routes,
        project_api.routes,
        inception.routes,
        label_studio.routes,
        api_page.routes,
        pages.routes,
    ):
        app.include_router(routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    return answer(request, _refused(error))


def _refused(error: Exception) -> Refused:
    """In our words: what was sent is not said back."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, RequestValidationError):
        faults = [{"at": ".".join(map(str, one["loc"])), "said": one["msg"]} for one in error.errors()]
        return Refused(422, "something in the request is not as expected", faults=faults)
    if isinstance(error, HTTPException):
        return Refused(error.status_code, str(error.detail), headers=error.headers)
    raise error
