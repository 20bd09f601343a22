"""Mentions of documents -> ranked entities. It owns an encoder, a knowledge base and an index, and trains nothing.

Shapes: M mentions of all documents in order, K candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tripel import checkpoint
from tripel.documents import Candidate, Document, Link, Mention
from tripel.encoder import Encoder
from tripel.encoding import Progress, entity_vectors, mention_vectors, silent, unit_vectors
from tripel.folding import Entities
from tripel.indexes.base import Bool, Float, Hits, Queries
from tripel.indexing import Stamp, opened
from tripel.knowledge import KnowledgeBase
from tripel.reranker import Reranker, mark
from tripel.whole import WEIGHTS, Asked, Weights, evidence

CANDIDATES = 64
KNOWLEDGE, INDEX = "knowledge.arrow", "index"  # in a folder that links, beside the encoder


def _rebuild(folder: Path) -> str:
    """The command that makes an index: of a run, or of a folder without a configuration."""
    return (
        f"tripel evaluate {folder}"
        if (folder / "config.yaml").exists()
        else f"tripel index build ... --output {folder}"
    )


class Linker:
    """Ranks entities for the mentions that a document already has."""

    def __init__(
        self,
        encoder: Encoder,
        kb: KnowledgeBase,
        index: Entities,
        weights: Weights | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Without `weights` an entity counts as its best row; a re-ranker only speaks through them."""
        self.encoder = encoder
        self.kb = kb
        self.index = index
        self.weights = weights
        self.reranker = reranker

    @classmethod
    def load(cls, folder: Path) -> Linker:
        """What a run left, or `tripel index build`: encoder, knowledge base and index as they lie there, no corpus.

        Raises ValueError where one of them is missing or another made the index, naming the command that helps.
        """
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; `tripel train` or `tripel index build` makes one")
        encoder_folder = checkpoint.published(folder)
        encoder, kb = Encoder.load(encoder_folder), KnowledgeBase.open(folder / KNOWLEDGE)
        stamp = Stamp(checkpoint.encoder_fingerprint(encoder_folder), kb.fingerprint)
        index = opened(folder / INDEX, kb, stamp=stamp, rebuild=_rebuild(folder))
        weights = Weights.load(folder / WEIGHTS) if (folder / WEIGHTS).exists() else None
        if weights is not None and not weights.serve(stamp.encoder, mark(folder)):
            raise ValueError(f"{folder / WEIGHTS}: chosen for another encoder or re-ranker; run `{_rebuild(folder)}`")
        return cls(encoder, kb, index, weights, Reranker.of(folder))

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
        """The k closest of all entities, for each mention [M, K]."""
        asked = self.asked(documents, progress=progress)
        hits = self.weighed(asked, self.nearest(asked, k=k if self.weights is None else max(k, CANDIDATES)))
        name_MK = np.where(hits.name_MK >= 0, self.index.name_N[hits.name_MK], -1)
        return Hits(hits.row_MK[:, :k], hits.score_MK[:, :k], name_MK[:, :k])

    def asked(self, documents: Sequence[Document], *, progress: Progress = silent) -> Asked:
        """The mentions of documents, in order, as the index is asked for them."""
        texts = tuple(mention.text for document in documents for mention in document.mentions)
        if not self.index.dense:
            return Asked.of(documents, Queries(texts))
        chosen = [(document, document.mentions) for document in documents if document.mentions]
        vectors_MD = unit_vectors(self.encoder, mention_vectors(self.encoder, chosen, progress=progress))
        return Asked.of(documents, Queries(texts, vectors_MD))

    def nearest(self, asked: Asked, *, k: int = CANDIDATES) -> Hits:
        """The k entities with the best rows, whatever else speaks for them [M, K]; `name_MK` is the row of the index."""
        return self.index.search(asked.queries, k=k)

    def within(self, asked: Asked, row_MK: NDArray[np.int64]) -> Hits:
        """Given candidates of each mention by their best rows [M, K]; -1 pads."""
        return self.index.rank(asked.queries, row_MK)

    def weighed(self, asked: Asked, hits: Hits) -> Hits:
        """The same candidates judged as wholes, each with its probability; as they are where no weights were chosen."""
        if self.weights is None:
            return hits
        return self.weights.ranked(hits, self.evidence(asked, hits), asked)

    def evidence(self, asked: Asked, hits: Hits) -> Float:
        """What speaks for each candidate [M, K, F], by `whole.EVIDENCE`."""
        return evidence(self.index, self.kb, asked, hits, reranker=self.reranker)

    def link(self, document: Document, *, k: int = 5) -> tuple[Link, ...]:
        """Each mention of a document with its k best candidates; the best is the link."""
        hits = self.search([document], k=k)
        return tuple(
            Link(mention, candidates, candidates[0].entity if candidates else None)
            for mention, candidates in zip(document.mentions, self._candidates(hits), strict=True)
        )

    def _candidates(self, hits: Hits) -> Iterator[tuple[Candidate, ...]]:
        for rows, scores, names in zip(hits.row_MK, hits.score_MK, hits.name_MK, strict=True):
            yield tuple(
                Candidate(self.kb.id(int(row)), float(score), self._name(int(row), int(name)))
                for row, score, name in zip(rows, scores, names, strict=True)
                if row >= 0
            )

    def _name(self, row: int, name: int) -> str:
        """The name that matched; of a cluster of training mentions or an entity shown whole, the preferred one."""
        return str(self.kb.names[name if name >= 0 else int(self.kb.first_E[row])].as_py())
