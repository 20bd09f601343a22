"""A linker that is opened where it is used: when it is first asked for, and anew in a process that its settings were sent to.

What is opened lies memory-mapped, so processes that open the same run share the pages of its files. It knows nothing of texts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch

from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX
from tripel.searching.indexing import Stamp, stamp_of


class Opener:
    """A run and the settings that it is to link with. It is sent to other processes as these alone."""

    def __init__(self, run: Path, **settings: Any) -> None:
        """`settings` as of `Linker.load`; nothing is read yet."""
        self.run = run
        self.settings = settings
        self._process = os.getpid()
        self._linker: Linker | None = None

    @property
    def stamp(self) -> Stamp:
        """Fingerprints of the run's encoder and knowledge base. Raises ValueError where nothing lies there that links."""
        if not self.run.is_dir():
            raise ValueError(f"{self.run.absolute()}: no such folder")
        return stamp_of(self.run / INDEX)

    def open(self) -> Linker:
        """The linker, loaded once in each process, or inherited from the one that this one was forked from.

        In another process than the one that made this it works in one thread. Raises ValueError as `Linker.load` does.
        """
        moved = os.getpid() != self._process
        if moved:
            self._check_inherited()
            _one_thread()
        if self._linker is None:
            self._linker = Linker.load(self.run, **self.settings)
            if moved:
                _one_thread()  # of what was only loaded now
        self._process = os.getpid()
        return self._linker

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_linker": None}

    def _check_inherited(self) -> None:
        """A GPU that the parent has begun to use is closed to those that are forked from it."""
        if self._linker is not None and self._linker.ranker.encoder.device.type == "cuda":
            raise ValueError(
                f"{self.run}: opened on a GPU before this process was forked, which cannot use it; link in one process, or"
                " start others by multiprocessing.set_start_method('spawn')"
            )


def _one_thread() -> None:
    """The threads of a parent do not outlive a fork, and a child that counts on them waits for ever. Nor do processes that stand
    side by side have more than a core each."""
    torch.set_num_threads(1)
    if "faiss" in sys.modules:
        sys.modules["faiss"].omp_set_num_threads(1)
