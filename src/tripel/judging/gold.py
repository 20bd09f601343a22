"""What the mentions to be judged truly are, and what makes each easy or hard: the slices of a report.

It reads gold annotations alone; no system has spoken yet.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tripel.documents import Document, Mention
from tripel.knowledge import KnowledgeBase

BUCKETS = ((0, 0), (1, 2), (3, 9), (10, 99), (100, None))
CLUSTERS = tuple(str(low) if low == high else f"{low}+" if high is None else f"{low}-{high}" for low, high in BUCKETS)
BY_CLUSTERS = "training clusters"
SHORT_FORM = re.compile(r"(?=(?:.*[A-Z]){2})\S{2,6}")  # two capitals in at most six characters without a blank

Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What is judged and what cannot be, so that nothing is dropped in silence."""

    documents: int
    mentions: int
    unlinkable: int
    """Without any id: the vocabulary of the annotators has none."""
    outside: int
    """Linkable, and none of their ids is in the knowledge base: always an error of the figures over linkable mentions."""
    composite: int
    """With several ids."""


@dataclass(frozen=True, slots=True)
class Leakage:
    """What training had already shown of the documents that are judged."""

    documents: int
    """With an id or a text that training has, too."""
    surfaces: int
    """Distinct linkable surface forms that training mentions have, too: rows of training mentions in an index, or a
    dictionary derived from them, hold these very strings."""
    of_surfaces: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One linkable mention."""

    key: Key
    ids: frozenset[str]
    """Gold entities under their current ids."""
    entity: str
    """The first of them."""
    known: bool
    """The knowledge base has one of them."""
    slices: Mapping[str, str]
    """Under each heading, the slice that the mention is in; a heading that does not concern it is left out."""


@dataclass(frozen=True, slots=True)
class Gold:
    """All linkable mentions of some documents."""

    mentions: tuple[Judged, ...]
    places: frozenset[Key]
    """Of all mentions, those without id, too."""
    counts: Counts
    leakage: Leakage


def gold(
    documents: Sequence[Document],
    *,
    kb: KnowledgeBase,
    train: Sequence[Document],
    retrieved: Callable[[Key], Sequence[str]] | None = None,
) -> Gold:
    """Look at each mention in the light of the knowledge base and of training.

    `retrieved` gives the lexical candidates of a place, for the slices that part errors of retrieval from those of ranking.
    """
    current = _Current(kb)
    seen = _Training.of(train, current)
    everywhere = _meanings([*train, *documents], current)
    ambiguous = {surface for surface, meanings in everywhere.items() if len(meanings) > 1}
    mentions = []
    for document, mention in _linkable(documents):
        key = (document.id, mention.start, mention.end)
        ids = tuple(current(one) for one in mention.entities)
        slices = _slices(mention, ids, kb=kb, seen=seen, ambiguous=ambiguous)
        if retrieved:
            slices["lexical candidates"] = "with gold" if set(ids) & set(retrieved(key)) else "without gold"
        known = any(kb.row(one) is not None for one in ids)
        mentions.append(Judged(key, frozenset(ids), ids[0], known, slices))
    places = frozenset((document.id, m.start, m.end) for document in documents for m in document.mentions)
    return Gold(tuple(mentions), places, _counts(documents, mentions), _leakage(documents, train, seen))


class _Current:
    """Retired and alternative ids under the id that stands for them today; others as they are."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self.kb = kb
        self.found: dict[str, str] = {}

    def __call__(self, id: str) -> str:
        if id not in self.found:
            row = self.kb.row(id)
            self.found[id] = id if row is None else self.kb.id(row)
        return self.found[id]


@dataclass(frozen=True, slots=True)
class _Training:
    clusters: Mapping[str, int]
    """Documents in which an entity is mentioned."""
    meanings: Mapping[str, set[str]]
    """Entities that a surface form stood for."""

    @classmethod
    def of(cls, documents: Sequence[Document], current: _Current) -> _Training:
        found: dict[str, set[int]] = defaultdict(set)
        for number, document in enumerate(documents):
            for mention in document.mentions:
                for one in mention.entities:
                    found[current(one)].add(number)
        return cls({entity: len(its) for entity, its in found.items()}, _meanings(documents, current))


def _linkable(documents: Iterable[Document]) -> Iterator[tuple[Document, Mention]]:
    return ((document, mention) for document in documents for mention in document.mentions if mention.entities)


def _meanings(documents: Iterable[Document], current: _Current) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for _, mention in _linkable(documents):
        found[mention.text.casefold()].update(map(current, mention.entities))
    return dict(found)


def _slices(
    mention: Mention, ids: Sequence[str], *, kb: KnowledgeBase, seen: _Training, ambiguous: set[str]
) -> dict[str, str]:
    surface = mention.text.casefold()
    rows = kb.rows(ids)
    named = kb.named(mention.text)
    clusters = max(seen.clusters.get(one, 0) for one in ids)
    before = seen.meanings.get(surface, set())
    found = {
        "type": mention.type or "none",
        "entity": "seen in training" if clusters else "unseen in training",
        "surface form": "seen with it" if before & set(ids) else "seen with others" if before else "unseen",
        BY_CLUSTERS: _bucket(clusters),
        "name": "exact" if set(rows) & set(named) else "other wording",
        "name of": "several entities" if len(named) > 1 else "one entity" if named else "no entity",
    }
    if mention.long_form or SHORT_FORM.fullmatch(mention.text):
        found["short form"] = "ambiguous" if surface in ambiguous or len(named) > 1 else "one meaning"
    return found


def _bucket(clusters: int) -> str:
    return next(name for (_, high), name in zip(BUCKETS, CLUSTERS, strict=True) if high is None or clusters <= high)


def _counts(documents: Sequence[Document], mentions: Sequence[Judged]) -> Counts:
    total = sum(len(document.mentions) for document in documents)
    return Counts(
        documents=len(documents),
        mentions=total,
        unlinkable=total - len(mentions),
        outside=sum(not mention.known for mention in mentions),
        composite=sum(len(mention.ids) > 1 for mention in mentions),
    )


def _leakage(documents: Sequence[Document], train: Sequence[Document], seen: _Training) -> Leakage:
    ids, texts = {document.id for document in train}, {document.text for document in train}
    surfaces = {mention.text.casefold() for _, mention in _linkable(documents)}
    shared = sum(document.id in ids or document.text in texts for document in documents)
    return Leakage(shared, len(surfaces & seen.meanings.keys()), len(surfaces))
