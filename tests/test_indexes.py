"""Every index answers in exact scores, best first, obeys filters, and can be kept; lexical ones against loops."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tripel.find import component, names
from tripel.indexes.base import Index, Queries
from tripel.indexes.bm25 import Bm25
from tripel.indexes.exact import Exact
from tripel.indexes.hnsw import Hnsw
from tripel.indexes.ivf import Ivf
from tripel.indexes.ngram import Ngram
from tripel.searching.vectors import Vectors

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(60, 32))
ROWS = (CENTRES[RNG.integers(60, size=3000)] + 0.4 * RNG.normal(size=(3000, 32))).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
ASKED = Queries(vectors_MD=ROWS[:200] + np.float32(0.02))
VECTORS = Vectors(np.array_split(ROWS.astype(np.float16), 3))
EXACT = Exact(Exact.Config(), VECTORS, similarity="cosine")
DENSE = {
    "hnsw": Hnsw.Config(),
    "hnsw in int8": Hnsw.Config(stored="int8"),
    "ivf": Ivf.Config(),
    "ivf with codes": Ivf.Config(pq=8),
    "ivf with codes after PCA": Ivf.Config(pq=8, pca=16, overfetch=16),
}


def silent(done: int, total: int) -> None:
    pass


def built(name: str, folder: Path) -> Hnsw | Ivf:
    kind = Hnsw if name.startswith("hnsw") else Ivf
    found: Hnsw | Ivf = kind.build(
        DENSE[name],
        VECTORS,
        similarity="cosine",
        path=folder / "search.faiss",
        progress=silent,  # type: ignore[arg-type]
    )
    return found


def test_all_indexes_are_here() -> None:
    assert set(names("indexes")) == {"exact", "hnsw", "ivf", "ngram", "bm25"}
    assert all(issubclass(component("indexes", name), Index) for name in names("indexes"))


@pytest.mark.parametrize("name", DENSE)
def test_a_score_is_the_exact_one_and_little_is_missed(tmp_path: Path, name: str) -> None:
    index = built(name, tmp_path)
    score_MR, row_MR = index.nearest(ASKED, rows=64)
    true_MR, _ = EXACT.nearest(ASKED, rows=64)
    assert score_MR == pytest.approx(EXACT.closeness(ASKED, row_MR), abs=1e-6)
    assert (np.diff(score_MR, axis=1) <= 0).all()
    assert (score_MR >= true_MR[:, -1:] - 1e-6).mean() > 0.97
    again = type(index).open(DENSE[name], VECTORS, similarity="cosine", path=tmp_path / "search.faiss")  # type: ignore[arg-type]
    assert np.array_equal(again.nearest(ASKED, rows=64)[1], row_MR)


def test_all_rows_are_compared_at_once_without_bringing_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = built("hnsw", tmp_path)
    every_MN = index.closeness(ASKED, np.broadcast_to(np.arange(3000), (200, 3000)))
    monkeypatch.setattr(Vectors, "__getitem__", lambda *_: pytest.fail("a row was brought"))
    assert index.closeness_of_all(ASKED) == pytest.approx(every_MN, abs=1e-5)


@pytest.mark.parametrize("name", DENSE)
def test_a_build_gives_equal_bytes(tmp_path: Path, name: str) -> None:
    files = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        built(name, folder)
        files.append((folder / "search.faiss").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("name", ["exact", *DENSE])
def test_a_filter_gives_the_filtered_exact_ranking(tmp_path: Path, name: str) -> None:
    index: Index = EXACT if name == "exact" else built(name, tmp_path)
    allowed = np.arange(3000) % 7 == 0
    score_MR, row_MR = index.nearest(ASKED, rows=20, allowed_N=allowed)
    every = EXACT.closeness(ASKED, np.tile(np.flatnonzero(allowed), (200, 1)))
    assert (row_MR % 7 == 0).all()
    assert score_MR == pytest.approx(np.sort(every, axis=1)[:, ::-1][:, :20], abs=1e-6)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("kind", [Hnsw, Ivf])
def test_each_similarity(tmp_path: Path, kind: type[Hnsw] | type[Ivf], similarity: str) -> None:
    index = kind.build(
        kind.Config(),
        VECTORS,
        similarity=similarity,
        path=tmp_path / "search.faiss",
        progress=silent,  # type: ignore[arg-type]
    )
    exact = Exact(Exact.Config(), VECTORS, similarity=similarity)  # type: ignore[arg-type]
    true = exact.nearest(ASKED, rows=10)[0]
    assert (index.nearest(ASKED, rows=10)[0] >= true[:, -1:] - 1e-5).mean() > 0.95


def test_too_few_cells_are_made_up_for(tmp_path: Path) -> None:
    index = Ivf.build(Ivf.Config(probe=1), VECTORS, similarity="cosine", path=tmp_path / "s.faiss", progress=silent)
    score_MR, row_MR = index.nearest(ASKED, rows=500)
    assert (row_MR >= 0).all() and score_MR == pytest.approx(EXACT.nearest(ASKED, rows=500)[0], abs=1e-6)


def test_cells_are_tuned_by_what_they_find_themselves(tmp_path: Path) -> None:
    """Where cells hold fewer rows than are asked for in tuning, what is found otherwise does not count for them."""
    rows = np.random.default_rng(1).normal(size=(2000, 16)).astype(np.float32)
    vectors = Vectors([rows / np.linalg.norm(rows, axis=1, keepdims=True)])
    index = Ivf.build(Ivf.Config(), vectors, similarity="cosine", path=tmp_path / "s.faiss", progress=silent)
    asked = Queries(vectors_MD=vectors[np.arange(50)])
    true_MR = Exact(Exact.Config(), vectors, similarity="cosine").nearest(asked, rows=10)[0]
    assert (index.nearest(asked, rows=10)[0] >= true_MR[:, -1:] - 1e-6).mean() > 0.97


def test_codes_must_divide_the_dimensions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        Ivf.build(Ivf.Config(pca=8), VECTORS, similarity="dot", path=tmp_path / "s.faiss", progress=silent)
    with pytest.raises(ValueError, match="must divide the 32 dimensions"):
        Ivf.build(Ivf.Config(pq=7), VECTORS, similarity="cosine", path=tmp_path / "s.faiss", progress=silent)


@pytest.mark.parametrize("kind", [Hnsw, Ivf])
def test_a_damaged_search_structure_is_named(tmp_path: Path, kind: type[Hnsw] | type[Ivf]) -> None:
    path = tmp_path / "search.faiss"
    kind.build(kind.Config(), VECTORS, similarity="cosine", path=path, progress=silent)
    path.write_bytes(b"what is this")
    with pytest.raises(ValueError, match=r"search\.faiss: not a search structure"):
        kind.open(kind.Config(), VECTORS, similarity="cosine", path=path)


def test_stated_sizes_are_near_the_real_ones(tmp_path: Path) -> None:
    for name, config in DENSE.items():
        folder = tmp_path / name
        folder.mkdir()
        built(name, folder)
        stated = (Hnsw if name.startswith("hnsw") else Ivf).size(config, rows=3000, dimensions=32)  # type: ignore[arg-type]
        real = (folder / "search.faiss").stat().st_size
        assert 0.5 * real < stated < 1.5 * real, name


NAMES = ["fever", "high fever", "vitamin D", "vitamin D deficiency", "fever fever fever", "lack of vitamins"]


def bm25_by_loops(query: str, name: str, k1: float, b: float) -> float:
    words = [n.lower().split() for n in NAMES]
    its, mean = name.lower().split(), sum(map(len, words)) / len(words)
    total = 0.0
    for word in query.lower().split():
        having = sum(word in other for other in words)
        if not having:
            continue
        idf = math.log(1 + (len(NAMES) - having + 0.5) / (having + 0.5))
        count = its.count(word)
        total += idf * count / (count + k1 * (1 - b + b * len(its) / mean))
    return total


@pytest.mark.parametrize("query", ["Vitamin D", "fever", "fever of vitamins", "nothing here"])
def test_bm25_equals_the_formula(query: str) -> None:
    index = Bm25(Bm25.Config(), NAMES)
    score_MR, row_MR = index.nearest(Queries((query,)), rows=6)
    expected = [bm25_by_loops(query, name, 1.2, 0.75) for name in NAMES]
    for row, score in zip(row_MR[0], score_MR[0], strict=True):
        assert row == -1 or score == pytest.approx(expected[row], abs=1e-5)
    assert (row_MR[0] >= 0).sum() == sum(value > 0 for value in expected)
    assert index.closeness(Queries((query,)), np.arange(6)[None])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", [Bm25, Ngram])
def test_lexical_indexes_obey_filters(kind: type[Bm25] | type[Ngram]) -> None:
    index = kind(kind.Config(), NAMES)  # type: ignore[arg-type]
    asked = Queries(("fever", "vitamin d"))
    score_MR, row_MR = index.nearest(asked, rows=3, allowed_N=np.array([False, True, False, True, False, True]))
    assert row_MR[:, 0].tolist() == [1, 3]
    assert score_MR[:, 0] == pytest.approx(index.closeness(asked, row_MR)[:, 0], abs=1e-6)
