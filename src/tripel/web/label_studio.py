"""The model as an ML backend of Label Studio: pre-annotations of texts, each mention with its label and its entity.

It asks with HTTP basic authentication, whose password is a token with the scope `link`; or the token stands in the address, as
in `https://HOST/label-studio/TOKEN`. With `/projects/N` behind either the model of a project answers. The addresses and tokens
that Label Studio sends along are not used.

Label Studio sends all tasks that somebody selected at once, waits 100 seconds where it was not told otherwise, and keeps nothing
of a refusal. So tasks that cannot be answered, or not within the time, get no prediction: it asks for those again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from tripel.characters import whole
from tripel.documents import Document, Link, Linked, batched
from tripel.web.access import Linking
from tripel.web.answering import Asked, ByPath, answers, model
from tripel.web.asking import GONE, LONGEST_TEXT
from tripel.web.batching import Choice
from tripel.web.refusals import Refused
from tripel.web.services import services
from tripel.web.xmi import parsed

asked = APIRouter()
BASES = tuple(
    door + whose for whose in ("", "/projects/{project}") for door in ("/label-studio", "/label-studio/{token}")
)
AT_ONCE = 20_000  # characters that are linked together
LATER = (429, 503)  # statuses that mean: ask again
PATIENCE_S = 60.0  # after which what is left gets no prediction
TRAINED_ELSEWHERE = "this backend is trained on the pages of its server, not from Label Studio"


@dataclass(frozen=True)
class Interface:
    """What a labelling configuration has for mentions in a text."""

    text: str
    """The name of <Text>."""
    key: str
    """Of the task's data that holds the text."""
    labels: str
    """The name of <Labels>."""
    values: tuple[str, ...]
    """Its labels."""
    entity: str
    """The name of <TextArea perRegion="true"> for the entity; empty where there is none."""

    @classmethod
    def of(cls, config: str) -> Interface:
        """Raises ValueError where there are no labels of a text."""
        root = parsed(config, "labelling configuration")
        texts = {one.get("name"): one for one in root.iter("Text")}
        for one in root.iter("Labels"):
            text = texts.get(one.get("toName"))
            if text is None or not (text.get("value") or "").startswith("$"):
                continue
            if text.get("valueType", "text") != "text":
                raise ValueError("<Text> has an address in place of a text; addresses are not opened")
            areas = [area for area in root.iter("TextArea") if area.get("toName") == one.get("toName")]
            entity = next((area.get("name", "") for area in areas if area.get("perRegion") == "true"), "")
            values = tuple(label.get("value", "") for label in one.iter("Label"))
            return cls(one.get("toName", ""), text.get("value", "")[1:], one.get("name", ""), values, entity)
        raise ValueError('the labelling configuration has no <Labels> of a <Text value="$...">')

    def label(self, type: str) -> str:
        """The one called as the type of a mention; else the first."""
        return next((value for value in self.values if value.lower() == type.lower()), next(iter(self.values), type))


class Task(BaseModel):
    """A text to be annotated."""

    data: dict[str, Any]


class Tasks(BaseModel):
    """Some, and how they are labelled."""

    tasks: list[Task] = Field(min_length=1)
    label_config: str


class Happened(BaseModel):
    """What somebody did there."""

    action: str = ""


@asked.post("/predict")
async def predict(request: Request, wish: Tasks, asker: Linking, member: ByPath) -> Any:
    """A prediction for each task; an empty list where there is none."""
    try:
        interface = Interface.of(wish.label_config)
    except ValueError as error:
        raise Refused(422, str(error)) from None
    texts = [task.data.get(interface.key) for task in wish.tasks]
    if not any(isinstance(text, str) for text in texts):
        raise Refused(422, f"each task has a text in its data, as {interface.key[:100]!r}")
    fit = [
        Document(id=str(number), text=whole(text))
        for number, text in enumerate(texts)
        if isinstance(text, str) and len(text) <= LONGEST_TEXT
    ]
    known = await model(request, member)
    results: list[Any] = [[] for _ in texts]
    for its in await _answered(request, asker, known, fit):
        results[int(its.document.id)] = _prediction(its, interface, known.version)
    return JSONResponse({"results": results, "model_version": known.version})


