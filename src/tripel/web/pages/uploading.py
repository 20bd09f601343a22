"""Uploading documents: a file is looked at, what is in it is shown, and only then it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import datasets
from tripel.find import names
from tripel.problems import BadInput
from tripel.web import held
from tripel.web.access import Member
from tripel.web.pages import storing
from tripel.web.pages.reaching import Admin, open_kb, project_of, project_page
from tripel.web.refusals import Refused
from tripel.web.services import services
from tripel.web.settings import MEGABYTE

routes = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Sent:
    """A file, and the format that it is said to have; empty where it is to be told by its content."""

    file: UploadFile
    read_as: str


async def _sent(request: Request, member: Admin) -> AsyncIterator[Sent]:
    """The form. It is read here, since FastAPI reads what a route declares before it is asked who may."""
    async with request.form() as form:
        file, read_as = form.get("file"), form.get("read_as", "")
        if not isinstance(file, UploadFile) or not isinstance(read_as, str):
            raise Refused(422, "a file is expected, and the name of a format")
        yield Sent(file, read_as)


@routes.get("/projects/{project}/upload")
def show(request: Request, member: Admin) -> Response:
    """The form."""
    return _show(request, member)


@routes.post("/projects/{project}/upload")
def look(request: Request, member: Admin, sent: Annotated[Sent, Depends(_sent)]) -> Response:
    """What is in a file; nothing is stored."""
    its, file, read_as = services(request), sent.file, sent.read_as
    kept = held.hold(
        its.settings.folder, file.file, name=file.filename or "", project=member.project, user=member.user.id
    )
    try:
        if read_as and read_as not in names("formats"):
            raise ValueError("there is no such format; choose one of the list")
        seen = datasets.preview(
            its.database, member.project, kept.path, name=kept.name, read_as=read_as, knows=_knows(request, member)
        )
    except (ValueError, OSError) as error:
        held.drop(its.settings.folder, kept.id)
        wrong = str(error) if isinstance(error, ValueError) else f"{kept.name} cannot be read"
        return _show(request, member, status=422, wrong=wrong, read_as=read_as)
    return _show(request, member, seen=seen, held=kept.id, name=kept.name)


@routes.post("/projects/{project}/uploads/sample")
def sample(request: Request, member: Admin) -> Response:
    """The documents that come with tripel."""
    try:
        storing.store_sample(request, member.project, by=member.user.id)
    except (ValueError, OSError) as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}", 303)


@routes.post("/projects/{project}/uploads/{id}")
def store(
    request: Request,
    member: Admin,
    id: str,
    read_as: Annotated[str, Form()] = "",
    partly: Annotated[bool, Form()] = False,
) -> Response:
    """Store what was looked at, and let the model predict it."""
    its = services(request)
    kept = held.find(its.settings.folder, id, project=member.project, user=member.user.id)
    if kept is None:
        return _show(request, member, status=404, wrong="that upload is not here any more; send the file again")
    try:
        storing.store(
            request, member.project, kept.path, name=kept.name, by=member.user.id, read_as=read_as, partly=partly
        )
    except BadInput as bad:
        return _show(request, member, status=422, wrong=f"{len(bad.problems)} problems; nothing was stored")
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    held.drop(its.settings.folder, id)
    return RedirectResponse(f"/projects/{member.project}", 303)


def _knows(request: Request, member: Member) -> Callable[[str], bool] | None:
    """Whether the knowledge base has an id, where it is open."""
    kb = open_kb(request, project_of(request, member))
    return None if kb is None else lambda id: kb.row(id) is not None


def _show(request: Request, member: Member, *, status: int = 200, **values: Any) -> Response:
    its = services(request)
    whole = {"wrong": "", "seen": None, "held": "", "name": "", "read_as": ""} | values
    return project_page(
        request,
        "upload.html",
        member,
        status=status,
        formats=names("formats"),
        most=its.settings.upload // MEGABYTE,
        datasets=datasets.of_project(its.database, member.project),
        **whole,
    )
