"""Batches: each entity once, no gold entity is ever wrong, documents stay together, every cluster comes once an epoch."""

from __future__ import annotations

from collections import Counter

import lessons
import numpy as np
import pytest

from tripel.training.batches import Batch, cluster_batches


def epoch(view: str = "document", *, size: int = 4, wrong: int = 3, seed: int = 0) -> list[Batch]:
    rng = np.random.default_rng(seed)
    return list(cluster_batches(lessons.lesson(view=view), size=size, members=20, documents=200, wrong=wrong, rng=rng))


@pytest.mark.parametrize("view", ["document", "marked", "bare"])
def test_every_cluster_comes_once_an_epoch(view: str) -> None:
    rows = Counter(int(row) for batch in epoch(view) for row in batch.row_E[batch.gold_G])
    assert rows == Counter(cluster.entity for cluster in lessons.lesson().grouped.clusters)


@pytest.mark.parametrize("view", ["document", "marked", "bare"])
def test_each_entity_stands_in_a_batch_once(view: str) -> None:
    for batch in epoch(view, wrong=5):
        assert len(set(batch.row_E.tolist())) == len(batch.row_E) == len(batch.entities)


def test_what_a_mention_shows_is_its_own_text() -> None:
    for batch in epoch("document"):
        shown = batch.mentions
        for m, g in enumerate(batch.cluster_M):
            text = shown.texts[shown.passage_M[m]][shown.start_M[m] : shown.end_M[m]]
            row = int(batch.row_E[batch.gold_G[g]])
            assert any(
                mention.text == text and row in lessons.KB.rows(mention.entities)
                for document in lessons.DOCUMENTS
                for mention in document.mentions
            )


def test_all_that_a_composite_names_is_known() -> None:
    checked = 0
    for batch in epoch("document", size=100, wrong=5):
        column = {int(row): i for i, row in enumerate(batch.row_E)}
        for g, gold in enumerate(batch.gold_G):
            known = set(batch.row_E[batch.known_GE[g]].tolist())
            assert int(batch.row_E[gold]) in known
            if known & {3, 4}:
                assert known == {3, 4} and batch.known_GE[g, [column[3], column[4]]].all()
                checked += 1
    assert checked == 2


def test_a_document_is_shown_once() -> None:
    batch = epoch("document", size=100)[0]
    assert len(batch.mentions.texts) == len(lessons.DOCUMENTS)
    assert len(set(batch.mentions.texts)) == len(lessons.DOCUMENTS)


def test_a_right_entity_is_shown_by_any_of_its_names_and_a_wrong_one_by_the_name_that_misled() -> None:
    shown = {batch.entities[list(batch.row_E).index(0)] for s in range(30) for batch in epoch(seed=s, size=100)}
    assert shown == {"fever", "pyrexia", "hot"}


def test_a_right_entity_can_be_shown_by_several_names_and_a_wrong_one_by_one() -> None:
    rng = np.random.default_rng(0)
    (batch,) = cluster_batches(lessons.lesson(), size=100, members=20, documents=200, wrong=5, rng=rng, names=2)
    right = set(batch.row_E[batch.gold_G].tolist())
    for row, count in Counter(batch.row_E.tolist()).items():
        assert count == (min(2, len(lessons.KB[row].names)) if row in right else 1)
        shown = [text for text, of in zip(batch.entities, batch.row_E, strict=True) if of == row]
        assert len(set(shown)) == count and set(shown) <= set(lessons.KB[row].names)
    for g, known_E in enumerate(batch.known_GE):
        assert known_E[batch.row_E == batch.row_E[batch.gold_G[g]]].all()


def test_the_same_seed_gives_the_same_epoch() -> None:
    one, other = epoch(seed=3), epoch(seed=3)
    assert [b.entities for b in one] == [b.entities for b in other]
    assert [b.entities for b in one] != [b.entities for b in epoch(seed=4)]


def test_anchors_are_the_first_of_each_cluster() -> None:
    for batch in epoch("document", size=100):
        assert batch.cluster_M[batch.anchor_G].tolist() == list(range(len(batch)))


def test_a_document_that_says_another_thing_alike_comes_next() -> None:
    """ms is multiple sclerosis in documents 0 and 2, mitral stenosis in 1; 3 says mitral stenosis in full."""
    for seed in range(10):
        for batch in epoch("document", size=5, seed=seed):
            texts = batch.mentions.texts
            if any("tight valve" in text for text in texts) and not any("mitral stenosis" in text for text in texts):
                rows = {lessons.KB.id(int(row)) for row in batch.row_E[batch.gold_G]}
                assert "D2" in rows
