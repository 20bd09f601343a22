"""Signing in and out, and the password."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations.accounts import Login
from tripel.web.access import PASSWORD_PAGE, SignedIn
from tripel.web.refusals import Refused
from tripel.web.rendering import page, sentence
from tripel.web.security import COOKIE, secure
from tripel.web.services import services

routes = APIRouter(include_in_schema=False)


@routes.get("/login", name="login")
def login(request: Request, next: str = "/") -> Response:
    """The form."""
    if request.state.asker is not None:
        return RedirectResponse(_here(next), 303)
    return page(request, "login.html", onward=_here(next), wrong="")


@routes.post("/login")
def enter(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session. After some wrong passwords each further try has to wait, twice as long every time."""
    its = services(request)
    address, account = network(request.client.host if request.client else ""), name.casefold()[:64]
    _pause(its.limits.address.left(address))
    _pause(its.limits.account.begin(account))
    user = its.accounts.check(name, password)
    if user is None:
        its.limits.address.failed(address)
        return page(
            request, "login.html", status=401, onward=_here(next), wrong="No user has this name and this password."
        )
    its.limits.account.succeeded(account)  # not those of the address: who has an account would guess on at others
    return _begin(request, user.id, PASSWORD_PAGE if user.must_change else _here(next))


@routes.post("/logout")
def leave(request: Request, asker: SignedIn) -> Response:
    """End the session."""
    assert isinstance(asker.by, Login)
    services(request).accounts.end(asker.user.id, asker.by.id)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@routes.get(PASSWORD_PAGE)
def password_form(request: Request, asker: SignedIn) -> Response:
    """Where one's password is changed."""
    return page(request, "password.html", wrong="")


@routes.post(PASSWORD_PAGE)
def change_password(
    request: Request,
    asker: SignedIn,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Change it; every other session of the user ends."""
    its, account = services(request), asker.user.name.casefold()
    _pause(its.limits.account.begin(account))
    if its.accounts.check(asker.user.name, old) is None:
        return page(request, "password.html", status=422, wrong="The present password is another one.")
    its.limits.account.succeeded(account)
    if new != again:
        return page(request, "password.html", status=422, wrong="The two new passwords differ.")
    if new == old:
        return page(request, "password.html", status=422, wrong="The new password is the present one.")
    try:
        its.accounts.change_password(asker.user.id, new)
    except ValueError as error:
        return page(request, "password.html", status=422, wrong=sentence(str(error)))
    return _begin(request, asker.user.id, "/")


def network(address: str) -> str:
    """What one stranger has: an address, of IPv6 the 64 bits of its network."""
    try:
        its = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((its, 64), strict=False)) if its.version == 6 else address


def _pause(wait: float) -> None:
    """Refuse whoever has to wait so many seconds."""
    if wait > 0:
        raise Refused(
            429, f"too many wrong passwords; try again in {wait:.0f} s", headers={"retry-after": f"{wait + 1:.0f}"}
        )


def _begin(request: Request, user: int, onward: str) -> Response:
    its = services(request)
    answer = RedirectResponse(onward, 303)
    answer.set_cookie(
        COOKIE,
        its.accounts.begin(user),
        max_age=int(its.settings.session.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure(request, its),
    )
    return answer


def _here(path: str) -> str:
    """A path of this server, whatever was asked for; browsers read a backslash as a slash, and skip control characters."""
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside else "/"
