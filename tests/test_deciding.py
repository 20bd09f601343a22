"""Probabilities fitted on dev, what thresholds give, and what a linker decides by them."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.documents import Document, Mention, batched
from tripel.indexes.base import Hits
from tripel.judging.trust import trust
from tripel.linking import deciding
from tripel.linking import ranker as ranking
from tripel.linking.deciding import Calibration, Point, fit, signs
from tripel.linking.linker import Linker
from tripel.linking.ranker import Ranker
from tripel.linking.whole import Weights
from tripel.recognizers.base import Found
from tripel.searching import indexing

ROOT = Path(__file__).parents[1]


def hits(score_MK: list[list[float]], row_MK: list[list[int]] | None = None) -> Hits:
    score = np.array(score_MK, np.float32)
    rows = np.tile(np.arange(score.shape[1]), (len(score), 1)) if row_MK is None else np.array(row_MK)
    return Hits(rows, score, rows)


def test_signs_by_hand() -> None:
    nothing = [-np.inf, -np.inf, -np.inf]
    found = hits([[0.9, 0.7, 0.1], [0.5, -np.inf, -np.inf], nothing], [[3, 1, 2], [4, -1, -1], [-1, -1, -1]])
    exact = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    plain = signs(found, found.score_MK, exact, chances=False)
    np.testing.assert_allclose(plain[0], [[0.2, 0.9, 1], [-0.2, 0.7, 0], [-0.8, 0.1, 0]], atol=1e-6)
    np.testing.assert_allclose(plain[1], [[0, 0.5, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(plain[2], 0)
    chances = signs(hits([[0.75, 0.25, 0.0]]), np.array([[0.4, 0.5, 0.6]], np.float32), exact[:1], chances=True)
    np.testing.assert_allclose(chances[0, :, 0], [np.log(3), -np.log(3), -deciding.MOST], atol=1e-4)
    np.testing.assert_allclose(chances[0, :, 1], [0.4, 0.5, 0.6])


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mentions whose first candidate is right as often as a logistic function of one sign says."""
    rng = np.random.default_rng(seed)
    signs_MKF = np.zeros((count, 3, 3), np.float32)
    signs_MKF[:, :, 0] = rng.normal(0, 2, (count, 3))
    true_MK = 1 / (1 + np.exp(-(1.5 * signs_MKF[:, :, 0] + 0.5)))
    return signs_MKF, rng.random((count, 3)) < true_MK, true_MK


