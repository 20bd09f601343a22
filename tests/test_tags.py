"""Labels of words and back: every allowed sequence comes back, what is not allowed is never given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.documents import Document, Mention
from tripel.tagging.tags import Scheme, Tags


def words(text: str) -> tuple[np.ndarray, np.ndarray]:
    starts, at = [], 0
    for word in text.split(" "):
        starts.append((at, at + len(word)))
        at += len(word) + 1
    table = np.array(starts, np.int64)
    return table[:, 0], table[:, 1]


def document(text: str, *spans: tuple[int, int, str]) -> Document:
    mentions = tuple(Mention(start=s, end=e, text=text[s:e], type=type) for s, e, type in spans)
    return Document(id="1", text=text, mentions=mentions)


def test_labels_by_hand() -> None:
    its = document("acute renal failure after aspirin", (0, 19, "D"), (26, 33, "C"))
    bioes, bio = Tags("bioes", ("C", "D")), Tags("bio", ("C", "D"))
    assert [bioes.labels[i] for i in bioes.of(its, *words(its.text))] == ["B-D", "I-D", "E-D", "O", "S-C"]
    assert [bio.labels[i] for i in bio.of(its, *words(its.text))] == ["B-D", "I-D", "I-D", "O", "B-C"]


def test_a_mention_that_cuts_a_word_has_all_of_it_and_nested_ones_are_left_out() -> None:
    its = document("antirenal failure here", (4, 17, "D"), (4, 9, "D"))
    tags = Tags("bioes", ("D",))
    assert [tags.labels[i] for i in tags.of(its, *words(its.text))] == ["B-D", "E-D", "O"]


def test_without_types_a_mention_of_any_is_labelled() -> None:
    its = document("acute renal failure", (6, 19, "D"))
    tags = Tags("bio", ("",))
    assert [tags.labels[i] for i in tags.of(its, *words(its.text))] == ["O", "B-", "I-"]


spans = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.sampled_from("CD")), max_size=6)


@pytest.mark.parametrize("scheme", ["bioes", "bio"])
@given(gaps=spans)
def test_what_was_labelled_is_read_back(scheme: Scheme, gaps: list[tuple[int, int, str]]) -> None:
    """Mentions of some words, with some words between them, side by side included."""
    count = sum(length + gap for length, gap, _ in gaps) + 1
    text = " ".join(["w"] * count)
    start, end = words(text)
    wanted, at = [], 0
    for length, gap, type in gaps:
        wanted.append((at, at + length, type))
        at += length + gap
    its = document(text, *((int(start[a]), int(end[b - 1]), type) for a, b, type in wanted))
    tags = Tags(scheme, ("C", "D"))
    label_W = tags.of(its, start, end)
    sure_WL = np.full((count, len(tags.labels)), 1e-6)
    sure_WL[np.arange(count), label_W] = 1.0
    found = tags.spans(sure_WL)
    assert [(one.first, one.last, one.type) for one in found] == wanted
    assert all(one.confidence == pytest.approx(1.0) for one in found)


@pytest.mark.parametrize("scheme", ["bioes", "bio"])
@given(seed=st.integers(0, 10_000), length=st.integers(1, 4))
def test_the_likeliest_of_all_allowed_sequences_is_read(scheme: Scheme, seed: int, length: int) -> None:
    """Against every sequence there is."""
    tags = Tags(scheme, ("C",))
    chance_WL = np.random.default_rng(seed).dirichlet(np.ones(len(tags.labels)), size=length)
    best = max(
        (path for path in itertools.product(range(len(tags.labels)), repeat=length) if allowed(tags, path)),
        key=lambda path: np.log(chance_WL[np.arange(length), list(path)]).sum(),
    )
    sure_WL = np.full(chance_WL.shape, 1e-9)
    sure_WL[np.arange(length), list(best)] = 1.0
    ours, theirs = tags.spans(chance_WL), tags.spans(sure_WL)
    assert [(one.first, one.last) for one in ours] == [(one.first, one.last) for one in theirs]
    for one in ours:
        within = chance_WL[np.arange(one.first, one.last), list(best[one.first : one.last])]
        assert one.confidence == pytest.approx(within.prod())


def allowed(tags: Tags, path: tuple[int, ...]) -> bool:
    """In words: I and E go on from B or I; in BIOES what begins must end."""
    said = ["O", *(tags.labels[label] for label in path), "O"]
    for before, after in itertools.pairwise(said):
        opened = before[0] in "BI"
        if after[0] in "IE" and not opened:
            return False
        if tags.scheme == "bioes" and opened and after[0] not in "IE":
            return False
    return True


def test_a_text_without_words_has_no_mentions() -> None:
    tags = Tags("bioes", ("C",))
    assert tags.spans(np.zeros((0, len(tags.labels)))) == []
