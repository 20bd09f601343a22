"""A model says what it believes of the documents of a project that are not done, and what changed by that is counted.

Marks that people made stay as they are; see `ledger.predict`. Called again for the same job it goes on where it was stopped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tripel.annotations import datasets, embeddings, ledger, predicted, projects, proposing
from tripel.annotations.beginning import ANNOTATOR, NOBODY, SHARED, begun
from tripel.annotations.database import Database
from tripel.annotations.datasets import Stored
from tripel.annotations.events import Mark
from tripel.annotations.models import Model
from tripel.annotations.sheet import MARK, Sheet
from tripel.files import json_line
from tripel.progress import Progress

if TYPE_CHECKING:
    from tripel.linking.linker import Linker

AT_ONCE = 16  # documents
COUNTED = "predicted.jsonl"  # in the folder of a job: what changed on each sheet
CHANGES = ("new", "changed", "gone", "same")


def predict(
    database: Database, model: Model, linker: Linker, *, job: int, place: Path, files: Path, progress: Progress
) -> dict[str, int]:
    """Predict the last data set of a project. `place`: the folder of the job. `files`: where the server keeps files.

    Gives how many of the model's marks are `new`, `changed` (the same characters, another entity or type), `gone` and the `same`,
    over all sheets, and how many `documents` were read.
    """
    project = projects.get(database, model.project)
    dataset = datasets.latest(database, project.id)
    stored = [] if dataset is None else list(datasets.documents_of(database, dataset.id))
    owners = [one.user for one in projects.members_of(database, project.id) if one.role == "annotator"]
    sheets = [(SHARED, NOBODY)] if project.mode == "shared" else [(ANNOTATOR, owner) for owner in owners]
    counted = _Counted(place / COUNTED)
    vectors: dict[int, embeddings.Float] = {}
    for first in range(0, len(stored), AT_ONCE):
        some = stored[first : first + AT_ONCE]
        documents = [one.document() for one in some]
        vectors |= dict(
            zip((one.id for one in some), embeddings.of_documents(linker.ranker.encoder, documents), strict=True)
        )
        made = [predicted.marks(linked) for linked in linker.stream(documents)]
        for kind, owner in sheets:
            with database.begin() as connection:
                its = begun(connection, [one.id for one in some], kind=kind, owner=owner)
            for one, marks in zip(some, made, strict=True):
                _put(database, model, its[one.id], one, marks, key=f"predict-{job}-{its[one.id]}", counted=counted)
        progress(min(first + AT_ONCE, len(stored)), len(stored))
    embeddings.save(files, project.id, vectors)
    return {"documents": len(stored), **counted.total()}


def difference(sheet: Sheet, marks: Sequence[Mark], *, text: str) -> dict[str, int]:
    """What would change of the model's marks on a sheet, by CHANGES."""
    change = proposing.prediction(sheet, marks, text=text)
    before = [mark for mark in sheet.marks if mark.label == "PRED"]
    kept = [mark for mark in before if MARK + mark.id not in change.after]
    old, new = _by_span(before), _by_span([*kept, *(Mark.of(its) for its in change.after.values() if its is not None)])
    both = old.keys() & new.keys()
    same = sum(old[span] == new[span] for span in both)
    counts = (len(new.keys() - old.keys()), len(both) - same, len(old.keys() - new.keys()), same)
    return dict(zip(CHANGES, counts, strict=True))


def _put(
    database: Database, model: Model, sheet: int, stored: Stored, marks: Sequence[Mark], *, key: str, counted: _Counted
) -> None:
    """First written down what it will change, then changed: stopped between the two, it is neither lost nor counted twice."""
    now = ledger.sheet_now(database, sheet)
    if now.done:
        return
    counted.add(sheet, difference(now, marks, text=stored.text))
    ledger.predict(database, sheet, marks, key=key, model=model.fingerprint, knowledge=model.knowledge)


def _by_span(marks: Iterable[Mark]) -> dict[tuple[int, int], set[tuple[str, tuple[str, ...]]]]:
    """What is said of each span."""
    found: dict[tuple[int, int], set[tuple[str, tuple[str, ...]]]] = {}
    for mark in marks:
        found.setdefault(mark.span, set()).add((mark.type, mark.entities))
    return found


class _Counted:
    """What changed on each sheet, in a file that a stopped job goes on with; of a sheet the first count stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        whole = path.read_bytes().rpartition(b"\n")[0] if path.is_file() else b""
        self._by_sheet = {its.pop("sheet"): its for its in map(json.loads, whole.splitlines())}

    def add(self, sheet: int, counts: dict[str, int]) -> None:
        """Count a sheet, once."""
        if sheet in self._by_sheet:
            return
        self._by_sheet[sheet] = counts
        with self._path.open("a", encoding="utf-8", newline="\n") as out:
            out.write(json_line({"sheet": sheet, **counts}))

    def total(self) -> dict[str, int]:
        """Over all sheets."""
        total = Counter[str]()
        for its in self._by_sheet.values():
            total.update(its)
        return {kind: total[kind] for kind in CHANGES}
