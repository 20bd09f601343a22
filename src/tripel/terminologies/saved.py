"""A knowledge base as `tripel kb build` or a run saved it: `knowledge.arrow`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel.knowledge import Entity, KnowledgeBase
from tripel.problems import Problem
from tripel.terminologies.base import Terminology


class Saved(Terminology):
    """The entities of one file."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str
        """The Arrow file."""

    def __init__(self, config: Config) -> None:
        self.kb = KnowledgeBase.open(Path(config.path))

    def parse(self) -> Iterator[Entity | Problem]:
        """Its entities."""
        yield from self.kb

    def restrictions(self) -> dict[str, int]:
        """As they were saved with it."""
        return self.kb.restrictions
