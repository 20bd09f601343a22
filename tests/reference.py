"""Formulas as loops over Python numbers, slow and plain, for tests to compare with."""

from __future__ import annotations

from collections.abc import Sequence


def accuracy_at(ranks: Sequence[int], k: int) -> float:
    """Share of mentions whose rank is 1 to k."""
    right = 0
    for rank in ranks:
        if 1 <= rank <= k:
            right += 1
    return right / len(ranks)


def mrr(ranks: Sequence[int]) -> float:
    """Mean of 1 / rank, nothing for rank 0."""
    total = 0.0
    for rank in ranks:
        total += 1 / rank if rank else 0.0
    return total / len(ranks)


def macro(values: Sequence[float], entities: Sequence[str]) -> float:
    """Mean over entities of the mean over their mentions."""
    means = []
    for entity in sorted(set(entities)):
        its = [value for value, other in zip(values, entities, strict=True) if other == entity]
        means.append(sum(its) / len(its))
    return sum(means) / len(means)


def strict(gold: set[str], candidates: Sequence[str], k: int) -> bool:
    """All gold ids stand among the first max(k, n)."""
    return all(one in candidates[: max(k, len(gold))] for one in gold)
