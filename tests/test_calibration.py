"""Risk, coverage and reliability, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.calibration import calibrated, reliability, risk_coverage

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


def test_the_coverage_at_a_risk() -> None:
    found = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 1.0, 0.0, 1.0]))
    assert found.at(0.0) == 0.5
    assert found.at(0.25) == 1.0  # one of four
    assert risk_coverage(np.array([0.9]), np.array([0.0])).at(0.5) == 0.0
    assert found.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)


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
