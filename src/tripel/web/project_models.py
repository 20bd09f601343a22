"""The models of projects as requests ask them: once they are open, and in threads that saving and signing in do not need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import Request

from tripel.annotations.live import Live
from tripel.web.refusals import Refused
from tripel.web.services import services

Answer = TypeVar("Answer")


class Askers:
    """Threads that wait for models."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def __call__(self, ask: Callable[[], Answer]) -> Answer:
        """Ask in one of them; what was not begun when nobody waits for it any more is not asked."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, ask)


def opened(request: Request, project: int) -> Live:
    """What answers for a project's model. Raises Refused: 409 where it has none, 503 where it is not open yet."""
    live = services(request).live
    try:
        if live.begin(project):
            return live
    except ValueError as error:
        raise Refused(409, str(error)) from None
    raise Refused(503, "the model of the project is being opened", headers={"retry-after": "2"})
