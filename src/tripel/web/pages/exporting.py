"""Taking annotations out: as of a moment, in every format, with or without text; and the log itself."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tripel import formats
from tripel.annotations import datasets, exporting, projects
from tripel.annotations.settled import GIVEN
from tripel.find import names
from tripel.web.access import Member
from tripel.web.pages.reaching import Annotator, project_of, project_page
from tripel.web.services import services

LOG = "log"  # the events, which are no format of documents
MOMENT = "%Y-%m-%dT%H:%M"

routes = APIRouter(include_in_schema=False)


@routes.get("/projects/{project}/export")
def show(request: Request, member: Annotator) -> Response:
    """The form."""
    return _show(request, member)


@routes.get("/projects/{project}/export/file")
def file(
    request: Request,
    member: Annotator,
    write_as: Annotated[str, Query(max_length=40)] = "jsonl",
    until: Annotated[str, Query(max_length=40)] = "",
    silver: bool = False,
    without_text: bool = False,
    only_done: bool = False,
    dataset: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
    whose: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
) -> Response:
    """What was asked for, as a file."""
    its = services(request)
    folder = Path(tempfile.mkdtemp(prefix="export-", dir=its.settings.folder))
    target = folder / "export"
    try:
        moment, zipped = _moment(until), False
        if write_as == LOG:
            _refuse_log(request, member)
            exporting.export_events(its.database, member.project, target, until=moment, text=not without_text)
        else:
            account = exporting.export(
                its.database,
                member.project,
                target,
                write_as=write_as,
                dataset=_dataset(request, member, dataset),
                labels=(*GIVEN, exporting.SILVER) if silver else GIVEN,
                whose=_whose(request, member, whose),
                until=moment,
                text=not without_text,
                only_done=only_done,
            )
            zipped = account.zipped
    except (ValueError, LookupError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _show(request, member, status=422, wrong=str(error))
    return FileResponse(
        target,
        filename=_name(member.project, write_as, moment, zipped=zipped),
        media_type="application/octet-stream",
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def _name(project: int, write_as: str, moment: datetime | None, *, zipped: bool) -> str:
    when = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M")
    if write_as == LOG:
        return f"project-{project}-log-{when}.jsonl"
    return f"project-{project}-{when}{f'.{write_as}.zip' if zipped else formats.of(write_as).ENDINGS[0]}"


def _moment(said: str) -> datetime | None:
    """In UTC, to the end of the minute that was said."""
    if not said:
        return None
    try:
        return datetime.strptime(said, MOMENT).replace(tzinfo=UTC, second=59, microsecond=999_999)
    except ValueError:
        raise ValueError("a moment that is none; expected one as in 2026-03-01T09:30, in UTC") from None


def _dataset(request: Request, member: Member, dataset: int) -> int | None:
    if not dataset:
        return None
    if all(one.id != dataset for one in datasets.of_project(services(request).database, member.project)):
        raise LookupError("there is no such data set in this project")
    return dataset


def _whose(request: Request, member: Member, whose: int) -> int | None:
    """Whose sheets: of a blind project an annotator has their own, a reviewer anybody's."""
    if project_of(request, member).mode == "shared":
        return None
    if member.role == "annotator":
        return member.user.id
    if whose and all(one.user != whose for one in projects.members_of(services(request).database, member.project)):
        raise LookupError("that is no member of this project")
    return whose or None


def _refuse_log(request: Request, member: Member) -> None:
    """The log holds what everybody did."""
    if member.role == "annotator" and project_of(request, member).mode == "blind":
        raise ValueError("the log shows what others decided; a reviewer exports it")


def _show(request: Request, member: Member, **values: Any) -> Response:
    database = services(request).database
    return project_page(
        request,
        "export.html",
        member,
        **values,
        formats=[name for name in names("formats") if formats.of(name).WRITES],
        log=LOG,
        datasets=datasets.of_project(database, member.project),
        people=projects.members_of(database, member.project),
        now=datetime.now(UTC).strftime(MOMENT),
    )
