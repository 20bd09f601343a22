"""Score separation against loops, with and without the source's zeros, and what the pictures are drawn from."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import numpy as np
import pytest
import tiny

from tripel.files import read_json
from tripel.names import separating, separation_plots
from tripel.names.pair_files import NamePair
from tripel.names.separation import measure

COSINE = np.array([[0.9, 0.1, 0.3], [0.2, 0.8, 0.4], [0.5, 0.6, 0.7]])


def test_figures_are_those_of_the_loops() -> None:
    found = measure(COSINE, np.array([0, 1, 2]))
    below = [0.2, 0.5, 0.6]
    cells = [*below, *[0.0] * 6]
    assert found.positive_mean == pytest.approx(0.8) and found.positive_sd == pytest.approx(
        statistics.pstdev([0.9, 0.8, 0.7])
    )
    assert found.negative_mean == pytest.approx(statistics.mean(below))
    assert found.negative_sd == pytest.approx(statistics.pstdev(below))
    assert found.published_mean == pytest.approx(statistics.mean(cells))
    assert found.published_sd == pytest.approx(statistics.pstdev(cells))
    assert found.difference == pytest.approx(0.8 - statistics.mean(below))
    assert found.published_difference > found.difference


def test_pairs_of_one_concept_are_no_negatives() -> None:
    assert measure(COSINE, np.array([0, 1, 0])).negative_mean == pytest.approx(0.4)  # 0.5 is left out
    with pytest.raises(ValueError, match="several concepts"):
        measure(COSINE, np.array([0, 0, 0]))


def test_overlap_is_the_area_under_both_curves() -> None:
    rng = np.random.default_rng(0)
    for apart, low, high in ((0.0, 0.8, 1.0), (0.9, 0.0, 0.01)):
        cosine = rng.normal(0.0, 0.05, (40, 40))
        np.fill_diagonal(cosine, rng.normal(apart, 0.05, 40))
        assert low <= measure(cosine, np.arange(40)).overlap <= high
    assert measure(np.eye(4), np.arange(4)).overlap == 0


def test_pictures_and_their_numbers(tmp_path: Path) -> None:
    dist = separation_plots.distributions(
        np.array([0.8, 0.9]), np.array([0.1, 0.3]), title="t", path=tmp_path / "d.png"
    )
    heat = separation_plots.heatmap(COSINE, ["a" * 40, "b", "c"], ["x", "y", "z"], title="t", path=tmp_path / "h.png")
    names = separation_plots.names_a_concept({1: 100, 2: 10, 50: 1}, title="t", path=tmp_path / "n.png")
    for picture, rows in ((dist, 80), (heat, 6), (names, 3)):
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert len(list(csv.reader(picture.with_suffix(".csv").read_text().splitlines()))) == rows + 1


def test_of_many_pairs_some_are_drawn_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their cosines are a square: of 20,000 pairs they would not fit into memory."""
    monkeypatch.setattr(separating, "MOST", 30)
    encoder = tiny.encoder(tmp_path / "encoder")
    pairs = [NamePair(f"C{i}", f"name {i}", f"other {i}") for i in range(50)]
    texts = [separating.separate({"tiny": encoder}, its, tmp_path / "out") for its in (pairs, pairs, pairs[:30])]
    assert "30 of 50 pairs, drawn at random" in texts[0] and texts[0] == texts[1]
    assert "(NEG): 30 pairs." in texts[2] and texts[2] != texts[0]
    assert read_json(tmp_path / "out" / "separation.json")["tiny"]["pairs"] == 30
