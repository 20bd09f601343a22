"""`POST /api/link`: texts, or documents with their mentions, to links with candidates, scores, the decision and why."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse

from tripel.annotations.predicted import OFFERED
from tripel.documents import Document, Mention
from tripel.linking.records import as_record
from tripel.web.access import Linking, joined
from tripel.web.answering import answers, model
from tripel.web.batching import Choice

routes = APIRouter(tags=["Linking"])
MOST_DOCUMENTS, MOST_MENTIONS = 100, 2000


class Strict(BaseModel):
    """An unknown field is a mistake that would otherwise go unseen."""

    model_config = ConfigDict(extra="forbid")


class GivenMention(Strict):
    """Characters [start, end) of the text, counted as Unicode code points."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)
    type: str = Field("", max_length=200)


class Text(Strict):
    """A document."""

    id: str = Field("", max_length=200, description="Yours; it comes back.")
    text: str
    mentions: list[GivenMention] | None = Field(
        None, max_length=MOST_MENTIONS, description="What is to be linked; when left out, mentions are found."
    )

    @model_validator(mode="after")
    def _within(self) -> Text:
        if any(not one.start < one.end <= len(self.text) for one in self.mentions or ()):
            raise ValueError("a mention is empty or reaches beyond its text")
        return self

    def document(self, *, number: int) -> Document:
        """With its mentions in their order."""
        mentions = tuple(
            Mention(start=one.start, end=one.end, text=self.text[one.start : one.end], type=one.type)
            for one in self.mentions or ()
        )
        return Document(id=self.id or str(number), text=self.text).having(mentions=mentions)


class Wish(Strict):
    """Texts and how to link them."""

    documents: list[Text] = Field(min_length=1, max_length=MOST_DOCUMENTS)
    k: int = Field(5, ge=1, le=50, description="Candidates of each mention.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="The probability below which a mention is NIL; the model's own when left out."
    )
    types: list[str] = Field([], max_length=200, description="Only entities of one of these types.")
    sources: list[str] = Field([], max_length=200, description="Only entities that one of these vocabularies names.")
    ids: list[str] = Field([], max_length=2000, description="Only these entities.")
    project: int | None = Field(
        None,
        ge=1,
        lt=1 << 63,
        description="Its model answers, with what was taught there up to now; you have to be in it. Of the other wishes k alone"
        f" may be said then, and {OFFERED} candidates is the most; the server's own model answers when left out.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Wish:
        if self.project is not None and (self.threshold is not None or self.types or self.sources or self.ids):
            raise ValueError(
                "threshold, types, sources and ids are of the server's own model; leave them out with a project"
            )
        return self

    def choice(self) -> Choice:
        """As the model is asked."""
        kept = (tuple(sorted(set(words))) for words in (self.types, self.sources, self.ids))
        return Choice(self.k, self.threshold, *kept)


class CandidateSaid(BaseModel):
    """An entity that may be meant."""

    entity: str
    name: str = Field(description="The preferred name.")
    matched: str = Field(description="The name that matched.")
    source: str = Field(description="The vocabulary of that name.")
    ids: list[str]
    score: float = Field(description="Higher is closer.")
    probability: float | None = Field(description="That it is meant, where the model was calibrated.")


class LinkSaid(BaseModel):
    """A mention, what was decided, and why."""

    start: int
    end: int
    text: str
    long_form: str = Field(description="What an abbreviation stands for in the text.")
    type: str
    parts: list[tuple[int, int]]
    confidence: float = Field(description="Of the span, where it was found.")
    entities: list[str] = Field(description="Decided on; empty for NIL.")
    decision: Literal["linked", "nil", "filtered"]
    why: str
    candidates: list[CandidateSaid] = Field(description="Best first.")


class DocumentSaid(BaseModel):
    """A document with its links."""

    id: str
    text: str
    title_end: int
    mentions: list[LinkSaid]


class Answer(BaseModel):
    """In the order of the documents sent."""

    model: str = Field(description="Fingerprints of the encoder and the knowledge base.")
    documents: list[DocumentSaid]


@routes.post("/api/link", response_model=Answer)
async def link(request: Request, wish: Wish, asker: Linking) -> Any:
    """Link texts: which entity each mention means, how sure that is, and why. Needs the scope `link`.

    Requests that come together are linked together, so many small ones are served nearly as fast as one large one.
    """
    documents = [text.document(number=number) for number, text in enumerate(wish.documents, 1)]
    given = [text.mentions is not None for text in wish.documents]
    member = None if wish.project is None else await joined(request, asker, wish.project, "annotator")
    asked = await model(request, member)
    its = await answers(request, asker, asked, documents, given=given, choice=wish.choice())
    return JSONResponse({"model": asked.version, "documents": [as_record(one) for one in its]})
