"""Judging a tagger: where it finds mentions, against where people marked them, by type. It knows no entities.

Strong: the same characters and the same type. Weak: characters in common and the same type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tripel.corpora.overlaps import overlapping
from tripel.documents import Document, batched
from tripel.files import write_json
from tripel.judging.end_to_end import EndToEnd, end_to_end
from tripel.judging.gold import Counts, Gold, Judged, Leakage
from tripel.judging.predictions import Prediction
from tripel.knowledge import KnowledgeBase
from tripel.progress import bar
from tripel.recognizers.base import Found
from tripel.recognizers.tagger import Reader, Tagger
from tripel.reports import tables
from tripel.training.journal import Journal
from tripel.training.recipe import Data

EVERY = "all types"
NOTHING = KnowledgeBase.of([])  # types have no other ids


def judge_tagger(
    run: Path, data: Data, documents: Mapping[str, Sequence[Document]], journal: Journal, *, seed: int
) -> str:
    """Find the mentions of dev and test, and write down how well. Gives the tables as Markdown."""
    tagger = Tagger(Tagger.Config(run=str(run)))
    learned = {document.id for document in documents["train"]}
    said = []
    for role in data.judged:
        gold = documents[role]
        if learned.issuperset(document.id for document in gold):
            continue
        with bar(f"finding mentions of {role}") as progress:
            found: list[Found] = []
            for some in batched(gold):
                found += tagger.recognize(some)
                progress(len(found), len(gold))
        judged = by_type(found, gold, seed=seed)
        write_json(run / "scores" / f"{role}-mentions.json", {one.system: one.strong.f1.value for one in judged})
        journal.tables(f"{role} mentions", ["type", "strong F1"], [[one.system, one.strong.f1.value] for one in judged])
        said.append(f"## {role}: mentions found\n\n{_counted(gold)}\n\n{tables.found(judged)}")
    return "\n\n".join(said)


def quick(reader: Reader, gold: Sequence[Document]) -> float:
    """Strong F1 on some documents, to choose between epochs."""
    return round(by_type(reader.read(gold), gold, seed=0)[0].strong.f1.value, 6)


def by_type(found: Sequence[Found], gold: Sequence[Document], *, seed: int) -> list[EndToEnd]:
    """How well mentions were found: all of them with their types, then those of each type."""
    types = sorted({mention.type for document in gold for mention in document.mentions})
    kinds = {EVERY: set(types), **({type: {type} for type in types} if len(types) > 1 else {})}
    return [_one(found, gold, name, kept, seed=seed) for name, kept in kinds.items()]


def _one(found: Sequence[Found], gold: Sequence[Document], name: str, kept: set[str], *, seed: int) -> EndToEnd:
    """A type stands in the place of an entity, so that what judges links judges this, too."""
    given = [
        Prediction(one.document.id, mention.start, mention.end, ((mention.type or "-", confidence),))
        for one in found
        for mention, confidence in zip(one.document.mentions, one.confidence, strict=True)
        if mention.type in kept or mention.type == ""
    ]
    return end_to_end(
        given, _gold(gold, kept), documents=[document.id for document in gold], kb=NOTHING, system=name, seed=seed
    )


def _gold(documents: Sequence[Document], kept: set[str]) -> Gold:
    """The mentions of some types, each with its type as what is to be said of it."""
    mentions = tuple(
        Judged(
            key=(document.id, mention.start, mention.end),
            ids=frozenset([mention.type]),
            entity=mention.type,
            known=True,
            slices={},
        )
        for document in documents
        for mention in document.mentions
        if mention.type in kept
    )
    counts = Counts(documents=len(documents), mentions=len(mentions), unlinkable=0, outside=0, composite=0)
    places = frozenset(mention.key for mention in mentions)
    return Gold(mentions, places, counts, Leakage(documents=0, surfaces=0, of_surfaces=0))


def _counted(documents: Sequence[Document]) -> str:
    """What the figures are about."""
    mentions = [mention for document in documents for mention in document.mentions]
    split = sum(bool(mention.parts) for mention in mentions)
    nested = sum(map(overlapping, documents))
    return (
        f"{len(mentions):,} mentions of {len(documents):,} documents, 95 % interval by bootstrap over documents;"
        f" {nested:,} overlap others and {split:,} are in pieces, which a tagger cannot find as they are: they count as"
        " not found. `not among candidates` is one of another type."
    )
