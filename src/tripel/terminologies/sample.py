"""The dictionary of the embedded sample: MeSH ids and names in data/sample/dictionary.tsv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tripel.corpora.sample import sample_folder
from tripel.knowledge import Entity
from tripel.problems import Problem
from tripel.terminologies.base import Terminology
from tripel.terminologies.dictionary import parse


class Sample(Terminology):
    """MeSH concepts for the sample corpus, and as many others."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        pass

    def __init__(self, config: Config) -> None:
        self.path = sample_folder() / "dictionary.tsv"

    def parse(self) -> Iterator[Entity | Problem]:
        """Its entities."""
        yield from parse(self.path)
