"""Projects for programs: what there is, export, trainings and versions of the model. The pages of projects decide the same.

Sheets, and how far a job is, are in `pages.sheets` and `pages.training_pages`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tripel.annotations import jobs, listing, models, projects
from tripel.annotations.jobs import Kind, State
from tripel.annotations.projects import Mode
from tripel.web.access import Asker, Number, scoped
from tripel.web.pages import training_pages
from tripel.web.pages.exporting import Wished, written
from tripel.web.pages.reaching import Administering, Reading
from tripel.web.refusals import Refused
from tripel.web.services import services

MOST_DOCUMENTS = 1000  # of one answer

routes = APIRouter(prefix="/api/projects")
Reader = Annotated[Asker, Depends(scoped("read"))]


class ProjectSaid(BaseModel):
    """A project."""

    id: int
    title: str
    mode: Mode = Field(description="`shared`: one sheet for each document; `blind`: one for each annotator.")
    documents: int = Field(description="Of the last data set.")
    done: int = Field(description="Of these, as you see them: in a blind project on your own sheets.")


class ProjectsSaid(BaseModel):
    """The newest first."""

    projects: list[ProjectSaid]


class DocumentSaid(BaseModel):
    """A document."""

    id: int
    name: str = Field(description="Its id in the upload.")
    done: bool


class DocumentsSaid(BaseModel):
    """In the order of the upload."""

    total: int = Field(description="Documents of the last data set.")
    documents: list[DocumentSaid]


class Work(BaseModel):
    """What is to be done in the background."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="`train` the next version of the model, or let the one in use `predict`.")
    silver: bool = Field(False, description="Of a training: learn from what was applied to equal strings, too.")
    adopt: Literal["better", "always"] = Field(
        "better", description="Of a training: use the new version where it is no worse, or always."
    )

    @model_validator(mode="after")
    def _fits(self) -> Work:
        if self.kind == "predict" and (self.silver or self.adopt != "better"):
            raise ValueError("silver and adopt are of a training")
        return self


class JobSaid(BaseModel):
    """A job; `GET /api/projects/{project}/jobs/{job}` says how far it is."""

    id: int
    kind: Kind
    state: State
    cancelling: bool


class VersionSaid(BaseModel):
    """A version of a project's model."""

    version: int
    in_use: bool
    made: datetime
    fingerprint: str = Field(description="Of the encoder.")
    scores: dict[str, Any] = Field(
        description="`before` and `after` the training that made it, on documents held out; empty of the first."
    )


class VersionsSaid(BaseModel):
    """The newest first."""

    versions: list[VersionSaid]


@routes.get("", tags=["Projects"])
def all_of_them(request: Request, asker: Reader) -> ProjectsSaid:
    """The projects you are in, and if you run the server every one; those in the archive are left out. Needs the scope `read`."""
    database, user = services(request).database, asker.user
    there = projects.all_of(database) if user.admin else projects.of_user(database, user.id)
    far = listing.progress_of(database, [one.id for one in there], user.id)
    return ProjectsSaid(
        projects=[
            ProjectSaid(
                id=one.id,
                title=one.title,
                mode=one.mode,
                documents=far[one.id].documents,
                done=far[one.id].done,
            )
            for one in there
        ]
    )


@routes.get("/{project}/documents", tags=["Projects"])
def documents(
    request: Request,
    member: Reading,
    first: Annotated[int, Query(ge=0, le=10_000_000, description="How many to leave out.")] = 0,
    n: Annotated[int, Query(ge=1, le=MOST_DOCUMENTS)] = MOST_DOCUMENTS,
) -> DocumentsSaid:
    """The documents of the last data set, some at a time. Needs the scope `read`."""
    found, total = listing.named(services(request).database, member.project, member.user.id, first=first, n=n)
    said = [DocumentSaid(id=one.id, name=one.name, done=one.done) for one in found]
    return DocumentsSaid(total=total, documents=said)


@routes.get(
    "/{project}/export",
    tags=["Projects"],
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file"}},
)
def export(request: Request, member: Reading, wish: Wished) -> Response:
    """A file of what people said of the documents, in any format, or the log. Needs the scope `read`."""
    try:
        return written(request, member, wish)
    except (ValueError, LookupError) as error:
        raise Refused(422, str(error)) from None


@routes.post("/{project}/jobs", tags=["training"])
def submit(request: Request, member: Administering, work: Work) -> JobSaid:
    """Put a training or a prediction into the queue. Needs the scope `admin`, and the role admin in the project.

    One that waits already and is to do the same is answered in its place.
    """
    try:
        if work.kind == "train":
            return _said(training_pages.train(request, member, silver=work.silver, adopt=work.adopt))
        return _said(jobs.submit(services(request).database, member.project, "predict", by=member.user.id))
    except ValueError as error:
        raise Refused(409, str(error)) from None


@routes.post("/{project}/jobs/{job}/cancel", tags=["training"])
def cancel(request: Request, member: Administering, job: Number) -> JobSaid:
    """End a job early; one that is over stays as it is. Needs the scope `admin`, and the role admin in the project."""
    return _said(jobs.cancel(services(request).database, training_pages.job_of(request, member, job).id))


@routes.get("/{project}/models", tags=["training"])
def versions(request: Request, member: Reading) -> VersionsSaid:
    """The versions of the project's model. Needs the scope `read`."""
    return VersionsSaid(
        versions=[
            VersionSaid(
                version=one.version,
                in_use=one.in_use,
                made=one.created_at,
                fingerprint=one.fingerprint,
                scores=dict(one.scores),
            )
            for one in models.of(services(request).database, member.project)
        ]
    )


@routes.post("/{project}/models/{version}/use", tags=["training"])
def use(request: Request, member: Administering, version: Number) -> JobSaid:
    """Put a version into use; gives the job that lets it predict. Needs the scope `admin`, and the role admin in the project."""
    try:
        return _said(training_pages.put_into_use(request, member, version))
    except ValueError as error:
        raise Refused(409, str(error)) from None


@routes.get(
    "/{project}/models/{version}/download",
    tags=["training"],
    response_class=FileResponse,
    responses={200: {"content": {"application/x-tar": {}}, "description": "The version as a bundle in a .tar file"}},
)
def download(request: Request, member: Administering, version: Number) -> Response:
    """A version as a .tar file; unpacked, `tripel link` opens it. Needs the scope `admin`."""
    return training_pages.packed(request, member, version)


def _said(job: jobs.Job) -> JobSaid:
    return JobSaid(id=job.id, kind=job.kind, state=job.state, cancelling=job.cancelling)
