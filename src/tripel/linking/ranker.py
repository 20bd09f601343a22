"""Mentions of documents -> ranked entities. It owns an encoder, a knowledge base and an index, and trains nothing.

Shapes: M mentions of all documents in order, K candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tripel.documents import Document, Mention
from tripel.encoding.encode import entity_vectors, mention_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.indexes.base import Bool, Float, Hits, Int, Queries
from tripel.knowledge import KnowledgeBase
from tripel.linking.bundle import BUNDLE
from tripel.linking.deciding import CALIBRATION, Calibration, signs
from tripel.linking.reranker import Reranker, mark
from tripel.linking.whole import EVIDENCE, WEIGHTS, Asked, Real, Weights, evidence, exact
from tripel.progress import Progress, silent
from tripel.searching.folding import Entities
from tripel.searching.indexing import Stamp, opened
from tripel.training import checkpoint

CANDIDATES = 64
LEAD = 2  # candidates that tell how far the first is ahead
EXACT = EVIDENCE.index("exact")
KNOWLEDGE, INDEX = "knowledge.arrow", "index"  # in a folder that links, beside the encoder


def _rebuild(folder: Path) -> str:
    """The command that makes an index: of a run, or of a folder without a configuration; of a bundle, what finds its fault."""
    if (folder / BUNDLE).exists():
        return f"tripel bundle --check {folder}"
    return (
        f"tripel evaluate {folder}"
        if (folder / checkpoint.CONFIG).exists()
        else f"tripel index build ... --output {folder}"
    )


@dataclass(frozen=True, eq=False)
class Ranked:
    """Candidates of mentions, best first, and how likely each is meant."""

    hits: Hits
    """`name_MK` is the row of the index that matched."""
    signs_MKF: Float
    """By `deciding.SIGNS`."""
    probability_MK: Real | None
    """None where nothing was calibrated."""


class Ranker:
    """Ranks entities for the mentions that a document already has."""

    def __init__(
        self,
        encoder: Encoder,
        kb: KnowledgeBase,
        index: Entities,
        weights: Weights | None = None,
        reranker: Reranker | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Without `weights` an entity counts as its best row; a re-ranker only speaks through them."""
        self.encoder = encoder
        self.kb = kb
        self.index = index
        self.weights = weights
        self.reranker = reranker
        self.calibration = calibration

    @classmethod
    def load(cls, folder: Path, *, best_rows: bool = False) -> Ranker:
        """What a run left, or `tripel index build`: encoder, knowledge base and index as they lie there, no corpus.

        best_rows: without weights and a re-ranker, and without a calibration that was fitted with them.

        Raises ValueError where one of them is missing or another made the index, naming the command that helps.
        """
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; `tripel train` or `tripel index build` makes one")
        encoder_folder = checkpoint.published(folder)
        encoder, kb = Encoder.load(encoder_folder), KnowledgeBase.open(folder / KNOWLEDGE)
        stamp = Stamp(checkpoint.encoder_fingerprint(encoder_folder), kb.fingerprint)
        index = opened(folder / INDEX, kb, stamp=stamp, rebuild=_rebuild(folder))
        wholes = (folder / WEIGHTS).exists()
        if best_rows and wholes:
            return cls(encoder, kb, index)
        weights = Weights.load(folder / WEIGHTS) if wholes else None
        calibration = Calibration.load(folder / CALIBRATION) if (folder / CALIBRATION).exists() else None
        for path, chosen in ((WEIGHTS, weights), (CALIBRATION, calibration)):
            if chosen is not None and not chosen.serve(stamp.encoder, mark(folder)):
                raise ValueError(f"{folder / path}: chosen for another encoder or re-ranker; run `{_rebuild(folder)}`")
        return cls(encoder, kb, index, weights, Reranker.of(folder), calibration)

    def ask(self, texts: Sequence[str], *, k: int, allowed_E: Bool | None = None) -> Hits:
        """The k entities closest to each name, as rows of the index; only those allowed [M, K]."""
        if not self.index.dense:
            return self.index.search(Queries(tuple(texts)), k=k, allowed_E=allowed_E)
        if self.encoder.config.towers == "shared":
            vectors_MD = entity_vectors(self.encoder, texts)
        else:
            alone = (
                Document(id="", text=text, mentions=(Mention(start=0, end=len(text), text=text),)) for text in texts
            )
            vectors_MD = mention_vectors(self.encoder, [(document, document.mentions) for document in alone])
        queries = Queries(tuple(texts), unit_vectors(self.encoder, vectors_MD))
        return self.index.search(queries, k=k, allowed_E=allowed_E)

    def search(self, documents: Sequence[Document], *, k: int = CANDIDATES, progress: Progress = silent) -> Hits:
        """The k closest of all entities, for each mention [M, K]; `name_MK` by position in `kb.names`."""
        hits = self.ranked(self.asked(documents, progress=progress), k=k).hits
        return Hits(hits.row_MK, hits.score_MK, self.names(hits))

    def ranked(self, asked: Asked, *, k: int) -> Ranked:
        """The k best of all entities, for each mention [M, K]."""
        its = self._told(asked, self.nearest(asked, k=self._looked_at(k)))
        return _at(its, np.broadcast_to(np.arange(k), (len(asked), k)))

    def among(self, asked: Asked, *, k: int, allowed_E: Bool) -> tuple[Ranked, Ranked]:
        """The k best of the entities that are allowed, for each mention [M, K], and the best of all [M, 1].

        They are judged together: however few are allowed, the others speak against them as they do where all are.
        """
        looked = self._looked_at(k)
        nearest, there = (self.index.search(asked.queries, k=looked, allowed_E=of) for of in (None, allowed_E))
        its = self._told(asked, _both(nearest, there, k=looked))
        row_MK = its.hits.row_MK
        kept_MK = (row_MK >= 0) & allowed_E[row_MK]
        place_MK = np.argsort(~kept_MK, axis=1, kind="stable")[:, :k]
        allowed = _at(its, np.where(np.take_along_axis(kept_MK, place_MK, 1), place_MK, -1))
        return allowed, _at(its, np.zeros((len(asked), 1), np.int64))

    def _looked_at(self, k: int) -> int:
        """How many candidates are judged so that k can be told."""
        return max(k, LEAD if self.weights is None else CANDIDATES)

    def _told(self, asked: Asked, hits: Hits) -> Ranked:
        return self.judged(asked, hits, None if self.weights is None else self.evidence(asked, hits))

    def judged(self, asked: Asked, hits: Hits, evidence_MKF: Float | None) -> Ranked:
        """The same candidates with what tells how far to trust each: as wholes by their evidence, or else by their best rows."""
        if self.weights is None or evidence_MKF is None:
            exact_MK = exact(self.kb, asked.forms_M, hits.row_MK)
            signs_MKF = signs(hits, hits.score_MK, exact_MK, chances=False)
        else:
            closeness_MK = hits.score_MK
            hits, order_MK = self.weights.order(hits, evidence_MKF, asked)
            closeness_MK, exact_MK = (
                np.take_along_axis(its_MK, order_MK, 1) for its_MK in (closeness_MK, evidence_MKF[:, :, EXACT])
            )
            signs_MKF = signs(hits, closeness_MK, exact_MK, chances=True)
        chance_MK = None if self.calibration is None else self.calibration.probabilities(signs_MKF, hits.row_MK)
        return Ranked(hits, signs_MKF, chance_MK)

    def names(self, hits: Hits) -> NDArray[np.int64]:
        """The names that matched, by position in `kb.names`; -1 where a training mention or the entity as a whole did [M, K]."""
        return np.where(hits.name_MK >= 0, self.index.name_N[hits.name_MK], -1)

    def asked(
        self, documents: Sequence[Document], *, vectors_MD: Float | None = None, progress: Progress = silent
    ) -> Asked:
        """The mentions of documents, in order, as the index is asked for them; `vectors_MD` where they are known already."""
        texts = tuple(mention.text for document in documents for mention in document.mentions)
        if not self.index.dense:
            return Asked.of(documents, Queries(texts))
        if vectors_MD is None:
            chosen = [(document, document.mentions) for document in documents if document.mentions]
            vectors_MD = mention_vectors(self.encoder, chosen, progress=progress)
        return Asked.of(documents, Queries(texts, unit_vectors(self.encoder, vectors_MD)))

    def nearest(self, asked: Asked, *, k: int = CANDIDATES) -> Hits:
        """The k entities with the best rows, whatever else speaks for them [M, K]; `name_MK` is the row of the index."""
        return self.index.search(asked.queries, k=k)

    def within(self, asked: Asked, row_MK: NDArray[np.int64], *, progress: Progress = silent) -> Hits:
        """Given candidates of each mention, as wholes where weights were chosen, or by their best rows [M, K]; -1 pads."""
        hits = self.index.rank(asked.queries, row_MK, progress=progress)
        if self.weights is None:
            return hits
        return self.weights.ranked(hits, self.evidence(asked, hits, progress=progress), asked)

    def evidence(self, asked: Asked, hits: Hits, *, progress: Progress = silent) -> Float:
        """What speaks for each candidate [M, K, F], by `whole.EVIDENCE`."""
        return evidence(self.index, self.kb, asked, hits, reranker=self.reranker, progress=progress)


