"""Jobs get a process each, and none is forgotten: what was running when a server or a process died is found again.

A process holds a lock on a file of its job as long as it lives, and gets it from whoever starts it, so there is no moment in
which a living one looks dead. A server that starts takes the living ones as its own and queues the dead ones again, which go on
from their last checkpoint. What died too often, or of itself, has failed. It knows nothing of what jobs do.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tripel.annotations import jobs
from tripel.annotations.database import Database
from tripel.annotations.jobs import Job, place
from tripel.annotations.repeating import Repeating

URL = "TRIPEL_JOB_DATABASE"  # in the environment of a process, since others can read its command line
NUMBER = 9  # of the lock's file in a process, which keeps it open
LOG = "log.txt"  # what a process says, in the folder of its job
EVERY_S = 0.5
PATIENCE_S = 10  # between asking a process to end and ending it
MOST_ATTEMPTS = 3
MOST_AT_ONCE = 2  # processes of all projects together
WORK = (sys.executable, "-m", "tripel.annotations.work")


class Runner:
    """Starts processes for the jobs of a database, in a thread of its own. Of a database there is one."""

    def __init__(
        self,
        database: Database,
        url: str,
        folder: Path,
        *,
        work: Sequence[str] = WORK,
        over: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """`url`: of the database. `folder`: where the server keeps files. `over` is told of each job that has ended here."""
        self._database = database
        self._url = url
        self._folder = folder
        self._work = tuple(work)
        self._over = over
        self._children: dict[int, int] = {}  # processes that were started here, by their jobs
        self._running: set[int] = set()  # as it was when last looked
        self._asked: dict[int, float] = {}  # when a process was asked to end
        self._looking = Repeating(self.look, every=EVERY_S, what="jobs")

    def start(self) -> None:
        """Find what ran before, and go on."""
        self._looking.start()

    def stop(self) -> None:
        """Start nothing more. What runs goes on, and is found again by the next server."""
        self._looking.stop()

    def look(self) -> None:
        """Once: end what is to be cancelled, see what has died, start what may start."""
        for number in self._children.keys() - self._running:
            self._code(number)
        for job, process in jobs.running(self._database):
            self._running.add(job.id)
            if alive(self._folder, job.id):
                if job.cancelling and process is not None:
                    self._end(job.id, process)
            else:
                self._dead(job)
        for job in jobs.started(self._database, most=MOST_AT_ONCE):
            self._running.add(job.id)
            self._start(job)
        now = {job.id for job, _ in jobs.running(self._database)}
        for number in self._running - now:
            self._ended(number)
        self._running = now

    def _start(self, job: Job) -> None:
        folder = place(self._folder, job.id)
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder).open("w") as lock, (folder / LOG).open("ab") as log, Path(os.devnull).open("rb") as nothing:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            given = ((nothing, 0), (log, 1), (log, 2), (lock, NUMBER))
            self._children[job.id] = os.posix_spawn(
                self._work[0],
                [*self._work, str(job.id), str(self._folder.absolute())],
                {**os.environ, URL: self._url},
                file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), number) for file, number in given],
                setpgroup=0,  # Ctrl-C of the server is not its
            )

    def _ended(self, job: int) -> None:
        """A job that ran does not run any more."""
        self._asked.pop(job, None)
        try:
            its = jobs.get(self._database, job)
        except LookupError:  # its project was erased
            return
        if its.over:
            self._over(its)

    def _code(self, job: int, *, wait: bool = False) -> int | None:
        """How the process of a job ended, where it was started here and has: its exit status, or minus its signal."""
        try:
            ended, status = os.waitpid(self._children[job], 0 if wait else os.WNOHANG)
        except (KeyError, ChildProcessError):
            return None
        if not ended:
            return None
        del self._children[job]
        return os.waitstatus_to_exitcode(status)

    def _end(self, job: int, process: int) -> None:
        """Ask a living process to end; after a while it is not asked."""
        first = self._asked.setdefault(job, time.monotonic())
        late = time.monotonic() - first > PATIENCE_S
        try:
            os.killpg(process, signal.SIGKILL if late else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # it has just ended
            return

    def _dead(self, job: Job) -> None:
        """Its process is gone without a word. It may have said one since it was looked for: then nothing changes."""
        code = self._code(job.id, wait=True)
        why = "" if code is None else _why(code)
        if job.cancelling:
            jobs.cancelled(self._database, job.id)
        elif code is not None and code > 0:
            jobs.failed(self._database, job.id, f"its process ended by itself ({why}); its last words are in {LOG}")
        elif job.attempts < MOST_ATTEMPTS:
            jobs.again(self._database, job.id)
        else:
            why = f" ({why})" if why else ""
            jobs.failed(self._database, job.id, f"its process was ended from outside {job.attempts} times{why}")


def alive(folder: Path, job: int) -> bool:
    """Whether a process holds the lock of a job."""
    path = _lock(place(folder, job))
    if not path.exists():
        return False
    with path.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock(folder: Path) -> Path:
    return folder / "lock"


def _why(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    names = {one.value: one.name for one in signal.Signals}
    beside = ", as where memory is short" if -code == signal.SIGKILL else ""
    return f"{names.get(-code, -code)}{beside}"
