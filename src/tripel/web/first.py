"""The first page: paste a text, see its links. It works without JavaScript."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from tripel.linking.page import Page
from tripel.linking.records import Tally, bracketed
from tripel.reports.pages import rendered
from tripel.web.access import SignedIn
from tripel.web.asking import linked
from tripel.web.batching import Choice
from tripel.web.refusals import Refused
from tripel.web.rendering import page

routes = APIRouter(include_in_schema=False)
CANDIDATES = 5


@routes.get("/static/linked.css")
def style(request: Request) -> Response:
    """How linked documents look, here as on pages in files."""
    return Response(rendered("linked.css"), media_type="text/css", headers={"cache-control": "max-age=3600"})


@routes.get("/")
def show(request: Request, asker: SignedIn) -> Response:
    """The form."""
    return page(request, "first.html", text="", types="", threshold="", k=CANDIDATES, shown="", tally=None, wrong="")


@routes.post("/")
async def link(
    request: Request,
    asker: SignedIn,
    text: Annotated[str, Form()] = "",
    types: Annotated[str, Form()] = "",
    threshold: Annotated[str, Form()] = "",
    k: Annotated[str, Form()] = "",
) -> Response:
    """Link the text, whose mentions may stand in [[double brackets]]; else they are found."""
    text = text.replace("\r\n", "\n")
    kept: dict[str, Any] = {"text": text, "types": types, "threshold": threshold, "k": k}
    document = bracketed(text, id="Your text")
    try:
        choice = _choice(types, threshold, k)
        its = await linked(request, asker, [document], given=[bool(document.mentions)], choice=choice)
    except Refused as refused:
        said = page(request, "first.html", status=refused.status, **kept, shown="", tally=None, wrong=refused.detail)
        said.headers.update(refused.headers)
        return said
    tally = Tally()
    made = Page("", tally)
    for one in tally.count(its):
        made.show(one)
    return page(request, "first.html", **kept, shown="".join(made.parts), tally=tally, wrong="")


def _choice(types: str, threshold: str, k: str) -> Choice:
    """Raises Refused for what is no number, or none that can be."""
    try:
        chosen = Choice(
            k=int(k or CANDIDATES),
            threshold=float(threshold) if threshold.strip() else None,
            types=tuple(sorted({type.strip() for type in types.split(",")} - {""})),
        )
    except ValueError:
        raise Refused(422, "candidates and threshold are numbers") from None
    if not 1 <= chosen.k <= 50 or not 0 <= (chosen.threshold or 0) <= 1:
        raise Refused(422, "from 1 to 50 candidates, and a threshold from 0 to 1, are expected")
    return chosen
