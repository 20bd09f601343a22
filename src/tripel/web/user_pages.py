"""Who may come in at all: for administrators of the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import Response

from tripel.annotations.accounts import User
from tripel.web.access import Asker, Number, administrator
from tripel.web.refusals import Refused
from tripel.web.rendering import page
from tripel.web.services import services

routes = APIRouter(include_in_schema=False)
Administrator = Annotated[Asker, Depends(administrator)]


@routes.get("/users")
def show(request: Request, asker: Administrator) -> Response:
    """Everybody."""
    return _page(request)


@routes.post("/users")
def add(
    request: Request, asker: Administrator, name: Annotated[str, Form()] = "", admin: Annotated[bool, Form()] = False
) -> Response:
    """A new user, whose password for once is shown this once."""
    try:
        user, password = services(request).accounts.add(name, admin=admin)
    except ValueError as error:
        return _page(request, status=422, wrong=str(error), name=name)
    return _page(request, new=user, password=password)


@routes.post("/users/{user}/password")
def reset(request: Request, asker: Administrator, user: Number) -> Response:
    """A new password for once, for whoever has forgotten theirs."""
    its = _user(request, user)
    return _page(request, new=its, password=services(request).accounts.reset_password(its.id))


@routes.post("/users/{user}/active")
def set_active(
    request: Request, asker: Administrator, user: Number, active: Annotated[bool, Form()] = False
) -> Response:
    """Shut out, or let in again; what they annotated stays."""
    try:
        services(request).accounts.set_active(_user(request, user).id, active)
    except ValueError as error:
        return _page(request, status=422, wrong=str(error))
    return _page(request)


@routes.post("/users/{user}/admin")
def set_admin(request: Request, asker: Administrator, user: Number, admin: Annotated[bool, Form()] = False) -> Response:
    """Whether they run the server."""
    try:
        services(request).accounts.set_admin(_user(request, user).id, admin)
    except ValueError as error:
        return _page(request, status=422, wrong=str(error))
    return _page(request)


def _user(request: Request, user: int) -> User:
    its = services(request).accounts.get(user)
    if its is None:
        raise Refused(404, "there is no such user")
    return its


def _page(
    request: Request,
    *,
    status: int = 200,
    wrong: str = "",
    name: str = "",
    new: User | None = None,
    password: str = "",
) -> Response:
    users = services(request).accounts.all()
    return page(request, "users.html", status=status, wrong=wrong, name=name, users=users, new=new, password=password)
