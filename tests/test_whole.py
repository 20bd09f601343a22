"""Entities judged as wholes: evidence against loops, weights that find what tells, and what mentions of a document share."""

from __future__ import annotations

import math
from pathlib import Path

import lessons
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tripel.indexes.base import Hits, Queries
from tripel.indexes.exact import Exact
from tripel.linking import weighing
from tripel.linking.weighing import Evident
from tripel.linking.whole import EVIDENCE, Asked, Weights, agreed, chances, evidence
from tripel.searching.folding import Entities, Part
from tripel.searching.vectors import Vectors
from tripel.training.recipe import Recipe

KB = lessons.KB
RNG = np.random.default_rng(7)


def units(count: int) -> np.ndarray:
    made = RNG.normal(size=(count, 5)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


NAMES, CLUSTERS, MENTIONS = units(len(KB.names)), units(6), units(sum(len(d.mentions) for d in lessons.DOCUMENTS))
DESCRIPTIONS = units(2)
CLUSTER_ENTITY = np.array([0, 0, 0, 0, 2, 5])


def index() -> Entities:
    whole = Exact.Config()
    names = Part(Exact(whole, Vectors([NAMES]), similarity="cosine"), KB.row_N, np.arange(len(NAMES)), "names")
    clusters = Exact(whole, Vectors([CLUSTERS]), similarity="cosine")
    described = Part(
        Exact(whole, Vectors([DESCRIPTIONS]), similarity="cosine"),
        KB.described,
        np.full(2, -1),
        "descriptions",
        finds=False,
    )
    return Entities([names, described, Part(clusters, CLUSTER_ENTITY, np.full(6, -1), "mentions", 0.1)])


ASKED = Asked.of(lessons.DOCUMENTS, Queries(vectors_MD=MENTIONS))


def test_evidence_is_that_of_the_loops() -> None:
    its = index()
    hits = its.search(ASKED.queries, k=7)  # one more than there are
    shown = evidence(its, KB, ASKED, hits)
    texts = [mention.text for document in lessons.DOCUMENTS for mention in document.mentions]
    assert shown.shape == (len(texts), 7, len(EVIDENCE)) and not shown[hits.row_MK < 0].any()
    for m, text in enumerate(texts):
        for k, row in enumerate(hits.row_MK[m].tolist()):
            if row < 0:
                continue
            names = [float(MENTIONS[m] @ NAMES[n]) for n in np.flatnonzero(KB.row_N == row)]
            said = sorted(
                (float(MENTIONS[m] @ CLUSTERS[c]) for c in np.flatnonzero(row == CLUSTER_ENTITY)), reverse=True
            )
            described = [float(MENTIONS[m] @ DESCRIPTIONS[d]) for d in np.flatnonzero(KB.described == row)]
            best = max([*names, *(one - 0.1 for one in said)])
            expected = {
                "best row": best,
                "mentions": sum(said[:3]) / len(said[:3]) if said else 0,
                "seen": float(bool(said)),
                "clusters": math.log(1 + len(said)),
                "exact": float(text.casefold() in (one.casefold() for one in KB[row].names)),
                "description": described[0] - best if described else 0,
                "reread": 0.0,
            }
            found = dict(zip(EVIDENCE, shown[m, k].tolist(), strict=True))
            assert found == pytest.approx(expected, abs=1e-5)


def test_reading_tells_of_entities_that_no_cluster_tells_of() -> None:
    class Fixed:
        def scores(self, documents: object, kb: object, hits: Hits, name_MK: np.ndarray) -> np.ndarray:
            return np.where(hits.row_MK == 2, 5.0, np.where(hits.row_MK == 3, 4.0, 1.0))

    its = index()
    hits = its.search(ASKED.queries, k=7)
    shown = evidence(its, KB, ASKED, hits, reranker=Fixed())  # type: ignore[arg-type]
    for m, row_K in enumerate(hits.row_MK.tolist()):
        expected = [-1.0 if row == 3 else -4.0 if row in (1, 4) else 0.0 for row in row_K]  # 0, 2 and 5 have clusters
        assert shown[m, :, EVIDENCE.index("reread")].tolist() == expected


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (4, 3), elements=st.floats(-800, 800)), arrays(np.int64, (4, 3), elements=st.integers(-1, 5)))
def test_chances_are_chances(logit_MK: np.ndarray, row_MK: np.ndarray) -> None:
    found = chances(logit_MK, row_MK)
    assert ((found >= 0) & (found <= 1)).all() and not found[row_MK < 0].any()
    assert found.sum(axis=1) == pytest.approx((row_MK >= 0).any(axis=1).astype(float))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["ms", "fever"])), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([0.0, 0.25, 1.0]),
)
def test_mentions_that_say_the_same_in_a_document_agree(
    said: list[tuple[int, str]], random: object, share: float
) -> None:
    rows = np.array([random.sample([-1, 0, 1, 2, 3], 3) for _ in said])  # type: ignore[attr-defined]
    chance = chances(np.array([[random.random() for _ in range(3)] for _ in said]), rows)  # type: ignore[attr-defined]
    asked = Asked(Queries(("x",) * len(said)), tuple((form,) for _, form in said), np.array([d for d, _ in said]))
    found = agreed(chance, rows, asked, share=share)
    for m, key in enumerate(said):
        alike = [other for other, its in enumerate(said) if its == key]
        for k, row in enumerate(rows[m].tolist()):
            theirs = [sum(chance[o, j] for j in range(3) if rows[o, j] == row) for o in alike]
            expected = 0.0 if row < 0 else (1 - share) * chance[m, k] + share * sum(theirs) / len(theirs)
            assert found[m, k] == pytest.approx(expected)


