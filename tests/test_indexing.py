"""What stands for an entity: rows of names and of training mentions, kept in a folder that knows what made it."""

from __future__ import annotations

from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny

from tripel.documents import Document, Mention
from tripel.encoding.encode import entity_vectors, mention_vectors
from tripel.encoding.encoder import Encoder
from tripel.indexes.base import Queries
from tripel.linking.linker import Linker
from tripel.linking.ranker import Ranker
from tripel.searching import indexing
from tripel.searching import rows as index_rows
from tripel.searching.folding import Entities
from tripel.training.batches import Lesson


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return tiny.encoder(tmp_path_factory.mktemp("tiny"))


STAMP = indexing.Stamp("e1", "k1")


def made(folder: Path, encoder: Encoder, *, lesson: Lesson | None = None, **settings: object) -> Entities:
    config = indexing.Config.read(settings, where="index")
    indexing.make(folder, encoder, lessons.KB, lesson, config, stamp=STAMP)
    return indexing.opened(folder, lessons.KB, stamp=STAMP, rebuild="tripel evaluate RUN")


def test_rows_say_what_they_are(encoder: Encoder, tmp_path: Path) -> None:
    lesson = lessons.lesson()
    index = made(tmp_path / "index", encoder, lesson=lesson)
    names, mentions = index.parts
    assert [part.kind for part in index.parts] == ["names", "mentions"]
    assert names.name_N.tolist() == list(range(len(lessons.KB.names)))
    assert (lessons.KB.row_N == names.entity_N).all()
    assert len(mentions.entity_N) == len(lesson.grouped.clusters) and (mentions.name_N == -1).all()


