"""Search over the names of a project's knowledge base, and what it knows of entities, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request

from tripel.annotations.name_search import LONGEST
from tripel.knowledge import KnowledgeBase
from tripel.web.knowledge_bases import Opening
from tripel.web.pages.reaching import Reading, knowledge_of, project_of
from tripel.web.refusals import Refused

MOST = 50  # entities of one answer
NAMES = 12  # of one entity
DEFINITION = 600  # characters of a definition

routes = APIRouter(tags=["annotating"])


@routes.get("/api/projects/{project}/names")
def names(
    request: Request,
    member: Reading,
    q: Annotated[str, Query(max_length=LONGEST)],
    k: Annotated[int, Query(ge=1, le=MOST)] = 20,
    type: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006  FastAPI copies it
) -> dict[str, Any]:
    """Entities by their names, best first, as one types. `ranges` are the characters of `matched` that the words found."""
    with _refusing():
        opened = knowledge_of(request, project_of(request, member))
        kb = opened.kb
        found = opened.search.find(q, k=k, types=type)
    return {
        "found": [
            {
                "entity": one.entity,
                "name": one.name,
                "matched": one.matched,
                "ranges": one.ranges,
                "types": one.types,
                "definition": _definition(kb, one.row),
            }
            for one in found
        ]
    }


@routes.get("/api/projects/{project}/entities")
def entities(
    request: Request, member: Reading, id: Annotated[list[str], Query(min_length=1, max_length=MOST)]
) -> dict[str, Any]:
    """What the knowledge base has of entities; null of one it does not know."""
    with _refusing():
        kb = knowledge_of(request, project_of(request, member)).kb
    return {"entities": {one: _entity(kb, one) for one in dict.fromkeys(id)}}


@contextmanager
def _refusing() -> Iterator[None]:
    """Say where the knowledge base is not open, and when to ask again, or what is wrong with it or with what was asked."""
    try:
        yield
    except Opening as opening:
        raise Refused(503, str(opening), headers={"retry-after": "3"}) from None
    except ValueError as error:
        raise Refused(422, str(error)) from None


def _entity(kb: KnowledgeBase, id: str) -> dict[str, Any] | None:
    row = kb.row(id)
    if row is None:
        return None
    its = kb[row]
    names = its.names[:NAMES]
    return {
        "id": its.id, "name": its.name, "names": names, "types": its.types, "definition": _definition(kb, row),
        "more": len(its.names) - len(names),
    }  # fmt: skip


def _definition(kb: KnowledgeBase, row: int) -> str:
    whole = str(kb.table["definition"][row].as_py())
    return whole if len(whole) <= DEFINITION else f"{whole[:DEFINITION].rstrip()} …"
