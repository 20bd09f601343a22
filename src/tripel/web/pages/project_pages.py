"""Projects: the list, a new one, what to do next in one, its settings and the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import datasets, erasing, jobs, listing, models, overview, projects
from tripel.annotations.projects import Mode, Project
from tripel.web import held
from tripel.web.access import Asker, Member, SignedIn
from tripel.web.knowledge_bases import Opening
from tripel.web.pages.reaching import Admin, Annotator, knowledge_of, project_of, project_page
from tripel.web.pages.storing import store_sample
from tripel.web.rendering import page
from tripel.web.services import services
from tripel.web.settings import Settings

LATELY = 5  # data sets shown
SERVER, ALSO = "server", "also "  # what the server's own model is called in a form, and how others begin

routes = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Offered:
    """A model that a project may begin with."""

    folder: Path
    finds: str
    """What finds mentions for it."""


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
    try:
        begun = _model(request, asker, model)
        made = _new(request, asker, title, description, mode="blind" if mode == "blind" else "shared", model=begun)
    except ValueError as error:
        return _list(request, asker, status=422, wrong=str(error), given=given)
    return RedirectResponse(f"/projects/{made.id}/upload", 303)


@routes.post("/projects/sample")
def sample(request: Request, asker: SignedIn) -> Response:
    """A project with the sample's documents, at once."""
    try:
        words = "Short medical abstracts, to try things."
        made = _new(request, asker, "Sample", words, mode="shared", model=_server_model(request))
        store_sample(request, made.id, by=asker.user.id)
    except ValueError as error:
        return _list(request, asker, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{made.id}", 303)


@routes.get("/projects/{project}")
def show(request: Request, member: Annotator) -> Response:
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
    try:
        projects.resume(services(request).database, member.project)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse(f"/projects/{member.project}", 303)


@routes.post("/projects/{project}/erase")
def erase(request: Request, member: Admin, sure: Annotated[str, Form()] = "") -> Response:
    """Delete it for good, texts, log and files, once its title was typed."""
    its = services(request)
    if sure.strip() != project_of(request, member).title:
        return _show(request, member, status=422, wrong="that is not the title of this project; nothing was erased")
    try:
        erasing.begin(its.database, member.project)
        its.live.forget(member.project)
        held.drop_all(its.settings.folder, member.project)
        erasing.erase(its.database, member.project, its.settings.folder, needed=its.settings.models)
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error))
    return RedirectResponse("/projects", 303)


def _new(request: Request, asker: Asker, title: str, description: str, *, mode: Mode, model: Offered) -> Project:
    """A project that begins with a folder that links."""
    database = services(request).database
    made = projects.new(
        database, title=title, description=description, mode=mode, model=str(model.folder), by=asker.user.id
    )
    models.begin(database, made.id, model.folder, recognizer=model.finds, by=asker.user.id)
    return made


def _projects(request: Request, asker: Asker, *, archived: bool = False) -> list[Project]:
    """Those a user is in; to whoever runs the server, all."""
    database = services(request).database
    if asker.user.admin:
        return projects.all_of(database, archived=archived)
    return projects.of_user(database, asker.user.id, archived=archived)


def _server_model(request: Request) -> Offered:
    settings = services(request).settings
    return Offered(settings.run, settings.recognizer)


def _model(request: Request, asker: Asker, chosen: str) -> Offered:
    """The one of this key in `_models`. Raises ValueError where it is not offered."""
    its = services(request)
    if chosen not in _models(its.settings, _projects(request, asker)):
        raise ValueError("that model is not offered; choose one of the list")
    if chosen == SERVER:
        return _server_model(request)
    for name, folder in its.settings.also:
        if chosen == ALSO + name:
            return Offered(folder, "" if models.finds_itself(folder) else its.settings.recognizer)
    model = models.in_use(its.database, int(chosen))
    return Offered(model.folder, models.finds(model))


def _models(settings: Settings, its: Sequence[Project]) -> dict[str, str]:
    """What a project may begin with, in words by a key: the server's own model, those named besides, and those in use in the
    user's projects."""
    offered = {SERVER: "the server's"} | {ALSO + name: name for name, _ in settings.also}
    folders = {str(folder.absolute()) for folder in (settings.run, *(folder for _, folder in settings.also))}
    for project in its:
        if project.model and str(Path(project.model).absolute()) not in folders:
            offered[str(project.id)] = f"that of {project.title}, as it is now"
    return offered


def _list(request: Request, asker: Asker, *, status: int = 200, wrong: str = "", given: Any = None) -> Response:
    its = services(request)
    listed = _projects(request, asker)
    far = listing.progress_of(its.database, [one.id for one in listed], asker.user.id)
    return page(
        request,
        "projects.html",
        status=status,
        wrong=wrong,
        given=given or {"title": "", "description": "", "model": "", "mode": "shared"},
        listed=[(one, far[one.id]) for one in listed],
        archived=_projects(request, asker, archived=True),
        models=list(_models(its.settings, listed).items()),
        recognizer=its.settings.recognizer,
    )


def _show(request: Request, member: Member, *, status: int = 200, wrong: str = "") -> Response:
    database, project = services(request).database, project_of(request, member)
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
        since=overview.in_use_since(database, member.project),
        worked=overview.worked(database, member.project, user=member.user.id if member.role == "annotator" else None),
        knowledge=_knowledge(request, project),
        job=work[0] if work else None,
        people=projects.members_of(database, member.project),
        next=_next(member, progress, work[0] if work else None, project),
    )


def _knowledge(request: Request, project: Project) -> str:
    try:
        kb = knowledge_of(request, project).kb
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