@pytest.mark.parametrize(
    "kinds",
    [
        ("names",),
        ("whole",),
        ("mentions",),
        ("whole", "mentions"),
        ("centroids",),
        ("names", "descriptions", "mentions"),
    ],
)
def test_each_kind_of_row(encoder: Encoder, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    index = made(tmp_path / "index", encoder, lesson=lessons.lesson(), rows=kinds)
    assert tuple(part.kind for part in index.parts) == kinds
    hits = Ranker(encoder, lessons.KB, index).search([lessons.DOCUMENTS[0]], k=3)
    assert (hits.row_MK[:, 0] >= 0).all() and (hits.score_MK[:, 0] <= 1.001).all()


def test_a_centroid_is_the_mean_of_the_directions_of_its_names(encoder: Encoder, tmp_path: Path) -> None:
    part = made(tmp_path / "index", encoder, rows=("centroids",)).parts[0]
    fever = entity_vectors(encoder, ["fever", "pyrexia", "hot"])
    mean = (fever / np.linalg.norm(fever, axis=1, keepdims=True)).mean(axis=0)
    found = part.index.closeness(Queries(vectors_MD=(mean / np.linalg.norm(mean))[None]), np.array([[0]]))
    assert found[0, 0] == pytest.approx(1, abs=2e-3)


def test_a_description_is_the_name_as_it_stands_before_the_definition(encoder: Encoder, tmp_path: Path) -> None:
    part = made(tmp_path / "index", encoder, rows=("names", "descriptions")).parts[1]
    assert part.entity_N.tolist() == [1, 2] and part.name_N.tolist() == [-1, -1]  # the others have none
    text = "multiple sclerosis: Nerves that lose their sheaths."
    name = Mention(start=0, end=18, text="multiple sclerosis")
    document = Document(id="D2", text=text, mentions=(name,))
    (vector,) = mention_vectors(encoder, [(document, document.mentions)])
    assert np.abs(vector - entity_vectors(encoder, ["multiple sclerosis"])[0]).max() > 1e-4  # its definition tells
    found = part.index.closeness(Queries(vectors_MD=(vector / np.linalg.norm(vector))[None]), np.array([[0]]))
    assert found[0, 0] == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("search", ["exact", "hnsw", "ivf"])
def test_nothing_is_found_by_descriptions(encoder: Encoder, tmp_path: Path, search: str) -> None:
    without = made(tmp_path / "without", encoder, rows=("names",), search={"name": search})
    index = made(tmp_path / "index", encoder, rows=("names", "descriptions"), search={"name": search})
    vectors = index.parts[1].index.closeness(Queries(vectors_MD=np.eye(16, dtype=np.float32)), np.tile([0, 1], (16, 1)))
    queries = Queries(vectors_MD=np.eye(16, dtype=np.float32))
    its, theirs = (one.search(queries, k=6) for one in (index, without))
    assert np.array_equal(its.row_MK, theirs.row_MK) and np.array_equal(its.score_MK, theirs.score_MK)
    ranked, others = (one.rank(queries, its.row_MK) for one in (index, without))
    assert np.array_equal(ranked.score_MK, others.score_MK)
    told = list(index.rows_like("descriptions", queries, np.tile([2, 0, 1], (16, 1))))
    for m, (owner_R, score_R) in enumerate(told):
        assert owner_R.tolist() == [0, 2] and score_R == pytest.approx(vectors[m, ::-1])


def test_descriptions_alone_find_nothing(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to search"):
        made(tmp_path / "index", encoder, rows=("descriptions",))


def test_nothing_to_search_is_an_error(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give names, whole, centroids or mentions"):
        made(tmp_path / "index", encoder, rows=("mentions",))


def test_vectors_are_not_searched_by_spelling(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="searched by exact, hnsw, ivf"):
        indexing.dense({"name": "bm25"}, where="negatives.search")
    with pytest.raises(ValueError, match="bm25, which reads names"):
        made(tmp_path / "index", encoder, search={"name": "bm25"}, rows=("names", "mentions"))


@pytest.mark.parametrize("other", [indexing.Stamp("e2", "k1"), indexing.Stamp("e1", "k2")])
def test_a_folder_knows_its_makers(encoder: Encoder, tmp_path: Path, other: indexing.Stamp) -> None:
    made(tmp_path / "index", encoder)
    assert indexing.made_by(tmp_path / "index", STAMP) and not indexing.made_by(tmp_path / "index", other)
    with pytest.raises(ValueError, match="run `tripel evaluate RUN`"):
        indexing.opened(tmp_path / "index", lessons.KB, stamp=other, rebuild="tripel evaluate RUN")
    with pytest.raises(ValueError, match="no index here yet"):
        indexing.opened(tmp_path / "none", lessons.KB, stamp=STAMP, rebuild="tripel evaluate RUN")


def test_vectors_stay_on_disk(encoder: Encoder, tmp_path: Path) -> None:
    """So that processes which open the same index share the pages of its files."""
    made(tmp_path / "index", encoder, lesson=lessons.lesson())
    index = indexing.opened(tmp_path / "index", lessons.KB, stamp=STAMP, rebuild="")
    parts = [array for part in index.parts for array in part.index.vectors.parts]
    assert len(parts) == 2 and all(isinstance(array, np.memmap) for array in parts)


def test_a_discount_lets_a_name_win(encoder: Encoder, tmp_path: Path) -> None:
    """The very training mention is asked for: its own row is closest, until the discount outweighs that."""
    found = {}
    for discount in (0.0, 2.0):
        index = made(tmp_path / str(discount), encoder, lesson=lessons.lesson(), mention_discount=discount)
        linker = Ranker(encoder, lessons.KB, index)
        found[discount] = linker.search([lessons.DOCUMENTS[1]], k=1).score_MK[0, 0]
    assert found[0.0] == pytest.approx(1, abs=1e-3)
    assert found[2.0] < 1


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_build_that_was_stopped_goes_on_after_its_last_shard(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(index_rows, "SHARD", 2)
    whole = made(tmp_path / "whole", encoder).parts[0]
    written: list[str] = []
    write = index_rows.write_shard

    def stopping(path: Path, vectors_ND: np.ndarray) -> None:
        if len(written) == at:
            raise KeyboardInterrupt
        written.append(path.name)
        write(path, vectors_ND)

    monkeypatch.setattr(index_rows, "write_shard", stopping)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "index", encoder)
    assert not (tmp_path / "index").exists()
    before = len(written)
    monkeypatch.setattr(index_rows, "write_shard", lambda path, its: (written.append(path.name), write(path, its)))
    again = made(tmp_path / "index", encoder).parts[0]
    shards = sorted((tmp_path / "index" / "names").glob("vectors-*"))
    assert written[before:] == [path.name for path in shards[at:]]
    for one, other in zip(shards, sorted((tmp_path / "whole" / "names").glob("vectors-*")), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert len(again.index) == len(whole.index) == len(lessons.KB.names)


@pytest.mark.parametrize(
    ("damage", "said"), [("cut", "damaged or cut shard"), ("gone", "vectors for"), ("rows", "cannot be read")]
)
def test_a_damaged_folder_is_named(encoder: Encoder, tmp_path: Path, damage: str, said: str) -> None:
    made(tmp_path / "index", encoder)
    shard = tmp_path / "index" / "names" / "vectors-00000.npy"
    if damage == "rows":
        rows = tmp_path / "index" / "names" / index_rows.ROWS
        rows.write_bytes(rows.read_bytes()[:-40])
    elif damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-40])
    else:
        shard.unlink()
    with pytest.raises(ValueError, match=said):
        indexing.opened(tmp_path / "index", lessons.KB, stamp=STAMP, rebuild="tripel evaluate RUN")


def test_links_hold_candidates_best_first_with_the_name_that_matched(encoder: Encoder, tmp_path: Path) -> None:
    linker = Linker(Ranker(encoder, lessons.KB, made(tmp_path / "index", encoder, rows=("names",))), k=3)
    text = "pyrexia and cold"
    mentions = (Mention(start=0, end=7, text="pyrexia"), Mention(start=12, end=16, text="cold"))
    links = linker.link(Document(id="1", text=text, mentions=mentions)).links
    assert [link.mention.text for link in links] == ["pyrexia", "cold"]
    for link in links:
        scores = [candidate.score for candidate in link.candidates]
        assert scores == sorted(scores, reverse=True)
        assert link.entity == link.candidates[0].entity
        assert all(
            candidate.matched in lessons.KB[lessons.KB.row(candidate.entity) or 0].names
            for candidate in link.candidates
        )
    assert linker.link(Document(id="2", text="nothing")).links == ()


def test_a_prototype_is_the_mean_of_directions(encoder: Encoder) -> None:
    """However long the vector of each mention, each has the same say."""
    lesson = lessons.lesson()
    found, entities = index_rows.cluster_vectors(encoder, lesson.by_document(), lesson.grouped)

    plain = mention_vectors(encoder, lesson.by_document())
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    for vector, entity, cluster in zip(found, entities, lesson.grouped.clusters, strict=True):
        assert entity == cluster.entity
        mean = unit[list(cluster.mentions)].mean(axis=0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
