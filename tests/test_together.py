"""One linker for many threads: linked together, each told its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tripel.annotations.together import Together
from tripel.documents import DOCUMENTS_AT_ONCE, Document, Linked

WRONG = "wrong"


class Slow:
    """Links nothing, once it may, and knows what it was asked for at once."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[tuple[list[str], bool]] = []

    def stream(self, documents: Iterable[Document], *, given: bool) -> Iterator[Linked]:
        some = list(documents)
        self.asked.append(([one.text for one in some], given))
        assert self.may.wait(30)
        if any(one.text == WRONG for one in some):
            raise ValueError("a document that cannot be")
        return iter([Linked(one, ()) for one in some])


def waiting(together: Together, count: int) -> None:
    """Until so many documents wait behind the first."""
    for _ in range(3000):
        if len(together._waiting) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(len(together._waiting))


def test_all_who_wait_are_linked_in_one_go_and_each_is_told_its_own() -> None:
    slow = Slow()
    together = Together(slow)  # type: ignore[arg-type]
    texts = [f"text {number}" for number in range(DOCUMENTS_AT_ONCE + 10)]
    with ThreadPoolExecutor(len(texts) + 1) as pool:
        first = pool.submit(together.link, Document(id="first", text="first"), given=False)
        while not slow.asked:
            threading.Event().wait(0.01)
        others = [pool.submit(together.link, Document(id=text, text=text), given=False) for text in texts]
        waiting(together, len(texts))
        slow.may.set()
        assert first.result().document.text == "first"
        assert [one.result().document.text for one in others] == texts
    assert [len(asked) for asked, _ in slow.asked] == [1, DOCUMENTS_AT_ONCE, 10]


def test_what_is_wrong_with_one_is_told_to_that_one_alone() -> None:
    slow = Slow()
    together = Together(slow)  # type: ignore[arg-type]
    texts = ["right", WRONG, "right as well", "given"]
    with ThreadPoolExecutor(len(texts) + 1) as pool:
        first = pool.submit(together.link, Document(id="first", text="first"), given=False)
        while not slow.asked:
            threading.Event().wait(0.01)
        others = [pool.submit(together.link, Document(id=text, text=text), given=text == "given") for text in texts]
        waiting(together, len(texts))
        slow.may.set()
        first.result()
        with pytest.raises(ValueError, match="cannot be"):
            others[1].result()
        assert [others[place].result().document.text for place in (0, 2, 3)] == ["right", "right as well", "given"]
    assert (["given"], True) in slow.asked


def test_another_linker_links_who_waits() -> None:
    old, new = Slow(), Slow()
    new.may.set()
    together = Together(old)  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.link, Document(id="1", text="one"), given=False)
        while not old.asked:
            threading.Event().wait(0.01)
        second = pool.submit(together.link, Document(id="2", text="two"), given=True)
        waiting(together, 1)
        together.linker = new  # type: ignore[assignment]
        old.may.set()
        assert first.result().document.text == "one" and second.result().document.text == "two"
    assert (old.asked, new.asked) == ([(["one"], False)], [(["two"], True)])
