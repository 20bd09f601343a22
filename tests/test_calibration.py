"""Risk, coverage and reliability, against plain loops; what is kept of them, and which mentions are NIL for which reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.documents import Document, Mention
from tripel.files import read_json, write_json
from tripel.judging import metrics
from tripel.judging.calibration import calibrated, ranked_apart, reliability, risk_coverage
from tripel.judging.runs import nil
from tripel.judging.trust import Trust, trust
from tripel.knowledge import Entity, KnowledgeBase
from tripel.reports import tables

SAID = st.lists(
    st.tuples(st.sampled_from([0.0, 0.05, 0.1, 0.5, 0.55, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40
)


def arrays(said: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    scores, right = zip(*said, strict=True)
    return np.array(scores), np.array(right, float)


@given(SAID)
def test_risk_at_each_threshold_is_that_of_the_loops(said: list[tuple[float, bool]]) -> None:
    found = risk_coverage(*arrays(said))
    expected = []
    for threshold in sorted({score for score, _ in said}, reverse=True):
        given_ = [right for score, right in said if score >= threshold]
        expected.append((len(given_) / len(said), given_.count(False) / len(given_)))
    assert list(zip(found.coverage_M, found.risk_M, strict=True)) == [pytest.approx(one) for one in expected]


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30))
def test_how_often_right_links_rank_above_wrong_ones_is_that_of_the_loops(said: list[tuple[float, bool]]) -> None:
    score, right = np.array([one for one, _ in said]), np.array([float(one) for _, one in said])
    pairs = [(one > other) + (one == other) / 2 for one in score[right == 1] for other in score[right == 0]]
    found = ranked_apart(score, right)
    assert found == pytest.approx(sum(pairs) / len(pairs)) if pairs else np.isnan(found)


def test_the_coverage_at_a_risk() -> None:
    found = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 1.0, 0.0, 1.0]))
    assert found.at(0.0) == 0.5
    assert found.at(0.25) == 1.0  # one of four
    assert risk_coverage(np.array([0.9]), np.array([0.0])).at(0.5) == 0.0
    assert found.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    tied = risk_coverage(np.array([0.9] * 9 + [0.1]), np.array([1.0] * 9 + [0.0]))
    assert tied.area == pytest.approx(0.1 * 0.1)
    few = risk_coverage(np.array([0.9, 0.8]), np.array([1.0, 1.0]), mentions=8)
    assert few.at(0.0) == 0.25  # six have no link


@given(SAID)
def test_the_calibration_error_is_that_of_the_loops(said: list[tuple[float, bool]]) -> None:
    expected = 0.0
    for place in range(10):
        inside = [(p, right) for p, right in said if place == min(9, int(p * 10))]
        if inside:
            apart = sum(p for p, _ in inside) / len(inside) - sum(right for _, right in inside) / len(inside)
            expected += abs(apart) * len(inside) / len(said)
    assert reliability(*arrays(said)).error == pytest.approx(expected)


def test_calibration_makes_probabilities_true_and_keeps_their_order() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(4000)
    right = (rng.random(4000) < score**3).astype(float)
    raw, mended = reliability(score[2000:], right[2000:]), calibrated(score[:2000], right[:2000], score[2000:])
    assert reliability(mended, right[2000:]).error < 0.05 < raw.error
    assert (np.diff(mended[np.argsort(score[2000:])]) >= 0).all()
    assert calibrated(score, right, np.array([-5.0, 5.0])).tolist() == [
        pytest.approx(0.0, abs=0.1),
        pytest.approx(1.0, abs=0.1),
    ]


PROBABILITY = np.array([0.95, 0.85, 0.45, 0.35, 0.25, 0.6])
RIGHT = np.array([1, 0, 1, 0, 0, 0], np.bool_)
DOCUMENT = np.array([0, 0, 1, 1, 2, 2])
KINDS = {"without": np.array([0, 0, 0, 1, 1, 1], np.bool_), "outside": np.array([0, 1, 0, 0, 0, 0], np.bool_)}


def judged() -> Trust:
    nil = KINDS["without"] | KINDS["outside"]
    return trust(PROBABILITY, RIGHT, nil, DOCUMENT, thresholds={"half": 0.5}, kinds=KINDS, seed=0)


def test_nil_is_found_of_each_kind_apart() -> None:
    its = judged()
    assert its.kinds == {"without": 3, "outside": 1}
    half = its.points[0]
    assert {kind: one.value for kind, one in half.nil_found.items()} == {
        "without": pytest.approx(2 / 3),
        "outside": 0.0,
    }
    assert (half.nil_recall.value, half.nil_recall.n) == (pytest.approx(2 / 4), 4)
    assert tables.thresholds(its).columns[-2:] == ["without", "outside"]
    assert [cell.split()[0] for cell in tables.thresholds(its).rows[0][-3:]] == ["50.0", "66.7", "0.0"]
    assert "4 of them NIL: 3 without, 1 outside." in tables.trust(its)


def test_a_kind_of_which_there_is_none_has_no_column() -> None:
    none = trust(
        PROBABILITY,
        RIGHT,
        KINDS["outside"],
        DOCUMENT,
        thresholds={"half": 0.5},
        kinds={**KINDS, "without": RIGHT & ~RIGHT},
        seed=0,
    )
    assert list(none.kinds) == ["outside"] and tables.thresholds(none).columns[-1] == "outside"


def test_mentions_without_an_id_are_told_from_those_that_the_knowledge_base_lacks() -> None:
    ids: list[tuple[str, ...]] = [("D1",), (), ("D9",), ("D9", "D1")]
    mentions = tuple(Mention(start=i, end=i + 1, text="x", entities=its) for i, its in enumerate(ids))
    found = nil([Document(id="a", text="xxxx", mentions=mentions)], KnowledgeBase.of([Entity(id="D1", name="fever")]))
    assert {kind: its.tolist() for kind, its in found.items()} == {
        "without an id": [False, True, False, False],
        "outside the knowledge base": [False, False, True, False],
    }


def test_the_bins_are_kept_and_are_those_of_the_error(tmp_path: Path) -> None:
    its = judged()
    its.save(tmp_path / "trust.json")
    again = Trust.load(tmp_path / "trust.json")
    assert again == its and sum(one.n for one in again.bins) == 6
    assert (
        again.reliability.error == pytest.approx(its.error.value) == reliability(PROBABILITY, RIGHT.astype(float)).error
    )


def test_what_an_older_run_kept_is_to_be_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    judged().save(path)
    for other in ({**read_json(path), "error": 0.1}, {"n": "many"}):
        write_json(path, other)
        with pytest.raises(ValueError, match=r"trust\.json: .*; judge again with `tripel evaluate`"):
            Trust.load(path)


def test_no_mentions_give_no_figures() -> None:
    none = np.array([])
    its = trust(none, none.astype(bool), none.astype(bool), none.astype(int), thresholds={"half": 0.5}, seed=0)
    assert its.n == its.error.n == its.points[0].coverage.n == 0 and its.area.value == 0


def test_intervals_of_trust_are_those_of_drawn_documents() -> None:
    """Each draw of documents, written out as mentions, gives the error and the area that the interval is made of."""
    its = judged()
    drawn_BD = metrics.draws(3, 0).astype(int)
    places = [
        np.concatenate([np.flatnonzero(d == DOCUMENT).repeat(n) for d, n in enumerate(drawn)]) for drawn in drawn_BD
    ]
    right = RIGHT.astype(float)
    errors = [reliability(PROBABILITY[place], right[place]).error for place in places]
    areas = [risk_coverage(PROBABILITY[place], right[place]).area for place in places]
    for found, expected in ((its.error, errors), (its.area, areas)):
        assert (found.low, found.high) == pytest.approx(tuple(np.percentile(expected, [2.5, 97.5])))
        assert found.low < found.value < found.high and found.n == 6
    assert its.area.value == pytest.approx(risk_coverage(PROBABILITY, right).area)
