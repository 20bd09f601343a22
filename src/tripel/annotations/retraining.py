"""Training from what people annotated: a model goes on with it, is compared with what it was, and predicts the rest.

Of each stage what it leaves lies in the folder of the job, so a job that was stopped goes on where it stood:

    documents/             what is learnt from and judged by, written once
    linker/, recognizer/   runs, each with its checkpoints and metrics.jsonl
    figures.json           both models on the documents held out
    model/                 the bundle that is kept

Never learnt from is PRED. It knows no queue.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tripel import config, formats, tasks
from tripel.annotations import before_after, jobs, models, predicting
from tripel.annotations.continuing import HELD_OUT, TRAIN, begin, can_be_trained
from tripel.annotations.database import Database
from tripel.annotations.jobs import Job, Settings
from tripel.annotations.lessons import gathered
from tripel.annotations.models import Model
from tripel.annotations.noting import Note
from tripel.annotations.overlay import Overlay
from tripel.config import build
from tripel.documents import Document
from tripel.files import appearing, read_json, write_json
from tripel.linking import bundling
from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX
from tripel.recognizers.base import TAGGER
from tripel.training import checkpoint

DOCUMENTS, FIGURES = "documents", "figures.json"
LINKER, RECOGNIZER = jobs.RUNS
FORMAT = "jsonl"
CARD = "README.md"  # of a run
EVERY, WHOLE = "every", "whole"  # kinds of documents to learn from, a folder each


def train(database: Database, job: Job, files: Path, note: Note) -> dict[str, Any]:
    """Of a project's model and annotations make the next version. Gives what became of it, as `Job.result` has it:

    `version`, `adopted`, `figures` (`before` and `after`), `learnt` (documents and mentions), and `changed` predictions.
    Raises ValueError where there is too little to learn from.
    """
    settings, place = build(Settings, job.settings, where="settings"), jobs.place(files, job.id)
    before = _before(database, job, place)
    note("gathering annotations", 0.0)
    learnt = _documents(database, job.project, place, silver=settings.silver)
    finds = models.finds(before)
    if can_be_trained(finds):
        finds = str(_trained(Path(finds), place, RECOGNIZER, WHOLE, learnt["types"], note))
    joint = (before.folder / TAGGER).exists()
    run = _trained(before.folder, place, LINKER, WHOLE if joint else EVERY, learnt["types"], note)
    figures = _figures(before, run, finds, place, note)
    note("keeping the model", 0.0)
    if not (place / jobs.MODEL).exists():
        bundling.make_bundle(run, place / jobs.MODEL, finds=finds)
    made = models.add(database, job.project, place / jobs.MODEL, by=job.asked_by, job=job.id, scores=figures)
    better = not before_after.worse(figures["before"], figures["after"])
    adopted = better or settings.adopt == "always"
    if adopted and not made.in_use:
        made = models.use(database, job.project, made.version, by=job.asked_by)
    changed = predict(database, job, files, note)["changed"]
    for done in (run, place / RECOGNIZER):
        for kept_elsewhere in (checkpoint.STATE, checkpoint.ENCODER, INDEX, "candidates"):
            shutil.rmtree(done / kept_elsewhere, ignore_errors=True)
    return {"version": made.version, "adopted": adopted, "figures": figures, "learnt": learnt, "changed": changed}


def predict(database: Database, job: Job, files: Path, note: Note) -> dict[str, Any]:
    """Let the model in use, with all that was annotated in its index, predict what is not done. Gives `changed`."""
    model = models.in_use(database, job.project)
    note("opening the model", 0.0)
    linker = Overlay(database, files, model).link()
    place = jobs.place(files, job.id)
    place.mkdir(parents=True, exist_ok=True)
    changed = predicting.predict(
        database, model, linker, job=job.id, place=place, files=files, progress=note.of("predicting")
    )
    return {"version": model.version, "changed": changed}


def _before(database: Database, job: Job, place: Path) -> Model:
    """The model that a job begins with: always the same, whatever is put into use meanwhile."""
    path = place / "before.json"
    if not path.exists():
        write_json(path, {"version": models.in_use(database, job.project).version})
    version = read_json(path)["version"]
    return next(model for model in models.of(database, job.project) if model.version == version)


def _documents(database: Database, project: int, place: Path, *, silver: bool) -> dict[str, Any]:
    """Write what is annotated now, once; gives how much it is."""
    folder = place / DOCUMENTS
    if not folder.exists():
        lessons = gathered(database, project, silver=silver)
        every = (*lessons.whole, *lessons.partly)
        with appearing(folder) as part:
            for kind, chosen in ((EVERY, every), (WHOLE, lessons.whole)):
                _write(part / kind / f"{TRAIN}.jsonl", chosen)
                _write(part / kind / f"{HELD_OUT}.jsonl", lessons.held_out)
            counts = {
                "documents": len(every),
                "mentions": sum(len(document.mentions) for document in every),
                "held_out": len(lessons.held_out),
                "types": list(lessons.types),
            }
            write_json(part / "counts.json", counts)
    counted: dict[str, Any] = read_json(folder / "counts.json")
    return counted


def _write(path: Path, documents: Iterable[Document]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    formats.writer(FORMAT).write(path, documents)


def _trained(model: Path, place: Path, name: str, kind: str, types: list[str], note: Note) -> Path:
    """A run that goes on from a model: begun, or resumed, or as it is where it was finished."""
    run, path = place / name, place / f"{name}.yaml"
    if (run / CARD).exists():  # what is written last
        return run
    with note.following(name, run):
        if (run / checkpoint.CONFIG).exists():
            return tasks.resume(run)
        config.save(path, begin(model, place / DOCUMENTS / kind, run, types=tuple(types)))
        return tasks.train(path, output=run)


def _figures(before: Model, run: Path, finds: str, place: Path, note: Note) -> dict[str, Any]:
    """Both models on the documents held out."""
    path = place / FIGURES
    if not path.exists():
        note("comparing with the model before", 0.0)
        held_out = [
            one
            for one in formats.of(FORMAT).read(place / DOCUMENTS / WHOLE / f"{HELD_OUT}.jsonl")
            if isinstance(one, Document)
        ]
        old = before_after.figures(Linker.load(before.folder, recognizer=models.finds(before)), held_out)
        note("comparing with the model before", 0.5)
        new = before_after.figures(Linker.load(run, recognizer=finds), held_out)
        write_json(path, {"before": old, "after": new})
    figures: dict[str, Any] = read_json(path)
    return figures
