"""What one training example is, and how examples become a batch. Each entity stands in a batch once, by one name or several.

Shapes: M mentions in G clusters, E names of distinct entities, K wrong entities kept for each mention, R right ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.views import Passages
from tripel.knowledge import KnowledgeBase
from tripel.training.clusters import Cluster, Grouped, capped, drawn

Int = NDArray[np.int64]

CLOSEST = 0.5  # share of right entities that are shown by the name closest to the mention


@dataclass(frozen=True, eq=False)
class Near:
    """What a search found close to each mention: entities that look right and are wrong, hardest first; -1 pads."""

    row_MK: Int
    """Rows of the knowledge base."""
    name_MK: Int
    """Which of its names looked right, by position in `kb.names`; -1 where entities are shown whole."""
    right_MR: Int
    """The closest name of each right entity, in the order of `Grouped.gold`; -1 where the search did not reach it."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Everything an objective may draw on."""

    documents: tuple[Document, ...]
    kb: KnowledgeBase
    grouped: Grouped
    near: Near
    view: views.View
    long_forms: bool
    entity_text: Callable[[int], str] | None
    """How an entity is shown whole; None where it is shown by one of its names."""
    names: pa.StringArray
    """Each name of the knowledge base as it is shown [N]."""

    def __len__(self) -> int:
        return len(self.grouped.clusters)

    def by_document(self) -> list[tuple[Document, list[Mention]]]:
        """The training mentions, document by document."""
        return self.grouped.by_document(self.documents)


@dataclass(frozen=True, eq=False)
class Batch:
    """M mentions of G clusters against E names of distinct entities."""

    mentions: Passages
    cluster_M: Int
    """The cluster of each mention, 0 <= c < G; members side by side, the anchor first."""
    entities: tuple[str, ...]
    row_E: Int
    """Row in the knowledge base of each name's entity; names of one entity that is right stand side by side."""
    gold_G: Int
    """The first column of each cluster's entity."""
    known_GE: NDArray[np.bool_]
    """Entities that some member of the cluster names: never wrong for it, whoever brought them into the batch."""
    placed_M: tuple[tuple[int, Mention], ...] = ()
    """Each mention and its document, by position in the lesson."""
    wrong_G: Int | None = None
    """The column of each cluster's hardest wrong entity, once one was selected; -1 where the batch has none."""

    def __len__(self) -> int:
        return len(self.gold_G)

    @property
    def anchor_G(self) -> Int:
        """The first mention of each cluster."""
        return np.flatnonzero(np.diff(self.cluster_M, prepend=-1))


def cluster_batches(
    lesson: Lesson, *, size: int, members: int, documents: int, wrong: int, rng: Generator, names: int = 1
) -> Iterator[Batch]:
    """Batches of about `size` clusters; each brings its entity, by `names` of its names, and its `wrong` hardest wrong entities.

    Where mentions are read off their whole document, the clusters of one document come together: one pass reads all. And
    with it comes a document that names the same thing, or another thing alike: what to hold together and what to part.
    """
    clusters = capped(lesson.grouped.clusters, documents=documents, rng=rng)
    together = lesson.view == "document"
    units = drawn_units(clusters, by_document=together, rng=rng)
    for chosen in filled(_paired(units, lesson.grouped, rng) if together else units, size=size):
        yield _batch(lesson, chosen, members=members, wrong=wrong, rng=rng, names=names)


def filled(units: Iterable[list[Cluster]], *, size: int) -> Iterator[list[Cluster]]:
    waiting: list[Cluster] = []
    for unit in units:
        waiting += unit
        if len(waiting) >= size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def drawn_units(clusters: list[Cluster], *, by_document: bool, rng: Generator) -> list[list[Cluster]]:
    """What stays together: the clusters of a document, or each cluster alone; in random order."""
    units: dict[int, list[Cluster]] = {}
    for number, cluster in enumerate(clusters):
        units.setdefault(cluster.document if by_document else number, []).append(cluster)
    keys = list(units)
    return [units[keys[i]] for i in rng.permutation(len(keys))]


