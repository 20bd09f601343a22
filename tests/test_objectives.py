"""Objectives against loops over Python floats: a good case, a bad one, and what must hold for all."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.encoding.views import bare
from tripel.objectives.base import Loss
from tripel.objectives.bi_encoder import BiEncoder
from tripel.objectives.prototype_contrastive import PrototypeContrastive
from tripel.objectives.prototype_triplet import PrototypeTriplet
from tripel.training.batches import Batch


def batch(
    clusters: list[int], gold: list[int], wrong: list[int] | None, known: list[list[int]], entities: int
) -> Batch:
    """A batch of bare mentions; `known` lists the columns each cluster names."""
    known_GE = np.zeros((len(gold), entities), np.bool_)
    for g, columns in enumerate(known):
        known_GE[g, columns] = True
    return Batch(
        mentions=bare(["x"] * len(clusters)),
        cluster_M=np.array(clusters),
        entities=tuple(f"e{i}" for i in range(entities)),
        row_E=np.arange(entities),
        gold_G=np.array(gold),
        known_GE=known_GE,
        wrong_G=None if wrong is None else np.array(wrong),
    )


def mean(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def triplet_by_loops(
    mentions: list[list[float]], entities: list[list[float]], its: Batch, *, margin: float, radius: float
) -> float:
    total = 0.0
    for g in range(len(its)):
        members = [mentions[m] for m in range(len(mentions)) if its.cluster_M[m] == g]
        inside = [x for i, x in enumerate(members) if i == 0 or math.dist(x, members[0]) < radius]
        assert its.wrong_G is not None
        gold, wrong = entities[its.gold_G[g]], entities[its.wrong_G[g]]
        total += max(0.0, math.dist(mean(inside), gold) - math.dist(mean(inside), wrong) + margin)
    return total / len(its)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def contrastive_by_loops(
    mentions: list[list[float]], entities: list[list[float]], its: Batch, *, t: float, together: bool = False
) -> float:
    unit = [[x / math.hypot(*mention) for x in mention] for mention in mentions]
    prototypes = [mean([unit[m] for m in range(len(unit)) if its.cluster_M[m] == g]) for g in range(len(its))]
    total = 0.0
    for g, p in enumerate(prototypes):
        columns = [(e, vector) for e, vector in enumerate(entities)]
        columns += [(int(its.gold_G[other]), vector) for other, vector in enumerate(prototypes) if other != g]
        wrong = sum(math.exp(cosine(p, vector) / t) for e, vector in columns if not its.known_GE[g, e])
        row = its.row_E[its.gold_G[g]]
        right = [math.exp(cosine(p, vector) / t) for e, vector in columns if its.row_E[e] == row]
        right = [sum(right)] if together else right
        total += sum(-math.log(one / (one + wrong)) for one in right) / len(right)
    return total / len(its)


def triplet(its: Batch, mentions: list[list[float]], entities: list[list[float]], **settings: float) -> Loss:
    objective = PrototypeTriplet(PrototypeTriplet.Config(**settings))  # type: ignore[arg-type]
    loss: Loss = objective(torch.tensor(mentions), torch.tensor(entities), its)
    return loss


def test_near_gold_costs_nothing_and_near_wrong_costs_the_difference_and_the_margin() -> None:
    its = batch([0], [0], [1], [[0]], 2)
    assert triplet(its, [[0.0, 0.0]], [[1.0, 0.0], [9.0, 0.0]], margin=5).parts["triplet"] == 0
    assert triplet(its, [[0.0, 0.0]], [[9.0, 0.0], [1.0, 0.0]], margin=5).parts["triplet"] == pytest.approx(
        13, abs=1e-4
    )


def test_a_cluster_without_a_wrong_entity_costs_nothing_and_pushes_nothing_away() -> None:
    its = batch([0, 1], [0, 1], [1, -1], [[0], [0, 1]], 2)
    mentions, entities = [[0.0, 0.0], [0.0, 0.0]], [[9.0, 0.0], [1.0, 0.0]]
    assert triplet(its, mentions, entities, margin=5).parts["triplet"] == pytest.approx(13 / 2, abs=1e-4)
    none = triplet(replace(its, wrong_G=np.array([-1, -1])), mentions, entities, margin=5)
    assert (none.parts["triplet"], none.value.requires_grad) == (0.0, True)


def test_a_member_beyond_the_radius_does_not_count() -> None:
    its = batch([0, 0, 0], [0], [1], [[0]], 2)
    mentions = [[0.0, 0.0], [0.0, 2.0], [0.0, 90.0]]  # radius 10 + 1.5 * 1
    entities = [[0.0, 1.0], [0.0, 3.0]]
    loss = triplet(its, mentions, entities, margin=1.15)
    assert loss.parts["positive_dist"] == pytest.approx(0, abs=1e-4)
    assert loss.parts["triplet"] == pytest.approx(0, abs=1e-4)
    assert loss.parts["inside_radius"] == pytest.approx(2 / 3)


def test_the_radius_learns_mean_and_spread_of_the_distances() -> None:
    its = batch([0, 0, 0], [0], [1], [[0]], 2)
    objective = PrototypeTriplet(PrototypeTriplet.Config(mean_radius=10.0, radius_spread=1.0))
    loss = objective(torch.tensor([[0.0, 0.0], [0.0, 2.0], [0.0, 4.0]]), torch.tensor([[0.0, 0.0], [99.0, 0.0]]), its)
    spread = math.sqrt(((2 - 3) ** 2 + (4 - 3) ** 2) / 1)
    assert loss.value.item() == pytest.approx(loss.parts["triplet"] + (10 - 3) ** 2 / 2 + (1 - spread) ** 2 / 2)
    loss.value.backward()
    assert objective.mean_radius.grad is not None and objective.radius_spread.grad is not None
    assert objective.mean_radius.grad.item() == pytest.approx(10 - 3)
    assert objective.radius_spread.grad.item() == pytest.approx(1 - spread)


coordinates = st.floats(-3, 3, allow_subnormal=False).map(lambda x: round(x, 3))


def vectors(count: int) -> st.SearchStrategy[list[list[float]]]:
    one = st.lists(coordinates, min_size=3, max_size=3).filter(lambda v: math.hypot(*v) > 0.1)
    return st.lists(one, min_size=count, max_size=count)


ITS = batch([0, 0, 0, 1, 2, 2], [0, 1, 2], [3, 2, 0], [[0], [1, 4], [2]], 5)
SAME = batch([0, 0, 0, 1, 2, 2], [0, 1, 0], [3, 2, 1], [[0], [1, 4], [0, 2]], 5)


@settings(max_examples=50, deadline=None)
@given(vectors(6), vectors(5))
def test_triplet_equals_the_sentence(mentions: list[list[float]], entities: list[list[float]]) -> None:
    found = triplet(ITS, mentions, entities, margin=1.15, mean_radius=2.0, radius_spread=0.5).parts["triplet"]
    edges = [math.dist(mentions[m], mentions[a]) for m, a in ((1, 0), (2, 0), (5, 4))]
    if all(abs(edge - 2.75) > 1e-3 for edge in edges):
        assert found == pytest.approx(triplet_by_loops(mentions, entities, ITS, margin=1.15, radius=2.75), abs=1e-4)


TWICE = replace(  # columns 0 and 3 are two names of one entity
    batch([0, 0, 0, 1, 2, 2], [0, 1, 0], None, [[0, 3], [1, 4], [0, 2, 3]], 5), row_E=np.array([0, 1, 2, 0, 4])
)


@pytest.mark.parametrize("right", ["each", "together"])
@pytest.mark.parametrize("its", [ITS, SAME, TWICE], ids=["three entities", "two clusters of one", "two names of one"])
@settings(max_examples=50, deadline=None)
@given(mentions=vectors(6), entities=vectors(5))
def test_contrastive_equals_the_formula(
    mentions: list[list[float]], entities: list[list[float]], its: Batch, right: Literal["each", "together"]
) -> None:
    unit = [[x / math.hypot(*mention) for x in mention] for mention in mentions]
    centres = [mean(unit[0:3]), mean(unit[4:6])]
    if all(math.hypot(*centre) > 0.1 for centre in centres):
        objective = PrototypeContrastive(PrototypeContrastive.Config(temperature=0.5, right=right))
        found = objective(torch.tensor(mentions), torch.tensor(entities), its).value.item()
        expected = contrastive_by_loops(mentions, entities, its, t=0.5, together=right == "together")
        assert found == pytest.approx(expected, abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(mentions=vectors(3), entities=vectors(5))
def test_cross_entropy_equals_the_formula(mentions: list[list[float]], entities: list[list[float]]) -> None:
    its = batch([0, 1, 2], [0, 1, 2], None, [[0], [1, 4], [2]], 5)
    total = 0.0
    for m, mention in enumerate(mentions):
        scores = [sum(x * y for x, y in zip(mention, entity, strict=True)) for entity in entities]
        others = [scores[e] for e in range(5) if e == its.gold_G[m] or not its.known_GE[m, e]]
        total += math.log(sum(map(math.exp, others))) - scores[its.gold_G[m]]
    found = BiEncoder(BiEncoder.Config())(torch.tensor(mentions), torch.tensor(entities), its).value.item()
    assert found == pytest.approx(total / 3, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(vectors(6), vectors(5), st.floats(0, 3), st.floats(0, 3))
def test_a_larger_margin_never_costs_less(
    mentions: list[list[float]], entities: list[list[float]], one: float, other: float
) -> None:
    low, high = sorted([one, other])
    cheap = triplet(ITS, mentions, entities, margin=low).parts["triplet"]
    assert cheap <= triplet(ITS, mentions, entities, margin=high).parts["triplet"] + 1e-5


@pytest.mark.parametrize(
    "objective",
    [PrototypeTriplet(PrototypeTriplet.Config(margin=50)), PrototypeContrastive(PrototypeContrastive.Config())],
)
def test_the_gradient_reaches_mentions_and_entities(objective: PrototypeTriplet | PrototypeContrastive) -> None:
    torch.manual_seed(0)
    mention_MD, entity_ED = torch.randn(6, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    objective(mention_MD, entity_ED, ITS).value.backward()
    assert mention_MD.grad is not None and entity_ED.grad is not None
    assert (mention_MD.grad.norm(dim=1) > 0).all() and entity_ED.grad.norm() > 0


def test_an_entity_that_a_member_names_is_never_pushed_away() -> None:
    entity_ED = torch.randn(5, 3, requires_grad=True)
    only_second = batch([0], [1], None, [[1, 4]], 5)
    PrototypeContrastive(PrototypeContrastive.Config())(torch.randn(1, 3), entity_ED, only_second).value.backward()
    assert entity_ED.grad is not None
    assert entity_ED.grad[4].norm() == 0 and entity_ED.grad[0].norm() > 0


@settings(max_examples=30, deadline=None)
@given(vectors(6), vectors(5), st.permutations([0, 1, 2]))
def test_the_order_of_clusters_changes_nothing(
    mentions: list[list[float]], entities: list[list[float]], order: list[int]
) -> None:
    members = [[m for m in range(6) if ITS.cluster_M[m] == g] for g in order]
    assert ITS.wrong_G is not None
    turned = replace(
        ITS,
        cluster_M=np.repeat(np.arange(3), [len(found) for found in members]),
        gold_G=ITS.gold_G[order],
        wrong_G=ITS.wrong_G[order],
        known_GE=ITS.known_GE[order],
    )
    moved = [mentions[m] for found in members for m in found]
    before, after = triplet(ITS, mentions, entities), triplet(turned, moved, entities)
    assert before.value.item() == pytest.approx(after.value.item(), abs=1e-4)


def test_a_batch_that_was_not_selected_is_refused() -> None:
    with pytest.raises(ValueError, match="select"):
        triplet(replace(ITS, wrong_G=None), [[0.0] * 3] * 6, [[0.0] * 3] * 5)


def test_what_is_right_alone_costs_nothing() -> None:
    """No wrong column at all: no cost, and a gradient that is a number."""
    mention_MD = torch.randn(1, 3, requires_grad=True)
    loss = PrototypeContrastive(PrototypeContrastive.Config())(
        mention_MD, torch.randn(1, 3), batch([0], [0], None, [[0]], 1)
    )
    loss.value.backward()
    assert loss.value.item() == pytest.approx(0, abs=1e-4)
    assert mention_MD.grad is not None
    assert torch.isfinite(mention_MD.grad).all()


def test_mentions_of_one_entity_are_held_together_and_those_of_another_parted() -> None:
    """Two documents say MS; the names are equally far from both, so only the mentions tell."""
    names_ED = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    objective = PrototypeContrastive(PrototypeContrastive.Config(temperature=0.5))

    def cost(entities: list[int]) -> float:
        its = batch([0, 1], entities, None, [[e] for e in entities], 2)
        return float(objective(torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0]]), names_ED, its).value)

    assert cost([0, 0]) < cost([0, 1])
