"""Weights and calibration of a run: those there, or another run's, or chosen on dev."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tripel.documents import Document
from tripel.indexes.base import Float, Hits
from tripel.judging.kept import made_by
from tripel.judging.splits import fresh
from tripel.linking import deciding, weighing
from tripel.linking.deciding import CALIBRATION, Calibration
from tripel.linking.ranker import INDEX, Ranker
from tripel.linking.weighing import Evident, right_rows
from tripel.linking.whole import WEIGHTS, Asked, Weights
from tripel.progress import bar
from tripel.searching import learn as index_learn
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Looked:
    """What an index found for the mentions of dev or test, and what speaks for it."""

    asked: Asked
    hits: Hits
    seconds: float
    evidence: Float | None
    """Where entities are judged as wholes."""
    weighing: float
    """Seconds that it took."""

    @classmethod
    def by(cls, ranker: Ranker, documents: Sequence[Document], *, said: str, whole: bool) -> Looked:
        began = time.monotonic()
        with bar(f"linking {said}") as progress:
            asked = ranker.asked(documents, progress=progress)
            hits = ranker.nearest(asked)
        found = time.monotonic()
        with bar(f"weighing {said}") as progress:
            evidence = ranker.evidence(asked, hits, progress=progress) if whole else None
        return cls(asked, hits, found - began, evidence, time.monotonic() - found)


def weighed(run: Path, recipe: Recipe, found: Ground, ranker: Ranker, looked: dict[str, Looked]) -> Ranker:
    """The ranker with its weights and its calibration: those there, or another run's, or chosen on dev, looked at once."""
    now = made_by(run)
    encoder, reranker = now["encoder"], now["reranker"]
    if recipe.whole.like:
        _taken(Path(recipe.whole.like), run, encoder=encoder, reranker=reranker, weigh=recipe.whole.weigh)
    elif recipe.data.dev not in recipe.data.train.split("+"):
        _choose(run, recipe, found, ranker, looked, encoder=encoder, reranker=reranker)
    weights = Weights.load(run / WEIGHTS) if (run / WEIGHTS).exists() else None
    calibration = Calibration.load(run / CALIBRATION) if (run / CALIBRATION).exists() else None
    return Ranker(ranker.encoder, ranker.kb, ranker.index, weights, ranker.reranker, calibration)


def _taken(like: Path, run: Path, *, encoder: str, reranker: str, weigh: bool) -> None:
    """Another run's weights and calibration, for a run that learns from dev, too."""
    if weigh and not (run / WEIGHTS).exists():
        weights = Weights.load(like / WEIGHTS)
        if bool(weights.reranker) != bool(reranker):
            raise ValueError(
                f"of {like} and {run} one has a re-ranker and one has none: call `tripel rerank` on both, the first one first"
            )
        replace(weights, encoder=encoder, reranker=reranker).save(run / WEIGHTS)
    if (like / CALIBRATION).exists() and not (run / CALIBRATION).exists():
        theirs = Calibration.load(like / CALIBRATION)
        replace(theirs, encoder=encoder, reranker=reranker).save(run / CALIBRATION)


def _choose(
    run: Path,
    recipe: Recipe,
    found: Ground,
    ranker: Ranker,
    looked: dict[str, Looked],
    *,
    encoder: str,
    reranker: str,
) -> None:
    """Weights and calibration on dev, where they are not there; no calibration where documents of dev joined the index.

    Raises ValueError where weights would be chosen on documents that joined it.
    """
    weigh = recipe.whole.weigh and not (run / WEIGHTS).exists()
    if not weigh and ((run / CALIBRATION).exists() or index_learn.learnt(run / INDEX, found.documents["dev"])):
        return
    fresh(run, found, "dev")
    documents = found.documents["dev"]
    look = looked["dev"] = Looked.by(ranker, documents, said="dev, to choose on it", whole=recipe.whole.weigh)
    if weigh:
        assert look.evidence is not None
        its = Evident.of(documents, ranker.kb, look.asked, look.hits, look.evidence)
        chosen = weighing.choose(its, balance=recipe.whole.balance, encoder=encoder, seed=recipe.trainer.seed)
        replace(chosen, reranker=reranker).save(run / WEIGHTS)
    weights = Weights.load(run / WEIGHTS) if recipe.whole.weigh else None
    judged = Ranker(ranker.encoder, ranker.kb, ranker.index, weights, ranker.reranker)
    ranked = judged.judged(look.asked, look.hits, look.evidence)
    right_MK = right_rows(documents, ranker.kb, ranked.hits)
    calibration = deciding.fit(
        ranked.signs_MKF,
        ranked.hits.row_MK,
        right_MK,
        look.asked.document_M,
        encoder=encoder,
        reranker=reranker,
        seed=recipe.trainer.seed,
    )
    if calibration is not None:
        calibration.save(run / CALIBRATION)


def said_of(ranker: Ranker) -> list[str]:
    """What choosing the weights came to, for whoever reads figures of dev beside it."""
    if ranker.weights is None or not ranker.weights.chosen_on:
        return []
    its = ranker.weights.chosen_on
    return [
        f"Weights were chosen on {its['mentions']:,} mentions of dev: {100 * its['right by best row']:.1f} % right by their best"
        f" row, {100 * its['right as wholes']:.1f} % as wholes, by weights chosen without the documents judged."
    ]
