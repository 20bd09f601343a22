"""Objectives of names against loops over Python floats, and the batches they are given."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.knowledge import Entity, KnowledgeBase
from tripel.names.batches import NameBatch, NameLesson, name_batches
from tripel.names.synonyms import Drawing, Drawn, ambiguous
from tripel.objectives.ranking import Ranking
from tripel.objectives.self_alignment import SelfAlignment
from tripel.objectives.triplet import Triplet

KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="fever", synonyms=("pyrexia", "hot")),
        Entity(id="D2", name="multiple sclerosis", synonyms=("ms", "disseminated sclerosis")),
        Entity(id="D3", name="mitral stenosis", synonyms=("MS", "tight valve")),
    ]
)


def lesson(wrong: np.ndarray | None = None) -> NameLesson:
    return NameLesson(KB, Drawn(KB, np.arange(3), Drawing(), seed=0), wrong, ambiguous(KB))


def test_a_name_stands_in_a_batch_once_and_all_pairs_come() -> None:
    seen = []
    for batch in name_batches(lesson(), size=4, wrong=0, rng=np.random.default_rng(0)):
        assert len(set(zip(batch.entities, batch.row_E.tolist(), strict=True))) == len(batch.entities)
        assert (batch.row_E[batch.anchor_B] == batch.row_E[batch.positive_B]).all()
        seen += [
            frozenset([batch.entities[a], batch.entities[p]])
            for a, p in zip(batch.anchor_B, batch.positive_B, strict=True)
        ]
    assert len(set(seen)) == len(seen) == 9


def test_a_shared_name_is_wrong_for_neither_concept() -> None:
    (batch,) = name_batches(lesson(), size=9, wrong=0, rng=np.random.default_rng(0))
    column = {(text, int(row)): e for e, (text, row) in enumerate(zip(batch.entities, batch.row_E, strict=True))}
    ms, valve, fever = column["ms", 1], column["tight valve", 2], column["fever", 0]
    assert batch.known_EE[ms, valve] and batch.known_EE[valve, ms] and batch.known_EE[ms, column["MS", 2]]
    assert not batch.known_EE[ms, fever] and not batch.known_EE[column["multiple sclerosis", 1], valve]


def test_wrong_names_come_along_and_pads_do_not() -> None:
    wrong = np.full((9, 2), -1)
    wrong[:, 0] = 0  # "fever"
    (batch,) = name_batches(lesson(wrong), size=9, wrong=2, rng=np.random.default_rng(0))
    assert [batch.entities[i] for i in batch.wrong_BK[:, 0]] == ["fever"] * 9
    assert (batch.wrong_BK[:, 1] == -1).all()


def batch(
    rows: list[int], pairs: list[tuple[int, int]], wrong: list[list[int]], known: tuple[tuple[int, int], ...] = ()
) -> NameBatch:
    known_EE = np.array(rows)[:, None] == np.array(rows)[None]
    for a, b in known:
        known_EE[a, b] = known_EE[b, a] = True
    return NameBatch(
        entities=tuple(f"n{i}" for i in range(len(rows))),
        row_E=np.array(rows),
        anchor_B=np.array([a for a, _ in pairs]),
        positive_B=np.array([p for _, p in pairs]),
        wrong_BK=np.array(wrong).reshape(len(pairs), -1),
        known_EE=known_EE,
    )


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


coordinates = st.floats(-3, 3, allow_subnormal=False).map(lambda x: round(x, 3))
vector = st.lists(coordinates, min_size=3, max_size=3).filter(lambda v: math.hypot(*v) > 0.1)
six = st.lists(vector, min_size=6, max_size=6)
ITS = batch([0, 0, 1, 1, 2, 2], [(0, 1), (2, 3), (4, 5)], [[2, 4], [0, -1], [3, 1]], known=((0, 5),))


def self_alignment_by_loops(vectors: list[list[float]], its: NameBatch, margin: float) -> float | None:
    """None where a pair stands on the border of being hard."""
    n, total, hard = len(vectors), 0.0, [0, 0]
    for a in range(n):
        same = {i: cosine(vectors[a], vectors[i]) for i in range(n) if i != a and its.row_E[i] == its.row_E[a]}
        other = {i: cosine(vectors[a], vectors[i]) for i in range(n) if its.row_E[i] != its.row_E[a]}
        if any(abs(s - margin - max(other.values())) < 1e-4 for s in same.values()):
            return None
        if any(abs(s + margin - min(same.values())) < 1e-4 for s in other.values()):
            return None
        hard_p = [s for s in same.values() if s - margin < max(other.values())]
        hard_n = [s for i, s in other.items() if s + margin > min(same.values()) and not its.known_EE[a, i]]
        hard = [hard[0] + len(hard_p), hard[1] + len(hard_n)]
        total += math.log(1 + sum(math.exp(-2 * (s - 0.5)) for s in hard_p)) / 2
        total += math.log(1 + sum(math.exp(40 * (s - 0.5)) for s in hard_n)) / 40
    return total / n if max(hard) > 1 else 0.0


@settings(max_examples=60, deadline=None)
@given(six)
def test_self_alignment_equals_the_formula(vectors: list[list[float]]) -> None:
    expected = self_alignment_by_loops(vectors, ITS, 0.1)
    found = SelfAlignment(SelfAlignment.Config())(torch.zeros(0, 3), torch.tensor(vectors), ITS)
    if expected is not None:
        assert found.value.item() == pytest.approx(expected, abs=1e-3)


def test_without_a_hard_pair_nothing_is_learnt_and_that_is_counted() -> None:
    far = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], requires_grad=True)
    loss = SelfAlignment(SelfAlignment.Config())(torch.zeros(0, 3), far, ITS)
    loss.value.backward()
    assert loss.value.item() == 0 and loss.parts["without_hard_pair"] == 1
    assert far.grad is not None and not far.grad.any()


@settings(max_examples=60, deadline=None)
@given(six)
def test_ranking_equals_the_formula(vectors: list[list[float]]) -> None:
    total = 0.0
    columns = [1, 3, 5, 2, 4, 0]  # second names and mined ones
    for (a, p), _ in zip([(0, 1), (2, 3), (4, 5)], range(3), strict=True):
        wrong = [c for c in columns if c != p and not ITS.known_EE[a, c]]
        right = math.exp(4 * cosine(vectors[a], vectors[p]))
        total -= math.log(right / (right + sum(math.exp(4 * cosine(vectors[a], vectors[c])) for c in wrong)))
    found = Ranking(Ranking.Config(scale=4.0, wrong=2))(torch.zeros(0, 3), torch.tensor(vectors), ITS)
    assert found.value.item() == pytest.approx(total / 3, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(six)
def test_triplet_equals_the_formula(vectors: list[list[float]]) -> None:
    triples = [(0, 1, 2), (0, 1, 4), (2, 3, 0), (4, 5, 3), (4, 5, 1)]
    costs = [max(0.0, math.dist(vectors[a], vectors[p]) - math.dist(vectors[a], vectors[n]) + 5) for a, p, n in triples]
    found = Triplet(Triplet.Config(wrong=2))(torch.zeros(0, 3), torch.tensor(vectors), ITS)
    assert found.value.item() == pytest.approx(sum(costs) / len(costs), abs=1e-3)


def test_a_good_triplet_is_closer_by_the_margin() -> None:
    its = batch([0, 0, 1], [(0, 1)], [[2]])
    near, far = [0.0, 1.0, 0.0], [0.0, 9.0, 0.0]
    objective = Triplet(Triplet.Config())
    assert objective(torch.zeros(0, 3), torch.tensor([[0.0, 0, 0], near, far]), its).value.item() == 0
    assert objective(torch.zeros(0, 3), torch.tensor([[0.0, 0, 0], far, near]), its).value.item() == pytest.approx(13)


def test_a_triplet_needs_a_wrong_name() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Triplet(Triplet.Config(wrong=0))
