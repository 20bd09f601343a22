"""Who is in a project, and as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import projects
from tripel.annotations.projects import Role
from tripel.web.access import Member
from tripel.web.pages.reaching import Admin, project_page
from tripel.web.services import services

routes = APIRouter(include_in_schema=False)


@routes.get("/projects/{project}/members")
def show(request: Request, member: Admin) -> Response:
    """Everybody in it."""
    return _show(request, member)


@routes.post("/projects/{project}/members")
def set_role(
    request: Request, member: Admin, name: Annotated[str, Form()] = "", role: Annotated[str, Form()] = "annotator"
) -> Response:
    """Add somebody by the name of their account, or change their role."""
    its = services(request)
    user = its.accounts.named(name.strip())
    wanted: Role | None = next((one for one in projects.ROLES if one == role), None)
    try:
        if user is None:
            raise ValueError("there is no account of this name; whoever runs the server makes one")
        if wanted is None:
            raise ValueError(f"a role is one of {', '.join(projects.ROLES)}")
        projects.set_role(its.database, member.project, user.id, wanted)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error), given=name)
    return RedirectResponse(f"/projects/{member.project}/members", 303)


@routes.post("/projects/{project}/members/remove")
def remove(request: Request, member: Admin, user: Annotated[int, Form(ge=1, lt=1 << 63)]) -> Response:
    """Take somebody out; what they decided stays."""
    try:
        projects.remove(services(request).database, member.project, user)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    onward = "/projects" if user == member.user.id else f"/projects/{member.project}/members"
    return RedirectResponse(onward, 303)


def _show(request: Request, member: Member, *, status: int = 200, wrong: str = "", given: str = "") -> Response:
    its = services(request)
    people = projects.members_of(its.database, member.project)
    inside = {one.user for one in people}
    accounts = (
        its.accounts.all() if member.user.admin else []
    )  # who there is at all, only those know who run the server
    return project_page(
        request,
        "members.html",
        member,
        status=status,
        wrong=wrong,
        given=given,
        people=people,
        roles=projects.ROLES,
        others=[user.name for user in accounts if user.active and user.id not in inside],
    )
