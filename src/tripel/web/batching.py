"""One thread in front of the model: it loads it, then links what many requests ask for together. It knows no HTTP.

Requests that come while the model works, or within a few milliseconds of the first, become one batch, since an encoder reads
many texts at nearly the price of one. Nobody waits for whom has gone: what was cancelled is left out.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tripel.documents import DOCUMENTS_AT_ONCE, Document, Linked

WAIT = 0.004  # seconds in which requests may join the first
LARGEST = 20_000  # characters of a batch: more is no faster on a CPU, and lets the first wait for the last
ROOM = 256  # requests that wait; more are turned away


@dataclass(frozen=True)
class Choice:
    """How to link: candidates of each mention, from which probability on, and which entities are allowed, each where given."""

    k: int = 5
    threshold: float | None = None
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


class Unfit(ValueError):
    """What is asked for cannot be, such as entities of a type that none has. Its message is for whoever asked."""


class Model(Protocol):
    """What links."""

    @property
    def version(self) -> str:
        """What made its answers, in a word: other answers may come of another."""
        ...

    @property
    def finds(self) -> bool:
        """Whether it finds mentions itself."""
        ...

    def __call__(self, documents: Sequence[Document], *, given: bool, choice: Choice) -> Sequence[Linked]:
        """Documents in their order; `given`: the mentions they have, else those that are found.

        Raises Unfit where the choice cannot be.
        """
        ...


@dataclass(frozen=True)
class State:
    """Of a model."""

    name: Literal["loading", "ready", "failed"]
    said: str
    """In one sentence."""


class Busy(Exception):
    """The model is not ready, or as many requests wait as may."""

    def __init__(self, said: str, *, retry_after: int) -> None:
        """retry_after: seconds."""
        super().__init__(said)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Job:
    """What one request asks for."""

    documents: tuple[Document, ...]
    given: tuple[bool, ...]
    """Of each document: whether the mentions it has are meant."""
    choice: Choice
    answer: asyncio.Future[list[Linked]]
    loop: asyncio.AbstractEventLoop

    @property
    def characters(self) -> int:
        """Of all documents."""
        return sum(len(document.text) for document in self.documents)

    def tell(self, said: list[Linked] | Exception) -> None:
        """Answer, from another thread."""
        try:
            self.loop.call_soon_threadsafe(self._tell, said)
        except RuntimeError:  # the server has stopped, and nobody listens
            return

    def _tell(self, said: list[Linked] | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(said, Exception):
            self.answer.set_exception(said)
        else:
            self.answer.set_result(said)


class Batcher:
    """Loads a model and links with it, in a thread of its own."""

    def __init__(
        self, load: Callable[[], Model], *, wait: float = WAIT, most: int = DOCUMENTS_AT_ONCE, room: int = ROOM
    ) -> None:
        """Nothing is loaded before `start`. wait: seconds. most: documents of a batch, unless one request alone has more."""
        self._load = load
        self._wait = wait
        self._most = most
        self._jobs: queue.Queue[Job | None] = queue.Queue(room)
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self.state = State("loading", "The model is loading.")
        self.version = ""
        """Of the model; empty until it is ready."""
        self.finds = False
        """Whether the model finds mentions itself."""

    def start(self) -> None:
        """Load the model, then work."""
        self._thread.start()

    def stop(self, *, timeout: float = 10) -> None:
        """End with the batch that is worked on; what still waits is told."""
        self.state = State("failed", "The server is stopping.")
        try:
            self._jobs.put_nowait(None)
        except queue.Full:
            self._turn_away()
            self._jobs.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._turn_away()

    async def link(
        self, documents: Sequence[Document], *, given: Sequence[bool] | None = None, choice: Choice | None = None
    ) -> list[Linked]:
        """Link documents. `given`, of each: the mentions it has, else those that are found, as where it is left out.

        Raises Busy where it has to be asked again later, Unfit where the choice cannot be.
        """
        if self.state.name != "ready":
            raise Busy(self.state.said, retry_after=5)
        loop = asyncio.get_running_loop()
        job = Job(
            tuple(documents), tuple(given or [False] * len(documents)), choice or Choice(), loop.create_future(), loop
        )
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Busy("as many requests wait for the model as may; ask again", retry_after=1) from None
        return await job.answer

    def _work(self) -> None:
        try:
            model = self._load()
        except (ValueError, OSError) as error:
            self.state = State("failed", f"The model cannot be loaded: {error}")
            return
        except Exception as error:
            self.state = State("failed", f"The model cannot be loaded: {type(error).__name__}.")
            raise
        self.version, self.finds = model.version, model.finds
        if self.state.name == "loading":
            self.state = State("ready", "The model is ready.")
        for jobs in self._batches():
            answer(model, [job for job in jobs if not job.answer.cancelled()])

    def _batches(self) -> Iterator[list[Job]]:
        """Jobs that are to be done together, until there are to be no more."""
        while (first := self._jobs.get()) is not None:
            jobs, ends = [first], time.monotonic() + self._wait
            documents, characters = len(first.documents), first.characters
            last: Job | None = first
            while documents < self._most and characters < LARGEST and last is not None:
                try:
                    last = self._jobs.get(timeout=max(0.0, ends - time.monotonic()))
                except queue.Empty:
                    break
                if last is not None:
                    jobs.append(last)
                    documents += len(last.documents)
                    characters += last.characters
            yield jobs
            if last is None:
                return

    def _turn_away(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.tell(Busy("the server is stopping", retry_after=5))


def answer(model: Model, jobs: Sequence[Job]) -> None:
    """Link the documents of all jobs, those that are to be linked in the same way together, and tell each job its own.

    What is wrong with one job is told to that job alone.
    """
    alike: dict[tuple[bool, Choice], list[tuple[int, int]]] = defaultdict(list)
    for j, job in enumerate(jobs):
        for d, given in enumerate(job.given):
            alike[given, job.choice].append((j, d))
    linked: dict[tuple[int, int], Linked] = {}
    for (given, choice), places in alike.items():
        try:
            its = model([jobs[j].documents[d] for j, d in places], given=given, choice=choice)
            linked.update(zip(places, its, strict=True))
        except Exception as error:
            if len({j for j, _ in places}) > 1:  # whose fault it is, each one's own run tells
                for j in sorted({j for j, _ in places}):
                    answer(model, [jobs[j]])
            else:
                jobs[places[0][0]].tell(error)
    for j, job in enumerate(jobs):
        if all((j, d) in linked for d in range(len(job.documents))):
            job.tell([linked[j, d] for d in range(len(job.documents))])
