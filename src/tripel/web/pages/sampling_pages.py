"""The documents drawn for whoever looks: the next n, and why these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tripel.annotations import listing, sampled
from tripel.annotations.listing import Listed
from tripel.annotations.sampling.mix import SAMPLING
from tripel.find import names
from tripel.web.access import Member
from tripel.web.pages.reaching import Annotator, project_page, refuse_archived
from tripel.web.services import services

USUAL = 10  # samples
MOST = 100
DONE_SHOWN = 20
BEGINNING = 180  # characters of a document
WORDS = {
    "margin": "least confident first",
    "diversity": "unlike each other",
    "novelty": "with names nobody has annotated",
    "mix": "margin, diversity and novelty in turn",
    "random": "by chance",
}

routes = APIRouter(include_in_schema=False)


@routes.get("/projects/{project}/samples")
def show(request: Request, member: Annotator, all_done: bool = False) -> Response:
    """What was drawn."""
    said = "All samples are done. Draw more, or start a training." if all_done else ""
    return _show(request, member, done=said)


@routes.post("/projects/{project}/samples")
def draw(
    request: Request,
    member: Annotator,
    n: Annotated[int, Form()] = USUAL,
    strategy: Annotated[str, Form()] = "margin",
) -> Response:
    """Draw: those that are open still, then new ones, n together."""
    its = services(request)
    try:
        if not 1 <= n <= MOST:
            raise ValueError(f"{n} samples; expected 1 to {MOST}")
        if strategy not in _offered(request):
            raise ValueError("there is no such strategy; choose one of the list")
        refuse_archived(request, member)
        found = sampled.page(
            its.database, its.settings.folder, member.project, user=member.user.id, n=n, strategy=strategy
        )
    except ValueError as error:
        return _show(request, member, status=422, wrong=str(error), n=n, strategy=strategy)
    if len(found) < n:
        said = f"{len(found)} documents are left to draw; others are done, or somebody else works on them."
        return _show(request, member, done=said, n=n, strategy=strategy)
    return RedirectResponse(f"/projects/{member.project}/samples", 303)


def _show(
    request: Request,
    member: Member,
    *,
    status: int = 200,
    wrong: str = "",
    done: str = "",
    n: int = USUAL,
    strategy: str = "margin",
) -> Response:
    database, user = services(request).database, member.user.id
    drawn = listing.drawn(database, member.project, user)
    its = listing.some(database, member.project, user, [one.document for one in drawn])
    there = [(one, its[one.document]) for one in drawn if one.document in its]
    shown = [pair for pair in there if not pair[1].done]
    finished = [pair for pair in there if pair[1].done][-DONE_SHOWN:]
    return project_page(
        request,
        "samples.html",
        member,
        status=status,
        wrong=wrong,
        done=done,
        open=shown,
        finished=finished,
        beginnings=_beginnings(request, [listed for _, listed in shown]),
        progress=listing.progress(database, member.project, user),
        gain=sampled.gain(database, member.project),
        strategies=[(name, WORDS.get(name, name)) for name in _offered(request)],
        n=n,
        strategy=strategy,
        most=MOST,
    )


def _offered(request: Request) -> list[str]:
    """The strategies that may be chosen: what is imported for them, whoever runs the server has said."""
    return [*names(SAMPLING), *services(request).settings.strategies]


def _beginnings(request: Request, shown: Sequence[Listed]) -> dict[int, str]:
    found = listing.beginnings(services(request).database, [one.id for one in shown], characters=BEGINNING)
    return {
        one.id: found[one.id] if one.characters <= BEGINNING else f"{found[one.id].rstrip()} …"
        for one in shown
        if one.id in found
    }