def _at(its: Ranked, place_MK: Int) -> Ranked:
    """The candidates at some places of each mention; none at -1."""
    none_MK = place_MK < 0

    def taken(column_MK: NDArray[Any], nothing: float) -> NDArray[Any]:
        return np.where(none_MK, column_MK.dtype.type(nothing), np.take_along_axis(column_MK, place_MK, 1))

    hits, chance_MK = its.hits, its.probability_MK
    return Ranked(
        Hits(taken(hits.row_MK, -1), taken(hits.score_MK, -np.inf), taken(hits.name_MK, -1)),
        np.where(none_MK[:, :, None], np.float32(0), np.take_along_axis(its.signs_MKF, place_MK[:, :, None], 1)),
        None if chance_MK is None else taken(chance_MK, 0),
    )


def _both(first: Hits, second: Hits, *, k: int) -> Hits:
    """The candidates of two searches, each once, closest first, of two as close the one that comes first in the knowledge base.

    At least k columns.
    """
    columns = [np.hstack([getattr(its, name) for its in (first, second)]) for name in ("row_MK", "score_MK", "name_MK")]
    by_row_MK = np.argsort(columns[0], axis=1, kind="stable")
    row_MK, score_MK, name_MK = (np.take_along_axis(column, by_row_MK, 1) for column in columns)
    again_MK = np.diff(row_MK, axis=1, prepend=-1) == 0
    score_MK = np.where(again_MK, np.float32(-np.inf), score_MK)
    width = max(k, int((~again_MK).sum(axis=1).max(initial=0)))
    closest_MK = np.argsort(-score_MK, axis=1, kind="stable")[:, :width]
    return Hits(
        np.take_along_axis(np.where(again_MK, -1, row_MK), closest_MK, 1),
        np.take_along_axis(score_MK, closest_MK, 1),
        np.take_along_axis(np.where(again_MK, -1, name_MK), closest_MK, 1),
    )
