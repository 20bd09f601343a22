"""Gold and predictions -> Scores: accuracy@k, MRR, macro accuracy, overall and by slices, each with N and an interval.

It reads what systems wrote, whoever they are, and runs none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from tripel.judging import metrics, protocols
from tripel.judging.gold import BY_CLUSTERS, CLUSTERS, Counts, Gold, Key, Leakage
from tripel.judging.metrics import Estimate, Int, Paired
from tripel.judging.predictions import Prediction
from tripel.knowledge import KnowledgeBase

AT = (1, 5, 20, 64)
OUTCOMES = ("right", "ranked wrong", "not among candidates", "outside the knowledge base", "NIL", "no prediction")
VERSION = 4  # of what is counted and how; figures of different versions are not to be compared


@dataclass(frozen=True, slots=True)
class Measures:
    """One set of mentions, measured. Composite mentions: any of their ids is right, but under `strict` all are wanted."""

    accuracy: dict[int, Estimate]
    """By k."""
    strict: Estimate
    """accuracy@1; of a composite mention with n ids, all n stand in the first n."""
    mrr: Estimate
    macro: Estimate
    """accuracy@1 meant over entities."""

    @property
    def n(self) -> int:
        """Mentions."""
        return self.mrr.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What came out for one system under one protocol."""

    system: str
    protocol: str
    version: int
    counts: Counts
    unanswered: int
    """Linkable mentions for which there is no prediction: wrong."""
    leakage: Leakage
    outcomes: dict[str, Estimate]
    """The share of linkable mentions that came out right, and of what went wrong with the others: one of OUTCOMES each."""
    linkable: Measures
    """All mentions whose entity the annotators knew; one outside the knowledge base is an error."""
    known: Measures
    """Those whose entity is in the knowledge base."""
    slices: dict[str, dict[str, Estimate]]
    """accuracy@1 over linkable mentions, by heading and slice."""
    styles: dict[str, Estimate]
    """accuracy@1 as other benchmarks count (`protocols.STYLES`)."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Scores:
        """Read `to_json` back. Raises ValueError where something is missing or of another version."""
        if values.get("version") != VERSION:
            raise ValueError(
                f"scores of version {values.get('version')}, this is version {VERSION}: judge again with `tripel evaluate`"
            )
        return TypeAdapter(cls).validate_python(dict(values))


def evaluate(
    predictions: Sequence[Prediction], gold: Gold, *, kb: KnowledgeBase, system: str, protocol: str, seed: int
) -> Scores:
    """Judge predictions. Raises ValueError where one is about a place that gold does not have."""
    answered = placed(predictions, gold)
    ranks_M = ranks(predictions, gold, kb=kb)
    found = outcomes(predictions, gold, ranks_M)
    strict_M = ranks(predictions, gold, kb=kb, strict=True)
    document_M = document_numbers(gold)
    known = np.array([mention.known for mention in gold.mentions], np.bool_)
    every = np.ones_like(known)
    return Scores(
        system=system,
        protocol=protocol,
        version=VERSION,
        counts=gold.counts,
        unanswered=sum(mention.key not in answered for mention in gold.mentions),
        leakage=gold.leakage,
        outcomes=metrics.shares(found, document_M, kinds=OUTCOMES, seed=seed),
        linkable=_measures(ranks_M, strict_M, gold, document_M, every, seed=seed),
        known=_measures(ranks_M, strict_M, gold, document_M, known, seed=seed),
        slices=_slices(metrics.hits(ranks_M, k=1), gold, document_M, seed=seed),
        styles=protocols.counted(gold.mentions, _ranked(predictions, kb), document_M, seed=seed),
    )


def compare(
    one: Sequence[Prediction], other: Sequence[Prediction], gold: Gold, *, kb: KnowledgeBase, seed: int
) -> Paired:
    """accuracy@1 of the first system less that of the second, over all linkable mentions."""
    hit_M, other_M = (metrics.hits(ranks(its, gold, kb=kb), k=1) for its in (one, other))
    return metrics.paired(hit_M, other_M, document_numbers(gold), seed=seed)


def compare_slices(
    one: Sequence[Prediction], other: Sequence[Prediction], gold: Gold, *, kb: KnowledgeBase, seed: int
) -> dict[str, dict[str, Paired]]:
    """The same within each slice, by heading."""
    hit_M, other_M = (metrics.hits(ranks(its, gold, kb=kb), k=1) for its in (one, other))
    document_M = document_numbers(gold)
    return {
        heading: {
            slice: metrics.paired(hit_M[its], other_M[its], document_M[its], seed=seed) for slice, its in places.items()
        }
        for heading, places in _places(gold).items()
    }


def outcomes(predictions: Sequence[Prediction], gold: Gold, rank_M: Int) -> list[str]:
    """What became of each linkable mention, one of OUTCOMES [M]; `rank_M` as `ranks` gives it.

    An entity outside the knowledge base cannot be found, whatever was said; then no prediction, or one without candidates
    (NIL), is told from a right entity that is not among the candidates and from one that others stand before.
    """
    candidates = {(one.document, one.start, one.end): len(one.candidates) for one in predictions}
    return [
        _outcome(rank, known=mention.known, candidates=candidates.get(mention.key))
        for mention, rank in zip(gold.mentions, rank_M.tolist(), strict=True)
    ]


def _outcome(rank: int, *, known: bool, candidates: int | None) -> str:
    if rank == 1:
        return "right"
    if not known:
        return "outside the knowledge base"
    if rank > 1:
        return "ranked wrong"
    if candidates is None:
        return "no prediction"
    return "not among candidates" if candidates else "NIL"


def ranks(predictions: Sequence[Prediction], gold: Gold, *, kb: KnowledgeBase, strict: bool = False) -> Int:
    """The rank of each gold mention [M], 0 where it was not found. Retired ids count as their current entity.

    What is outside the knowledge base cannot be found, also by a system that says its id.
    """
    ranked = _ranked(predictions, kb)
    measure = metrics.strict_rank if strict else metrics.rank
    found = (
        measure(mention.ids, [one for one, _ in ranked.get(mention.key, ())]) if mention.known else 0
        for mention in gold.mentions
    )
    return np.fromiter(found, np.int64, len(gold.mentions))


def _ranked(predictions: Sequence[Prediction], kb: KnowledgeBase) -> dict[Key, list[tuple[str, float]]]:
    """Candidates under their current ids, each once, by place; of two predictions for a place the last counts."""
    ids = {id for one in predictions for id in one.ids}
    today = {id: current(kb, id) for id in ids}
    found = {}
    for one in predictions:
        best: dict[str, float] = {}
        for id, score in one.candidates:
            best.setdefault(today[id], score)
        found[one.document, one.start, one.end] = list(best.items())
    return found


def placed(predictions: Sequence[Prediction], gold: Gold) -> set[Key]:
    """The places with a prediction. Raises ValueError where one of them is none of gold's."""
    answered = {(one.document, one.start, one.end) for one in predictions}
    stray = min(answered - gold.places, default=None)
    if stray:
        document, start, end = stray
        raise ValueError(
            f"document {document}, [{start}, {end}): a prediction, and no mention there; are they of this corpus and split?"
            " What a system found by itself is judged by `tripel evaluate RUN FILE --found`"
        )
    return answered


