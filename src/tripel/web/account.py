"""One's own account: sessions and tokens. The password is `entry`'s."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations.accounts import SCOPES
from tripel.annotations.schema import now
from tripel.web.access import Asker, Number, SignedIn
from tripel.web.rendering import page
from tripel.web.services import services

routes = APIRouter(include_in_schema=False)
MEANINGS = {
    "read": "read projects, documents and annotations, and export them",
    "link": "have texts linked, from any program, INCEpTION or Label Studio",
    "annotate": "add and change annotations",
    "admin": "train models, choose which is in use, and take them home",
}
DAYS = (30, 90, 365)
assert set(MEANINGS) == set(SCOPES)


@routes.get("/account")
def show(request: Request, asker: SignedIn) -> Response:
    """Sessions and tokens."""
    return _page(request, asker)


@routes.post("/account/tokens")
def issue(
    request: Request,
    asker: SignedIn,
    name: Annotated[str, Form()] = "",
    scope: Annotated[list[str] | None, Form()] = None,
    days: Annotated[int, Form(ge=1, le=3650)] = 90,
) -> Response:
    """A new token, which is shown this once."""
    expires = now() + timedelta(days=days)
    try:
        _, secret = services(request).accounts.issue(asker.user.id, name, scope or [], expires=expires)
    except ValueError as error:
        return _page(request, asker, status=422, wrong=str(error))
    return _page(request, asker, secret=secret)


@routes.post("/account/tokens/{token}/revoke")
def revoke(request: Request, asker: SignedIn, token: Number) -> Response:
    """From now on the token opens nothing."""
    services(request).accounts.revoke(asker.user.id, token)
    return RedirectResponse("/account", 303)


@routes.post("/account/sessions/{login}/end")
def end(request: Request, asker: SignedIn, login: str) -> Response:
    """Whoever uses this session has to sign in again."""
    services(request).accounts.end(asker.user.id, login)
    return RedirectResponse("/account", 303)


def _page(request: Request, asker: Asker, *, status: int = 200, secret: str = "", wrong: str = "") -> Response:
    accounts, user = services(request).accounts, asker.user.id
    return page(
        request,
        "account.html",
        status=status,
        secret=secret,
        wrong=wrong,
        tokens=accounts.tokens(user),
        logins=accounts.sessions(user),
        now=now(),
        meanings=MEANINGS,
        days=DAYS,
    )
