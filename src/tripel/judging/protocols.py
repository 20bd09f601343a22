"""What other benchmarks would count as right, and of which mentions, so that a figure can stand beside theirs.

The corpus, the knowledge base and the split are still this run's: a style of counting is not the benchmark itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tripel.judging import metrics
from tripel.judging.gold import Judged, Key
from tripel.judging.metrics import Estimate, Int

Ranked = Sequence[tuple[str, float]]
"""Candidates of a mention as [current id, score], best first."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a benchmark counts."""

    said: str
    counts: Callable[[Judged], bool]
    """Whether a mention is counted."""
    right: Callable[[Judged, Ranked], bool]


def _alone(mention: Judged, ranked: Ranked) -> bool:
    return bool(ranked) and ranked[0][0] in mention.ids and not any(score == ranked[0][1] for _, score in ranked[1:])


def _among_equals(mention: Judged, ranked: Ranked) -> bool:
    return any(one in mention.ids for one, score in ranked if score == ranked[0][1])


def _single(mention: Judged) -> bool:
    return mention.known and len(mention.ids) == 1


STYLES: Mapping[str, Style] = {
    "BELB": Style("one id, in the knowledge base; an entity that shares the first place is wrong", _single, _alone),
    "BELB, lenient": Style("the same mentions; right where any entity in the first place is", _single, _among_equals),
    "BioEL": Style(
        "in the knowledge base; of several ids any is right",
        lambda mention: mention.known,
        lambda mention, ranked: bool(ranked) and ranked[0][0] in mention.ids,
    ),
}
"""Garda et al. 2023 (strict counting as in BELHD, Garda & Leser 2024), and Kartchner et al. 2023."""


def said() -> str:
    """What each style counts."""
    return "; ".join(f"{name}: {style.said}" for name, style in STYLES.items())


def counted(
    mentions: Sequence[Judged], ranked: Mapping[Key, Ranked], document_M: Int, *, seed: int
) -> dict[str, Estimate]:
    """accuracy@1 by each style, with its N; a mention without a prediction is wrong."""
    found = {}
    for name, style in STYLES.items():
        kept = np.array([style.counts(mention) for mention in mentions], np.bool_)
        hit_m = [
            float(style.right(mention, ranked.get(mention.key, ())))
            for mention, keep in zip(mentions, kept, strict=True)
            if keep
        ]
        found[name] = metrics.mean(np.array(hit_m, np.float64), document_M[kept], seed=seed)
    return found
