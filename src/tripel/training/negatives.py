"""For each training mention, entities that look right and are wrong. Filled before an epoch; nothing else mines.

First by spelling. Later by what the encoder itself confuses: embeddings of the part of the dictionary that any mention
comes near are kept by the run, and refreshed before an epoch.
Shapes: M mentions, P names (or entities) of the pool, K wrong entities kept, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tripel.encoding.encode import entity_vectors, mention_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.indexes.base import Hits, Queries
from tripel.indexes.exact import Exact
from tripel.progress import Progress, silent
from tripel.searching.vectors import Vectors
from tripel.training.batches import Lesson, Near

Int = NDArray[np.int64]

SEARCHED = 4  # names searched for each wrong entity wanted: several names of one entity come together


@dataclass(frozen=True, kw_only=True)
class Config:
    """Where wrong entities come from."""

    refresh: int = 1
    """Search with the encoder before every so many epochs after the first; 0 stays with spelling."""
    kept: int = 16
    """Wrong entities found for each mention by the encoder."""
    pool: int = 24
    """Names that each distinct mention brings into the pool, by spelling."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The part of the dictionary that training mentions come near."""

    row_P: Int
    name_P: Int
    """Position in `kb.names`; -1 where entities are shown whole."""

    @classmethod
    def of(cls, hits: Hits, gold: Sequence[Sequence[int]], lesson: Lesson, *, depth: int) -> Pool:
        """The best hits by spelling of every mention, and every name of the entities that mentions name."""
        golden = np.unique(np.concatenate([np.asarray(rows, np.int64) for rows in gold]))
        if lesson.entity_text:
            rows = np.unique(np.concatenate([hits.row_MK[:, :depth].ravel(), golden]))
            return cls(rows[rows >= 0], np.full((rows >= 0).sum(), -1, np.int64))
        first_E = lesson.kb.first_E
        its = np.concatenate([np.arange(first_E[row], first_E[row + 1]) for row in golden])
        names = np.unique(np.concatenate([hits.name_MK[:, :depth].ravel(), its]))
        names = names[names >= 0]
        return cls(lesson.kb.row_N[names], names)


def by_spelling(hits: Hits, gold: Sequence[Sequence[int]], *, whole: bool) -> Near:
    """Lexical candidates of each mention without the entities it names, best first."""
    near = _parted(hits.row_MK, hits.name_MK, gold)
    return replace(near, name_MK=np.full_like(near.name_MK, -1)) if whole else near


def by_encoder(encoder: Encoder, lesson: Lesson, pool: Pool, *, kept: int, progress: Progress = silent) -> Near:
    """The entities of the pool closest to each mention and not named by it, closest first."""
    mention_MD = unit_vectors(encoder, mention_vectors(encoder, lesson.by_document(), progress=progress))
    texts = [lesson.entity_text(int(row)) for row in pool.row_P] if lesson.entity_text else _names(lesson, pool)
    entity_PD = unit_vectors(encoder, entity_vectors(encoder, texts, progress=progress))
    pooled = Exact(Exact.Config(), Vectors([entity_PD]), similarity=encoder.config.similarity)
    _, found_MK = pooled.nearest(Queries(vectors_MD=mention_MD), rows=min(len(pool.row_P), SEARCHED * (kept + 1)))
    near = _parted(pool.row_P[found_MK], pool.name_P[found_MK], lesson.grouped.gold)
    return replace(near, row_MK=near.row_MK[:, :kept], name_MK=near.name_MK[:, :kept])


def _names(lesson: Lesson, pool: Pool) -> list[str]:
    return list(lesson.names.take(pool.name_P).to_pylist())


def _parted(row_MK: Int, name_MK: Int, gold: Sequence[Sequence[int]]) -> Near:
    """Each wrong entity once, in order, and the first name of each right one; -1 fills the rest."""
    rows, names = np.full_like(row_MK, -1), np.full_like(name_MK, -1)
    right_MR = np.full((len(row_MK), max(map(len, gold), default=1)), -1, np.int64)
    for m, named in enumerate(gold):
        first: dict[int, int] = {}
        for row, name in zip(row_MK[m].tolist(), name_MK[m].tolist(), strict=True):
            if row >= 0:
                first.setdefault(row, name)
        right_MR[m, : len(named)] = [first.pop(row, -1) for row in named]
        rows[m, : len(first)], names[m, : len(first)] = list(first), list(first.values())
    return Near(rows, names, right_MR)
