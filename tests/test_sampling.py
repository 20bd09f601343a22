"""Which documents come first: each strategy against its sentence, and the control arm against its share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tripel.annotations.drawing import draw
from tripel.annotations.sampling.base import Known, Predicted, Sample, Strategy
from tripel.annotations.sampling.confidence import confidence, of_document
from tripel.annotations.sampling.diversity import Diversity
from tripel.annotations.sampling.margin import Margin
from tripel.annotations.sampling.mix import SAMPLING, Mix
from tripel.annotations.sampling.novelty import Novelty
from tripel.annotations.sampling.random import Random
from tripel.config import choose
from tripel.find import names

NOTHING = Known()


def said(text: str = "fever", *scores: float, recognizer: float = 1.0, entity: str = "") -> Predicted:
    return Predicted(text=text, recognizer=recognizer, scores=scores, entity=entity)


def sample(name: str, *predicted: Predicted, vector: Sequence[float] | None = None) -> Sample:
    held = None if vector is None else np.array(vector, np.float32)
    return Sample(document=name, predicted=predicted, vector_D=held)


def order(strategy: Strategy, pool: Sequence[Sample], known: Known = NOTHING, seed: int = 0) -> list[str]:
    places = strategy.order(pool, known, rng=np.random.default_rng(seed))
    assert sorted(places) == list(range(len(pool)))
    return [pool[place].document for place in places]


def made(name: str, **settings: object) -> Strategy:
    strategy: Strategy = choose(SAMPLING, {"name": name, **settings}, where="strategy").make()
    return strategy


def test_every_strategy_is_found_by_its_name() -> None:
    assert names(SAMPLING) == ["diversity", "margin", "mix", "novelty", "random"]
    with pytest.raises(ValueError, match="did you mean margin"):
        made("margins")


def test_confidence_is_the_recognizers_score_and_the_lead_of_the_first_candidate() -> None:
    assert confidence(said("x", 0.9, 0.5, 0.4, recognizer=0.8)) == pytest.approx(0.8 + 0.9 - 0.5)
    assert confidence(said("x", 0.9, 0.89, recognizer=0.8)) == pytest.approx(0.81)
    assert confidence(said("x", 0.9, recognizer=0.8)) == pytest.approx(1.7)
    assert confidence(said("x", recognizer=0.8)) == pytest.approx(0.8)


def test_a_document_is_the_mean_of_its_mentions_or_the_least() -> None:
    two = [said("x", 0.9, 0.1, recognizer=1.0), said("y", 0.5, 0.5, recognizer=0.6)]
    assert of_document(two) == pytest.approx((1.8 + 0.6) / 2)
    assert of_document(two, over="least") == pytest.approx(0.6)
    assert of_document([]) is None


def test_margin_takes_the_least_confident_first() -> None:
    """Equal recognisers, so that only the lead can tell; with a lead of always zero this fails."""
    pool = [sample("sure", said("x", 0.9, 0.1)), sample("empty"), sample("torn", said("x", 0.9, 0.89))]
    assert order(Margin(Margin.Config()), pool) == ["torn", "sure", "empty"]
    mixed = [sample("one", said("x", 0.9, 0.0), said("y", 0.5, 0.5)), sample("even", said("x", 0.9, 0.5))]
    assert order(made("margin"), mixed) == ["even", "one"]
    assert order(made("margin", over="least"), mixed) == ["one", "even"]


def test_diversity_takes_one_of_each_kind_before_the_second_of_any() -> None:
    near = [sample(f"a{i}", vector=[10, 0.1 * i]) for i in range(5)]
    far = [sample(f"b{i}", vector=[-10, 0.1 * i]) for i in range(3)]
    other = [sample("c0", vector=[0, 30])]
    found = order(made("diversity", clusters=3), [*near, sample("blank"), *far, *other])
    assert {name[0] for name in found[:3]} == {"a", "b", "c"}
    assert [name[0] for name in found[3:5]] == ["a", "b"]
    assert found[0] == "a2", "the nearest to the centre of the largest"
    assert found[-1] == "blank"


def test_diversity_of_documents_that_are_all_alike() -> None:
    assert sorted(order(Diversity(Diversity.Config()), [sample(f"a{i}", vector=[1, 1]) for i in range(4)])) == [
        "a0", "a1", "a2", "a3",
    ]  # fmt: skip
    assert order(Diversity(Diversity.Config()), []) == []


def test_novelty_counts_what_is_neither_annotated_nor_shown_before() -> None:
    pool = [
        sample("known", said("Fever", entity="D1"), said("cough", entity="D2")),
        sample("one", said("rash", entity="D3")),
        sample("three", said("rash", entity="D3"), said("itch", entity="D4"), said("hives", entity="D5")),
        sample("form", said("pyrexia", entity="D1")),
    ]
    known = Known(entities=frozenset({"D1", "D2"}), forms=frozenset({"fever", "cough"}))
    found = order(Novelty(Novelty.Config()), pool, known)
    assert found[:2] == ["three", "form"], "after `three`, `one` shows nothing new"
    assert order(Novelty(Novelty.Config()), pool)[:1] == ["three"]


@pytest.mark.parametrize("seed", range(5))
def test_novelty_is_greedy_at_every_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = [
        sample(str(n), *(said(f"w{w}", entity=f"D{w % 7}") for w in rng.integers(0, 20, rng.integers(0, 6))))
        for n in range(30)
    ]
    seen: set[tuple[str, str]] = set()
    shown = {
        one.document: {("e", m.entity) for m in one.predicted} | {("f", m.text) for m in one.predicted} for one in pool
    }
    left = set(shown)
    for name in order(Novelty(Novelty.Config()), pool, seed=seed):
        assert len(shown[name] - seen) == max(len(shown[other] - seen) for other in left)
        seen |= shown[name]
        left.remove(name)


def test_mix_lets_its_strategies_take_turns() -> None:
    pool = [sample("sure", said("x", 0.9, 0.1, entity="D1"), said("y", 0.9, 0.1, entity="D2"))]
    pool += [sample("torn", said("z", 0.9, 0.9, entity="D3"))]
    pool += [sample(f"p{i}", said("z", 0.9, 0.5, entity="D3")) for i in range(4)]
    assert order(made("mix", strategies=["margin", "novelty"]), pool)[:2] == ["torn", "sure"]
    with pytest.raises(ValueError, match="others than mix"):
        Mix.Config(strategies=("mix",))


@pytest.mark.parametrize("name", names(SAMPLING))
def test_equal_seeds_draw_equal_documents_and_a_page_of_n_is_n(name: str) -> None:
    rng = np.random.default_rng(3)
    pool = [
        sample(str(i), *[said("x", *rng.random(2))] * int(rng.integers(3)), vector=rng.random(4).tolist())
        for i in range(40)
    ]
    one, two = (draw(pool, made(name), name=name, n=10, known=NOTHING, seed=7) for _ in range(2))
    assert one == two
    assert len({drawn.document for drawn in one}) == 10
    assert draw(pool, made(name), name=name, n=10, known=NOTHING, seed=8) != one
    assert len(draw(pool[:4], made(name), name=name, n=10, known=NOTHING, seed=7)) == 4
    assert draw([], made(name), name=name, n=10, known=NOTHING, seed=7) == []


def test_the_control_arm_is_a_share_drawn_by_chance() -> None:
    pool = [sample(str(i), said("x", 0.9, 0.9 - i / 1000)) for i in range(500)]
    drawn = draw(pool, made("margin"), name="margin", n=300, known=NOTHING, seed=1, control=0.2)
    control = [int(one.document) for one in drawn if one.arm == "control"]
    assert 40 <= len(control) <= 80
    assert np.mean(control) > 180, "by chance from all 500; the strategy alone would stay below 300, 150 in the mean"
    strategy = [int(one.document) for one in drawn if one.arm == "strategy"]
    assert strategy == sorted(strategy)
    assert {one.arm for one in draw(pool, made("margin"), name="margin", n=50, known=NOTHING, seed=1, control=0)} == {
        "strategy"
    }
    assert {one.strategy for one in drawn} == {"margin"}


def test_chance_is_even() -> None:
    pool = [sample(str(i)) for i in range(5)]
    first = [order(Random(Random.Config()), pool, seed=seed)[0] for seed in range(500)]
    assert min(first.count(str(i)) for i in range(5)) > 60
