"""Projects, documents and sheets as routes reach them: those of the path's project alone, and those its member may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from tripel.annotations import beginning, datasets, projects
from tripel.annotations.database import Database
from tripel.annotations.datasets import Stored
from tripel.annotations.jobs import Job
from tripel.annotations.projects import Project
from tripel.knowledge import KnowledgeBase
from tripel.web.access import Member, Number, member
from tripel.web.knowledge_bases import KNOWLEDGE, Opened, Opening
from tripel.web.refusals import Refused
from tripel.web.rendering import page
from tripel.web.services import services

Annotator = Annotated[Member, Depends(member("annotator"))]
Reviewer = Annotated[Member, Depends(member("reviewer"))]
Admin = Annotated[Member, Depends(member("admin"))]
Reading = Annotated[Member, Depends(member("annotator", scope="read"))]
Annotating = Annotated[Member, Depends(member("annotator", scope="annotate"))]
Administering = Annotated[Member, Depends(member("admin", scope="admin"))]
Part = TypeVar("Part", Stored, Job)


@dataclass(frozen=True)
class OnSheet:
    """A member, a document of the project, and the sheet that they see of it."""

    project: Project
    document: Stored
    sheet: int
    final: bool
    """Whether it is the sheet on which a reviewer settles a blind document."""


def project_of(request: Request, member: Member) -> Project:
    """The project of the path."""
    return projects.get(services(request).database, member.project)


def refuse_archived(request: Request, member: Member) -> None:
    """Raises ValueError where the path's project is in the archive."""
    if project_of(request, member).archived_at is not None:
        raise ValueError("the project is in the archive; take it out to go on with it")


def project_page(
    request: Request,
    template: str,
    member: Member,
    *,
    status: int = 200,
    wrong: str = "",
    done: str = "",
    **values: Any,
) -> Response:
    """A page of the path's project. `wrong` and `done` are said at its top."""
    project = project_of(request, member)
    return page(request, template, status=status, project=project, member=member, wrong=wrong, done=done, **values)


def part_of(request: Request, member: Member, get: Callable[[Database, int], Part], id: int, *, what: str) -> Part:
    """What has this id in the path's project; another project's is as if it were not there."""
    try:
        found = get(services(request).database, id)
    except LookupError:
        found = None
    if found is None or found.project != member.project:
        raise Refused(404, f"there is no such {what} in this project")
    return found


def document_of(request: Request, member: Member, document: int) -> Stored:
    """A document of the path's project."""
    return part_of(request, member, datasets.document, document, what="document")


def sheet_of(request: Request, member: Member, document: Number, final: bool = False) -> OnSheet:
    """The sheet of a document that a member works on, or the final one of a blind project."""
    database = services(request).database
    project, stored = project_of(request, member), document_of(request, member, document)
    if not final or project.mode == "shared":
        return OnSheet(project, stored, beginning.sheet_for(database, document, user=member.user.id), final=False)
    if member.role == "annotator":
        raise Refused(403, f"this needs the role reviewer; you are {member.role} in this project")
    return OnSheet(project, stored, beginning.final_sheet(database, document), final=True)


def knowledge_of(request: Request, project: Project) -> Opened:
    """The knowledge base that a project works with. It may not be open yet: see `Opened`."""
    its = services(request)
    run = Path(project.model) if project.model else its.settings.run
    return its.knowledge.of(Path(project.knowledge) if project.knowledge else run / KNOWLEDGE)


def open_kb(request: Request, project: Project) -> KnowledgeBase | None:
    """The same as far as it is open: for what a page can do without."""
    try:
        return knowledge_of(request, project).kb
    except (Opening, ValueError):
        return None