def _paired(units: list[list[Cluster]], grouped: Grouped, rng: Generator) -> Iterator[list[Cluster]]:
    """Each unit, and after it one still waiting: that says another thing alike, or else that says the same thing."""
    said: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    named: dict[int, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for cluster in unit:
            named[cluster.entity].append(number)
            for surface in _surfaces(cluster, grouped):
                said[surface][cluster.entity].append(number)
    waiting = dict.fromkeys(range(len(units)))
    while waiting:
        number = next(iter(waiting))
        del waiting[number]
        yield units[number]
        alike = (
            other
            for cluster in units[number]
            for surface in _surfaces(cluster, grouped)
            for entity, its in said[surface].items()
            if entity != cluster.entity
            for other in its
        )
        same = (other for cluster in units[number] for other in named[cluster.entity])
        found = [other for other in alike if other in waiting] or [other for other in same if other in waiting]
        if found:
            other = found[int(rng.integers(len(found)))]
            del waiting[other]
            yield units[other]


def _surfaces(cluster: Cluster, grouped: Grouped) -> list[str]:
    """How its mentions say it, each once, in order."""
    return list(dict.fromkeys(grouped.mentions[m][1].text.casefold() for m in cluster.mentions))


def _batch(lesson: Lesson, chosen: Sequence[Cluster], *, members: int, wrong: int, rng: Generator, names: int) -> Batch:
    chosen = sorted(chosen, key=lambda cluster: cluster.document)
    drawn_G = [drawn(cluster, members=members, rng=rng) for cluster in chosen]
    flat_M = [mention for found in drawn_G for mention in found]
    cluster_M = np.repeat(np.arange(len(chosen)), [len(found) for found in drawn_G])
    shown = _entities(lesson, chosen, [found[0] for found in drawn_G], wrong=wrong, rng=rng, names=names)
    columns: dict[int, list[int]] = defaultdict(list)
    for i, (row, _) in enumerate(shown):
        columns[row].append(i)
    known_GE = np.zeros((len(chosen), len(shown)), np.bool_)
    for g, found in enumerate(drawn_G):
        known_GE[g, [i for m in found for row in lesson.grouped.gold[m] for i in columns.get(row, [])]] = True
    return Batch(
        mentions=shown_mentions(lesson, flat_M),
        cluster_M=cluster_M,
        entities=tuple(_text(lesson, row, name) for row, name in shown),
        row_E=np.array([row for row, _ in shown], np.int64),
        gold_G=np.array([columns[cluster.entity][0] for cluster in chosen], np.int64),
        known_GE=known_GE,
        placed_M=tuple(lesson.grouped.mentions[m] for m in flat_M),
    )


def _entities(
    lesson: Lesson, chosen: Sequence[Cluster], anchor_G: Sequence[int], *, wrong: int, rng: Generator, names: int
) -> list[tuple[int, int]]:
    """Each entity of the batch with the name that shows it; a right one with several where so many are wanted."""
    found = {c.entity: [_right_name(lesson, c, anchor, rng)] for c, anchor in zip(chosen, anchor_G, strict=True)}
    if names > 1 and not lesson.entity_text:
        for row, its in found.items():
            every = np.arange(*lesson.kb.first_E[row : row + 2])
            its += rng.permutation(every[every != its[0]])[: names - 1].tolist()
    for anchor in anchor_G:
        rows, misled = lesson.near.row_MK[anchor, :wrong], lesson.near.name_MK[anchor, :wrong]
        for row, name in zip(rows.tolist(), misled.tolist(), strict=True):
            if row >= 0:
                found.setdefault(row, [name])
    return [(row, name) for row, its in found.items() for name in its]


def _right_name(lesson: Lesson, cluster: Cluster, anchor: int, rng: Generator) -> int:
    """Any name of the entity, or the one closest to the anchor.

    Wrong entities are shown by the name that misled. Were right ones always shown by any name, "spelt alike is wrong"
    would be learnt: it cost 19 points of accuracy on dev among the candidates of BC5CDR.
    """
    closest = int(lesson.near.right_MR[anchor, lesson.grouped.gold[anchor].index(cluster.entity)])
    drawn, coin = int(rng.integers(*lesson.kb.first_E[cluster.entity : cluster.entity + 2])), rng.random()
    return closest if closest >= 0 and coin < CLOSEST else drawn


def _text(lesson: Lesson, row: int, name: int) -> str:
    return lesson.entity_text(row) if lesson.entity_text else str(lesson.names[name].as_py())


def shown_mentions(lesson: Lesson, flat_M: Sequence[int]) -> Passages:
    """The mentions shown, in the order of `flat_M`, which goes by document; each document comes once."""
    placed = (lesson.grouped.mentions[m] for m in flat_M)
    chosen = [
        (lesson.documents[document], [mention for _, mention in found])
        for document, found in groupby(placed, key=lambda place: place[0])
    ]
    return views.passages(chosen, view=lesson.view, long_forms=lesson.long_forms)
