"""How far a job is, said by its process: now and then to the database, and of training, as its journal has it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tripel.annotations import jobs
from tripel.annotations.database import Database
from tripel.progress import Progress
from tripel.training.journal import METRICS

EVERY_S = 1.0
TAIL = 65_536  # bytes of a journal that hold its last line


class Note:
    """Says how far one job is. What was just said is not said again at once, unless it is another phase."""

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job
        self._said = ("", 0.0)

    def __call__(self, phase: str, share: float) -> None:
        """A phase, in a word or two, and the share of it that is done."""
        before, at = self._said
        if phase != before or time.monotonic() - at >= EVERY_S:
            self._said = (phase, time.monotonic())
            jobs.note(self._database, self._job, phase, share)

    def of(self, phase: str) -> Progress:
        """A callback that takes what is done and the total."""
        return partial(self._counted, phase)

    @contextmanager
    def following(self, name: str, run: Path) -> Iterator[None]:
        """While a run is trained: the share of it that its journal has, read by a thread."""
        over = threading.Event()
        thread = threading.Thread(target=self._follow, args=(name, run, over), name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _counted(self, phase: str, done: int, total: int) -> None:
        self(phase, done / max(1, total))

    def _follow(self, name: str, run: Path, over: threading.Event) -> None:
        share = 0.0
        while True:
            share = max(share, _share(run / METRICS))
            self(f"training the {name}" if share < 1 else f"indexing and judging the {name}", share)
            if over.wait(EVERY_S):
                return


def _share(path: Path) -> float:
    """What the last record of a journal says is done; 0 where there is none."""
    try:
        with path.open("rb") as source:
            source.seek(max(0, path.stat().st_size - TAIL))
            lines = source.read().rpartition(b"\n")[0].splitlines()
    except OSError:
        return 0.0
    found = (json.loads(line).get("progress") for line in reversed(lines) if line.startswith(b"{"))
    return next((float(share) for share in found if share is not None), 0.0)
