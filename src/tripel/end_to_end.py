"""Mentions that a system found by itself, and linked: precision, recall, F1, and where what is missing was lost.

Strong: the same characters and the same entity. Weak: characters in common and the same entity (Cornolti et al. 2013).
Shapes: N annotations, D documents.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tripel import metrics
from tripel.evaluation import current
from tripel.gold import Gold, Judged
from tripel.knowledge import KnowledgeBase
from tripel.metrics import Estimate
from tripel.predictions import Prediction

LOST = ("right", "linked wrong", "NIL", "other bounds", "not found")


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
    weak: Match
    lost: dict[str, int]
    """How many linkable mentions came to what: one of LOST each, the first that holds of: right; the same characters, linked to
    another entity or to none; characters in common; nothing there."""


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

    Mentions that the annotators gave no id are no error and no success: a link that stands on exactly one of them is left out.
    """
    known = set(documents)
    for one in predictions:
        if one.document not in known:
            raise ValueError(f"document {one.document}: a prediction, and no such document; is it this corpus?")
    unlinkable = gold.places - {mention.key for mention in gold.mentions}
    given = [one for one in predictions if one.candidates and (one.document, one.start, one.end) not in unlinkable]
    link = {(one.document, one.start, one.end): current(kb, one.ids[0]) if one.ids else "" for one in predictions}
    return EndToEnd(
        system,
        _match(given, gold, link, documents, seed=seed, weak=False),
        _match(given, gold, link, documents, seed=seed, weak=True),
        _lost(gold, link),
    )


Links = dict[tuple[str, int, int], str]


def _match(
    given: Sequence[Prediction], gold: Gold, link: Links, documents: Sequence[str], *, seed: int, weak: bool
) -> Match:
    """Each given link that matches some mention, and each mention that some given link matches."""
    mentions: dict[str, list[Judged]] = defaultdict(list)
    links: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for mention in gold.mentions:
        mentions[mention.key[0]].append(mention)
    for one in given:
        links[one.document].append((one.start, one.end, link[one.document, one.start, one.end]))
    table = np.zeros((len(documents), 4))
    for d, document in enumerate(documents):
        right = [[_meets(its, other, weak=weak) for other in mentions[document]] for its in links[document]]
        hit = np.array(right, np.bool_).reshape(len(links[document]), len(mentions[document]))
        table[d] = hit.any(axis=1).sum(), len(hit), hit.any(axis=0).sum(), hit.shape[1]
    return Match(*metrics.precision_recall_f1(*table.T, seed=seed))


def _meets(given: tuple[int, int, str], mention: Judged, *, weak: bool) -> bool:
    start, end, id = given
    _, first, last = mention.key
    place = start < last and first < end if weak else (start, end) == (first, last)
    return place and id in mention.ids


def _lost(gold: Gold, link: Links) -> dict[str, int]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for document, start, end in link:
        spans[document].append((start, end))
    found: Counter[str] = Counter()
    for mention in gold.mentions:
        document, first, last = mention.key
        if mention.key in link:
            id = link[mention.key]
            found["right" if id in mention.ids else "linked wrong" if id else "NIL"] += 1
        else:
            near = any(start < last and first < end for start, end in spans[document])
            found["other bounds" if near else "not found"] += 1
    return {name: found[name] for name in LOST}
