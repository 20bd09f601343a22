"""What is to be done in the background: a queue for each project, kept in the database. It starts no process.

A job is `queued`, then `running`, then `done`, `failed` with a reason, or `cancelled`; nothing else, and it ends once. A running
job whose process died is queued again, in front of the others, and goes on where it stood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.schema import jobs, projects
from tripel.config import build
from tripel.training.journal import METRICS

State = Literal["queued", "running", "failed", "cancelled", "done"]
Kind = Literal["train", "predict"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OVER: tuple[State, ...] = ("failed", "cancelled", "done")
RUNS = ("linker", "recognizer")  # folders of a job in which something is trained
MODEL = "model"  # the folder of a job with the bundle that is kept
LONGEST_REASON = 1000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a training is to do."""

    silver: bool = False
    """Learn from SILVER marks, too."""
    adopt: Literal["better", "always"] = "better"
    """Use the new model where it is no worse on the held-out documents, or whatever it is."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work and how far it is."""

    id: int
    project: int
    kind: Kind
    state: State
    settings: Mapping[str, Any]
    """Of train: `Settings`."""
    phase: str
    """What it is doing, in a word or two; empty before it begins."""
    progress: float
    """The share of this phase that is done, from 0 to 1."""
    result: Mapping[str, Any]
    """Of predict: `predicted`. Of train, too: `model`, `figures`, `adopted` and `trained`. See `retraining`."""
    reason: str
    """Why it failed, in one sentence, without the text of any document."""
    cancelling: bool
    attempts: int
    """Processes that were started for it."""
    asked_by: int | None
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in OVER


def submit(
    database: Database, project: int, kind: Kind, *, by: int | None, settings: Mapping[str, Any] | None = None
) -> Job:
    """Put a job at the end of a project's queue. One of the kind that waits already is given back, if it is to do the same.

    Raises LookupError where there is no such project, ValueError where it is archived or the settings cannot be.
    """
    if kind not in KINDS:
        raise ValueError(f"a job is to {' or '.join(KINDS)}")
    given = dict(settings or {})
    if kind == "train":
        build(Settings, given, where="settings")
    elif given:
        raise ValueError(f"a job that is to {kind} has no settings")
    with database.begin() as connection:
        its = connection.execute(select(projects).where(projects.c.id == project).with_for_update()).one_or_none()
        if its is None:
            raise LookupError(f"there is no project {project}")
        if its.archived_at is not None:
            raise ValueError("the project is in the archive; take it out first")
        waiting = select(jobs).where(jobs.c.project == project, jobs.c.kind == kind, jobs.c.state == "queued")
        for row in connection.execute(waiting).all():
            if row.settings == given:
                return _job(row)
        values = {
            "project": project,
            "kind": kind,
            "state": "queued",
            "settings": given,
            "progress": {"phase": "", "share": 0.0},
            "result": {},
            "asked_by": by,
            "asked_at": schema.now(),
        }
        return _job(connection.execute(insert(jobs).values(values).returning(jobs)).one())


def get(database: Database, job: int) -> Job:
    """A job. Raises LookupError."""
    with database.connect() as connection:
        return _get(connection, job)


def of(database: Database, project: int) -> list[Job]:
    """All jobs of a project, the newest first."""
    with database.connect() as connection:
        asked = select(jobs).where(jobs.c.project == project).order_by(jobs.c.id.desc())
        return [_job(row) for row in connection.execute(asked).all()]


def cancel(database: Database, job: int) -> Job:
    """A queued job is cancelled at once, a running one as soon as its process is ended; one that is over stays as it is.

    Raises LookupError.
    """
    with database.begin() as connection:
        now = {"state": "cancelled", "ended_at": schema.now()}
        connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.state == "queued").values(now))
        connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.state == "running").values(cancelling=True))
        return _get(connection, job)


def place(folder: Path, job: int) -> Path:
    """Where a job keeps what it makes; `folder` is where the server keeps files."""
    return folder / "jobs" / str(job)


def curves(folder: Path, job: int) -> dict[str, list[dict[str, float]]]:
    """The records of training so far, of what is trained: each with its `step`: loss, learning rate and their like."""
    found = {}
    for name in RUNS:
        path = place(folder, job) / name / METRICS
        if path.is_file():
            whole = path.read_bytes().rpartition(b"\n")[0]  # a line may just be being written
            found[name] = [json.loads(line) for line in whole.splitlines()]
    return found


# What the process of a job, and whoever started it, say of it


def started(database: Database, *, most: int) -> list[Job]:
    """Of each project where nothing runs the first job that waits is `running` from now on; at most so many in all."""
    with database.begin() as connection:
        running = connection.execute(select(jobs.c.project).where(jobs.c.state == "running")).scalars().all()
        busy, begun = set(running), []
        waiting = select(jobs).where(jobs.c.state == "queued").order_by(jobs.c.attempts == 0, jobs.c.id)
        for row in connection.execute(waiting.with_for_update()).all():
            if row.project in busy or len(busy) >= most:
                continue
            busy.add(row.project)
            values = {"state": "running", "attempts": row.attempts + 1, "started_at": row.started_at or schema.now()}
            begun.append(
                connection.execute(update(jobs).where(jobs.c.id == row.id).values(values).returning(jobs)).one()
            )
        return [_job(row) for row in begun]


def running(database: Database) -> list[tuple[Job, int | None]]:
    """Every running job, and the number of its process."""
    with database.connect() as connection:
        rows = connection.execute(select(jobs).where(jobs.c.state == "running").order_by(jobs.c.id)).all()
    return [(_job(row), row.process) for row in rows]


def is_process(database: Database, job: int, process: int) -> None:
    """The process that works on a job."""
    _while_running(database, job, {"process": process, "seen_at": schema.now()})


def note(database: Database, job: int, phase: str, share: float) -> None:
    """How far it is. What is over does not change."""
    _while_running(database, job, {"progress": {"phase": phase, "share": round(share, 4)}, "seen_at": schema.now()})


def done(database: Database, job: int, result: Mapping[str, Any]) -> bool:
    """It ended well; whether that counts, since it may have been ended otherwise."""
    progress = {"phase": "done", "share": 1.0}
    values = {"state": "done", "result": dict(result), "progress": progress, "ended_at": schema.now()}
    return _while_running(database, job, values)


def failed(database: Database, job: int, reason: str) -> bool:
    """It ended for a reason, in one sentence; whether that counts."""
    said = " ".join(reason.split())[:LONGEST_REASON]
    return _while_running(database, job, {"state": "failed", "reason": said, "ended_at": schema.now()})


def cancelled(database: Database, job: int) -> bool:
    """Its process was ended as was asked; whether that counts."""
    return _while_running(database, job, {"state": "cancelled", "ended_at": schema.now()})


def again(database: Database, job: int) -> bool:
    """Its process is gone: it waits in front of the others; whether that counts."""
    return _while_running(database, job, {"state": "queued", "process": None})


def _while_running(database: Database, job: int, values: Mapping[str, Any]) -> bool:
    with database.begin() as connection:
        done = update(jobs).where(jobs.c.id == job, jobs.c.state == "running").values(dict(values))
        return bool(connection.execute(done).rowcount)


def _get(connection: Connection, job: int) -> Job:
    row = connection.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise LookupError(f"there is no job {job}")
    return _job(row)


def _job(row: Row[Any]) -> Job:
    said = row.progress
    known = {
        name: getattr(row, name) for name in Job.__dataclass_fields__ if name in row._fields and name != "progress"
    }
    return Job(**known, phase=said["phase"], progress=said["share"])
