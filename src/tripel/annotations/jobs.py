"""What is to be done in the background: a queue of one for each project, kept in the database. It starts no process.

A job is `queued`, then `running`, then `done`, `failed` with a reason, or `cancelled`; nothing else, and it ends once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tripel.annotations.database import Database

State = Literal["queued", "running", "failed", "cancelled", "done"]
Kind = Literal["train", "predict"]
OVER: tuple[State, ...] = ("failed", "cancelled", "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work and how far it is."""

    id: int
    project: str
    kind: Kind
    settings: Mapping[str, Any]
    """Of train: `silver` (learn from SILVER, too), `adopt`. See `retraining.Settings`."""
    state: State
    by: str
    """Who asked for it."""
    made: datetime
    began: datetime | None = None
    ended: datetime | None = None
    phase: str = ""
    """What it is doing, in words: `training`, `judging`, `predicting`."""
    progress: float = 0.0
    """The share of this phase that is done, from 0 to 1."""
    reason: str = ""
    """Why it failed, in one sentence, without the text of any document."""
    result: Mapping[str, Any]
    """Of train: `model` (number of the new version), `before` and `after` on the held-out part, `changed` predictions."""


class Jobs:
    """The jobs of all projects."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def submit(self, project: str, kind: Kind, *, by: str, settings: Mapping[str, Any] | None = None) -> Job:
        """Put a job at the end of the project's queue. Raises ValueError for settings that cannot work."""
        raise NotImplementedError

    def get(self, job: int) -> Job:
        """Raises ValueError where there is none."""
        raise NotImplementedError

    def of(self, project: str) -> list[Job]:
        """All jobs of a project, the newest first."""
        raise NotImplementedError

    def cancel(self, job: int) -> Job:
        """A queued job is cancelled at once, a running one within seconds; one that is over stays as it is."""
        raise NotImplementedError

    def curves(self, job: int) -> list[dict[str, float]]:
        """The records of training so far, each with its `step`: loss, val_accuracy and their like."""
        raise NotImplementedError
