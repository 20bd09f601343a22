"""For each pair of names, wrong names that look right: the nearest of other concepts, mined once before training (KGNEL).

Shapes: P pairs, A distinct first names, N names of the pool, K wrong names of each pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tripel.config import Choice
from tripel.encoding.encode import entity_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.find import component
from tripel.indexes.base import Index, Queries
from tripel.indexes.exact import Exact
from tripel.names.batches import NameLesson
from tripel.names.synonyms import Int
from tripel.progress import Progress, silent
from tripel.searching.folding import Entities, Part
from tripel.searching.vectors import Vectors

MORE = 8  # concepts searched beyond those wanted: the pair's own, and those that share its name


@dataclass(frozen=True, kw_only=True)
class Config:
    """Where wrong names come from."""

    k: int = 0
    """Nearest wrong names mined for each pair, of as many concepts; 0 mines none."""
    model: str = ""
    """The encoder that judges nearness, or a run folder; the one that is trained, as it came, when empty."""
    search: Choice = field(default_factory=lambda: Choice("indexes", "exact", Exact.Config()))
    """The index that finds them."""


def mine(encoder: Encoder, lesson: NameLesson, config: Config, *, folder: Path, progress: Progress = silent) -> Int:
    """The k nearest names of other concepts for the first name of each pair [P, K]; -1 where the pool has too few.

    The pool is all names of the pairs. A name that belongs to the pair's concept, too, is none.
    """
    anchor_P, positive_P = lesson.pairs.take(np.arange(len(lesson.pairs)))
    pool_N = np.unique(np.concatenate([anchor_P, positive_P]))
    texts = lesson.kb.names.take(pool_N).to_pylist()
    unit_ND = unit_vectors(encoder, entity_vectors(encoder, texts, progress=progress))
    index = Entities([Part(_index(encoder, unit_ND, config, folder), lesson.kb.row_N[pool_N], pool_N, "names")])
    anchor_A, back_P = np.unique(anchor_P, return_inverse=True)
    asked = Queries(vectors_MD=unit_ND[np.searchsorted(pool_N, anchor_A)])
    hits = index.search(asked, k=min(config.k + MORE, len(np.unique(index.entity_N))))
    wrong_AK = np.full((len(anchor_A), config.k), -1, np.int64)
    for a, (rows, places) in enumerate(zip(hits.row_MK, hits.name_MK, strict=True)):
        own = _concepts(lesson, int(anchor_A[a]))
        wrong = [index.name_N[place] for row, place in zip(rows, places, strict=True) if row >= 0 and row not in own]
        wrong_AK[a, : len(wrong)] = wrong[: config.k]
    return wrong_AK[back_P]


def _concepts(lesson: NameLesson, name: int) -> frozenset[int]:
    """All concepts that have this name."""
    text = str(lesson.kb.names[name].as_py()).casefold()
    return lesson.ambiguous.get(text, frozenset([int(lesson.kb.row_N[name])]))


def _index(encoder: Encoder, unit_ND: Any, config: Config, folder: Path) -> Index:
    vectors, similarity = Vectors([unit_ND]), encoder.config.similarity
    if config.search.name == "exact":
        return Exact(Exact.Config(), vectors, similarity=similarity)
    made: Index = component("indexes", config.search.name).build(
        config.search.settings, vectors, similarity=similarity, path=folder / "mining.faiss", progress=silent
    )
    return made
