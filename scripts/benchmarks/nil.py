"""NIL on test when the knowledge base lacks a share of its concepts: precision and recall of saying so, beside the whole one.

    TRIPEL_DATA=... python scripts/benchmarks/nil.py runs/chosen --share 0.1

RUN was judged on dev, so it is calibrated. Concepts are drawn at random from those that the documents name; mentions of a
concept that was taken out are NIL, besides those without an id or with one outside the knowledge base; of the whole one there is
a table of those without an id alone, too. A mention is said to be NIL where its best candidate is less likely than the threshold.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from tripel import tasks
from tripel.encoding.encode import silent
from tripel.indexes.base import Int
from tripel.judging.trust import trust
from tripel.linking.linker import Linker
from tripel.linking.ranker import Ranker
from tripel.linking.weighing import right_rows
from tripel.reports import tables
from tripel.searching.folding import Entities
from tripel.training.preparing import ground
from tripel.training.recipe import Recipe


def main() -> None:
    """Link test twice, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=42)
    asked = parser.parse_args()
    recipe = tasks.read_recipe(asked.run)
    assert isinstance(recipe, Recipe), "a linker's run"
    found, ranker = ground(recipe, asked.run), Linker.load(asked.run).ranker
    assert ranker.calibration is not None, "judge the run on dev first"
    documents, kb = found.documents["test"], found.kb
    mentions = [mention for document in documents for mention in document.mentions]
    named = sorted({row for mention in mentions for row in kb.rows(mention.entities)})
    out = np.random.default_rng(asked.seed).choice(named, int(asked.share * len(named)), replace=False)
    queries = ranker.asked(documents, progress=silent)
    thresholds = ranker.calibration.thresholds()
    for name, taken in (
        ("the whole knowledge base", out[:0]),
        (f"{len(out):,} of {len(named):,} named concepts out", out),
    ):
        ranked = lacking(ranker, taken).ranked(queries, k=5)
        nil_M = np.array([not set(kb.rows(one.entities)) - set(taken.tolist()) for one in mentions], np.bool_)
        right_M = right_rows(documents, kb, ranked.hits)[:, 0]
        assert ranked.probability_MK is not None
        probability_M = ranked.probability_MK[:, 0]
        every_M = np.ones_like(nil_M)
        known_M = ~nil_M | np.array([not one.entities for one in mentions], np.bool_)
        kept = {name: every_M} | ({} if len(taken) else {f"{name}, without mentions whose entity it lacks": known_M})
        for title, kept_M in kept.items():
            its = trust(
                probability_M[kept_M],
                right_M[kept_M],
                nil_M[kept_M],
                queries.document_M[kept_M],
                thresholds=thresholds,
                seed=asked.seed,
            )
            print(f"## {title}\n\n{tables.trust(its)}\n")


def lacking(ranker: Ranker, rows: Int) -> Ranker:
    """The same without some entities: they are nowhere in the index, so that nothing speaks of them or against others."""
    parts = [
        replace(part, entity_N=np.where(np.isin(part.entity_N, rows), -1, part.entity_N)) for part in ranker.index.parts
    ]
    return Ranker(ranker.encoder, ranker.kb, Entities(parts), ranker.weights, ranker.reranker, ranker.calibration)


if __name__ == "__main__":
    main()
