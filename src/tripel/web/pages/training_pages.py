"""Trainings and models: starting one, how far it is, what changed by it, going back, taking one home."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from tripel.annotations import jobs, lessons, listing, models
from tripel.annotations.jobs import Job
from tripel.annotations.models import Model
from tripel.web.access import Member, Number
from tripel.web.pages.reaching import Admin, Annotator, Reading, part_of, project_of, project_page, refuse_archived
from tripel.web.refusals import Refused
from tripel.web.services import services

POINTS = 300  # of a curve: more than a screen shows

routes = APIRouter()


@routes.get("/projects/{project}/training", include_in_schema=False)
def show(request: Request, member: Annotator) -> Response:
    """Jobs and models."""
    return _show(request, member)


@routes.post("/projects/{project}/training", include_in_schema=False)
def start(
    request: Request,
    member: Admin,
    silver: Annotated[bool, Form()] = False,
    adopt: Annotated[str, Form()] = "better",
) -> Response:
    """Put a training into the queue."""
    try:
        train(request, member, silver=silver, adopt="always" if adopt == "always" else "better")
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/training", 303)


@routes.post("/projects/{project}/predict", include_in_schema=False)
def predict(request: Request, member: Admin) -> Response:
    """Let the model in use predict what is not done."""
    try:
        jobs.submit(services(request).database, member.project, "predict", by=member.user.id)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/training", 303)


@routes.post("/projects/{project}/jobs/{job}/cancel", include_in_schema=False)
def cancel(request: Request, member: Admin, job: Number) -> Response:
    """End a job early."""
    jobs.cancel(services(request).database, job_of(request, member, job).id)
    return RedirectResponse(f"/projects/{member.project}/training", 303)


@routes.post("/projects/{project}/models/{version}/use", include_in_schema=False)
def use(request: Request, member: Admin, version: Number) -> Response:
    """Put a version into use, and let it predict."""
    try:
        put_into_use(request, member, version)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}/training", 303)


@routes.get("/projects/{project}/models/{version}/download", include_in_schema=False)
def download(request: Request, member: Admin, version: Number) -> Response:
    """A version as a .tar file, with every name of its knowledge base: an admin's to take, who answers for its licence."""
    return packed(request, member, version)


def train(request: Request, member: Member, *, silver: bool, adopt: str) -> Job:
    """Put a training into the queue. Raises ValueError where the project is archived, has no model, or there is too little."""
    database = services(request).database
    refuse_archived(request, member)
    models.in_use(database, member.project)
    lessons.gathered(database, member.project, silver=silver)
    settings = {"silver": silver, "adopt": adopt}
    return jobs.submit(database, member.project, "train", by=member.user.id, settings=settings)


def put_into_use(request: Request, member: Member, version: int) -> Job:
    """Another version is in use from now on; gives the job that lets it predict. Raises ValueError where it is archived."""
    database, model = services(request).database, _model(request, member, version)
    refuse_archived(request, member)
    models.use(database, member.project, model.version, by=member.user.id)
    return jobs.submit(database, member.project, "predict", by=member.user.id)


def packed(request: Request, member: Member, version: int) -> Response:
    """A version as a .tar file, which is deleted once it was sent."""
    model = _model(request, member, version)
    place = services(request).settings.downloads
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".tar", delete=False, dir=place) as out:
        path = Path(out.name)
    models.packed(model, path)
    name = f"project-{member.project}-model-{version}.tar"
    return FileResponse(path, filename=name, media_type="application/x-tar", background=BackgroundTask(path.unlink))


@routes.get("/api/projects/{project}/jobs/{job}", tags=["training"])
def progress(request: Request, member: Reading, job: Number) -> dict[str, Any]:
    """How far a job is, and the curves of what it trains."""
    its = services(request)
    found = job_of(request, member, job)
    return {
        "id": found.id,
        "kind": found.kind,
        "state": found.state,
        "phase": found.phase,
        "progress": found.progress,
        "reason": found.reason,
        "over": found.over,
        "cancelling": found.cancelling,
        "curves": {name: _thinned(records) for name, records in jobs.curves(its.settings.folder, found.id).items()},
    }


def _thinned(records: list[dict[str, float]]) -> list[dict[str, float]]:
    """Losses and what was judged, as many as a picture needs, the last one always."""
    losses = [one for one in records if "loss" in one]
    every = max(1, len(losses) // POINTS)
    kept = losses[::-every][::-1]
    judged = [one for one in records if any(name.startswith("val_") for name in one)]
    shown = sorted([*kept, *judged], key=lambda one: one.get("step", 0))
    return [
        {name: value for name, value in one.items() if name in ("step", "loss") or name.startswith("val_")}
        for one in shown
    ]


def job_of(request: Request, member: Member, job: int) -> Job:
    """A job of the path's project."""
    return part_of(request, member, jobs.get, job, what="job")


def _model(request: Request, member: Member, version: int) -> Model:
    its = models.of(services(request).database, member.project)
    found = next((one for one in its if one.version == version), None)
    if found is None:
        raise Refused(404, "there is no such version of the model")
    return found


def _show(request: Request, member: Member, *, status: int = 200, wrong: str = "") -> Response:
    its = services(request)
    work, versions = jobs.of(its.database, member.project), models.of(its.database, member.project)
    return project_page(
        request,
        "training.html",
        member,
        status=status,
        wrong=wrong,
        jobs=work,
        live=next((one for one in work if not one.over), None),
        last=next((one for one in work if one.kind == "train" and one.state == "done"), None),
        models=versions,
        in_use=next((one.version for one in versions if one.in_use), None),
        people={user.id: user.name for user in its.accounts.all()},
        **_ready(request, member),
    )


def _ready(request: Request, member: Member) -> dict[str, Any]:
    """How many documents there are to learn from, or why that is not enough: counted, for a page reads no texts."""
    count, little = listing.ready(services(request).database, member.project), ""
    if project_of(request, member).archived_at is not None:
        little = "the project is in the archive"
    elif count < lessons.FEWEST:
        is_done = f"{count} document{' is' if count == 1 else 's are'} annotated and marked done"
        little = f"{is_done}; two or more are needed, one to learn from and one to judge by"
    return {"ready": count, "little": little}
