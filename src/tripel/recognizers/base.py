"""The hole that every recognizer fills: documents without mentions -> documents with the mentions found in them.

It knows no entities. One file each in `recognizers/`; `Config` holds its settings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tripel.documents import Document, Mention
from tripel.indexes.base import Float
from tripel.knowledge import KnowledgeBase

TAGGER = "tagger.json"  # in a folder that was trained to find mentions: the labels of its head


class Span(NamedTuple):
    """Characters [start, end) of a text that name something."""

    start: int
    end: int
    type: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a recognizer found in a document."""

    document: Document
    """The same text with the mentions found, and with no others."""
    confidence: tuple[float, ...]
    """How sure it is of each, from 0 to 1, in the order of the document's mentions."""
    vectors_MD: Float | None = None
    """Their vectors, where the recognizer shares the linker's encoder and has read them already [M, D]."""

    def __post_init__(self) -> None:
        assert len(self.confidence) == len(self.document.mentions)

    @classmethod
    def of(cls, document: Document, spans: Iterable[Span]) -> Found:
        """What was found in the text of a document, in any order; its own mentions are left out."""
        ordered = sorted(spans)
        mentions = [
            Mention(start=span.start, end=span.end, text=document.text[span.start : span.end], type=span.type)
            for span in ordered
        ]
        return cls(document.having(mentions=mentions), tuple(span.confidence for span in ordered))


class Recognizer(ABC):
    """Finds mentions in texts."""

    Config: type[Any]

    @abstractmethod
    def __init__(self, config: Any, kb: KnowledgeBase) -> None:
        """`kb` is the knowledge base that what is found will be linked to. Raises ValueError where settings cannot work."""

    @abstractmethod
    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """Look at the texts of documents, and at nothing else of them; in their order."""
