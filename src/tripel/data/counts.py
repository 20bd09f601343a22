"""What is in a corpus, in numbers: per split, from one split to the next, and per entity. It draws nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tripel.corpora.base import Corpus
from tripel.corpora.overlaps import overlapping
from tripel.corpora.pubtator import ONE_OF_SEVERAL
from tripel.documents import Document, Mention
from tripel.linking.abbreviations import expand

Histogram = dict[int, int]
"""How many entities (values) have so many of something (keys), in order of the keys."""

ROWS = {
    "documents": "documents",
    "mentions": "mentions",
    "distinct entities": "entities",
    "mentions without id": "unlinkable",
    "composite mentions": "composite",
    "mentions with long form": "abbreviated",
    "overlapping mentions": "overlapping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """One split in numbers."""

    documents: int
    mentions: int
    entities: int
    """Distinct ids."""
    unlinkable: int
    """Mentions without any id."""
    composite: int
    """Mentions to which the corpus gives several ids, also where only one of them names an entity."""
    abbreviated: int
    """Mentions with a long form."""
    overlapping: int
    """Mentions that `drop_overlaps` drops."""
    mentions_per_document: float
    mentions_by_type: dict[str, int]
    skipped: dict[str, int]
    """What the reader left out on purpose."""
    mentions_per_entity: Histogram
    clusters_per_entity: Histogram
    """A cluster is all mentions of an entity in one document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Of one split's distinct entities and linkable mentions, those whose entity occurs in another split."""

    entities: int
    of_entities: int
    mentions: int
    of_mentions: int

    @property
    def share_of_entities(self) -> float:
        """0 where there are none."""
        return self.entities / max(1, self.of_entities)

    @property
    def share_of_mentions(self) -> float:
        """0 where there are none."""
        return self.mentions / max(1, self.of_mentions)


@dataclass(frozen=True, slots=True)
class CorpusCounts:
    """A corpus in numbers."""

    splits: dict[str, SplitCounts]
    seen_in_train: dict[str, Seen] = field(default_factory=dict)
    """For each split but train."""
    shared_documents: dict[str, int] = field(default_factory=dict)
    """Ids that stand in two splits, by `train+test`; none in a sound corpus."""


def survey(corpus: Corpus) -> CorpusCounts:
    """Read every split of a corpus and count; short forms are expanded on the way."""
    documents = {split: [expand(document) for document in corpus.read(split)] for split in corpus.SPLITS}
    splits = {split: count(found, skipped=corpus.skipped[split]) for split, found in documents.items()}
    others = [split for split in documents if split != "train"]
    return CorpusCounts(
        splits=splits,
        seen_in_train={split: seen(documents[split], documents["train"]) for split in others},
        shared_documents=_shared(documents),
    )


def count(documents: Sequence[Document], *, skipped: Mapping[str, int]) -> SplitCounts:
    """One split in numbers; `skipped` is what its reader left out."""
    mentions = [mention for document in documents for mention in document.mentions]
    return SplitCounts(
        documents=len(documents),
        mentions=len(mentions),
        entities=len(entities_of(mentions)),
        unlinkable=sum(not mention.entities for mention in mentions),
        composite=sum(len(mention.entities) > 1 for mention in mentions) + skipped.get(ONE_OF_SEVERAL, 0),
        abbreviated=sum(bool(mention.long_form) for mention in mentions),
        overlapping=sum(map(overlapping, documents)),
        mentions_per_document=len(mentions) / max(1, len(documents)),
        mentions_by_type=dict(Counter(mention.type for mention in mentions).most_common()),
        skipped={what: number for what, number in skipped.items() if number},
        mentions_per_entity=_histogram(Counter(id for mention in mentions for id in mention.entities)),
        clusters_per_entity=_histogram(Counter(id for found in documents for id in entities_of(found.mentions))),
    )


def seen(documents: Sequence[Document], train: Sequence[Document]) -> Seen:
    """Entities of `documents` that occur in `train`; a composite mention is seen when one of its entities is."""
    known = {id for document in train for id in entities_of(document.mentions)}
    linkable = [mention for document in documents for mention in document.mentions if mention.entities]
    entities = entities_of(linkable)
    return Seen(
        entities=len(entities & known),
        of_entities=len(entities),
        mentions=sum(not known.isdisjoint(mention.entities) for mention in linkable),
        of_mentions=len(linkable),
    )


def entities_of(mentions: Sequence[Mention]) -> set[str]:
    """The distinct ids of mentions."""
    return {id for mention in mentions for id in mention.entities}


def _histogram(number_of: Counter[str]) -> Histogram:
    return dict(sorted(Counter(number_of.values()).items()))


def _shared(documents: Mapping[str, Sequence[Document]]) -> dict[str, int]:
    ids = {split: {document.id for document in found} for split, found in documents.items()}
    names = list(ids)
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    return {f"{one}+{other}": len(both) for one, other in pairs if (both := ids[one] & ids[other])}


def table(counts: CorpusCounts) -> str:
    """The counts as text, a column for each split."""
    rows: dict[str, list[str]] = {"": list(counts.splits)}
    for label, name in ROWS.items():
        rows[label] = [f"{getattr(split, name):,}" for split in counts.splits.values()]
    rows["mentions per document"] = [f"{split.mentions_per_document:.1f}" for split in counts.splits.values()]
    found = {what: None for split in counts.splits.values() for what in split.skipped}
    for what in found:
        rows[f"read past: {what}"] = [f"{split.skipped.get(what, 0):,}" for split in counts.splits.values()]
    seen_in_train = [counts.seen_in_train.get(split) for split in counts.splits]
    rows["entities seen in train"] = [f"{100 * it.share_of_entities:.1f} %" if it else "" for it in seen_in_train]
    rows["mentions of them"] = [f"{100 * it.share_of_mentions:.1f} %" if it else "" for it in seen_in_train]
    width = max(map(len, rows))
    lines = [f"{label:<{width}}" + "".join(f"{cell:>12}" for cell in cells) for label, cells in rows.items()]
    return "\n".join(line.rstrip() for line in lines)
