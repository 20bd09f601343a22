"""What each kind of evidence is worth on dev, and what it costs: each alone beside the best row, and all without each.

    TRIPEL_DATA=... python scripts/benchmarks/evidence.py runs/fast-train

RUN learnt from train alone. Weights are chosen without the documents that they judge (five folds of dev). Gains are over
the best row alone, losses under all, on the same mentions, with p by sign flips over documents.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from tripel import tasks
from tripel.indexes.base import Bool
from tripel.judging.metrics import paired
from tripel.linking import weighing
from tripel.linking.ranker import Ranker
from tripel.linking.weighing import Evident, cross_fitted, first_right
from tripel.linking.whole import EVIDENCE
from tripel.reports.tables import Table
from tripel.training.preparing import ground
from tripel.training.recipe import Recipe


def main() -> None:
    """Look at dev once, weigh many times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    recipe = tasks.read_recipe(run)
    assert isinstance(recipe, Recipe), "a run that learnt from names alone has no mentions"
    found, linker = ground(recipe, run), Ranker.load(run)
    documents = found.documents["dev"]
    began = time.monotonic()
    asked = linker.asked(documents)
    hits = linker.nearest(asked)
    searched = time.monotonic() - began
    began = time.monotonic()
    shown = linker.evidence(asked, hits)
    weighed = time.monotonic() - began
    its = Evident.of(documents, found.kb, asked, hits, shown)
    seed, balance = recipe.trainer.seed, recipe.whole.balance

    def right(kinds: tuple[str, ...], *, agreement: bool) -> Bool:
        shares = weighing.SHARES if agreement else (0.0,)
        return first_right(cross_fitted(its, kinds=kinds, balance=balance, seed=seed, shares=shares)[0], its)

    best, whole = right(("best row",), agreement=False), right(EVIDENCE, agreement=True)
    rows = [["best row alone", *_figures(best, None, its)]]
    for kind in EVIDENCE[1:]:
        rows.append([f"+ {kind}", *_figures(right(("best row", kind), agreement=False), best, its)])
    rows.append(["+ agreement", *_figures(right(("best row",), agreement=True), best, its)])
    rows.append(["all", *_figures(whole, best, its)])
    for kind in EVIDENCE:
        kept = tuple(one for one in EVIDENCE if one != kind)
        rows.append([f"all - {kind}", *_figures(right(kept, agreement=True), whole, its)])
    rows.append(["all - agreement", *_figures(right(EVIDENCE, agreement=False), whole, its)])
    print(Table(["evidence", "@1 on dev", "unseen in training, among candidates", "gain", "p"], rows))
    print(f"\n{len(asked):,} mentions: {len(asked) / searched:.0f} a second encoded and searched for,", end=" ")
    print(f"{len(asked) / (searched + weighed):.0f} with evidence ({weighed:.1f} s more)")


def _figures(right_M: Bool, other_M: Bool | None, its: Evident) -> list[str]:
    """Accuracy, that of entities without training mentions, and the gain over another."""
    judged = its.linkable_M
    seen_M = (its.right_MK * its.evidence_MKF[:, :, EVIDENCE.index("seen")]).any(axis=1)
    unseen = judged & ~seen_M & its.right_MK.any(axis=1)
    figures = [f"{100 * right_M[judged].mean():.1f}", f"{100 * right_M[unseen].mean():.1f}"]
    if other_M is None:
        return [*figures, "", ""]
    gain = paired(
        right_M[judged].astype(np.float64), other_M[judged].astype(np.float64), its.asked.document_M[judged], seed=42
    )
    return [*figures, f"{100 * gain.difference:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]", f"{gain.p:.4f}"]


if __name__ == "__main__":
    main()
