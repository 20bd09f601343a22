"""Who may do what: dependencies of routes. Every route has one of them.

    @pages.get("/projects/{project}")
    def show(request: Request, member: Annotated[Member, Depends(member("annotator"))]) -> HTMLResponse: ...

    @api.post("/api/projects/{project}/events")
    def append(member: Annotated[Member, Depends(member("annotator", scope="annotate"))]) -> ...

Where the session of a browser asks for a change, they also want its token against forgery: in the field `csrf` of a form, or
in the header `X-CSRF-Token`. Routes have nothing else to do for that.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tripel.annotations import projects
from tripel.annotations.accounts import Login, Scope, Token, User
from tripel.annotations.projects import ROLES, Role
from tripel.web.refusals import Refused
from tripel.web.services import services

SAFE = ("GET", "HEAD", "OPTIONS")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
FIELD, HEADER = "csrf", "x-csrf-token"
PASSWORD_PAGE = "/account/password"

Number = Annotated[int, Path(ge=1, lt=1 << 63)]
"""An id in a path: what a database can hold."""


@dataclass(frozen=True)
class Asker:
    """A user, and how it is known that it is them."""

    user: User
    by: Login | Token
    csrf: str = ""
    """What forms of this session carry; empty where a token asks."""


@dataclass(frozen=True)
class Member:
    """A user in a project."""

    asker: Asker
    project: int
    role: Role

    @property
    def user(self) -> User:
        """Who it is."""
        return self.asker.user


async def signed_in(request: Request) -> Asker:
    """A person at a browser. Tokens do not open pages."""
    return await _checked(request, _asker(request, None))


def scoped(scope: Scope) -> Callable[[Request], Awaitable[Asker]]:
    """A person at a browser, or a program with a token of this scope."""

    async def asking(request: Request) -> Asker:
        return await _checked(request, _asker(request, scope))

    return asking


SignedIn = Annotated[Asker, Depends(signed_in)]
Linking = Annotated[Asker, Depends(scoped("link"))]


async def administrator(asker: SignedIn) -> Asker:
    """Whoever runs the server."""
    if not asker.user.admin:
        raise Refused(403, "only an administrator of the server may do this")
    return asker


def member(role: Role, *, scope: Scope | None = None) -> Callable[..., Awaitable[Member]]:
    """Whoever has this role or a higher one in the project of the path's `{project}`; with a scope, tokens that have it, too.

    Who is not in the project is not told that it exists. Whoever runs the server is an admin of every project. The body of a
    form is read only once all that is known.
    """

    async def found(request: Request, project: Number) -> Member:
        its = await joined(request, _asker(request, scope), project, role)
        await _checked(request, its.asker)
        return its

    return found


async def joined(request: Request, asker: Asker, project: int, role: Role) -> Member:
    """Whoever asks, in a project where they have this role or a higher one. Raises Refused as `member` says."""
    its = await run_in_threadpool(_role, request, project, asker.user)
    if its is None:
        raise Refused(404, "there is no such project, or you are not in it")
    if ROLES.index(its) < ROLES.index(role):
        raise Refused(403, f"this needs the role {role}; you are {its} in this project")
    return Member(asker, project, its)


def _role(request: Request, project: int, user: User) -> Role | None:
    database = services(request).database
    if not user.admin:
        return projects.role(database, project, user.id)
    try:
        projects.get(database, project)
    except LookupError:
        return None
    return "admin"


def _asker(request: Request, scope: Scope | None) -> Asker:
    asker: Asker | None = getattr(request.state, "asker", None)
    if asker is None:
        raise Refused(401, "sign in, or send a token: Authorization: Bearer ...", sign_in=True)
    if isinstance(asker.by, Token):
        if scope is None:
            raise Refused(403, "tokens are for the API; this is for people who have signed in")
        if scope not in asker.by.scopes:
            raise Refused(403, f"this token has the scope {', '.join(asker.by.scopes)}; this needs {scope}")
        return asker
    if asker.user.must_change and request.url.path != PASSWORD_PAGE:
        raise Refused(403, "this password is for once: choose your own first", go=PASSWORD_PAGE)
    if request.method not in SAFE and not _in_form(request):
        _compare(request.headers.get(HEADER, ""), asker)
    return asker


async def _checked(request: Request, asker: Asker) -> Asker:
    """Whoever asks, where the token against forgery is in the form, too. This is what reads its body."""
    if isinstance(asker.by, Login) and _in_form(request):
        field = (await request.form()).get(FIELD, "")
        _compare(field if isinstance(field, str) else "", asker)
    return asker


def _in_form(request: Request) -> bool:
    """Whether the token against forgery has to be looked for in a form."""
    form = request.headers.get("content-type", "").partition(";")[0].strip() in FORMS
    return form and not request.headers.get(HEADER) and request.method not in SAFE


def _compare(sent: str, asker: Asker) -> None:
    """Whether the page that asks is one of ours. Raises Refused where it is not."""
    if not hmac.compare_digest(sent.encode(errors="replace"), asker.csrf.encode()):
        raise Refused(403, "this form is not from a page of yours, or from before you signed in; load the page again")
