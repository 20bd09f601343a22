"""Annotations that join an index: found at once, once each, and nothing else of the index moves."""

from __future__ import annotations

import re
from pathlib import Path

import lessons
import numpy as np
import pytest
import tiny

from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.ranker import Ranker
from tripel.searching import asking
from tripel.searching import learn as index_learn
from tripel.searching.rows import rows_of, shards

ANNOTATED = """\
7|t|Zygoma flare in winter
7|a|The zygoma flare came back.
7\t0\t12\tZygoma flare\tDisease\tD6
7\t27\t39\tzygoma flare\tDisease\tD6
7\t16\t22\twinter\tDisease\tX999

"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lessons.KB.save(tmp_path / "kb.arrow")
    settings = {"index": {"mention_discount": 0.0}}  # to a random encoder all names are alike
    asking.build_index(str(tiny.folder(tmp_path / "base")), str(tmp_path / "kb.arrow"), tmp_path / "names", settings)
    (tmp_path / "new.pubtator").write_text(ANNOTATED, encoding="utf-8")
    return tmp_path / "names"


def test_what_was_annotated_is_found_at_once(folder: Path) -> None:
    before = Ranker.load(folder).ask(["fever", "ms"], k=3)
    said = asking.learn(folder, [folder.parent / "new.pubtator"])
    assert said.endswith("1 clusters of 1 documents joined the index; 1 mentions have no entity that it knows")
    linker = Ranker.load(folder)
    found = asking.ask(linker, ["zygoma flare"], k=1)[0]
    assert (found.entity, found.found_by) == ("D6", "mentions") and found.score == pytest.approx(1, abs=1e-3)
    names = linker.index.parts[0]
    assert np.array_equal(names.entity_N, rows_of("names", lessons.KB)[0])
    after = linker.ask(["fever", "ms"], k=3)
    assert np.array_equal(before.row_MK[:, 0], after.row_MK[:, 0])


def learnt_rows(folder: Path) -> list[int]:
    return Ranker.load(folder).index.parts[1].entity_N.tolist()


def test_a_corrected_document_takes_the_place_of_the_wrong_one(folder: Path) -> None:
    file = folder.parent / "new.pubtator"
    file.write_text(ANNOTATED.replace("D6", "D1"), encoding="utf-8")
    asking.learn(folder, [file])
    assert asking.ask(Ranker.load(folder), ["zygoma flare"], k=1)[0].entity == "D1"
    file.write_text(ANNOTATED, encoding="utf-8")
    assert "1 clusters of 1 documents joined the index in the place of 1" in asking.learn(folder, [file, file])
    assert asking.ask(Ranker.load(folder), ["zygoma flare"], k=1)[0].entity == "D6"
    assert learnt_rows(folder) == [-1, 5]
    file.write_text(ANNOTATED.split("7\t")[0] + "\n", encoding="utf-8")
    assert "0 clusters of 1 documents joined the index in the place of 1" in asking.learn(folder, [file])
    assert learnt_rows(folder) == [-1, -1]


def test_who_learns_one_document_at_a_time_leaves_few_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_learn, "MOST_SHARDS", 3)
    file = folder.parent / "new.pubtator"
    for number in (7, 8, 9, 8, 7):
        file.write_text(re.sub(r"^7", str(number), ANNOTATED, flags=re.MULTILINE), encoding="utf-8")
        asking.learn(folder, [file])
    assert len(shards(folder / "index" / "mentions")) == 2
    assert learnt_rows(folder) == [-1, 5, 5, 5], "all became one when the fourth came, but for the row that it replaced"
    found = asking.ask(Ranker.load(folder), ["zygoma flare"], k=1)[0]
    assert (found.entity, found.found_by) == ("D6", "mentions") and found.score == pytest.approx(1, abs=1e-3)


def test_what_was_learnt_outlives_a_build_and_an_update(folder: Path) -> None:
    asking.learn(folder, [folder.parent / "new.pubtator"])
    base, kb = str(folder.parent / "base"), str(folder.parent / "kb.arrow")
    asking.build_index(base, kb, folder, {"index": {"mention_discount": 0.0}})
    assert learnt_rows(folder) == [5]
    asking.build_index(base, kb, folder, {"index": {"mention_discount": 0.0, "search": {"name": "hnsw"}}})
    assert learnt_rows(folder) == [5]
    KnowledgeBase.of([*lessons.KB, Entity(id="X999", name="winter")]).save(folder.parent / "more.arrow")
    asking.update(folder, str(folder.parent / "more.arrow"))
    assert learnt_rows(folder) == [5]
    assert "2 clusters of 1 documents" in asking.learn(folder, [folder.parent / "new.pubtator"])
    assert learnt_rows(folder) == [-1, 5, 6]


def test_an_index_of_spelling_has_no_rows_for_mentions(folder: Path) -> None:
    other = folder.parent / "spelt"
    asking.build_index(
        str(folder.parent / "base"), str(folder.parent / "kb.arrow"), other, {"index": {"search": {"name": "bm25"}}}
    )
    with pytest.raises(ValueError, match="an index of spelling"):
        asking.learn(other, [folder.parent / "new.pubtator"])
    (folder.parent / "bad.pubtator").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad.pubtator:1"):
        asking.learn(folder, [folder.parent / "bad.pubtator"])
