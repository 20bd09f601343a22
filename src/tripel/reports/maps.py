"""A map of the embedding before and after training: mentions of a few entities and their names, in two dimensions.

Shapes: M points, D dimensions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from tripel.documents import Document, Mention
from tripel.encoding.encode import entity_vectors, mention_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.knowledge import KnowledgeBase
from tripel.reports.plots import Cloud

ENTITIES = 10
MENTIONS, NAMES = 40, 10  # of each entity
FEWEST = 8  # points that are worth a map


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is shown."""

    documents: tuple[tuple[Document, tuple[Mention, ...]], ...]
    rows: tuple[int, ...]
    """Entity of each mention, then of each name [M]."""
    names: tuple[str, ...]


def chosen(documents: Sequence[Document], kb: KnowledgeBase) -> Chosen:
    """The entities that are called by most different forms, with their first mentions and names."""
    forms: dict[int, set[str]] = defaultdict(set)
    for document in documents:
        for mention in document.mentions:
            for row in kb.rows(mention.entities)[:1]:
                forms[row].add(mention.text.casefold())
    shown = dict.fromkeys(sorted(forms, key=lambda row: (-len(forms[row]), row))[:ENTITIES], 0)
    kept: list[tuple[Document, tuple[Mention, ...]]] = []
    rows: list[int] = []
    for document in documents:
        its: list[Mention] = []
        for mention in document.mentions:
            row = next(iter(kb.rows(mention.entities)), -1)
            if shown.get(row, MENTIONS) < MENTIONS:
                shown[row] += 1
                its.append(mention)
                rows.append(row)
        if its:
            kept.append((document, tuple(its)))
    names: list[str] = []
    for row in shown:
        its_names = kb[row].names[:NAMES]
        names += its_names
        rows += [row] * len(its_names)
    return Chosen(tuple(kept), tuple(rows), tuple(names))


def cloud(encoder: Encoder, its: Chosen, *, title: str, seed: int) -> Cloud:
    """Points laid out by t-SNE on cosines (van der Maaten and Hinton 2008). The title tells the silhouette in all dimensions:
    1 where entities lie apart, 0 where they overlap (Rousseeuw 1987)."""
    vectors_MD = np.concatenate([mention_vectors(encoder, its.documents), entity_vectors(encoder, its.names)])
    vectors_MD = unit_vectors(encoder, vectors_MD)
    apart = silhouette_score(vectors_MD, its.rows, metric="cosine")
    few = min(30, (len(vectors_MD) - 1) // 3)
    laid = TSNE(metric="cosine", init="random", perplexity=few, random_state=seed).fit_transform(vectors_MD)
    return Cloud(f"{title}: silhouette {apart:.2f}", np.asarray(laid, np.float64))


def worth(its: Chosen) -> bool:
    """Whether there is enough to show: a map of one entity or of a handful of points tells nothing."""
    return len(set(its.rows)) > 1 and len(its.rows) >= FEWEST


def labels(its: Chosen, kb: KnowledgeBase) -> tuple[list[str], NDArray[np.bool_]]:
    """The entity of each point by its preferred name, and whether it is a name [M]."""
    mentions = len(its.rows) - len(its.names)
    return [str(kb.names[int(kb.first_E[row])].as_py()) for row in its.rows], np.arange(len(its.rows)) >= mentions
