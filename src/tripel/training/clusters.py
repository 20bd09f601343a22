"""Gold mentions grouped with their entity: the whole that the method trains on. It knows no vectors.

A cluster is all mentions of one entity in one document (Le & Nguyen 2023); for comparison, one mention alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from numpy.random import Generator

from tripel.documents import Document, Mention
from tripel.knowledge import KnowledgeBase

By = Literal["document", "mention"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Mentions of one entity in one document."""

    entity: int
    """Row in the knowledge base."""
    document: int
    """Position among the documents."""
    mentions: tuple[int, ...]
    """Positions in `Grouped.mentions`."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Documents seen as clusters."""

    mentions: tuple[tuple[int, Mention], ...]
    """Each trainable mention with the position of its document."""
    gold: tuple[tuple[int, ...], ...]
    """Rows of the entities each mention names; several for a composite mention, which stands in a cluster of each."""
    clusters: tuple[Cluster, ...]
    outside: int
    """Mentions left out because the knowledge base has none of their ids, or they have none."""

    def by_document(self, documents: Sequence[Document]) -> list[tuple[Document, list[Mention]]]:
        """The mentions, document by document."""
        return [
            (documents[position], [mention for _, mention in found])
            for position, found in groupby(self.mentions, key=lambda place: place[0])
        ]


def group(documents: Sequence[Document], kb: KnowledgeBase, *, by: By = "document") -> Grouped:
    """Clusters of the documents' mentions, in order of their first mention."""
    mentions: list[tuple[int, Mention]] = []
    gold: list[tuple[int, ...]] = []
    members: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    outside = 0
    for position, document in enumerate(documents):
        for mention in document.mentions:
            rows = kb.rows(mention.entities)
            outside += not rows
            if not rows:
                continue
            for row in rows:
                members[position, row, len(mentions) if by == "mention" else -1].append(len(mentions))
            mentions.append((position, mention))
            gold.append(rows)
    clusters = tuple(Cluster(row, position, tuple(found)) for (position, row, _), found in members.items())
    return Grouped(tuple(mentions), tuple(gold), clusters, outside)


def capped(clusters: Sequence[Cluster], *, documents: int, rng: Generator) -> list[Cluster]:
    """At most `documents` documents of each entity, drawn at random, in the order given."""
    found: dict[int, dict[int, None]] = defaultdict(dict)
    for cluster in clusters:
        found[cluster.entity][cluster.document] = None
    kept: dict[int, set[int]] = {}
    for entity, its in found.items():
        if len(its) > documents:
            kept[entity] = set(rng.choice(list(its), documents, replace=False).tolist())
    return [cluster for cluster in clusters if cluster.document in kept.get(cluster.entity, {cluster.document})]


def drawn(cluster: Cluster, *, members: int, rng: Generator) -> tuple[int, ...]:
    """At most `members` mentions of a cluster in random order; the first is its anchor."""
    order = rng.permutation(len(cluster.mentions))[:members]
    return tuple(cluster.mentions[i] for i in order)
