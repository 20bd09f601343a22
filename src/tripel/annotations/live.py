"""The models of projects as a server asks them: each opened when it is first needed, and in seconds with what was decided since.

It knows no pages. Loading takes seconds to minutes, so ask from a thread. A project whose model is open answers while that of
another is being opened: each has a lock of its own.
"""

from __future__ import annotations

import sys
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tripel.annotations import datasets, ledger, models, predicted, projects
from tripel.annotations.database import Database
from tripel.annotations.models import Model
from tripel.annotations.predicting import difference
from tripel.annotations.repeating import Repeating
from tripel.annotations.sheet import Sheet
from tripel.annotations.together import Together
from tripel.documents import Document, Linked

if TYPE_CHECKING:
    from tripel.annotations.overlay import Overlay

EVERY_S = 2.0  # between looks at the log
MOST = 3  # models held in memory


@dataclass
class _Open:
    """One project's model."""

    overlay: Overlay
    together: Together
    read: int
    """How far in the log its index has read."""


class _Beginning(threading.Thread):
    """Opens the model of a project, so that nobody has to wait for it in a request."""

    def __init__(self, opening: Callable[[int], object], project: int) -> None:
        super().__init__(name="opening", daemon=True)
        self.fault = ""
        self._opening = opening
        self._project = project

    def run(self) -> None:
        """Open it, or keep what is wrong."""
        try:
            self._opening(self._project)
        except (ValueError, OSError) as error:
            self.fault = f"the model of the project cannot be opened: {str(error) or type(error).__name__}"


class Live:
    """The model in use of each project."""

    def __init__(self, database: Database, files: Path) -> None:
        """`files` is where the server keeps files."""
        self._database = database
        self._files = files
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._changing: dict[int, threading.Lock] = {}  # of a project: while its model is opened, or learns
        self._looking = threading.Lock()  # at these two; held for no longer than that
        self._begun: dict[int, _Beginning] = {}
        self._beginning = threading.Lock()
        self._learning = Repeating(self.learn, every=EVERY_S, what="learning from annotations")

    def start(self) -> None:
        """Go on learning what is decided in the projects whose models are open."""
        self._learning.start()

    def stop(self) -> None:
        """Learn no more."""
        self._learning.stop()

    def is_open(self, project: int) -> bool:
        """Whether the model in use answers at once."""
        return self._found(models.in_use(self._database, project)) is not None

    def begin(self, project: int) -> bool:
        """Whether the model in use answers at once; where it does not, it is being opened in a thread from now on.

        Raises ValueError where the project has no model, or its model could not be opened.
        """
        if self.is_open(project):
            return True
        with self._beginning:
            its = self._begun.get(project)
            if its is not None and its.fault:
                del self._begun[project]  # the next that asks tries again
                raise ValueError(its.fault)
            if its is None or not its.is_alive():
                self._begun[project] = _Beginning(self._of, project)
                self._begun[project].start()
        return False

    def link(self, project: int, document: Document, *, given: bool) -> Linked:
        """What the model says of a document: of the mentions that it has, where they are `given`, or of those that it finds.

        Raises ValueError where the project has no model, or where nothing finds mentions.
        """
        return self._of(project).together.link(document, given=given)

    def taught(self, project: int) -> int:
        """How far in its log the project's model has read; 0 while it is not open. Raises ValueError where there is none."""
        found = self._found(models.in_use(self._database, project))
        return found.read if found else 0

    def refresh(self, project: int, document: int, sheet: int) -> Sheet:
        """Bring the model's marks on a sheet to what it says now, and give the sheet. What is done stays as it is.

        Raises as `link` does.
        """
        stored, now = datasets.document(self._database, document), ledger.sheet_now(self._database, sheet)
        if now.done:
            return now
        marks = predicted.marks(self.link(project, stored.document(), given=False))
        changed = difference(now, marks, text=stored.text)
        if changed["new"] or changed["changed"] or changed["gone"]:
            model = self._of(project).overlay.model
            ledger.predict(
                self._database, sheet, marks, key=str(uuid.uuid4()), model=model.fingerprint, knowledge=model.knowledge
            )
        return ledger.sheet_now(self._database, sheet)

    def learn(self) -> None:
        """Once: let what was decided since join the indexes of the models that are open, whatever ails some of them."""
        with self._looking:
            held = list(self._open.items())
        for project, its in held:
            try:
                with self._alone(project, wait=False) as alone:  # what is being opened learns as it is
                    if alone and self._open.get(project) is its:
                        _learn(its)
            except Exception as error:  # of its folder or the database; the others learn, and it is tried again
                said = f"learning from annotations of project {project}: {type(error).__name__}; trying again"
                print(said, file=sys.stderr)

    def forget(self, project: int) -> None:
        """Hold nothing of a project that is being erased, and write nothing of it any more; waits for what is being done."""
        with self._alone(project), self._looking:
            self._open.pop(project, None)

    def _of(self, project: int) -> _Open:
        found = self._found(models.in_use(self._database, project))
        if found is not None:
            return found
        # it brings torch along, which nobody waits for who asks no model
        from tripel.annotations.overlay import Overlay

        with self._alone(project):
            model = models.in_use(self._database, project)  # another one, where it was waited for
            found = self._found(model)
            if found is None:
                if projects.get(self._database, project).erasing:
                    raise ValueError("the project is being erased")
                overlay = Overlay(self._database, self._files, model)
                linker = overlay.link()
                found = _Open(overlay, Together(linker), overlay.read)
                self._keep(project, found)
            return found

    def _found(self, model: Model) -> _Open | None:
        """A model where it is open; it is the last to be closed then."""
        with self._looking:
            found = self._open.get(model.project)
            if found is None or found.overlay.model.id != model.id:
                return None
            self._open.move_to_end(model.project)
            return found

    def _keep(self, project: int, opened: _Open) -> None:
        with self._looking:
            self._open[project] = opened
            self._open.move_to_end(project)
            while len(self._open) > MOST:
                self._open.popitem(last=False)

    @contextmanager
    def _alone(self, project: int, *, wait: bool = True) -> Iterator[bool]:
        """Nobody else opens the project's model, or lets it learn; whether that is so, where it is not waited for."""
        with self._looking:
            lock = self._changing.setdefault(project, threading.Lock())
        alone = lock.acquire(blocking=wait)
        try:
            yield alone
        finally:
            if alone:
                lock.release()


def _learn(its: _Open) -> None:
    linker = its.together.linker
    its.overlay.catch_up(linker.ranker.encoder, linker.ranker.kb)
    read = its.overlay.read
    if read != its.read:  # by us, or by the process of a job
        its.together.linker, its.read = its.overlay.again(linker), read
