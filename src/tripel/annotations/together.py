"""One linker for many threads: who comes while others' documents are linked waits, and all who wait are linked in one go.

A search over all names reads them once for many mentions at nearly the price of one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from tripel.documents import DOCUMENTS_AT_ONCE, Document, Linked

if TYPE_CHECKING:
    from tripel.linking.linker import Linker

Asked = tuple[Document, bool, Future[Linked]]


class Together:
    """Links, in the thread of whoever comes first."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        """May be changed for another at any time; who waits is linked by that."""
        self._waiting: deque[Asked] = deque()
        self._turn = threading.Lock()

    def link(self, document: Document, *, given: bool) -> Linked:
        """A document: its mentions where they are `given`, else those that are found. Raises what the linker does."""
        answer: Future[Linked] = Future()
        self._waiting.append((document, given, answer))
        with self._turn:
            while not answer.done():
                self._some()
        return answer.result()

    def _some(self) -> None:
        count = min(len(self._waiting), DOCUMENTS_AT_ONCE)
        asked = [self._waiting.popleft() for _ in range(count)]
        for given in (False, True):
            alike = [one for one in asked if one[1] is given]
            if alike:
                self._answer(alike, given=given)

    def _answer(self, asked: Sequence[Asked], *, given: bool) -> None:
        try:
            linked = list(self.linker.stream([document for document, _, _ in asked], given=given))
        except Exception as error:
            if len(asked) == 1:
                asked[0][2].set_exception(error)
                return
            for one in asked:  # whose fault it is, each one's own tells
                self._answer([one], given=given)
            return
        for (_, _, answer), its in zip(asked, linked, strict=True):
            answer.set_result(its)
