"""Which model answers programs: the one that the server was started with, or a project's, with what was taught there.

A project's is asked in threads that nothing else needs; what waits for one model is linked in one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from tripel.annotations import models
from tripel.documents import Document, Linked
from tripel.web.access import Asker, Linking, Member, joined
from tripel.web.asking import admit, linked, while_there
from tripel.web.batching import Choice
from tripel.web.project_models import Askers, opened
from tripel.web.refusals import Refused
from tripel.web.services import services

THREADS = 8  # that wait for the models of projects
ROOM = 64  # requests that wait for these; more are turned away
SHOWN = 12  # characters of a fingerprint, as in `model.Served`


@dataclass(frozen=True)
class Asked:
    """A model."""

    version: str
    """What made its answers, in a word: fingerprints of the encoder and the knowledge base; of a project's also how far in its
    log what was taught goes."""
    finds: bool
    """Whether it finds mentions itself."""
    project: int | None = None
    """Whose it is; None of the server's own."""


async def by_path(request: Request, asker: Linking) -> Member | None:
    """Who asks in the project of the path; None where the path names no project."""
    said = request.path_params.get("project")
    if said is None:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < len(str(1 << 63))):
        raise Refused(404, "a project has a number")
    return await joined(request, asker, int(said), "annotator")


ByPath = Annotated[Member | None, Depends(by_path)]


async def model(request: Request, member: Member | None) -> Asked:
    """The model that answers: of the member's project, else the server's. Raises Refused where a project's is not open yet."""
    if member is None:
        batcher = services(request).batcher
        return Asked(batcher.version, batcher.finds)
    return await _apart(lambda: _of_project(request, member.project))


async def answers(
    request: Request,
    asker: Asker,
    asked: Asked,
    documents: Sequence[Document],
    *,
    given: Sequence[bool] | None = None,
    choice: Choice,
) -> list[Linked]:
    """Link documents, as `asking.linked`; of a project `choice.k` alone counts."""
    project = asked.project
    if project is None:
        return await linked(request, asker, documents, given=given, choice=choice)
    admit(request, asker, documents)
    if not _room.acquire(blocking=False):
        said = "as many requests wait for the models of projects as may; ask again"
        raise Refused(503, said, headers={"retry-after": "1"})
    live, meant = services(request).live, given or [False] * len(documents)

    def one(document: Document, its: bool) -> Linked:
        found = live.link(project, document, given=its)
        return replace(
            found, links=tuple(replace(link, candidates=link.candidates[: choice.k]) for link in found.links)
        )

    async def each() -> list[Linked]:
        pairs = zip(documents, meant, strict=True)
        return list(await asyncio.gather(*(_apart(partial(one, *pair)) for pair in pairs)))

    try:
        return await while_there(request, each())
    except ValueError as error:  # nothing that finds mentions
        raise Refused(422, str(error)) from None
    finally:
        _room.release()


def _of_project(request: Request, project: int) -> Asked:
    opened(request, project)
    used = models.in_use(services(request).database, project)
    taught = services(request).live.taught(project)
    version = f"{used.fingerprint[:SHOWN]}-{used.knowledge[:SHOWN]}-{taught}"
    return Asked(version, bool(used.recognizer) or models.finds_itself(used.folder), project)


_apart = Askers(THREADS, "answering")
_room = BoundedSemaphore(ROOM)
