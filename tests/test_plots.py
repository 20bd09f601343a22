"""Pictures: they are drawn, and their numbers lie beside them."""

from __future__ import annotations

import csv
from pathlib import Path

from tripel.judging.metrics import Estimate
from tripel.reports.plots import accuracy_curves, by_bucket, learning_curves

PNG = b"\x89PNG\r\n\x1a\n"


def numbers(picture: Path) -> list[list[str]]:
    with picture.with_suffix(".csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def test_accuracy_curves(tmp_path: Path) -> None:
    systems = {"a": {1: 0.5, 5: 0.75}, "b": {1: 0.25, 5: 1.0}}
    picture = accuracy_curves(systems, n=8, title="test", path=tmp_path / "curves.png")
    assert picture.read_bytes().startswith(PNG)
    assert numbers(picture)[1:] == [["a", "1", "0.5"], ["a", "5", "0.75"], ["b", "1", "0.25"], ["b", "5", "1.0"]]


def test_buckets_that_only_one_system_has(tmp_path: Path) -> None:
    systems = {
        "a": {"0": Estimate(0.5, 0.4, 0.6, 10)},
        "b": {"0": Estimate(0.7, 0.6, 0.8, 10), "1-2": Estimate(1.0, 1.0, 1.0, 2)},
    }
    picture = by_bucket(systems, title="test", xlabel="clusters", path=tmp_path / "buckets.png")
    assert picture.read_bytes().startswith(PNG)
    assert numbers(picture)[3] == ["b", "1-2", "2", "1.0", "1.0", "1.0"]


def test_learning_curves_show_what_is_there(tmp_path: Path) -> None:
    records = [
        {"step": 1, "loss": 2.0, "lr": 0.1},
        {"step": 2, "loss": 1.0, "lr": 0.1},
        {"step": 2, "val_accuracy": 0.5},
    ]
    picture = learning_curves(records, title="test", path=tmp_path / "learning.png")
    assert picture.read_bytes().startswith(PNG)
    assert [row[0] for row in numbers(picture)[1:]] == ["loss", "loss", "val_accuracy", "lr", "lr"]


def test_nothing_learnt_is_an_empty_picture(tmp_path: Path) -> None:
    assert numbers(learning_curves([], title="test", path=tmp_path / "none.png")) == [["curve", "step", "value"]]
