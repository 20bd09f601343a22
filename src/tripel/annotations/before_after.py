"""Two models on the documents that were held out: how well each finds mentions, links them, and does both.

It knows linkers and documents, no project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tripel.documents import Document, Linked
from tripel.judging.end_to_end import end_to_end
from tripel.judging.gold import gold
from tripel.judging.metrics import Estimate
from tripel.judging.predictions import Prediction
from tripel.linking.linker import Linker
from tripel.recognizers.base import Found
from tripel.tagging.judging import by_type

SEED = 42  # of the bootstrap


def figures(linker: Linker, documents: Sequence[Document]) -> dict[str, Any]:
    """Of documents whose mentions are all known, each with its 95 % interval and N:

    `linked`: the share of given mentions whose first candidate is right. `found`: strong F1 of mentions with their types, where
    something finds them. `both`: strong F1 of what is found and linked; where nothing finds mentions it is `linked`.
    """
    kb = linker.ranker.kb
    truth = gold(documents, kb=kb, train=())
    ids = [document.id for document in documents]
    given = [linker.link(document) for document in documents if document.mentions]
    first = [replace(one, links=tuple(replace(link, decision="linked") for link in one.links)) for one in given]
    right = end_to_end(_said(first), truth, documents=ids, kb=kb, system="given", seed=SEED)
    shown = {"documents": len(documents), "linked": _shown(right.strong.recall)}
    if linker.recognizer is None:
        return {**shown, "both": shown["linked"]}
    bare = [replace(document, mentions=()) for document in documents]
    linked = list(linker.stream(bare))
    found = [Found(one.document, tuple(link.confidence for link in one.links)) for one in linked]
    both = end_to_end(_said(linked), truth, documents=ids, kb=kb, system="found", seed=SEED)
    spans = by_type(found, documents, seed=SEED)[0]
    return {**shown, "found": _shown(spans.strong.f1), "both": _shown(both.strong.f1)}


def worse(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the second finds and links less than the first, or as much and links less of what is given."""
    first, second = ((its["both"]["value"], its["linked"]["value"]) for its in (before, after))
    return bool(second < first)


def _said(linked: Sequence[Linked]) -> list[Prediction]:
    return [
        Prediction(
            one.document.id,
            link.mention.start,
            link.mention.end,
            tuple((candidate.entity, candidate.score) for candidate in link.candidates)
            if link.decision == "linked"
            else (),
        )
        for one in linked
        for link in one.links
    ]


def _shown(its: Estimate) -> dict[str, float]:
    return {"value": its.value, "low": its.low, "high": its.high, "n": its.n}
