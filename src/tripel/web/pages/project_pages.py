"""Projects: the list, a new one, what to do next in one, its settings and the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import datasets, jobs, listing, models, projects
from tripel.annotations.projects import Mode, Project
from tripel.web.access import Asker, Member, signed_in
from tripel.web.knowledge_bases import Opening
from tripel.web.pages.reaching import Admin, Annotator, knowledge_of, project_of, project_page
from tripel.web.pages.sample import SAMPLE, upload_sample
from tripel.web.refusals import Refused
from tripel.web.rendering import page
from tripel.web.services import services

LATELY = 5  # data sets shown
SERVER = "server"  # what the server's own model is called in a form

routes = APIRouter(include_in_schema=False)
SignedIn = Annotated[Asker, Depends(signed_in)]


@routes.get("/projects")
def everybody(request: Request, asker: SignedIn) -> Response:
    """Those a user is in; to whoever runs the server, all."""
    return _list(request, asker)


@routes.post("/projects")
def new(
    request: Request,
    asker: SignedIn,
    title: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
    model: Annotated[str, Form()] = "",
    mode: Annotated[str, Form()] = "shared",
) -> Response:
    """A new project; its documents come next."""
    given = {"title": title, "description": description, "model": model, "mode": mode}
    offered = _models(request, asker)
    try:
        if model not in offered:
            raise ValueError("that model is not offered; choose one of the list")
        made = _new(request, asker, title, description, mode="blind" if mode == "blind" else "shared", model=model)
    except ValueError as error:
        return _list(request, asker, status=422, wrong=str(error), given=given)
    return RedirectResponse(f"/projects/{made.id}/upload", 303)


@routes.post("/projects/sample")
def sample(request: Request, asker: SignedIn) -> Response:
    """A project with the sample's documents, at once."""
    if not SAMPLE.is_file():
        raise Refused(404, "the sample's documents are not with this installation")
    try:
        made = _new(request, asker, "Sample", "Short medical abstracts, to try things.", mode="shared", model=SERVER)
        upload_sample(request, made.id, asker.user.id)
    except ValueError as error:
        return _list(request, asker, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{made.id}", 303)


@routes.get("/projects/{project}")
def show(request: Request, member: Annotator, done: str = "") -> Response:
    """How far it is, and what to do next."""
    return _show(request, member)


@routes.post("/projects/{project}/settings")
def change(
    request: Request,
    member: Admin,
    title: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
) -> Response:
    """Another title or description."""
    try:
        projects.change(services(request).database, member.project, title=title, description=description)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}", 303)


@routes.post("/projects/{project}/archive")
def archive(request: Request, member: Admin) -> Response:
    """Put it away."""
    projects.archive(services(request).database, member.project)
    return RedirectResponse(f"/projects/{member.project}", 303)


@routes.post("/projects/{project}/resume")
def resume(request: Request, member: Admin) -> Response:
    """Take it out of the archive."""
    projects.resume(services(request).database, member.project)
    return RedirectResponse(f"/projects/{member.project}", 303)


@routes.post("/projects/{project}/erase")
def erase(request: Request, member: Admin, sure: Annotated[str, Form()] = "") -> Response:
    """Delete it for good, once its title was typed."""
    database = services(request).database
    if sure.strip() != project_of(request, member).title:
        return _show(request, member, status=422, wrong="that is not the title of this project; nothing was erased")
    try:
        projects.erase(database, member.project)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse("/projects", 303)


def _new(request: Request, asker: Asker, title: str, description: str, *, mode: Mode, model: str) -> Project:
    """A project that begins with a folder that links."""
    its = services(request)
    folder, finds = _models(request, asker)[model]
    made = projects.new(
        its.database, title=title, description=description, mode=mode, model=str(folder), by=asker.user.id
    )
    models.begin(its.database, made.id, folder, recognizer=finds, by=asker.user.id)
    return made


def _models(request: Request, asker: Asker) -> dict[str, tuple[Path, str]]:
    """What a project may begin with: the server's own model, and those in use in the user's projects; what finds mentions."""
    its = services(request)
    offered = {SERVER: (its.settings.run, its.settings.recognizer)}
    mine = projects.all_of(its.database) if asker.user.admin else projects.of_user(its.database, asker.user.id)
    for project in mine:
        for model in models.of(its.database, project.id):
            if model.in_use and model.folder != its.settings.run:
                offered[f"{project.id}"] = (model.folder, models.finds(model))
    return offered


def _said(request: Request, asker: Asker) -> list[tuple[str, str]]:
    """The models on offer, in words."""
    database = services(request).database
    return [
        (
            key,
            "the server's" if key == SERVER else f"that of {projects.get(database, int(key)).title}, as it is now",
        )
        for key in _models(request, asker)
    ]


def _list(request: Request, asker: Asker, *, status: int = 200, wrong: str = "", given: Any = None) -> Response:
    its = services(request)
    database, user = its.database, asker.user
    listed = (
        projects.all_of
        if user.admin
        else lambda database, archived=False: projects.of_user(database, user.id, archived=archived)
    )
    return page(
        request,
        "projects.html",
        status=status,
        wrong=wrong,
        given=given or {"title": "", "description": "", "model": "", "mode": "shared"},
        listed=[(one, listing.progress(database, one.id, user.id)) for one in listed(database)],
        archived=listed(database, archived=True),
        models=_said(request, asker),
        finds=its.settings.recognizer or "what the model was trained with, if anything",
        sample=SAMPLE.is_file(),
    )


def _show(request: Request, member: Member, *, status: int = 200, wrong: str = "") -> Response:
    database = services(request).database
    its = models.of(database, member.project)
    progress = listing.progress(database, member.project, member.user.id)
    work = jobs.of(database, member.project)
    return project_page(
        request,
        "project.html",
        member,
        status=status,
        wrong=wrong,
        progress=progress,
        datasets=datasets.of_project(database, member.project)[:LATELY],
        model_in_use=next((one for one in its if one.in_use), None),
        versions=len(its),
        knowledge=_knowledge(request, member),
        job=work[0] if work else None,
        people=projects.members_of(database, member.project),
        next=_next(member, progress, work[0] if work else None, project_of(request, member)),
    )


def _knowledge(request: Request, member: Member) -> str:
    try:
        kb = knowledge_of(request, project_of(request, member)).kb
    except Opening as opening:
        return str(opening)
    except ValueError as error:
        return str(error)
    return f"{len(kb):,} entities with {len(kb.names):,} names"


def _next(member: Member, progress: listing.Progress, job: jobs.Job | None, project: Project) -> dict[str, str]:
    """What to do now, in one sentence, and where."""
    place = f"/projects/{member.project}"
    if project.archived_at is not None:
        return {"said": "Nothing: the project is in the archive.", "href": f"{place}/export", "label": "Export it"}
    if not progress.documents:
        if member.role != "admin":
            return {"said": "Wait for an admin of the project to upload documents.", "href": "", "label": ""}
        return {"said": "Upload documents to annotate.", "href": f"{place}/upload", "label": "Upload documents"}
    if job is not None and not job.over:
        doing = "The model is predicting the documents" if job.kind == "predict" else "A training is running"
        said = f"{doing}; you can annotate meanwhile."
        return {"said": said, "href": f"{place}/samples", "label": "Go to the samples"}
    if progress.done == progress.documents:
        return {
            "said": "All documents are done. Train on them, or export them.",
            "href": f"{place}/training",
            "label": "Train",
        }
    return {
        "said": f"{progress.documents - progress.done} documents are open. Draw samples, and annotate where help is worth most.",
        "href": f"{place}/samples",
        "label": "Go to the samples",
    }
