"""The versions of a project's model, and which of them is in use. The one in use is a pointer; going back moves it.

It knows folders and figures, not what links.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripel.annotations.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One version."""

    project: str
    number: int
    """From 1, the one that the project began with."""
    folder: Path
    """A run, or a bundle where it was trained here."""
    recognizer: str = ""
    """What finds mentions, as `Linker.load` takes it; empty where the folder has its own."""
    encoder: str
    """Fingerprint."""
    knowledge_base: str
    """Fingerprint."""
    figures: Mapping[str, Any]
    """What was measured on the held-out part: `before` and `after`, with `documents`; empty of the first."""
    by: str
    made: datetime
    in_use: bool


class Models:
    """The models of all projects."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def of(self, project: str) -> list[Model]:
        """All versions, the newest first."""
        raise NotImplementedError

    def in_use(self, project: str) -> Model:
        """Raises ValueError where the project has no model."""
        raise NotImplementedError

    def add(self, project: str, folder: Path, *, recognizer: str = "", by: str, figures: Mapping[str, Any]) -> Model:
        """Keep a new version; it is not in use yet, unless it is the first. Raises ValueError where the folder does not link."""
        raise NotImplementedError

    def use(self, project: str, number: int, *, by: str) -> Model:
        """Make a version the one in use: a new one, or an earlier one to roll back."""
        raise NotImplementedError

    def packed(self, project: str, number: int, output: Path) -> Path:
        """A version as one .tar file that `tripel link` opens once it is unpacked."""
        raise NotImplementedError