async def _answered(request: Request, asker: Linking, known: Asked, documents: Sequence[Document]) -> list[Linked]:
    """As many of them, from the first, as there is time for; where some fail together each is asked alone.

    Raises what was wrong where not one can be answered.
    """
    found: list[Linked] = []
    fault: Exception | None = None
    waiting, ends = deque(batched(documents, characters=AT_ONCE)), time.monotonic() + PATIENCE_S
    while waiting and not (found and time.monotonic() > ends):
        some = waiting.popleft()
        try:
            found += await answers(request, asker, known, some, choice=Choice())
        except Exception as error:  # whatever ails one document, the others have their answer
            fault = error
            if isinstance(error, Refused) and error.status in (*LATER, GONE):
                break
            if len(some) > 1:
                waiting.extendleft([one] for one in reversed(some))
    if fault is not None and not found:
        raise fault
    return found


@asked.post("/setup")
async def setup(request: Request, asker: Linking, member: ByPath) -> Any:
    """Label Studio introduces a project; nothing is kept of it."""
    return JSONResponse({"model_version": (await model(request, member)).version})


@asked.get("/health")
@asked.get("/")
async def health(request: Request, asker: Linking, member: ByPath) -> Any:
    """Whether it can be asked."""
    state = services(request).batcher.state
    if member is not None:
        await model(request, member)
    elif state.name != "ready":
        raise Refused(503, state.said, headers={"retry-after": "5"})
    return JSONResponse({"status": "UP", "model_class": "tripel"})


@asked.get("/versions")
async def versions(request: Request, asker: Linking, member: ByPath) -> Any:
    """There is one."""
    return JSONResponse({"versions": [(await model(request, member)).version]})


@asked.post("/webhook")
async def webhook(request: Request, wish: Happened, asker: Linking, member: ByPath) -> Any:
    """What happened there is not used here; a training is asked for in this way, too."""
    if wish.action == "START_TRAINING":
        raise Refused(403, TRAINED_ELSEWHERE)
    return JSONResponse({"status": "ignored"})


@asked.post("/train")
async def train(request: Request, asker: Linking, member: ByPath) -> Any:
    """Refused, so that nobody believes that something was learnt."""
    raise Refused(403, TRAINED_ELSEWHERE)


routes = APIRouter(include_in_schema=False)
for base in BASES:
    routes.include_router(asked, prefix=base)


def _prediction(its: Linked, interface: Interface, version: str) -> Mapping[str, Any]:
    regions = [region for number, link in enumerate(its.links) for region in _regions(number, link, interface)]
    scores = [_sureness(link) for link in its.links]
    return {"result": regions, "score": min(scores, default=1.0), "model_version": version}


def _regions(number: int, link: Link, interface: Interface) -> Iterator[dict[str, Any]]:
    """The label of a mention and, where the configuration has a place for it, its entity."""
    mention, best = link.mention, link.candidates[0] if link.entity else None
    called = f"{best.entity} | {best.name}" if best else "NIL"
    place = {"start": mention.start, "end": mention.end}
    region = {"id": f"tripel{number}", "to_name": interface.text, "score": _sureness(link)}
    labels = {"text": mention.text, "labels": [interface.label(mention.type)]}
    yield region | {
        "from_name": interface.labels,
        "type": "labels",
        "value": place | labels,
        "meta": {"text": [f"{called}\n{link.why}"]},
    }
    if interface.entity:
        yield region | {"from_name": interface.entity, "type": "textarea", "value": place | {"text": [called]}}


def _sureness(link: Link) -> float:
    """Of the weaker of both: that the span is one, and that the entity is meant."""
    if not link.candidates:
        return 0.0
    best = link.candidates[0]
    return round(min(link.confidence, best.score if best.probability is None else best.probability), 6)
