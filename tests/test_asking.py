"""Folders that can be asked: built, asked, carried over to another version, planned."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from typer.testing import CliRunner

from tripel import sizes
from tripel.cli.main import app
from tripel.config import Choice
from tripel.files import write_text
from tripel.indexes.exact import Exact
from tripel.indexes.hnsw import Hnsw
from tripel.indexes.ivf import Ivf
from tripel.kb import library
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.ranker import Ranker
from tripel.searching import asking
from tripel.searching import plan as index_plan
from tripel.searching import rows as index_rows
from tripel.searching import update as index_update
from tripel.searching.plan import Option, memory
from tripel.searching.vectors import Vectors

WORDS = ("fever", "cough", "pain", "ache", "cold", "hot", "skin", "bone", "heart", "lung")
WORDS += ("liver", "brain", "nerve", "vein", "eye", "ear", "nose", "tooth", "hand", "foot")


def kb(*, changed: bool = False) -> KnowledgeBase:
    """Sixty concepts; changed, one is gone, one new, one renamed, one merged into another."""
    made = {f"D{n:03}": [f"{WORDS[n % 20]} {n}", f"{WORDS[n % 7]} of {n}"] for n in range(60)}
    alternatives: dict[str, tuple[str, ...]] = {}
    if changed:
        del made["D005"]
        made["D001a"] = ["dostarlimab", "fever 0"]
        made["D007"][0] = "another name"
        made["D010"] += made.pop("D011")
        alternatives["D010"] = ("D011",)
    return KnowledgeBase.of(
        Entity(
            id=id,
            name=names[0],
            synonyms=tuple(names[1:]),
            types=(f"T{len(id)}",),
            alternatives=alternatives.get(id, ()),
        )
        for id, names in made.items()
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.folder(tmp_path_factory.mktemp("base")))


def built(model: str, folder: Path, *, changed: bool = False, **index: object) -> Ranker:
    kb(changed=changed).save(folder.with_suffix(".arrow"))
    asking.build_index(model, str(folder.with_suffix(".arrow")), folder, {"index": index})
    return Ranker.load(folder)


def test_a_query_finds_its_name_and_says_what_matched(model: str, tmp_path: Path) -> None:
    linker = built(model, tmp_path / "names")
    found = asking.ask(linker, ["cough of 1", "bone 7"], k=3)
    assert [(one.entity, one.matched, one.found_by) for one in found if one.rank == 1] == [
        ("D001", "cough of 1", "names"),
        ("D007", "bone 7", "names"),
    ]
    assert found[0].score == pytest.approx(1, abs=1e-3) and found[0].name == "cough 1"
    assert [one.rank for one in found] == [1, 2, 3, 1, 2, 3]
    said = asking.words(["cough of 1", "bone 7", "nowhere"], found, as_json=False)
    assert said.startswith("cough of 1\n    1.000  D001          cough 1 (as 'cough of 1')")
    assert said.endswith("\n\nnowhere\n    nothing found")
    lines = asking.words(["cough of 1", "bone 7", "nowhere"], found, as_json=True).splitlines()
    assert [json.loads(line)["entity"] for line in lines][:1] == ["D001"]
    assert json.loads(lines[-1]) == {"query": "nowhere", "rank": 0, "entity": None}


@pytest.mark.parametrize("name", ["bm25", "ngram"])
def test_spelling_has_a_size_too(model: str, tmp_path: Path, name: str) -> None:
    kb().save(tmp_path / "names.arrow")
    with pytest.raises(
        ValueError, match=rf"{name} over .* needs about 1.0 GB, more than 1MB \(1.0 GB of it for Python"
    ):
        asking.build_index(
            model,
            str(tmp_path / "names.arrow"),
            tmp_path / "names",
            {"index": {"search": {"name": name}}},
            max_ram="1MB",
        )


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"pca": 999}, "index.search.pca is 999: .* give 16 at most"),
        ({"cells": 300_000}, "index.search.cells is 300000, and there are"),
        ({"pq": 5}, "index.search.pq is 5: twice as much must divide the 16 dimensions"),
    ],
)
def test_cells_that_cannot_be_learnt_are_told_before_anything_is_encoded(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: dict[str, int], said: str
) -> None:
    monkeypatch.setattr(index_rows, "entity_vectors", None)
    with pytest.raises(ValueError, match=said):
        built(model, tmp_path / "names", search={"name": "ivf", **search})


def test_what_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nofile\.txt: no such file or folder"):
        asking.knowledge(str(tmp_path / "nofile.txt"))
    with pytest.raises(ValueError, match=r"nothing: no such folder; `tripel train` or `tripel index build` makes one"):
        Ranker.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"typo: no such folder; expected a run"):
        asking.encoder_of(str(tmp_path / "typo"), {})


def test_filters_act_before_ranking(model: str, tmp_path: Path) -> None:
    linker = built(model, tmp_path / "names", search={"name": "ivf"})
    assert [one.entity for one in asking.ask(linker, ["cough 1"], k=2, ids=["D040"])] == ["D040"]
    with pytest.raises(ValueError, match="types T99"):
        asking.ask(linker, ["cough 1"], k=2, types=["T99"])


@pytest.mark.parametrize(
    "index",
    [
        {},
        {"search": {"name": "hnsw"}},
        {"search": {"name": "ivf", "probe": 99}},
        {"rows": ["centroids"]},
        {"rows": ["whole"]},
    ],
    ids=str,
)
def test_an_update_equals_a_rebuild_and_encodes_only_what_is_new(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: dict[str, object]
) -> None:
    built(model, tmp_path / "names", **index)
    rebuilt = built(model, tmp_path / "again", changed=True, **index)
    encoded: list[str] = []
    entity_vectors = index_rows.entity_vectors

    def counting(encoder: object, texts: list[str], **more: object) -> np.ndarray:
        encoded.extend(texts)
        return entity_vectors(encoder, texts, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(index_rows, "entity_vectors", counting)
    kb(changed=True).save(tmp_path / "new.arrow")
    said = asking.update(tmp_path / "names", str(tmp_path / "new.arrow"))
    if index.get("rows", ["names"]) == ["names"]:
        assert sorted(encoded) == ["another name", "dostarlimab"]
        assert "2 encoded, 3 copied" in said  # "fever 0", and the names of what was merged, have vectors already
    updated = Ranker.load(tmp_path / "names")
    queries = ["fever 3", "dostarlimab", "bone 7", "another name", "ear 5", "hot of 11"]
    one, other = updated.ask(queries, k=10), rebuilt.ask(queries, k=10)
    assert np.array_equal(one.row_MK, other.row_MK)
    assert one.score_MK == pytest.approx(other.score_MK, abs=2e-3)
    assert "of this version already" in asking.update(tmp_path / "names", str(tmp_path / "new.arrow"))


def saved(path: Path, *entities: Entity) -> str:
    KnowledgeBase.of(entities).save(path)
    return str(path)


def test_a_buried_row_lends_its_vector_to_nobody(model: str, tmp_path: Path) -> None:
    alpha, beta = Entity(id="A1", name="alpha"), Entity(id="B1", name="beta")
    asking.build_index(model, saved(tmp_path / "1.arrow", alpha, beta), tmp_path / "names", {})
    asking.update(tmp_path / "names", saved(tmp_path / "2.arrow", beta))
    asking.update(tmp_path / "names", saved(tmp_path / "3.arrow", beta, Entity(id="Z9", name="beta")))
    found = asking.ask(Ranker.load(tmp_path / "names"), ["beta"], k=3)
    assert [one.entity for one in found] == ["B1", "Z9"]
    assert [one.score for one in found] == pytest.approx([1, 1], abs=1e-3)


def test_a_build_after_an_update_that_was_killed_is_a_build(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(model, tmp_path / "names")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(index_update, "swap_in", killed)
    kb(changed=True).save(tmp_path / "new.arrow")
    with pytest.raises(KeyboardInterrupt):
        asking.update(tmp_path / "names", str(tmp_path / "new.arrow"))
    monkeypatch.undo()
    asking.build_index(model, str(tmp_path / "new.arrow"), tmp_path / "names", {})
    queries = ["bone 7", "dostarlimab", "another name"]
    found = asking.ask(Ranker.load(tmp_path / "names"), queries, k=1)
    assert found[1].entity == "D001a" and found[1].score == pytest.approx(1, abs=1e-3)


def test_a_damaged_folder_is_built_again(model: str, tmp_path: Path) -> None:
    built(model, tmp_path / "names", search={"name": "ivf"})
    folder = tmp_path / "names" / "index" / "names"
    for damage in ((folder / "vectors-00000.npy").unlink, lambda: os.truncate(folder / index_rows.ROWS, 100)):
        damage()
        with pytest.raises(ValueError, match="build the index again"):
            Ranker.load(tmp_path / "names")
        built(model, tmp_path / "names", search={"name": "ivf"})


def test_what_cannot_be_is_one_sentence(model: str, tmp_path: Path) -> None:
    linker = built(model, tmp_path / "names")
    with pytest.raises(ValueError, match="at least 1"):
        asking.ask(linker, ["x"], k=0)
    with pytest.raises(ValueError, match=r"search: expected index\.search\.name"):
        asking.build_index(model, str(tmp_path / "names.arrow"), tmp_path / "other", {"search": {"name": "hnsw"}})
    (tmp_path / "ids").write_text("")
    done = CliRunner().invoke(app, ["index", "query", str(tmp_path / "names"), "x", "--ids", str(tmp_path / "ids")])
    assert isinstance(done.exception, ValueError) and "no ids in it" in str(done.exception)
    (tmp_path / "names" / "config.yaml").write_text("")
    for change in (lambda: asking.update(tmp_path / "names", "x"), lambda: built(model, tmp_path / "names")):
        with pytest.raises(ValueError, match="is a training run"):
            change()


def test_one_concept_more_is_found_by_the_next_query(model: str, tmp_path: Path) -> None:
    library.add(tmp_path / "kb", kb(), made_from="test")
    asking.build_index(model, str(tmp_path / "kb"), tmp_path / "names", {})
    library.add(tmp_path / "kb", library.put(kb(), Entity(id="X1", name="dostarlimab")), made_from="put")
    asking.update(tmp_path / "names", str(tmp_path / "kb"))
    assert asking.ask(Ranker.load(tmp_path / "names"), ["dostarlimab"], k=1)[0].entity == "X1"


def test_an_index_of_another_encoder_is_refused(model: str, tmp_path: Path) -> None:
    built(model, tmp_path / "names")
    settings = tmp_path / "names" / "encoder" / "tripel.json"
    write_text(settings, settings.read_text().replace('"entity_length": 48', '"entity_length": 40'))
    with pytest.raises(ValueError, match="built with encoder"):
        Ranker.load(tmp_path / "names")


SLOWLY = """
import sys, time
from pathlib import Path
from tripel.searching import asking, rows as index_rows
from tripel.indexes import approximate, hnsw, ivf
index_rows.SHARD = 16
approximate.BLOCK = 8
def slowly(found, vectors, *, first, progress):
    Path(sys.argv[3], "adding").touch()  # every vector is there, and the search structure is being made
    approximate.add(found, vectors, first=first, progress=lambda done, total: time.sleep(0.01))
    Path(sys.argv[3], "adding").unlink()
