"""What stands for an entity: rows of names and of training mentions, kept in a folder that knows what made it."""

from __future__ import annotations

from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny

from tripel import indexing
from tripel.documents import Document, Mention
from tripel.encoder import Encoder
from tripel.encoding import mention_vectors
from tripel.linker import Linker


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return tiny.encoder(tmp_path_factory.mktemp("tiny"))


def test_rows_are_sorted_and_say_what_they_are(encoder: Encoder) -> None:
    lesson = lessons.lesson()
    rows = indexing.build(encoder, lessons.KB, lesson, indexing.Config())
    assert np.all(np.diff(rows.entity_N) >= 0)
    assert rows.mention_N.sum() == len(lesson.grouped.clusters)
    assert ((rows.name_N >= 0) == ~rows.mention_N).all()
    names = rows.name_N[~rows.mention_N]
    assert sorted(names.tolist()) == list(range(len(lessons.KB.names)))
    assert (lessons.KB.row_N[names] == rows.entity_N[~rows.mention_N]).all()


@pytest.mark.parametrize("kinds", [("names",), ("whole",), ("mentions",), ("whole", "mentions")])
def test_each_kind_of_row(encoder: Encoder, kinds: tuple[str, ...]) -> None:
    rows = indexing.build(encoder, lessons.KB, lessons.lesson(), indexing.Config(rows=kinds))  # type: ignore[arg-type]
    assert rows.mention_N.any() == ("mentions" in kinds)
    assert (rows.name_N >= 0).any() == ("names" in kinds)


def test_nothing_to_search_is_an_error(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="give names, whole or mentions"):
        indexing.build(encoder, lessons.KB, None, indexing.Config(rows=("mentions",)))


def test_a_folder_gives_back_what_was_saved_and_knows_its_makers(encoder: Encoder, tmp_path: Path) -> None:
    rows = indexing.build(encoder, lessons.KB, lessons.lesson(), indexing.Config())
    indexing.save(rows, tmp_path / "index", encoder="e1", kb="k1")
    again = indexing.load(tmp_path / "index", encoder="e1", kb="k1", rebuild="tripel evaluate RUN")
    assert (again.entity_N == rows.entity_N).all()
    assert (again.name_N == rows.name_N).all()
    assert (again.mention_N == rows.mention_N).all()
    assert np.abs(again.vectors_ND - rows.vectors_ND).max() < 2e-3
    for made in ({"encoder": "e2", "kb": "k1"}, {"encoder": "e1", "kb": "k2"}):
        with pytest.raises(ValueError, match="run `tripel evaluate RUN`"):
            indexing.load(tmp_path / "index", **made, rebuild="tripel evaluate RUN")


def test_a_discount_lets_a_name_win(encoder: Encoder) -> None:
    """The very training mention is asked for: its own row is closest, until the discount outweighs that."""
    document = lessons.DOCUMENTS[1]
    rows = indexing.build(encoder, lessons.KB, lessons.lesson(), indexing.Config())
    found = {}
    for discount in (0.0, 2.0):
        index = rows.index(encoder, indexing.Config(mention_discount=discount))
        linker = Linker(encoder, lessons.KB, index, rows.name_N)
        found[discount] = linker.search([document], k=1).score_MK[0, 0]
    assert found[0.0] == pytest.approx(1, abs=1e-3)
    assert found[2.0] < 1


def test_links_hold_candidates_best_first_with_the_name_that_matched(encoder: Encoder) -> None:
    rows = indexing.build(encoder, lessons.KB, None, indexing.Config(rows=("names",)))
    linker = Linker(encoder, lessons.KB, rows.index(encoder, indexing.Config()), rows.name_N)
    text = "pyrexia and cold"
    mentions = (Mention(start=0, end=7, text="pyrexia"), Mention(start=12, end=16, text="cold"))
    links = linker.link(Document(id="1", text=text, mentions=mentions), k=3)
    assert [link.mention.text for link in links] == ["pyrexia", "cold"]
    for link in links:
        scores = [candidate.score for candidate in link.candidates]
        assert scores == sorted(scores, reverse=True)
        assert link.entity == link.candidates[0].entity
        assert all(
            candidate.name in lessons.KB[lessons.KB.row(candidate.entity) or 0].names for candidate in link.candidates
        )
    assert linker.link(Document(id="2", text="nothing"), k=3) == ()


def test_a_prototype_is_the_mean_of_directions(encoder: Encoder) -> None:
    """However long the vector of each mention, each has the same say."""
    lesson = lessons.lesson()
    found, entities = indexing.cluster_vectors(encoder, lesson)

    plain = mention_vectors(encoder, lesson.by_document())
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    for vector, entity, cluster in zip(found, entities, lesson.grouped.clusters, strict=True):
        assert entity == cluster.entity
        assert vector == pytest.approx(unit[list(cluster.mentions)].mean(axis=0), abs=1e-5)
