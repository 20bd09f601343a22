"""Entities over exact rows against loops: best row of each, discounts, filters, ties, and a ranking within given candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.encoding.similarity import Name, searchable
from tripel.indexes import exact as exact_module
from tripel.indexes.base import Queries
from tripel.indexes.exact import Exact
from tripel.searching.folding import Entities, Part
from tripel.searching.vectors import Vectors

ENTITY_N = np.array([0, 3, 2, 3, 0, 3, 5])  # entities 1 and 4 have no rows


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


def exact(rows: object, name: Name, *, shards: int = 1) -> Exact:
    found = searchable(torch.tensor(rows, dtype=torch.float32), similarity=name).numpy()
    return Exact(Exact.Config(), Vectors(np.array_split(found, shards)), similarity=name)


def asked(mentions: object, name: Name = "cosine") -> Queries:
    return Queries(vectors_MD=searchable(torch.tensor(mentions, dtype=torch.float32), similarity=name).numpy())


def entities(rows: object, name: Name = "cosine") -> Entities:
    return Entities([Part(exact(rows, name), ENTITY_N, np.arange(7), "names")])


vector = st.lists(st.floats(-2, 2).map(lambda x: round(x, 2)), min_size=3, max_size=3).filter(
    lambda v: math.hypot(*v) > 0.2
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(vector, min_size=7, max_size=7),
    st.lists(vector, min_size=1, max_size=3),
    st.sampled_from(["cosine", "dot", "euclidean"]),
    st.integers(0, 7),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_scores_are_those_of_the_loops(
    rows: list[list[float]], mentions: list[list[float]], name: Name, cut: int, discount: float
) -> None:
    """Two parts of rows, the second at a discount, each in two shards."""
    pieces = [(rows[:cut], ENTITY_N[:cut], 0.0), (rows[cut:], ENTITY_N[cut:], discount)]
    parts = [Part(exact(its, name, shards=2), of, np.arange(len(of)), "names", less) for its, of, less in pieces if its]
    index = Entities(parts)
    hits = index.search(asked(mentions, name), k=6)
    within = index.rank(asked(mentions, name), np.tile(np.array([[5, 1, 0, 3, 2, -1]]), (len(mentions), 1)))
    discounts = [0.0] * cut + [discount] * (7 - cut)
    for m, mention in enumerate(mentions):
        expected = by_loops(name, mention, rows, discounts)
        assert set(hits.row_MK[m, :4].tolist()) == set(expected) and hits.row_MK[m, 4] == -1
        for found in (hits, within):
            for row, score in zip(found.row_MK[m, :4].tolist(), found.score_MK[m, :4].tolist(), strict=True):
                assert score == pytest.approx(expected[row], abs=2e-3)
            assert np.all(np.diff(found.score_MK[m, :4]) <= 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(vector, min_size=7, max_size=7), vector, st.sets(st.integers(0, 5)))
def test_a_filter_acts_before_ranking(rows: list[list[float]], mention: list[float], kept: set[int]) -> None:
    allowed = np.isin(np.arange(6), list(kept))
    expected = {entity: s for entity, s in by_loops("cosine", mention, rows, [0.0] * 7).items() if entity in kept}
    hits = entities(rows).search(asked([mention]), k=6, allowed_E=allowed)
    found = dict(zip(hits.row_MK[0].tolist(), hits.score_MK[0].tolist(), strict=True))
    found.pop(-1, None)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_half_precision_is_read_a_few_rows_at_a_time(name: Name, moved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps that do not end with a shard, and all at once, as on a GPU, for which something stands in; under a filter, too."""
    monkeypatch.setattr(exact_module, "ROWS", 3)
    if moved:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(exact_module, "_moved", lambda vectors_ND: vectors_ND.float())
    rng = np.random.default_rng(0)
    queries, rows = rng.normal(size=(5, 8)).astype(np.float32), 3 * rng.normal(size=(50, 8))
    if name == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half = Vectors(np.array_split(rows.astype(np.float16), 3))
    index = Exact(Exact.Config(), half, similarity=name)
    asked_for = Queries(vectors_MD=queries)
    every = np.array([[closeness(name, q, v) for v in half[np.arange(50)].tolist()] for q in queries.tolist()])
    for allowed in (np.ones(50, np.bool_), np.arange(50) % 3 == 1):
        score_MR, row_MR = index.nearest(asked_for, rows=12, allowed_N=None if allowed.all() else allowed)
        expected = np.sort(np.where(allowed, every, -np.inf), axis=1)[:, ::-1][:, :12]
        assert score_MR == pytest.approx(expected, abs=1e-5)
        assert np.take_along_axis(every, row_MR, 1) == pytest.approx(expected, abs=1e-5)
    assert index.closeness_of_all(asked_for) == pytest.approx(every, abs=1e-5)


def test_rows_are_fetched_until_enough_entities_are_found() -> None:
    """The 40 closest rows are names of one entity: what is asked for lies behind them."""
    rows = np.stack([np.ones(43), np.concatenate([np.linspace(0, 0.1, 40), [1, 2, 3]])], axis=1)
    entity_N = np.array([7] * 40 + [1, 2, 3])
    index = Entities([Part(exact(rows, "cosine"), entity_N, np.arange(43), "names")])
    assert index.search(asked([[1.0, 0.0]]), k=3).row_MK.tolist() == [[7, 1, 2]]


def test_ties_go_to_the_entity_that_comes_first() -> None:
    assert entities(np.ones((7, 2))).search(asked(np.ones((1, 2))), k=3).row_MK.tolist() == [[0, 2, 3]]
    many = Entities([Part(exact(np.ones((50, 2)), "cosine"), np.arange(50)[::-1].copy(), np.arange(50), "names")])
    assert many.search(asked(np.ones((1, 2))), k=2).row_MK.tolist() == [[0, 1]]


def test_the_row_that_matched_is_named() -> None:
    rows = np.eye(7)
    index = entities(rows)
    hits = index.search(asked(rows[[4, 6]]), k=1)
    assert hits.row_MK.tolist() == [[0], [5]] and hits.name_MK.tolist() == [[4], [6]]
    assert index.rank(asked(rows[[5]]), np.array([[3]])).name_MK.tolist() == [[5]]
    assert index.kind(5) == "names"


def test_an_entity_taken_out_is_not_found() -> None:
    entity_N = np.where(ENTITY_N == 3, -1, ENTITY_N)
    index = Entities([Part(exact(np.ones((7, 2)), "cosine"), entity_N, np.arange(7), "names")])
    assert index.search(asked(np.ones((1, 2))), k=4).row_MK.tolist() == [[0, 2, 5, -1]]


def test_an_index_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="without rows"):
        Entities([])
