"""Mentions that a system found by itself, and linked: precision, recall, F1, and where what is missing was lost.

Strong: the same characters and the same entity. Weak: characters in common and the same entity (Cornolti et al. 2013).
Shapes: N annotations, D documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tripel.judging import metrics
from tripel.judging.evaluation import current, document_numbers
from tripel.judging.gold import Gold, Judged, Key
from tripel.judging.metrics import Estimate, Paired
from tripel.judging.predictions import Prediction
from tripel.knowledge import KnowledgeBase

LOST = (
    "right",
    "ranked wrong",
    "not among candidates",
    "outside the knowledge base",
    "NIL",
    "other bounds",
    "not found",
)

Said = dict[Key, list[str]]
"""At each place that was found, the ids of its candidates today; none where it was said to be NIL."""


@dataclass(frozen=True, slots=True)
class Match:
    """How well what was found matches what is annotated."""

    precision: Estimate
    """Of the links that were given."""
    recall: Estimate
    """Of the linkable mentions."""
    f1: Estimate


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """What came out for one system."""

    system: str
    strong: Match
    strict: Estimate
    """The strong recall, but of a composite mention with n ids all n stand among the first n candidates."""
    weak: Match
    lost: dict[str, Estimate]
    """Which share of the linkable mentions came to what: one of LOST each. Of those found with the same characters: right;
    the entity is not in the knowledge base; said to be NIL; the entity is not among the candidates; another stands before it.
    Of the others: something with characters in common was found; nothing there."""


def end_to_end(
    predictions: Sequence[Prediction],
    gold: Gold,
    *,
    documents: Sequence[str],
    kb: KnowledgeBase,
    system: str,
    seed: int,
) -> EndToEnd:
    """Judge what was found in documents, named by their ids. Raises ValueError for a prediction about another one.

    Mentions that the annotators gave no id are no error and no success. Of two predictions for a place the last counts.
    """
    said = _said(predictions, kb)
    strong, weak = (
        Match(*metrics.precision_recall_f1(*_counts(said, gold, documents, weak=weak).T, seed=seed))
        for weak in (False, True)
    )
    return EndToEnd(system, strong, _strict(said, gold, documents, seed=seed), weak, _lost(gold, said, seed=seed))


def compare_f1(
    one: Sequence[Prediction],
    other: Sequence[Prediction],
    gold: Gold,
    *,
    documents: Sequence[str],
    kb: KnowledgeBase,
    seed: int,
) -> dict[str, Paired]:
    """F1 of the first system less that of the second, strong and weak. Raises ValueError as `end_to_end` does."""
    both = [_said(its, kb) for its in (one, other)]
    found = {}
    for name, weak in (("strong F1", False), ("weak F1", True)):
        one_D4, other_D4 = (_counts(said, gold, documents, weak=weak) for said in both)
        found[name] = metrics.paired_f1(one_D4, other_D4, seed=seed)
    return found


def _said(predictions: Sequence[Prediction], kb: KnowledgeBase) -> Said:
    return {
        (one.document, one.start, one.end): list(dict.fromkeys(current(kb, id) for id in one.ids))
        for one in predictions
    }


def _counts(said: Said, gold: Gold, documents: Sequence[str], *, weak: bool) -> metrics.Float:
    """Of each document: links that match some mention, links, mentions that some link matches, mentions [D, 4].

    A link that stands on exactly a mention without an id is left out.
    """
    unlinkable = gold.places - {mention.key for mention in gold.mentions}
    mentions: dict[str, list[Judged]] = defaultdict(list)
    links: dict[str, list[tuple[int, int, str]]] = {document: [] for document in documents}
    for mention in gold.mentions:
        mentions[mention.key[0]].append(mention)
    for key, ids in said.items():
        document, start, end = key
        if document not in links:
            raise ValueError(f"document {document}: a prediction, and no such document; is it this corpus?")
        if ids and key not in unlinkable:
            links[document].append((start, end, ids[0]))
    count_D4 = np.zeros((len(documents), 4))
    for d, document in enumerate(documents):
        right = [[_meets(its, other, weak=weak) for other in mentions[document]] for its in links[document]]
        hit = np.array(right, np.bool_).reshape(len(links[document]), len(mentions[document]))
        count_D4[d] = hit.any(axis=1).sum(), len(hit), hit.any(axis=0).sum(), hit.shape[1]
    return count_D4


def _meets(given: tuple[int, int, str], mention: Judged, *, weak: bool) -> bool:
    start, end, id = given
    _, first, last = mention.key
    place = start < last and first < end if weak else (start, end) == (first, last)
    return place and mention.known and id in mention.ids


def _strict(said: Said, gold: Gold, documents: Sequence[str], *, seed: int) -> Estimate:
    """Over all documents, as recall is, those without a mention, too."""
    count_D2 = {document: np.zeros(2) for document in documents}
    for mention in gold.mentions:
        right = mention.known and metrics.strict_rank(mention.ids, said.get(mention.key, ())) == 1
        count_D2[mention.key[0]] += right, 1
    right_D, wanted_D = np.array(list(count_D2.values())).reshape(-1, 2).T
    return metrics.precision_recall_f1(right_D, wanted_D, right_D, wanted_D, seed=seed)[1]


def _lost(gold: Gold, said: Said, *, seed: int) -> dict[str, Estimate]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for document, start, end in said:
        spans[document].append((start, end))
    found = [_outcome(mention, said.get(mention.key), spans[mention.key[0]]) for mention in gold.mentions]
    return metrics.shares(found, document_numbers(gold), kinds=LOST, seed=seed)


def _outcome(mention: Judged, ids: Sequence[str] | None, spans: Sequence[tuple[int, int]]) -> str:
    _, first, last = mention.key
    if ids is None:
        return "other bounds" if any(start < last and first < end for start, end in spans) else "not found"
    if not mention.known:
        return "outside the knowledge base"
    if ids and ids[0] in mention.ids:
        return "right"
    if not ids:
        return "NIL"
    return "not among candidates" if mention.ids.isdisjoint(ids) else "ranked wrong"
