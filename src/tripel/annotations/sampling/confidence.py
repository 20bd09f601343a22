"""How sure the model is of a mention and of a document. Shapes: none; a document is a list of what was said of its mentions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tripel.annotations.sampling.base import Predicted

Over = Literal["mean", "least"]


def confidence(mention: Predicted) -> float:
    """The recogniser's score + how far the first candidate is ahead of the second: s(top 1) - s(top 2).

    A candidate without a rival is ahead by its whole score; a mention without candidates is ahead by nothing.
    """
    first, second, *_ = (*mention.scores, 0.0, 0.0)
    return mention.recognizer + first - second


def of_document(predicted: Sequence[Predicted], *, over: Over = "mean") -> float | None:
    """The mean of its mentions, or the least sure of them; None where the model found nothing."""
    each = [confidence(mention) for mention in predicted]
    if not each:
        return None
    return min(each) if over == "least" else sum(each) / len(each)
