"""An index carried over to a knowledge base with one per cent new names, against building it anew; one run, one machine.

    TRIPEL_DATA=... python scripts/benchmarks/update.py embedded ctd encoder.precision=bf16

The old knowledge base is the given one without a share of its synonyms, drawn at random; the new one is the whole. Both ways
end in a folder that is asked for the new names and for as many old ones; answers are compared one by one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tripel.config import words
from tripel.knowledge import KnowledgeBase
from tripel.linking.ranker import Ranker
from tripel.searching import asking

ASKED = 10  # entities for each name
SHOWN = 1000  # names of each kind that are asked for, at most


def main() -> None:
    """Build the old, update it, build the new; print times and what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("source")
    parser.add_argument("settings", nargs="*", help="index.search.name=hnsw, encoder.precision=bf16, ...")
    parser.add_argument("--share", type=float, default=0.01)
    asked = parser.parse_args()
    settings, whole = words(asked.settings), asking.knowledge(asked.source)
    old, taken = without(whole, asked.share)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        old.save(work / "old.arrow")
        whole.save(work / "new.arrow")
        build, _ = timed(lambda: asking.build_index(asked.model, str(work / "old.arrow"), work / "index", settings))
        update, said = timed(lambda: asking.update(work / "index", str(work / "new.arrow")))
        again, _ = timed(lambda: asking.build_index(asked.model, str(work / "new.arrow"), work / "again", settings))
        updated, rebuilt = (Ranker.load(work / folder) for folder in ("index", "again"))
        rng = np.random.default_rng(1)
        others = old.names.take(rng.choice(len(old.names), size=min(SHOWN, len(old.names)), replace=False)).to_pylist()
        texts = [*taken[:SHOWN], *others]
        one, other = (linker.ask(texts, k=ASKED) for linker in (updated, rebuilt))
    print(f"\n{len(old.names):,} names built in {build:.0f} s; {len(taken):,} more, {said.partition(': ')[2]}")
    print(f"update {update:.1f} s, build anew {again:.1f} s: {again / update:.1f} times as long")
    same = (one.row_MK == other.row_MK).mean()
    apart = np.abs(one.score_MK - other.score_MK).max()
    print(
        f"{len(texts):,} names asked for: {100 * same:.2f} % of {ASKED} entities each are the same, scores apart {apart:.1e}"
    )


def without(kb: KnowledgeBase, share: float) -> tuple[KnowledgeBase, list[str]]:
    """The knowledge base without a share of its names, none of them preferred, and those names."""
    synonym_N = np.ones(len(kb.names), np.bool_)
    synonym_N[kb.first_E[:-1]] = False
    count = round(share * len(kb.names))
    gone = set(np.random.default_rng(0).choice(np.flatnonzero(synonym_N), size=count, replace=False).tolist())

    def left(row: int) -> list[int]:
        return [n - int(kb.first_E[row]) for n in range(kb.first_E[row], kb.first_E[row + 1]) if n not in gone]

    kept = (
        replace(
            entity,
            synonyms=tuple(entity.names[i] for i in left(row)[1:]),
            sources=tuple(entity.sources[i] for i in left(row)) if entity.sources else (),
        )
        for row, entity in enumerate(kb)
    )
    return KnowledgeBase.of(kept, restrictions=kb.restrictions), kb.names.take(sorted(gone)).to_pylist()


def timed(work: Callable[[], str]) -> tuple[float, str]:
    """Seconds, and what was said."""
    began = time.monotonic()
    said = work()
    return time.monotonic() - began, said


if __name__ == "__main__":
    main()