def evident(*, mentions: int = 120, telling: str = "exact") -> Evident:
    """Four candidates each; `telling` is 1 for the right one alone, everything else is noise."""
    rng = np.random.default_rng(3)
    right = np.eye(4, dtype=np.bool_)[rng.integers(4, size=mentions)]
    shown = rng.normal(size=(mentions, 4, len(EVIDENCE))).astype(np.float32)
    shown[:, :, EVIDENCE.index(telling)] = right
    asked = Asked(Queries(("x",) * mentions), tuple((str(m),) for m in range(mentions)), np.arange(mentions) // 3)
    hits = Hits(
        np.tile(np.arange(4), (mentions, 1)), np.zeros((mentions, 4), np.float32), np.zeros((mentions, 4), np.int64)
    )
    return Evident(asked, hits, shown, right, np.ones(mentions, np.bool_))


def test_what_tells_is_weighed() -> None:
    its = evident()
    found = weighing.choose(its, balance=0.25, encoder="e", seed=1)
    assert max(found.weights, key=found.weights.__getitem__) == "exact" and found.chosen_on["right as wholes"] == 1
    assert found.chosen_on["right by best row"] == pytest.approx(its.right_MK[:, 0].mean(), abs=1e-6)
    ranked = found.ranked(its.hits, its.evidence_MKF, its.asked)
    assert np.array_equal(ranked.row_MK[:, 0], its.right_MK.argmax(axis=1))
    assert (ranked.score_MK[:, 0] > 0.5).all() and ranked.score_MK.sum(axis=1) == pytest.approx(1, abs=1e-5)
    without, _ = weighing.cross_fitted(its, kinds=[kind for kind in EVIDENCE if kind != "exact"], balance=0.25, seed=1)
    assert weighing.first_right(without, its).mean() < 0.5


def test_weights_are_the_best_there_are() -> None:
    """A step to any side makes the right candidates no likelier."""
    its = evident(telling="mentions")
    its.evidence_MKF[:20] = 0  # twenty mentions of which nothing tells
    every = np.ones(len(its.asked), np.bool_)
    weight_F = weighing.fitted(its, every, kinds=EVIDENCE, balance=0.25)
    count_M = weighing._counts(its.hits.row_MK, its.right_MK, 0.25)

    def cost(weight_F: np.ndarray) -> float:
        spread_F = its.evidence_MKF.reshape(-1, len(EVIDENCE)).std(axis=0)
        chance = (chances(its.evidence_MKF @ weight_F, its.hits.row_MK) * its.right_MK).sum(axis=1)
        return float(-(count_M * np.log(chance)).sum() + weighing.RIDGE * ((weight_F * spread_F) ** 2).sum())

    for step in np.concatenate([np.eye(len(EVIDENCE)), -np.eye(len(EVIDENCE))]):
        assert cost(weight_F) <= cost(weight_F + 0.05 * step) + 1e-9


def test_frequent_entities_need_not_drown_rare_ones() -> None:
    """One entity of 90 mentions, 30 of one mention each; all that tells is how often training had a candidate."""
    its = evident(telling="clusters")
    its.evidence_MKF[:] = 0
    its.evidence_MKF[:, 0, EVIDENCE.index("clusters")] = 1
    rare = np.arange(120) >= 90
    its.right_MK[:] = np.eye(4, dtype=np.bool_)[rare.astype(int)]
    its.hits.row_MK[rare, 1] = np.arange(4, 34)
    every = np.ones(120, np.bool_)
    found = {
        balance: weighing.fitted(its, every, kinds=EVIDENCE, balance=balance)[EVIDENCE.index("clusters")]
        for balance in (0.0, 0.5, 1.0)
    }
    assert found[0.0] > found[0.5] > found[1.0]
    assert found[0.0] > 0, "the candidate of 90 mentions in 120"
    with pytest.raises(ValueError, match=r"whole\.balance 1\.5: expected 0 to 1"):
        weighing.Config(balance=1.5)


def test_too_little_of_dev_is_said() -> None:
    with pytest.raises(ValueError, match=r"dev has 9 mentions .* whole.weigh=false"):
        weighing.choose(evident(mentions=9), balance=0.25, encoder="e", seed=1)


def test_weights_come_back_and_others_are_refused(tmp_path: Path) -> None:
    its = Weights(weights={"exact": 2.5}, agreement=0.25, encoder="e", chosen_on={"mentions": 3})
    its.save(tmp_path / "whole.json")
    assert Weights.load(tmp_path / "whole.json") == its
    for text in ('{"weights": {"luck": 1}}', '{"weights": {}, "agreement": 2}', "[]", "no"):
        (tmp_path / "whole.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"whole\.json"):
            Weights.load(tmp_path / "whole.json")


def test_nothing_is_chosen_on_documents_that_are_learnt_from() -> None:
    values = {
        "corpus": {"name": "sample"},
        "terminologies": [{"name": "sample"}],
        "objective": {"name": "prototype_contrastive"},
        "data": {"train": "train+dev", "watched": 0},
        "whole": {"weigh": True},
    }
    with pytest.raises(ValueError, match=r"whole\.like=RUN"):
        Recipe.read(values)
    assert Recipe.read({**values, "whole": {"weigh": True, "like": "runs/other"}}).whole.like == "runs/other"