hnsw.add = ivf.add = slowly
asking.build_index(sys.argv[1], sys.argv[2], Path(sys.argv[3]), {"index": {"search": {"name": sys.argv[4]}}})
"""


def shards_in(folder: Path) -> list[str]:
    """Found while another process renames folders, before which `Path.glob` may raise."""
    files = [name for _, _, names in os.walk(folder) for name in names]
    return [name for name in files if name.startswith("vectors-") and name.endswith(".npy")]


@pytest.mark.parametrize("search", ["ivf", "hnsw"])
def test_killed_at_random_moments_a_build_goes_on_to_the_very_bytes(model: str, tmp_path: Path, search: str) -> None:
    kb().save(tmp_path / "kb.arrow")

    def begin(folder: Path) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", SLOWLY, model, str(tmp_path / "kb.arrow"), str(folder), search]
        return subprocess.Popen(words, stderr=subprocess.DEVNULL)

    assert begin(tmp_path / "whole").wait() == 0
    killed = tmp_path / "killed"
    for shards in sorted(random.Random(7).sample(range(1, 8), 3)):
        process = begin(killed)
        while process.poll() is None and len(shards_in(killed)) < shards:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = begin(killed)
    while process.poll() is None and not (killed / "adding").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not list(killed.glob("**/search.faiss"))
    assert begin(killed).wait() == 0
    files = [path.relative_to(killed) for path in sorted((killed / "index").rglob("*")) if path.is_file()]
    assert len(files) >= 11
    for file in files:
        assert (killed / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


def test_another_search_takes_the_vectors_that_are_there(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = built(model, tmp_path / "names").ask(["bone 7"], k=5)
    monkeypatch.setattr(index_rows, "entity_vectors", None)  # nothing is encoded
    asking.build_index(
        model, str(tmp_path / "names.arrow"), tmp_path / "names", {"index": {"search": {"name": "hnsw"}}}
    )
    monkeypatch.undo()
    linker = Ranker.load(tmp_path / "names")
    assert type(linker.index.parts[0].index).__name__ == "Hnsw"
    assert linker.ask(["bone 7"], k=5).row_MK.tolist() == before.row_MK.tolist()


def test_a_folder_is_not_built_on_with_another_encoder(model: str, tmp_path: Path) -> None:
    built(model, tmp_path / "names")
    with pytest.raises(ValueError, match="begun with another encoder"):
        asking.build_index(
            model, str(tmp_path / "names.arrow"), tmp_path / "names", {"encoder": {"entity_pooling": "cls"}}
        )


@pytest.mark.parametrize("name", ["bm25", "ngram"])
def test_names_are_looked_up_as_they_are_spelt(model: str, tmp_path: Path, name: str) -> None:
    linker = built(model, tmp_path / "names", search={"name": name})
    assert not list((tmp_path / "names").rglob("vectors-*.npy"))
    found = asking.ask(linker, ["bone 7", "zzz"], k=2)
    assert found[0].matched == "bone 7" and found[0].found_by == "names"
    assert all(one.query == "bone 7" for one in found)  # nothing shares a word with the other
    new = KnowledgeBase.of([*kb(), Entity(id="X1", name="dostarlimab")])
    new.save(tmp_path / "new.arrow")
    said = asking.update(tmp_path / "names", str(tmp_path / "new.arrow"))
    assert "1 copied, 0 buried" in said and "0 encoded" in said
    assert asking.ask(Ranker.load(tmp_path / "names"), ["dostarlimab"], k=1)[0].entity == "X1"
    with pytest.raises(ValueError, match=r"which reads names: say index\.rows=\[names\]"):
        asking.build_index(
            model, "x", tmp_path / "no", {"index": {"search": {"name": name}, "rows": ["names", "whole"]}}
        )


def test_too_little_memory_is_said_before_any_work(model: str, tmp_path: Path) -> None:
    kb().save(tmp_path / "kb.arrow")
    with pytest.raises(ValueError, match=r"needs about 1\.0 GB, more than 500MB"):
        asking.build_index(model, str(tmp_path / "kb.arrow"), tmp_path / "names", {}, max_ram="500MB")
    assert not (tmp_path / "names").exists()


def test_a_plan_prints_every_index_and_takes_one(model: str, tmp_path: Path) -> None:
    kb().save(tmp_path / "kb.arrow")
    said = asking.plan(model, str(tmp_path / "kb.arrow"), {}, ram="8GB")
    assert all(f"| {name}" in said for name in ("exact", "hnsw ", "hnsw stored=int8", "ivf ", "ngram", "bm25"))
    assert said.count("compares spelling") == 2
    assert (
        "within 8GB, of which Python, torch and an encoder are counted as 1.0 GB: take exact: `tripel index build"
        in said
    )
    assert "none fits" in asking.plan(model, str(tmp_path / "kb.arrow"), {}, ram="10MB")
    with pytest.raises(ValueError, match="such as 8GB"):
        sizes.parsed("much")


def test_a_plan_takes_codes_where_only_they_fit() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 16))
    rows = (centres[rng.integers(40, size=2000)] + 0.3 * rng.normal(size=(2000, 16))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = [f"name {number}" for number in range(len(rows))]
    found = index_plan.plan(Vectors([rows]), names, rows=50_000_000, similarity="cosine")
    fits = [one for one in found if one.search.name != "exact"]  # which reads from disk here
    small = index_plan.choose(fits, ram=sizes.parsed("2GB"))
    assert small is not None and small.search.name == "ivf" and getattr(small.search.settings, "pq", 0)


def test_what_is_read_from_disk_for_every_query_is_taken_last() -> None:
    rows, held = 8_600_000, 3 * 2**30
    exact = Option(Choice("indexes", "exact", Exact.Config()), 2**27, 0.0, 1.0, 1.0, resident=False)
    codes = Option(Choice("indexes", "ivf", Ivf.Config(pq=96)), held, 3600.0, 0.995, 200.0)
    rough = Option(Choice("indexes", "hnsw", Hnsw.Config()), held, 9000.0, 0.9, 900.0)
    assert index_plan.choose([exact, rough, codes], ram=8 * 2**30) is codes
    assert index_plan.choose([exact, rough], ram=8 * 2**30) is exact
    assert index_plan.choose([replace(exact, resident=True), codes], ram=8 * 2**30) == replace(exact, resident=True)
    assert memory(exact.search, rows=rows, dimensions=384) < 2**26 < memory(exact.search, rows=200_000, dimensions=384)


def test_a_plan_is_of_every_index_and_says_so(model: str) -> None:
    with pytest.raises(ValueError, match=r"index\.search: a plan tries every index of vectors; leave it out"):
        asking.plan(model, "sample", {"index": {"search": {"name": "hnsw"}}}, ram="8GB")


def test_commands(model: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("C1||fever\nC2||cough\n")
    run = CliRunner().invoke
    folder = str(tmp_path / "out")
    assert run(app, ["index", "build", model, str(tmp_path / "names.txt"), "--output", folder]).exit_code == 0
    (tmp_path / "asked").write_text("fever\n\ncough\n")
    found = run(app, ["index", "query", folder, "--file", str(tmp_path / "asked"), "-k", "1", "--json"])
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(one["query"], one["entity"]) for one in lines] == [("fever", "C1"), ("cough", "C2")]
    assert "C1" in run(app, ["index", "query", folder], input="fever\nexit\n").stdout
