"""Asking the model in the name of a request: within its budget, and only as long as whoever asked is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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


async def linked(
    request: Request,
    asker: Asker,
    documents: Sequence[Document],
    *,
    given: Sequence[bool] | None = None,
    choice: Choice | None = None,
) -> list[Linked]:
    """Link documents, as `Batcher.link`. Raises Refused: 413, 422, 429, or 503 with when to ask again."""
    its = services(request)
    _measure(documents)
    wait = its.limits.links.take(f"token {asker.by.id}" if isinstance(asker.by, Token) else f"user {asker.user.id}")
    if wait:
        said = f"more than {its.limits.links.per_minute} requests to link in a minute"
        raise Refused(429, said, headers={"retry-after": str(int(wait) + 1)})
    asked = asyncio.ensure_future(its.batcher.link(documents, given=given, choice=choice))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise Refused(GONE, "whoever asked is gone")
        return asked.result()
    except Busy as busy:
        raise Refused(503, str(busy), headers={"retry-after": str(busy.retry_after)}) from None
    except Unfit as unfit:
        raise Refused(422, str(unfit)) from None
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
