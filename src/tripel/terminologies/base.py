"""What terminologies share: a reader yields entities and problems; whoever wants entities alone gets none of a bad file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from tripel.knowledge import Entity
from tripel.problems import Problem, sound


class Terminology(ABC):
    """Entities from somewhere. Those of one id may come apart: a KnowledgeBase puts them together."""

    @abstractmethod
    def parse(self) -> Iterator[Entity | Problem]:
        """Entities, and what is wrong between them."""

    def restrictions(self) -> dict[str, int]:
        """How far licences restrict the names of vocabularies, as UMLS counts it: 0 is free. Without any, none is known."""
        return {}

    def entities(self) -> Iterator[Entity]:
        """All entities. Raises BadInput with all problems once the files are read to their end."""
        yield from sound(self.parse())
