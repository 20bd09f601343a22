"""Taking annotations out: as of a moment, in every format, with or without text; and the log itself."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
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


class Wish(BaseModel):
    """What is to be in a file, as a query says it."""

    write_as: str = Field("jsonl", max_length=40, description="A format that can be written, or `log`: every event.")
    until: str = Field(
        "", max_length=40, description="As it stood then, as in 2026-03-01T09:30, in UTC; now when left out."
    )
    silver: bool = Field(False, description="With what was applied to equal strings.")
    without_text: bool = Field(False, description="An x for each letter and digit.")
    only_done: bool = Field(False, description="Only documents that are done.")
    dataset: int = Field(
        0, ge=0, lt=1 << 63, description="The id of a version of the documents; 0 for the one of that moment."
    )
    whose: int = Field(0, ge=0, lt=1 << 63, description="In a blind project whose sheets; 0 for what was settled.")


Wished = Annotated[Wish, Query()]


@routes.get("/projects/{project}/export")
def show(request: Request, member: Annotator) -> Response:
    """The form."""
    return _show(request, member)


@routes.get("/projects/{project}/export/file")
def file(request: Request, member: Annotator, wish: Wished) -> Response:
    """What was asked for, as a file."""
    try:
        return written(request, member, wish)
    except (ValueError, LookupError) as error:
        return _show(request, member, status=422, wrong=str(error))


def written(request: Request, member: Member, wish: Wish) -> Response:
    """The file. Raises ValueError or LookupError for what cannot be exported, or not by this member."""
    its = services(request)
    its.settings.downloads.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=its.settings.downloads))
    target = folder / "export"
    try:
        moment, zipped = _moment(wish.until), False
        if wish.write_as == LOG:
            _refuse_log(request, member)
            exporting.export_events(its.database, member.project, target, until=moment, text=not wish.without_text)
        else:
            account = exporting.export(
                its.database,
                member.project,
                target,
                write_as=wish.write_as,
                dataset=_dataset(request, member, wish.dataset),
                labels=(*GIVEN, exporting.SILVER) if wish.silver else GIVEN,
                whose=_whose(request, member, wish.whose),
                until=moment,
                text=not wish.without_text,
                only_done=wish.only_done,
            )
            zipped = account.zipped
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        target,
        filename=_name(member.project, wish.write_as, moment, zipped=zipped),
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
