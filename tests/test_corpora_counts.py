"""Counting a corpus: against numbers counted by hand, and against those published with the real ones."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tripel.cli import main as cli
from tripel.corpora import pubtator
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.corpora.medmentions import Medmentions
from tripel.corpora.sample import Sample
from tripel.data.counts import Seen, count, seen, survey, table
from tripel.documents import Document, Mention


def document(id: str, *entities: tuple[str, ...]) -> Document:
    """Mentions side by side, each two characters long."""
    text = "ab" * max(1, len(entities))
    mentions = [
        Mention(start=2 * place, end=2 * place + 2, text="ab", type="Disease", entities=ids)
        for place, ids in enumerate(entities)
    ]
    return Document(id=id, text=text, title_end=len(text)).having(mentions=mentions)


TRAIN = [document("1", ("A",), ("A",), ("B",)), document("2", ("A",), (), ("B", "C")), document("3")]
TEST = [document("4", ("A",), ("Z",), ("Z", "B"), ()), document("5", ("Y",), ("A",))]


def test_one_split_by_hand() -> None:
    counts = count(TRAIN, skipped={"CID relations": 4, pubtator.ONE_OF_SEVERAL: 2, "nothing": 0})
    assert (counts.documents, counts.mentions, counts.entities, counts.unlinkable) == (3, 6, 3, 1)
    assert counts.composite == 1 + 2
    assert counts.mentions_per_document == 2
    assert counts.mentions_by_type == {"Disease": 6}
    assert counts.mentions_per_entity == {1: 1, 2: 1, 3: 1}
    assert counts.clusters_per_entity == {1: 1, 2: 2}
    assert counts.skipped == {"CID relations": 4, pubtator.ONE_OF_SEVERAL: 2}


def test_overlaps_and_long_forms_are_counted() -> None:
    mentions = [
        Mention(start=0, end=3, text="abc"),
        Mention(start=1, end=2, text="b", long_form="bee"),
        Mention(start=3, end=4, text="d"),
    ]
    counts = count([Document(id="1", text="abcd").having(mentions=mentions)], skipped={})
    assert (counts.overlapping, counts.abbreviated) == (1, 1)


def test_seen_by_hand() -> None:
    assert seen(TEST, TRAIN) == Seen(entities=2, of_entities=4, mentions=3, of_mentions=5)
    assert seen(TEST, TRAIN).share_of_entities == 0.5
    assert seen([], TRAIN) == Seen(entities=0, of_entities=0, mentions=0, of_mentions=0)
    assert seen([], TRAIN).share_of_mentions == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, documents in (("train", TRAIN), ("dev", TRAIN[:1]), ("test", TEST)):
        pubtator.write(tmp_path / f"{split}.pubtator", documents)
    return tmp_path


def test_a_survey_finds_documents_in_two_splits(folder: Path) -> None:
    counts = survey(Sample(Sample.Config(path=str(folder))))
    assert counts.shared_documents == {"train+dev": 1}
    assert set(counts.seen_in_train) == {"dev", "test"}
    assert counts.splits["test"].mentions == 6


def test_the_table_names_every_number(folder: Path) -> None:
    lines = table(survey(Sample(Sample.Config(path=str(folder))))).splitlines()
    cells = {line.split("  ")[0]: line.split()[-3:] for line in lines}
    assert lines[0].split() == ["train", "dev", "test"]
    assert cells["mentions"] == ["6", "3", "6"]
    assert cells["composite mentions"] == ["1", "0", "1"]
    assert cells["entities seen in train"][-2:] == ["50.0", "%"]


def test_stats_prints_draws_and_writes(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "stats"
    words = ["data", "stats", "sample", f"path={folder}", "--output", str(output)]
    shown = CliRunner().invoke(cli.app, words)
    assert shown.exit_code == 0, shown.output
    assert "distinct entities" in shown.output
    assert (output / "sample_per_entity.png").read_bytes().startswith(b"\x89PNG")
    with (output / "sample_per_entity.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))
    assert rows[0] == ["split", "counted", "count_per_entity", "entities"]
    assert ["train", "mentions", "3", "1"] in rows
    assert ["train", "clusters", "2", "2"] in rows
    as_json = CliRunner().invoke(cli.app, [*words, "--json"])
    counts = survey(Sample(Sample.Config(path=str(folder))))
    assert json.loads(as_json.output) == json.loads(json.dumps(asdict(counts)))


def test_bc5cdr_as_published(corpora_folder: Path) -> None:
    counts = survey(Bc5cdr(Bc5cdr.Config(path=str(corpora_folder / "bc5cdr"))))
    assert {split: found.composite for split, found in counts.splits.items()} == {"train": 98, "dev": 100, "test": 75}
    relations = {split: found.skipped["CID relations"] for split, found in counts.splits.items()}
    assert relations == {"train": 1038, "dev": 1012, "test": 1066}
    types = {split: found.mentions_by_type for split, found in counts.splits.items()}
    assert types["train"] == {"Chemical": 5203, "Disease": 4182}
    assert types["dev"] == {"Chemical": 5347, "Disease": 4244}
    assert types["test"] == {"Chemical": 5385, "Disease": 4424}
    assert counts.shared_documents == {}


def test_medmentions_as_published(corpora_folder: Path) -> None:
    corpus = Medmentions(Medmentions.Config(path=str(corpora_folder / "medmentions_st21pv")))
    train, test = corpus.read("train"), corpus.read("test")
    assert [len(documents) for documents in (train, test)] == [2635, 879]
    assert [sum(len(document.mentions) for document in documents) for documents in (train, test)] == [122001, 40074]
    found = seen(test, train)
    assert round(100 * found.share_of_entities, 1) == 57.5
    assert round(100 * found.share_of_mentions, 1) == 77.4
