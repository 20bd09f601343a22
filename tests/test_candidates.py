"""Candidates by spelling: cosines as by loops, names alone in the statistics, and the mix of characters and words."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import lessons
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.documents import Document, Mention
from tripel.indexes.base import Hits
from tripel.knowledge import Entity, KnowledgeBase
from tripel.searching.candidates import Candidates, Config, choose_mix, mixed
from tripel.training.preparing import ground
from tripel.training.recipe import Recipe


def grams(text: str) -> list[str]:
    """Character 2- to 5-grams of each word with a blank on either side."""
    found = []
    for word in text.split():
        padded = f" {word} "
        for n in range(2, 6):
            if n >= len(padded):
                found.append(padded)
                break
            found += [padded[i : i + n] for i in range(len(padded) - n + 1)]
    return found


def tfidf(text: str, names: list[str]) -> dict[str, float]:
    counts = Counter(grams(text))
    having = {gram: sum(gram in grams(name) for name in names) for gram in counts}
    weights = {g: c * (math.log((1 + len(names)) / (1 + having[g])) + 1) for g, c in counts.items() if having[g]}
    length = math.hypot(*weights.values())
    return {gram: weight / length for gram, weight in weights.items()}


def test_cosines_are_those_of_the_loops() -> None:
    names = lessons.KB.names.to_pylist()
    hits = Candidates(Config(mix=64), lessons.KB).search(["Multiple scleroses"], k=6)
    query = tfidf("multiple scleroses", names)
    for row, score in zip(hits.row_MK[0], hits.score_MK[0], strict=True):
        if row >= 0:
            other = [tfidf(name, names) for name in lessons.KB[int(row)].names]
            best = max(sum(query.get(gram, 0) * weight for gram, weight in one.items()) for one in other)
            assert score == pytest.approx(best, abs=1e-5)
    assert hits.row_MK[0, 0] == 1


def test_an_ambiguous_name_brings_all_its_entities_once() -> None:
    hits = Candidates(Config(mix=64), lessons.KB).search(["ms", "MS"], k=6)
    assert hits.row_MK[0, :2].tolist() == [1, 2] and np.array_equal(hits.row_MK[0], hits.row_MK[1])
    assert hits.score_MK[0, :2] == pytest.approx([1, 1])
    assert lessons.KB.names[int(hits.name_MK[0, 1])].as_py() == "ms"


def test_a_text_like_nothing_has_no_candidates() -> None:
    assert (Candidates(Config(mix=64), lessons.KB).search(["qqqq"], k=3).row_MK == -1).all()


def hits(rows: list[int]) -> Hits:
    return Hits(np.array([rows]), np.array([[1.0 / (1 + i) for i in range(len(rows))]], np.float32), np.array([rows]))


@pytest.mark.parametrize(
    ("mix", "expected"), [(0, [7, 1, 8, 9]), (2, [1, 2, 7, 8]), (4, [1, 2, 3, 4]), (1, [1, 7, 8, 9])]
)
def test_characters_first_then_words_each_once(mix: int, expected: list[int]) -> None:
    assert mixed(hits([1, 2, 3, 4]), hits([7, 1, 8, 9]), mix=mix).row_MK[0].tolist() == expected


def test_what_words_leave_open_characters_fill() -> None:
    assert mixed(hits([1, 2, 3]), hits([9, -1, -1]), mix=1).row_MK[0].tolist() == [1, 9, 2]


def test_the_mix_is_that_of_the_best_recall() -> None:
    kb = KnowledgeBase.of(
        [Entity(id=f"D{i}", name=name) for i, name in enumerate(["abcd", "abce", "abcf", "zzz abcdx", "qqq word"])]
    )
    text = "word abcd"
    document = Document(id="1", text=text, mentions=(Mention(start=0, end=9, text=text, entities=("D4",)),))
    index = Candidates(Config(), kb)
    mix, recall = choose_mix(index, [document], kb, k=2)
    assert len(recall) == 3 and recall[mix] == max(recall)
    for k, value in enumerate(recall):
        assert value == float(4 in index.mixed(k).search([text], k=2).row_MK[0])


@given(
    st.lists(st.integers(0, 8), max_size=4, unique=True),
    st.lists(st.integers(0, 8), max_size=4, unique=True),
    st.integers(0, 8),
)
def test_the_recall_of_each_mix_is_that_of_what_is_mixed(
    by_characters: list[int], by_words: list[int], gold: int
) -> None:
    """However short either list is."""
    kb = KnowledgeBase.of([Entity(id=f"D{i}", name=f"name {i}") for i in range(9)])
    document = Document(id="1", text="ab", mentions=(Mention(start=0, end=2, text="ab", entities=(f"D{gold}",)),))
    both = [hits([*rows, *[-1] * (4 - len(rows))]) for rows in (by_characters, by_words)]
    index = SimpleNamespace(each=lambda texts, k: both)
    _, recall = choose_mix(index, [document], kb, k=4)  # type: ignore[arg-type]
    assert recall == [float(gold in mixed(*both, mix=mix).row_MK[0]) for mix in range(5)]


def test_a_run_keeps_what_each_mix_finds_on_dev_and_no_mention(tmp_path: Path) -> None:
    values = {
        "corpus": {"name": "sample"},
        "terminologies": [{"name": "sample"}],
        "objective": {"name": "prototype_triplet", "distance": "cosine"},
    }
    found = ground(Recipe.read(values), tmp_path)
    folder = tmp_path / "candidates"
    header, *rows = csv.reader((folder / "mix.csv").read_text().splitlines())
    _, recall = choose_mix(Candidates(Config(), found.kb), found.documents["dev"], found.kb)
    assert header == ["mix", "recall@64 on dev"]
    assert [(int(mix), float(value)) for mix, value in rows] == list(enumerate(recall))
    assert (folder / "mix.png").read_bytes().startswith(b"\x89PNG")
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".csv", ".png"}
