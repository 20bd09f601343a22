"""Something that is done again and again in a thread of its own, until it is told to stop. It knows not what."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

REST = 3  # times as long as the work took it waits at least, so that the work takes no more than a quarter of the time


class Repeating:
    """A thread that does one thing, waits, and does it again, whatever became of it."""

    def __init__(self, work: Callable[[], object], *, every: float, what: str) -> None:
        """every: seconds between two times, or more after long work. what: in words, for whoever reads that it failed."""
        self._work = work
        self._every = every
        self._what = what
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do it no more, and wait for what is being done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        took = 0.0
        while not self._stopping.wait(max(self._every, REST * took)):
            began = time.monotonic()
            try:
                self._work()
            except Exception as error:  # whatever ails the database or the disk, it is tried again
                print(f"{self._what}: {type(error).__name__}; trying again", file=sys.stderr)
            took = time.monotonic() - began
