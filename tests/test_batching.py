"""Requests that come together are linked together, each gets its own, and none waits for one that is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tripel.documents import Document, Linked, Mention
from tripel.web.batching import LARGEST, Batcher, Busy, Choice, Unfit


class Watched:
    """A model that notes what it was asked together, and works only when it is let."""

    version = "watched"
    finds = True

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], bool, Choice]] = []
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def __call__(self, documents: Sequence[Document], *, given: bool, choice: Choice) -> list[Linked]:
        self.asked.append(([document.text for document in documents], given, choice))
        self.begun.set()
        assert self.free.wait(10)
        if any("unfit" in document.text for document in documents):
            raise Unfit("no such type")
        if any("broken" in document.text for document in documents):
            raise RuntimeError("broken")
        return [Linked(document, ()) for document in documents]


def texts(*said: str) -> list[Document]:
    return [Document(id="1", text=text) for text in said]


def run(test: Callable[[Batcher, Watched], Any], *, room: int = 256, most: int = 64, wait: float = 0.05) -> None:
    model = Watched()
    batcher = Batcher(lambda: model, wait=wait, most=most, room=room)

    async def whole() -> None:
        batcher.start()
        while batcher.state.name == "loading":
            await asyncio.sleep(0.001)
        await asyncio.wait_for(test(batcher, model), 20)

    try:
        asyncio.run(whole())
    finally:
        model.free.set()
        batcher.stop()


async def begun(model: Watched) -> None:
    """Until the model works on something."""
    while not model.begun.is_set():
        await asyncio.sleep(0.001)


def test_requests_that_come_together_are_one_batch_and_each_gets_its_own() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        answers = await asyncio.gather(*(batcher.link(texts(f"a{n}", f"b{n}")) for n in range(10)))
        for n, answer in enumerate(answers):
            assert [one.document.text for one in answer] == [f"a{n}", f"b{n}"]
        assert [len(asked) for asked, _, _ in model.asked] == [20]

    run(test)


def test_what_is_to_be_linked_in_another_way_is_asked_apart() -> None:
    given = Document(id="1", text="MS", mentions=(Mention(start=0, end=2, text="MS"),))

    async def test(batcher: Batcher, model: Watched) -> None:
        found, mixed, few = await asyncio.gather(
            batcher.link(texts("a")),
            batcher.link([*texts("b"), given], given=[False, True]),
            batcher.link(texts("c"), choice=Choice(k=1)),
        )
        assert [one.document.text for one in mixed] == ["b", "MS"] and found[0].document.text == "a"
        assert few[0].document.text == "c"
        assert sorted((asked, given, choice.k) for asked, given, choice in model.asked) == [
            (["MS"], True, 5), (["a", "b"], False, 5), (["c"], False, 1),
        ]  # fmt: skip

    run(test)


def test_a_batch_is_no_larger_than_it_may_be() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        await asyncio.gather(*(batcher.link(texts(f"a{n}")) for n in range(10)))
        assert max(len(asked) for asked, _, _ in model.asked) <= 4
        assert sum(len(asked) for asked, _, _ in model.asked) == 10

    run(test, most=4)


def test_long_documents_make_small_batches() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        await asyncio.gather(*(batcher.link(texts("a" * (LARGEST // 2))) for _ in range(6)))
        assert [len(asked) for asked, _, _ in model.asked] == [2, 2, 2]

    run(test)


def test_the_fault_of_one_is_not_that_of_the_others() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        said = await asyncio.gather(
            *(batcher.link(texts(text)) for text in ("good", "unfit", "broken", "fine")), return_exceptions=True
        )
        assert [type(one) for one in said] == [list, Unfit, RuntimeError, list]
        assert (await batcher.link(texts("after")))[0].document.text == "after", "the thread goes on"

    run(test)


def test_who_is_gone_is_left_out() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        model.free.clear()
        first = asyncio.ensure_future(batcher.link(texts("first")))
        await begun(model)
        gone = asyncio.ensure_future(batcher.link(texts("gone")))
        stays = asyncio.ensure_future(batcher.link(texts("stays")))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        model.free.set()
        assert (await first)[0].document.text == "first" and (await stays)[0].document.text == "stays"
        assert [asked for asked, _, _ in model.asked] == [["first"], ["stays"]]

    run(test)


def test_no_more_wait_than_may() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        model.free.clear()
        first = asyncio.ensure_future(batcher.link(texts("first")))
        await begun(model)
        waiting = [asyncio.ensure_future(batcher.link(texts(f"w{n}"))) for n in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(Busy) as busy:
            await batcher.link(texts("one more"))
        assert busy.value.retry_after >= 1
        model.free.set()
        await asyncio.gather(first, *waiting)
        assert await batcher.link(texts("again"))

    run(test, room=3)


def test_before_the_model_is_there_one_is_told_when_to_ask_again() -> None:
    free = threading.Event()

    def load() -> Watched:
        assert free.wait(10)
        return Watched()

    batcher = Batcher(load)

    async def test() -> None:
        batcher.start()
        with pytest.raises(Busy, match="loading") as busy:
            await batcher.link(texts("a"))
        assert busy.value.retry_after > 0
        free.set()
        while batcher.state.name != "ready":
            await asyncio.sleep(0.001)
        assert await batcher.link(texts("a"))

    asyncio.run(test())
    batcher.stop()
    assert batcher.state.name == "failed"


def test_a_model_that_cannot_be_loaded_says_why() -> None:
    def load() -> Watched:
        raise ValueError("runs/x: no index here yet")

    batcher = Batcher(load)

    async def test() -> None:
        batcher.start()
        while batcher.state.name == "loading":
            await asyncio.sleep(0.001)
        with pytest.raises(Busy, match="no index here yet"):
            await batcher.link(texts("a"))

    asyncio.run(test())
    batcher.stop()


def test_those_who_wait_when_it_stops_are_told() -> None:
    async def test(batcher: Batcher, model: Watched) -> None:
        model.free.clear()
        first = asyncio.ensure_future(batcher.link(texts("first")))
        await begun(model)
        waits = asyncio.ensure_future(batcher.link(texts("waits")))
        await asyncio.sleep(0.01)
        stopping = asyncio.get_running_loop().run_in_executor(None, batcher.stop)
        await asyncio.sleep(0.05)
        model.free.set()
        assert (await first)[0].document.text == "first"
        assert (await asyncio.gather(waits, return_exceptions=True))[0] is not None
        await stopping
        with pytest.raises(Busy):
            await batcher.link(texts("after"))

    run(test)
