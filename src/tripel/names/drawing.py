"""Pairs of synonyms drawn from a knowledge base into files: what several encoders learn from, and what they are compared on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tripel.kb.library import UNSHARED, shareable
from tripel.knowledge import KnowledgeBase
from tripel.names import pair_files
from tripel.names.pair_files import NamePair, NamePairs
from tripel.names.synonyms import Drawing, Drawn, Int, Pairs, candidates, held_out
from tripel.searching.asking import knowledge

TRAIN, HELD_OUT = "train.tsv", "held_out.tsv"


def draw(source: str, drawing: Drawing, *, share: float, seed: int, folder: Path) -> str:
    """Write the pairs of most concepts, and one pair of each concept of the rest: no concept is in both files."""
    if not 0 <= share < 1:
        raise ValueError(f"--held-out {share}: expected a share of the concepts, from 0 to less than 1")
    there = [folder / name for name in (TRAIN, HELD_OUT) if (folder / name).exists()]
    if there:
        raise ValueError(f"{there[0]} is there already; choose another --output")
    whole = knowledge(source)
    kb = shareable(whole)
    dropped = len(whole.names) - len(kb.names)
    left = f"\n{dropped:,} names were left out: {UNSHARED}; training from `terminologies` uses them" if dropped else ""
    learnt, apart = held_out(candidates(kb, drawing, seed=seed), share=share, seed=seed)
    pairs = Drawn(kb, learnt, drawing, seed=seed)
    rest = Drawn(kb, apart, Drawing(most=1), seed=seed)
    for name, drawn in ((TRAIN, pairs), (HELD_OUT, rest)):
        pair_files.write(folder / name, NamePairs.of(_pairs(kb, drawn)))
    return (
        f"{folder / TRAIN}: {len(pairs):,} pairs of {len(learnt):,} concepts\n"
        f"{folder / HELD_OUT}: {len(rest):,} pairs, one of each of {len(apart):,} other concepts{left}"
    )


def _pairs(kb: KnowledgeBase, drawn: Pairs) -> Iterator[NamePair]:
    for first in range(0, len(drawn), pair_files.AT_ONCE):
        number_B: Int = np.arange(first, min(first + pair_files.AT_ONCE, len(drawn)))
        one_B, other_B = drawn.take(number_B)
        names = (kb.names.take(places).to_pylist() for places in (one_B, other_B))
        ids = kb.ids.take(kb.row_N[one_B]).to_pylist()
        yield from map(NamePair, ids, *names)
