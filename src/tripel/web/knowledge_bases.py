"""The knowledge bases that projects work with, and search over their names, opened when they are first asked for.

The names of a large one take minutes to be indexed, once; meanwhile whoever asks is told so. It knows no routes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tripel.annotations.name_search import NameSearch
from tripel.knowledge import KnowledgeBase

KNOWLEDGE = "knowledge.arrow"  # in a folder that links, as in `ranker`, which takes seconds to import
NAMES = "names"  # the folder of indexes among the server's files
WAIT = 2.0  # seconds in which a small knowledge base is opened and indexed: nobody is sent away for that


class Opening(Exception):
    """A knowledge base is being opened; what it says is shown."""


class Opened:
    """One knowledge base and search over its names, opened in a thread."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.fault = ""
        self._kb: KnowledgeBase | None = None
        self._search: NameSearch | None = None
        self._share = 0.0
        self._thread = threading.Thread(target=self._open, args=(path, folder), name="names", daemon=True)
        self._thread.start()

    @property
    def kb(self) -> KnowledgeBase:
        """Raises Opening where it is not there yet, ValueError where it cannot be."""
        self._await(lambda: self._kb is not None)
        assert self._kb is not None
        return self._kb

    @property
    def search(self) -> NameSearch:
        """Raises Opening where its names are being indexed, ValueError where that cannot be."""
        self._await(lambda: self._search is not None)
        assert self._search is not None
        return self._search

    def _await(self, there: Callable[[], bool]) -> None:
        if not there():
            self._thread.join(WAIT)
        if self.fault:
            raise ValueError(self.fault)
        if not there():
            raise Opening(
                f"the names of the knowledge base are being indexed, {self._share:.0%} so far; try again soon"
            )

    def _open(self, path: Path, folder: Path) -> None:
        try:
            kb = KnowledgeBase.open(path)
            self._kb = kb
            self._search = NameSearch.open(kb, folder / NAMES / kb.fingerprint[:32], progress=self._progress)
        except (ValueError, OSError) as error:
            self.fault = f"the knowledge base cannot be opened: {type(error).__name__}"
            if isinstance(error, ValueError):
                self.fault = str(error)

    def _progress(self, done: int, whole: int) -> None:
        self._share = done / max(1, whole)


class KnowledgeBases:
    """Those of all projects, each opened once."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the server keeps files."""
        self._folder = folder
        self._opened: dict[Path, Opened] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> Opened:
        """The knowledge base in a file; one that could not be opened is tried again."""
        with self._lock:
            there = self._opened.get(path)
            if there is None or there.fault:
                there = self._opened[path] = Opened(path, self._folder)
            return there
