"""A dictionary derived from training mentions, for corpora whose terminology is licensed: it knows entities seen there only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tripel.config import choose
from tripel.documents import Document
from tripel.knowledge import Entity
from tripel.terminologies.base import Terminology


class Mentions(Terminology):
    """What the mentions of each id say, most frequent first."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        corpus: dict[str, Any]
        """The corpus by name, with its settings."""
        split: str = "train"
        """Of those that are learnt from; the forms of one that is judged would be in the dictionary, which a run refuses."""

    def __init__(self, config: Config) -> None:
        self.split = config.split
        self.corpus = choose("corpora", config.corpus, where="terminologies.corpus").make()

    def parse(self) -> Iterator[Entity]:
        """Entities in the order of their ids."""
        yield from entities_of(self.corpus.read(self.split))


def entities_of(documents: Iterable[Document]) -> Iterator[Entity]:
    """Each gold id with the distinct strings (apart from case) of its mentions, the most frequent as its name.

    A composite mention names no single one of its ids, so it gives a name only to an id that has no other.
    """
    alone: dict[str, Counter[str]] = defaultdict(Counter)
    shared: dict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for mention in document.mentions:
            for id in mention.entities:
                (alone if len(mention.entities) == 1 else shared)[id][" ".join(mention.text.split())] += 1
    for id in sorted(alone.keys() | shared.keys()):
        name, *synonyms = _distinct(alone.get(id) or shared[id])
        yield Entity(id=id, name=name, synonyms=tuple(synonyms))


def _distinct(strings: Counter[str]) -> list[str]:
    """Most frequent first, ties by string, each once apart from case."""
    found: dict[str, str] = {}
    for string, _ in sorted(strings.items(), key=lambda item: (-item[1], item[0])):
        found.setdefault(string.casefold(), string)
    return list(found.values())