def current(kb: KnowledgeBase, id: str) -> str:
    """The id that stands for it today; itself where it is unknown."""
    row = kb.row(id)
    return id if row is None else kb.id(row)


def document_numbers(gold: Gold) -> Int:
    """Which document each mention is in [M]."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(mention.key[0], len(numbers)) for mention in gold.mentions], np.int64)


def _measures(
    ranks_M: Int, strict_M: Int, gold: Gold, document_M: Int, keep_M: np.ndarray[Any, np.dtype[np.bool_]], *, seed: int
) -> Measures:
    rank_M, strict_M, document_M = ranks_M[keep_M], strict_M[keep_M], document_M[keep_M]
    entity_M = [mention.entity for mention, keep in zip(gold.mentions, keep_M, strict=True) if keep]
    first_M = metrics.hits(rank_M, k=1)
    return Measures(
        accuracy={k: metrics.mean(metrics.hits(rank_M, k=k), document_M, seed=seed) for k in AT},
        strict=metrics.mean(metrics.hits(strict_M, k=1), document_M, seed=seed),
        mrr=metrics.mean(metrics.reciprocal(rank_M), document_M, seed=seed),
        macro=metrics.macro(first_M, entity_M, seed=seed),
    )


def _slices(hit_M: metrics.Float, gold: Gold, document_M: Int, *, seed: int) -> dict[str, dict[str, Estimate]]:
    return {
        heading: {slice: metrics.mean(hit_M[its], document_M[its], seed=seed) for slice, its in places.items()}
        for heading, places in _places(gold).items()
    }


def _places(gold: Gold) -> dict[str, dict[str, list[int]]]:
    """Which mentions are in each slice, by heading."""
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for m, mention in enumerate(gold.mentions):
        for heading, slice in mention.slices.items():
            places[heading][slice].append(m)
    return {
        heading: {
            slice: found[slice] for slice in (CLUSTERS if heading == BY_CLUSTERS else sorted(found)) if slice in found
        }
        for heading, found in places.items()
    }