def test_a_fit_finds_the_probabilities_behind_what_was_drawn() -> None:
    signs_MKF, right_MK, true_MK = drawn(4000, 1)
    rows = np.tile(np.arange(3), (4000, 1))
    its = fit(signs_MKF, rows, right_MK, np.arange(4000) // 8, encoder="e", seed=1)
    assert its is not None
    assert its.weights["lead"] == pytest.approx(1.5, abs=0.15) and its.intercept == pytest.approx(0.5, abs=0.15)
    assert np.abs(its.probabilities(signs_MKF, rows) - true_MK).max() < 0.05
    for point in its.points:
        given = true_MK[:, 0] >= point.threshold
        if given.sum() > 200:
            assert point.coverage == pytest.approx(given.mean(), abs=0.05)
            assert point.precision == pytest.approx(right_MK[given, 0].mean(), abs=0.05)


def test_too_little_to_learn_from_is_no_calibration() -> None:
    signs_MKF, right_MK, _ = drawn(40, 2)
    rows = np.tile(np.arange(3), (40, 1))
    assert fit(signs_MKF, rows, right_MK, np.arange(40), encoder="e", seed=1) is None


POINTS = tuple(
    Point(threshold=t, precision=p, coverage=c) for t, p, c in [(0.0, 0.8, 1.0), (0.5, 0.9, 0.7), (0.9, 0.97, 0.3)]
)
ITS = Calibration(weights={"closeness": 4.0}, intercept=-2.0, points=POINTS, encoder="e")


def test_a_precision_asks_for_the_lowest_threshold_that_gives_it() -> None:
    assert ITS.reaching(0.85).threshold == 0.5 and ITS.reaching(0.97).threshold == 0.9
    assert str(ITS.reaching(0.97)) == "above 0.90: precision 97.0 %, coverage 30.0 %"
    with pytest.raises(ValueError, match=r"no threshold gives a precision of 99\.0 % on dev; the best is above 0\.90"):
        ITS.reaching(0.99)


def test_a_precision_that_few_links_tell_of_is_none() -> None:
    few = replace(ITS, chosen_on={"mentions": 100})  # 30 links above 0.9
    assert few.reaching(0.85).threshold == 0.5 and "97 % on dev" not in few.thresholds()
    with pytest.raises(ValueError, match=r"no threshold gives a precision of 97\.0 % on dev; the best is above 0\.50"):
        few.reaching(0.97)


@pytest.mark.parametrize("documents", [1, 2])
def test_few_documents_give_no_calibration(documents: int) -> None:
    signs_MKF, right_MK, _ = drawn(400, 3)
    right_MK[:200, 0], right_MK[200:, 0] = True, False
    rows = np.tile(np.arange(3), (400, 1))
    assert fit(signs_MKF, rows, right_MK, np.arange(400) * documents // 400, encoder="e", seed=1) is None


def test_it_is_kept_and_anything_else_is_refused(tmp_path: Path) -> None:
    ITS.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == ITS
    (tmp_path / "calibration.json").write_text(json.dumps({"weights": 3}))
    with pytest.raises(ValueError, match=r"not the calibration of a linker \(.*\); delete it"):
        Calibration.load(tmp_path / "calibration.json")


def test_trust_by_hand() -> None:
    """Four mentions, the last without an entity."""
    probability, right, nil = np.array([0.9, 0.8, 0.4, 0.3]), np.array([1, 0, 1, 0], bool), np.array([0, 0, 0, 1], bool)
    its = trust(probability, right, nil, np.array([0, 0, 1, 1]), thresholds={"half": 0.5, "none": 0.0}, seed=0)
    half, none = (
        tuple(share.value for share in (one.precision, one.coverage, one.nil_precision, one.nil_recall))
        for one in its.points
    )
    assert half == (0.5, 0.5, 0.5, 1.0)
    assert none == (0.5, 1.0, 0.0, 0.0)
    assert its.error.value == pytest.approx((0.1 + 0.8 + 0.6 + 0.3) / 4) and (its.n, its.nil) == (4, 1)


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    folder = tmp_path_factory.mktemp("ranker")
    encoder = tiny.encoder(folder / "model")
    stamp = indexing.Stamp("encoder", lessons.KB.fingerprint)
    config = indexing.Config(rows=("names",))
    indexing.make(folder / "index", encoder, lessons.KB, None, config, stamp=stamp)
    return Ranker(encoder, lessons.KB, indexing.opened(folder / "index", lessons.KB, stamp=stamp, rebuild=""))


def calibrated(ranker: Ranker, intercept: float) -> Ranker:
    its = Calibration(weights={"closeness": 1.0}, intercept=intercept, points=POINTS)
    return Ranker(ranker.encoder, ranker.kb, ranker.index, calibration=its)


def only(*rows: int | None) -> np.ndarray:
    return np.isin(np.arange(len(lessons.KB)), rows)


def of(text: str) -> Document:
    return Document(id="1", text=text, mentions=(Mention(start=0, end=len(text), text=text),))


def test_a_link_says_what_was_decided_and_why(ranker: Ranker) -> None:
    sure, unsure = (Linker(calibrated(ranker, intercept), k=2) for intercept in (2.0, -4.0))
    link = sure.link(of("pyrexia")).links[0]
    assert (link.decision, link.entity) == ("linked", "D1") and len(link.candidates) == 2
    best = link.candidates[0]
    assert (best.name, best.matched) == ("fever", "pyrexia")
    assert best.probability == pytest.approx(1 / (1 + np.exp(-(2.0 + best.score))), abs=1e-5)
    assert link.why == f"probability {best.probability:.2f}, at least 0.50"
    link = unsure.link(of("pyrexia")).links[0]
    assert (link.decision, link.entity) == ("nil", None) and "below 0.50" in link.why
    assert unsure.link(of("pyrexia")).decided.mentions[0].entities == ()


def test_a_linker_tells_what_its_threshold_gave_on_dev(ranker: Ranker) -> None:
    assert Linker(calibrated(ranker, 2.0), threshold=0.85).point == POINTS[2]
    assert Linker(calibrated(ranker, 2.0)).point == POINTS[1]
    assert Linker(ranker, threshold=0.85).point is None


def test_without_calibration_everything_is_linked_unless_a_score_is_asked_for(ranker: Ranker) -> None:
    link = Linker(ranker).link(of("pyrexia")).links[0]
    assert (link.decision, link.why, link.candidates[0].probability) == ("linked", "the closest entity", None)
    link = Linker(ranker, threshold=2.0).link(of("pyrexia")).links[0]
    assert link.decision == "nil" and "score 1.00, below 2.00" in link.why


WHOLES = Weights(weights={"best row": 20.0, "exact": 2.0}, agreement=0.25)
LEAD = Calibration(weights={"lead": 1.0, "closeness": 1.0}, intercept=-1.0, points=POINTS)


def judging(ranker: Ranker) -> Ranker:
    """As after `tripel evaluate`: entities as wholes, probabilities by how far each leads."""
    return Ranker(ranker.encoder, ranker.kb, ranker.index, WHOLES, calibration=LEAD)


def test_a_lone_allowed_entity_is_no_likelier_for_being_alone(ranker: Ranker) -> None:
    """Where weights give chances among the candidates, one that is judged alone would have chance 1."""
    for its in (judging(ranker), Ranker(ranker.encoder, ranker.kb, ranker.index, calibration=LEAD)):
        free = Linker(its, k=6).link(of("pyrexia")).links[0]
        (other,) = [one for one in free.candidates if one.entity == "D6"]
        link = Linker(its, allowed_E=only(lessons.KB.row("D6"))).link(of("pyrexia")).links[0]
        assert link.candidates == (other,) and other.probability is not None and other.probability < 0.5
        assert link.decision == "filtered" and link.entity is None and link.why.startswith("D1 (fever) has probability")
        link = Linker(its, allowed_E=only(lessons.KB.row("D1"))).link(of("pyrexia")).links[0]
        assert (link.decision, link.candidates) == ("linked", free.candidates[:1])


@settings(deadline=None, max_examples=25)
@given(allowed=st.sets(st.integers(0, len(lessons.KB) - 1), min_size=1), wholes=st.booleans())
def test_what_is_told_of_allowed_entities_is_what_is_told_without_a_filter(
    ranker: Ranker, allowed: set[int], wholes: bool
) -> None:
    its = judging(ranker) if wholes else Ranker(ranker.encoder, ranker.kb, ranker.index, calibration=LEAD)
    ids = {lessons.KB.id(row) for row in allowed}
    for document in lessons.DOCUMENTS:
        free = Linker(its, k=6).link(document).links
        filtered = Linker(its, k=6, allowed_E=only(*allowed)).link(document).links
        for one, other in zip(free, filtered, strict=True):
            expected = [candidate for candidate in one.candidates if candidate.entity in ids]
            assert list(other.candidates) == expected
            assert (one.decision == "linked" and one.entity in ids) == (other.decision == "linked")


def test_an_allowed_entity_is_found_behind_all_that_are_looked_at(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripel.linking.ranker.CANDIDATES", 2)
    its = judging(ranker)
    document = of("pyrexia")
    nearest = [lessons.KB.id(row) for row in its.nearest(its.asked([document]), k=6).row_MK[0].tolist()]
    last = lessons.KB.row(nearest[-1])
    link = Linker(its, k=1, allowed_E=only(last)).link(document).links[0]
    assert [one.entity for one in link.candidates] == [nearest[-1]] and link.decision == "filtered"
    best = link.candidates[0]
    assert best.probability is not None and best.probability < 0.1 and best.score < 0.1


def test_candidates_of_two_searches_by_hand() -> None:
    first = hits([[0.9, 0.5], [0.4, -np.inf]], [[3, 1], [2, -1]])
    second = hits([[0.9, 0.9], [0.4, -np.inf]], [[0, 3], [2, -1]])
    both = ranking._both(first, second, k=2)
    assert both.row_MK.tolist() == [[0, 3, 1], [2, -1, -1]] and both.name_MK.tolist() == both.row_MK.tolist()
    np.testing.assert_allclose(both.score_MK, [[0.9, 0.9, 0.5], [0.4, -np.inf, -np.inf]])


def test_entities_that_are_taken_out_play_no_part(ranker: Ranker) -> None:
    """As the measurement of NIL wants it: what is left is judged among itself."""
    lacking = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "nil.py"))["lacking"]
    its = judging(ranker)
    there = np.array([lessons.KB.row("D6"), lessons.KB.row("D4")])
    left = lacking(its, np.setdiff1d(np.arange(len(lessons.KB)), there))
    asked = its.asked(lessons.DOCUMENTS)
    ranked = left.ranked(asked, k=5)
    assert set(ranked.hits.row_MK.ravel().tolist()) == {*there.tolist(), -1}
    assert (ranked.hits.row_MK[:, 2:] == -1).all() and (ranked.probability_MK[:, 2:] == 0).all()
    np.testing.assert_allclose(ranked.hits.score_MK[:, :2].sum(axis=1), 1, atol=1e-6)
    alone = its.index.search(asked.queries, k=64, allowed_E=only(*there.tolist()))
    expected = its.judged(asked, alone, its.evidence(asked, alone))
    np.testing.assert_array_equal(ranked.hits.row_MK, expected.hits.row_MK[:, :5])
    np.testing.assert_allclose(ranked.probability_MK, expected.probability_MK[:, :5], rtol=1e-5)
    assert its.ranked(asked, k=5).hits.row_MK[0, 0] == lessons.KB.row("D1")


def test_filters_act_before_ranking_and_say_what_they_kept_out(ranker: Ranker) -> None:
    """The best allowed entity is found however far down it stands; where it is not likely, the one kept out is named."""
    row = lessons.KB.row("D6")
    assert row is not None
    allowed = only(row)
    link = Linker(ranker, allowed_E=allowed).link(of("pyrexia")).links[0]
    assert link.entity == "D6" and [one.entity for one in link.candidates] == ["D6"]
    own = 1.0  # closeness of a name to itself
    weights = Calibration(weights={"lead": 100.0, "closeness": 1.0}, intercept=-own / 2, points=POINTS)
    strict = Ranker(ranker.encoder, ranker.kb, ranker.index, calibration=weights)
    link = Linker(strict, allowed_E=allowed, threshold=0.7).link(of("pyrexia")).links[0]
    assert link.decision == "filtered" and link.why.startswith("D1 (fever) has probability 1.00 and is not allowed")
    with pytest.raises(ValueError, match="the filters leave no entity"):
        Linker(ranker, allowed_E=np.zeros(len(lessons.KB), bool))


class Capitals:
    """Every word in capitals."""

    def recognize(self, documents: list[Document]) -> list[Found]:
        found = []
        for document in documents:
            at = [i for i, letter in enumerate(document.text) if letter.isupper()]
            made = document.having(mentions=[Mention(start=i, end=i + 1, text=document.text[i]) for i in at])
            found.append(Found(made, (0.5,) * len(at)))
        return found


def test_texts_are_linked_one_after_the_other(ranker: Ranker) -> None:
    linker = Linker(ranker, Capitals(), k=1)  # type: ignore[arg-type]
    one = linker("aB")
    assert [(link.mention.text, link.confidence) for link in one.links] == [("B", 0.5)]
    many = list(linker(text for text in ["aB", "", "none", "CD"]))
    assert [its.document.id for its in many] == ["1", "2", "3", "4"]
    assert [len(its.links) for its in many] == [1, 0, 0, 2]
    assert many[0].links[0].candidates == one.links[0].candidates
    with pytest.raises(ValueError, match="nothing finds mentions here"):
        Linker(ranker)("aB")


def test_many_texts_are_not_held(ranker: Ranker) -> None:
    """What is asked for is read some documents ahead, not to its end."""
    read = 0

    def texts() -> object:
        nonlocal read
        for _ in range(10_000):
            read += 1
            yield "a text"

    stream = Linker(ranker, Capitals())(texts())  # type: ignore[arg-type]
    next(stream)
    assert read <= 64


@given(st.lists(st.integers(0, 300_000), max_size=20))
def test_documents_come_in_pieces_that_fit(lengths: list[int]) -> None:
    documents = [Document(id=str(n), text="x" * length) for n, length in enumerate(lengths)]
    pieces = list(batched(documents))
    assert [one for piece in pieces for one in piece] == documents
    assert all(sum(len(one.text) for one in piece[:-1]) < 200_000 for piece in pieces)


def test_a_precision_needs_a_calibration(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranker, "load", classmethod(lambda cls, run, **how: ranker))
    with pytest.raises(ValueError, match="was not calibrated"):
        Linker.load("run", precision=0.9)
    with pytest.raises(ValueError, match="not both"):
        Linker.load("run", precision=0.9, threshold=0.5)
    monkeypatch.setattr(Ranker, "load", classmethod(lambda cls, run, **how: calibrated(ranker, 0.0)))
    assert Linker.load("run", precision=0.97).threshold == 0.9
    assert Linker.load("run").threshold == 0.5


def test_a_recognizer_that_is_unknown_is_named(tmp_path: Path, ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranker, "load", classmethod(lambda cls, run, **how: ranker))
    with pytest.raises(ValueError, match="unknown name 'oracle' in recognizers"):
        Linker.load("run", recognizer="oracle")
    with pytest.raises(ValueError, match="no trained tagger here"):
        Linker.load("run", recognizer=str(tmp_path))
