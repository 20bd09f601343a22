"""What one example is where names alone are learnt from: two names of a concept, perhaps with wrong ones alike.

Each name stands in a batch once, however many pairs it is in.
Shapes: P pairs of a lesson, B of a batch, E distinct names of a batch, K wrong names kept for each pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tripel.encoding.views import Passages, bare
from tripel.knowledge import KnowledgeBase
from tripel.names.synonyms import Int, Pairs


@dataclass(frozen=True, eq=False)
class NameLesson:
    """Pairs of names, and what goes with them."""

    kb: KnowledgeBase
    pairs: Pairs
    wrong_PK: Int | None
    """Names of other concepts that look like the pair's first name, most alike first; None where none were mined."""
    ambiguous: Mapping[str, frozenset[int]]
    """Names that several concepts have, with those concepts."""

    def __len__(self) -> int:
        return len(self.pairs)


@dataclass(frozen=True, eq=False)
class NameBatch:
    """B pairs over E distinct names."""

    entities: tuple[str, ...]
    row_E: Int
    """Row in the knowledge base of each name's concept."""
    anchor_B: Int
    positive_B: Int
    """Columns of the two names of each pair."""
    wrong_BK: Int
    """Columns of each pair's wrong names; -1 pads."""
    known_EE: NDArray[np.bool_]
    """Names that some concept has both of: never wrong for each other."""
    mentions: Passages = field(default_factory=lambda: bare(()))

    def __len__(self) -> int:
        return len(self.anchor_B)


def name_batches(lesson: NameLesson, *, size: int, wrong: int, rng: Generator) -> Iterator[NameBatch]:
    """Every pair once, in random order, `size` at a time, each with its `wrong` most alike wrong names."""
    order_P = rng.permutation(len(lesson.pairs))
    for first in range(0, len(order_P), size):
        yield _batch(lesson, order_P[first : first + size], wrong=wrong)


def _batch(lesson: NameLesson, number_B: Int, *, wrong: int) -> NameBatch:
    one_B, other_B = lesson.pairs.take(number_B)
    wrong_BK = np.full((len(number_B), 0), -1, np.int64)
    if lesson.wrong_PK is not None:
        wrong_BK = lesson.wrong_PK[number_B, :wrong]
    names, back = np.unique(np.concatenate([one_B, other_B, wrong_BK.ravel()]), return_inverse=True)
    shift = int(np.searchsorted(names, 0))  # -1 pads
    columns = back - shift
    b = len(number_B)
    texts = tuple(lesson.kb.names.take(names[shift:]).to_pylist())
    row_E = lesson.kb.row_N[names[shift:]]
    return NameBatch(
        entities=texts,
        row_E=row_E,
        anchor_B=columns[:b],
        positive_B=columns[b : 2 * b],
        wrong_BK=columns[2 * b :].reshape(b, -1),
        known_EE=_known(texts, row_E, lesson.ambiguous),
    )


def _known(texts: tuple[str, ...], row_E: Int, ambiguous: Mapping[str, frozenset[int]]) -> NDArray[np.bool_]:
    known_EE: NDArray[np.bool_] = row_E[:, None] == row_E[None, :]
    for e, text in enumerate(texts):
        if text.casefold() in ambiguous:
            also = np.isin(row_E, list(ambiguous[text.casefold()]))
            known_EE[e, also] = known_EE[also, e] = True
    return known_EE
