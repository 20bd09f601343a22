"""The models of projects as a server asks them: each opened when it is first needed, and in seconds with what was decided since.

It knows no pages. Loading takes seconds, so ask from a thread.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tripel.annotations import datasets, ledger, models, predicted
from tripel.annotations.database import Database
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
        self._opening = threading.Lock()
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
        found = self._open.get(project)
        return found is not None and found.overlay.model.id == models.in_use(self._database, project).id

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
        """Once: let what was decided since join the indexes of the models that are open."""
        for its in list(self._open.values()):
            linker = its.together.linker
            its.overlay.catch_up(linker.ranker.encoder, linker.ranker.kb)
            read = its.overlay.read
            if read != its.read:  # by us, or by the process of a job
                its.together.linker, its.read = its.overlay.again(linker), read

    def _of(self, project: int) -> _Open:
        # it brings torch along, which nobody waits for who asks no model
        from tripel.annotations.overlay import Overlay

        model = models.in_use(self._database, project)
        with self._opening:
            found = self._open.get(project)
            if found is None or found.overlay.model.id != model.id:
                overlay = Overlay(self._database, self._files, model)
                linker = overlay.link()
                found = self._open[project] = _Open(overlay, Together(linker), overlay.read)
            self._open.move_to_end(project)
            while len(self._open) > MOST:
                self._open.popitem(last=False)
            return found
