"""Metrics against loops, and intervals that behave as intervals do."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from tripel.judging import metrics

RANKS = st.lists(st.integers(0, 70), min_size=1, max_size=30)
IDS = st.sampled_from("abcdef")


@given(RANKS, st.integers(1, 64))
def test_accuracy_and_mrr_are_those_of_the_loops(ranks: list[int], k: int) -> None:
    rank_M = np.array(ranks, np.int64)
    assert metrics.hits(rank_M, k=k).mean() == pytest.approx(reference.accuracy_at(ranks, k))
    assert metrics.reciprocal(rank_M).mean() == pytest.approx(reference.mrr(ranks))


@given(st.sets(IDS, min_size=1, max_size=3), st.lists(IDS, unique=True), st.integers(1, 6))
def test_strict_wants_every_id(gold: set[str], candidates: list[str], k: int) -> None:
    rank = metrics.strict_rank(frozenset(gold), candidates)
    assert (0 < rank <= k) == reference.strict(gold, candidates, k)


@given(st.sets(IDS, min_size=1), st.lists(IDS, unique=True))
def test_lenient_takes_the_first_right_one(gold: set[str], candidates: list[str]) -> None:
    rank = metrics.rank(frozenset(gold), candidates)
    assert rank == 0 or candidates[rank - 1] in gold
    assert not gold & set(candidates[: rank - 1 if rank else None])


@given(st.lists(st.tuples(st.booleans(), IDS, st.integers(0, 5)), min_size=1, max_size=40))
def test_macro_is_that_of_the_loops(mentions: list[tuple[bool, str, int]]) -> None:
    values, entities, _ = zip(*mentions, strict=True)
    found = metrics.macro(np.array(values, float), entities, seed=0)
    assert found.value == pytest.approx(reference.macro(values, entities))
    assert -1e-9 <= found.low <= found.high <= 1 + 1e-9


def test_a_frequent_entity_counts_once_in_macro() -> None:
    value_M = np.array([1.0] * 9 + [0.0])
    found = metrics.macro(value_M, ["often"] * 9 + ["rare"], seed=0)
    assert (found.value, value_M.mean()) == (0.5, 0.9)


def test_the_interval_of_macro_holds_its_value_where_most_entities_are_rare() -> None:
    """Right for all frequent entities and few rare ones: draws of documents would leave out most of the rare ones."""
    value_M = np.concatenate([np.ones(200), np.arange(400) % 4 == 0]).astype(float)
    entities = [f"often {n % 20}" for n in range(200)] + [f"rare {n}" for n in range(400)]
    found = metrics.macro(value_M, entities, seed=0)
    assert found.value == pytest.approx((20 + 100) / 420)
    assert found.low < found.value < found.high < found.low + 0.1


def test_an_interval_holds_its_value_and_narrows_with_documents() -> None:
    few, many = (metrics.mean(np.tile([1.0, 0.0, 1.0, 1.0], n), np.arange(4 * n), seed=1) for n in (5, 500))
    assert few.low <= few.value <= few.high
    assert few.value == many.value == 0.75
    assert many.high - many.low < (few.high - few.low) / 5


def test_mentions_of_one_document_are_one_draw() -> None:
    """Forty mentions that stand or fall together tell as little as their two documents."""
    value_M = np.array([1.0] * 20 + [0.0] * 20)
    together = metrics.mean(value_M, np.repeat([0, 1], 20), seed=1)
    apart = metrics.mean(value_M, np.arange(40), seed=1)
    assert (together.low, together.high) == (0.0, 1.0)
    assert 0.3 < apart.low < apart.high < 0.7


def test_nothing_to_judge_is_not_an_error() -> None:
    none = metrics.mean(np.zeros(0), np.zeros(0, np.int64), seed=0)
    assert (none.value, none.n) == (0.0, 0)


def test_the_paired_test_sees_a_gain_and_no_gain() -> None:
    rng = np.random.default_rng(0)
    other_M = (rng.random(400) < 0.5).astype(float)
    document_M = np.repeat(np.arange(100), 4)
    better = metrics.paired(np.ones(400), other_M, document_M, seed=0)
    assert better.p < 0.001
    assert 0 < better.low < better.difference < better.high
    same = metrics.paired(other_M, other_M, document_M, seed=0)
    assert (same.difference, same.p) == (0.0, 1.0)
    shuffled = metrics.paired(rng.permutation(other_M), other_M, document_M, seed=0)
    assert shuffled.p > 0.05
