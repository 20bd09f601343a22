"""The exact index against loops: best row of each entity, discounts, ties, and a ranking within given candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.indexes.exact import Exact
from tripel.similarity import Name

ENTITY_N = np.array([0, 0, 2, 3, 3, 3, 5])  # entities 1 and 4 have no rows


def closeness(name: Name, a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if name == "cosine":
        return dot / (math.hypot(*a) * math.hypot(*b))
    return dot if name == "dot" else -math.dist(a, b)


def by_loops(name: Name, mention: list[float], rows: list[list[float]], discounts: list[float]) -> dict[int, float]:
    out: dict[int, float] = {}
    for row, entity, discount in zip(rows, ENTITY_N.tolist(), discounts, strict=True):
        out[entity] = max(out.get(entity, -math.inf), closeness(name, mention, row) - discount)
    return out


vector = st.lists(st.floats(-2, 2).map(lambda x: round(x, 2)), min_size=3, max_size=3).filter(
    lambda v: math.hypot(*v) > 0.2
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(vector, min_size=7, max_size=7),
    st.lists(vector, min_size=1, max_size=3),
    st.sampled_from(["cosine", "dot", "euclidean"]),
    st.lists(st.sampled_from([0.0, 0.1, 0.5]), min_size=7, max_size=7),
)
def test_scores_are_those_of_the_loops(
    rows: list[list[float]], mentions: list[list[float]], name: Name, discounts: list[float]
) -> None:
    index = Exact(
        Exact.Config(),
        np.array(rows, np.float32),
        ENTITY_N,
        similarity=name,
        discount_N=np.array(discounts, np.float32),
    )
    vectors = np.array(mentions, np.float32)
    hits = index.search(vectors, k=6)
    within = index.rank(vectors, np.tile(np.array([[5, 1, 0, 3, 2, -1]]), (len(mentions), 1)))
    for m, mention in enumerate(mentions):
        expected = by_loops(name, mention, rows, discounts)
        assert set(hits.row_MK[m, :4].tolist()) == set(expected) and hits.row_MK[m, 4] == -1
        for found in (hits, within):
            for row, score in zip(found.row_MK[m, :4].tolist(), found.score_MK[m, :4].tolist(), strict=True):
                assert score == pytest.approx(expected[row], abs=2e-3)
            assert np.all(np.diff(found.score_MK[m, :4]) <= 0)


def test_ties_go_to_the_entity_that_comes_first() -> None:
    index = Exact(Exact.Config(), np.ones((7, 2), np.float32), ENTITY_N, similarity="cosine")
    assert index.search(np.ones((1, 2), np.float32), k=3).row_MK.tolist() == [[0, 2, 3]]


def test_the_row_that_matched_is_named() -> None:
    rows = np.eye(7, dtype=np.float32)
    index = Exact(Exact.Config(), rows, ENTITY_N, similarity="cosine")
    hits = index.search(rows[[4, 6]], k=1)
    assert hits.row_MK.tolist() == [[3], [5]] and hits.name_MK.tolist() == [[4], [6]]
    assert index.rank(rows[[4]], np.array([[3]])).name_MK.tolist() == [[4]]


def test_rows_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted by entity"):
        Exact(Exact.Config(), np.ones((2, 2), np.float32), np.array([1, 0]), similarity="dot")
