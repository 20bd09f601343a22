"""What a linker said of mentions, as JSON Lines: where each stands and its candidates, never a word of the text.

The first line says what made the file; each other line is one mention, candidates best first as [id, score].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tripel.documents import Document
from tripel.files import read_lines, write_lines
from tripel.knowledge import KnowledgeBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made predictions."""

    protocol: str
    """`candidates`: 64 lexical candidates ranked; `full`: the whole knowledge base searched."""
    system: str
    encoder: str
    """Fingerprint; empty where no encoder took part."""
    knowledge_base: str
    """Fingerprint."""
    reranker: str = ""
    """Fingerprint; empty where none took part."""
    mentions: str | None = None
    """Fingerprint of the rows of mentions in the index; empty where there were none, None where nobody wrote it down."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The candidates of characters [start, end) of a document, best first; higher scores are closer."""

    document: str
    start: int
    end: int
    candidates: tuple[tuple[str, float], ...]

    @property
    def ids(self) -> list[str]:
        """The candidates without their scores."""
        return [one for one, _ in self.candidates]


def of(
    documents: Sequence[Document], row_MK: NDArray[np.int64], score_MK: NDArray[np.float32], kb: KnowledgeBase
) -> list[Prediction]:
    """Rows of a knowledge base [M, K], -1 padding, for all mentions of the documents in order."""
    places = ((document.id, mention.start, mention.end) for document in documents for mention in document.mentions)
    return [
        Prediction(
            *place, tuple((kb.id(row), round(score, 6)) for row, score in zip(rows, scores, strict=True) if row >= 0)
        )
        for place, rows, scores in zip(places, row_MK.tolist(), score_MK.tolist(), strict=True)
    ]


def write(path: Path, origin: Origin, predictions: Iterable[Prediction]) -> None:
    """Write them atomically."""
    write_lines(path, (record for part in ([asdict(origin)], map(asdict, predictions)) for record in part))


def read(path: Path) -> tuple[Origin, list[Prediction]]:
    """Read what `write` wrote. Raises ValueError with file:line and what was expected."""
    lines = read_lines(path)
    return _origin(path, lines), list(_predictions(path, lines))


def origin(path: Path) -> Origin:
    """What made them. Raises ValueError as `read` does."""
    return _origin(path, read_lines(path))


def _origin(path: Path, lines: Iterator[Any]) -> Origin:
    try:
        return Origin(**next(lines))
    except (StopIteration, TypeError):
        raise ValueError(f"{path}:1: expected an object with {', '.join(Origin.__dataclass_fields__)}") from None


def _predictions(path: Path, lines: Iterator[Any]) -> Iterator[Prediction]:
    for number, line in enumerate(lines, 2):
        try:
            candidates = tuple((str(one), float(score)) for one, score in line["candidates"])
            yield Prediction(str(line["document"]), int(line["start"]), int(line["end"]), candidates)
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f'{path}:{number}: expected {{"document": id, "start": n, "end": n, "candidates": [[id, score], ...]}}'
            ) from None
