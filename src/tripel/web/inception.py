"""The model as an external recommender of INCEpTION.

It sends a document as XMI and the layer and feature it wants suggestions for; it gets the document back with suggestions in it.
It sends no headers of its own, so the token stands in the address: `https://HOST/inception/TOKEN`, or where the model of a
project is to answer `https://HOST/inception/TOKEN/projects/N`. Protocol: INCEpTION's developer guide, "External recommender".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from tripel.documents import Document, Link, Mention
from tripel.web import xmi
from tripel.web.access import Asker, Linking, Member
from tripel.web.answering import ByPath, answers, model
from tripel.web.batching import Choice
from tripel.web.refusals import Refused
from tripel.web.services import services

asked = APIRouter()
BASES = ("/inception/{token}", "/inception/{token}/projects/{project}")
SUGGESTED = 3  # entities of each mention
PREDICTED = "inception_internal_predicted"
TYPED = "value"  # the feature of named entities that holds their type; any other gets the id of the entity
NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)


class Metadata(BaseModel):
    """What is wanted."""

    layer: str = Field(max_length=500)
    feature: str = Field(max_length=200)


class Sent(BaseModel):
    """A document."""

    xmi: str


class Wish(BaseModel):
    """A document and what is wanted for it."""

    metadata: Metadata
    document: Sent
    typeSystem: str = ""


@asked.post("/predict")
async def predict(request: Request, wish: Wish, asker: Linking, member: ByPath) -> Any:
    """Suggestions for the mentions that the layer has already, and for those that are found."""
    layer, feature = wish.metadata.layer, wish.metadata.feature
    if not NAME.fullmatch(layer) or not NAME.fullmatch(feature):
        raise Refused(422, "layer and feature are names, as in de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity")
    try:
        cas = xmi.Cas(wish.document.xmi)
        declared = xmi.features(wish.typeSystem, layer) if wish.typeSystem else set()
    except ValueError as error:
        raise Refused(422, str(error)) from None
    for link in await _links(request, asker, member, cas, layer):
        for said in _suggestions(link, feature, services(request).settings.iri):
            features = {name: value for name, value in said.items() if not declared or name in declared}
            cas.add(layer, link.mention.start, link.mention.end, features)
    return JSONResponse({"document": cas.xmi()})


@asked.post("/train")
async def train(request: Request, asker: Linking, member: ByPath) -> Any:
    """Refused, so that nobody believes that something was learnt."""
    raise Refused(403, "this recommender is trained on the pages of its server; set training to `not supported`")


routes = APIRouter(include_in_schema=False)
for base in BASES:
    routes.include_router(asked, prefix=base)


async def _links(request: Request, asker: Asker, member: Member | None, cas: xmi.Cas, layer: str) -> list[Link]:
    """Of the mentions that are there, and of those found besides them."""
    known = await model(request, member)
    spans = cas.spans(layer)
    there = Document(id="1", text=cas.text).having(
        mentions=[Mention(start=start, end=end, text=cas.text[start:end]) for start, end in spans]
    )
    wanted = [(there, True)] if spans else []
    if known.finds or not spans:
        wanted.append((Document(id="1", text=cas.text), False))
    documents, given = [one for one, _ in wanted], [meant for _, meant in wanted]
    its = await answers(request, asker, known, documents, given=given, choice=Choice(k=SUGGESTED))
    links = [link for one in its for link in one.links]
    placed = {(link.mention.start, link.mention.end): link for link in reversed(links)}
    return [placed[span] for span in sorted(placed)]


def _suggestions(link: Link, feature: str, iri: str) -> Iterator[dict[str, str]]:
    """The features of each suggestion for a mention, best first; none where it is NIL, but its type where that is wanted."""
    if feature == TYPED:
        if link.mention.type:
            yield _suggestion(feature, link.mention.type, link.confidence, "found by the recogniser")
        return
    for one in link.candidates if link.decision == "linked" else ():
        sure = one.score if one.probability is None else one.probability
        yield _suggestion(feature, iri + one.entity, sure, f"{one.name}, as {one.matched}: {link.why}")


def _suggestion(feature: str, value: str, score: float, why: str) -> dict[str, str]:
    return {
        PREDICTED: "true",
        feature: value,
        f"{feature}_score": f"{score:.6f}",
        f"{feature}_score_explanation": why,
    }
