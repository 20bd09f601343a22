"""Asking the model in the name of a request: within its budget, and only as long as whoever asked is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from tripel.annotations.accounts import Token
from tripel.documents import Document, Linked
from tripel.web.access import Asker
from tripel.web.batching import Busy, Choice, Unfit
from tripel.web.refusals import Refused
from tripel.web.services import services

GONE = 499  # as nginx calls a client that closed the connection; nobody reads it
LONGEST_TEXT = 100_000  # characters of a document
LONGEST_REQUEST = 1_000_000  # characters of all documents of a request
Answer = TypeVar("Answer")


async def linked(
    request: Request,
    asker: Asker,
    documents: Sequence[Document],
    *,
    given: Sequence[bool] | None = None,
    choice: Choice | None = None,
) -> list[Linked]:
    """Link documents, as `Batcher.link`. Raises Refused: 413, 422, 429, or 503 with when to ask again."""
    admit(request, asker, documents)
    try:
        return await while_there(request, services(request).batcher.link(documents, given=given, choice=choice))
    except Busy as busy:
        raise Refused(503, str(busy), headers={"retry-after": str(busy.retry_after)}) from None
    except Unfit as unfit:
        raise Refused(422, str(unfit)) from None


def admit(request: Request, asker: Asker, documents: Sequence[Document]) -> None:
    """Count a request to link. Raises Refused for one that is too large, or beyond the budget of whoever asks."""
    links = services(request).limits.links
    _measure(documents)
    wait = links.take(f"token {asker.by.id}" if isinstance(asker.by, Token) else f"user {asker.user.id}")
    if wait:
        said = f"more than {links.per_minute} requests to link in a minute"
        raise Refused(429, said, headers={"retry-after": str(int(wait) + 1)})


async def while_there(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What comes of some work, which is given up once whoever asked is gone: then Refused is raised."""
    asked, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise Refused(GONE, "whoever asked is gone")
        return asked.result()
    finally:
        asked.cancel()
        gone.cancel()


def _measure(documents: Sequence[Document]) -> None:
    longest = max((len(document.text) for document in documents), default=0)
    total = sum(len(document.text) for document in documents)
    if longest > LONGEST_TEXT or total > LONGEST_REQUEST:
        raise Refused(
            413,
            f"{total:,} characters, {longest:,} of them in one text; expected at most {LONGEST_REQUEST:,},"
            f" and {LONGEST_TEXT:,} in one",
        )


async def _gone(request: Request) -> None:
    """Waits until the connection is closed; the body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
