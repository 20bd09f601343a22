"""Runs that learn from names alone, from pairs to tables, pictures, an exported model; a tiny encoder, but for the export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import yaml

from tripel import tasks
from tripel.config import Choice
from tripel.encoding.encode import entity_vectors
from tripel.encoding.encoder import Encoder
from tripel.files import read_lines
from tripel.names.exporting import export
from tripel.reports import cards


def recipe(folder: Path, **sections: object) -> Path:
    values = {
        "terminologies": [{"name": "sample"}],
        "pairs": {"more_than": 1, "held_out": 0.05, "most": 3},
        "objective": {"name": "self_alignment"},
        "encoder": {"model": str(tiny.folder(folder / "base")), "view": "bare", "entity_pooling": "mean"},
        "trainer": {"epochs": 1, "batch": 64, "lr": 1e-3},
        "journal": {"wandb": False},
    }
    path = folder / "names.yaml"
    path.write_text(yaml.safe_dump({**values, **sections}))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    return tasks.train(recipe(folder), output=folder / "run")


def test_a_run_of_names_holds_what_the_others_need(run: Path) -> None:
    for name in ("config.yaml", "encoder", "index", "knowledge.arrow", "metrics.jsonl", "README.md", "held_out.tsv"):
        assert (run / name).exists(), name
    assert not (run / "index-untrained").exists()
    scores = json.loads((run / "scores" / "names.json").read_text())
    assert scores["untrained"]["1"]["n"] == scores["trained"]["5"]["n"] > 10
    table = (run / "tables.md").read_text()
    assert "| untrained |" in table and "without a hard pair, skipped" in table
    assert (run / "pictures" / "learning.png").exists()
    assert all(
        "val_accuracy" in record or "without_hard_pair" in record for record in read_lines(run / "metrics.jsonl")
    )


def test_the_card_names_the_terms_of_all_terminologies(run: Path) -> None:
    made = tasks.read_recipe(run)
    found = tasks.name_ground(made, run)  # type: ignore[arg-type]
    several = replace(made, terminologies=(*made.terminologies, Choice("terminologies", "umls", None)))
    assert "license: apache-2.0" in (run / "README.md").read_text()
    assert cards.of_names(run, several, found).terminologies == ("sample", "umls")  # type: ignore[arg-type]


def test_held_out_concepts_are_never_learnt_from(run: Path) -> None:
    made = tasks.read_recipe(run)
    found = tasks.name_ground(made, run)  # type: ignore[arg-type]
    learnt, _ = found.pairs.take(np.arange(len(found.pairs)))
    rows = set(found.kb.row_N[learnt].tolist())
    assert found.exam is not None
    assert not rows & set(found.kb.row_N[found.exam.hidden].tolist())


def test_a_run_of_names_links_nothing_and_says_what_does(run: Path) -> None:
    with pytest.raises(ValueError, match="index query"):
        tasks.linker_of(run)


@pytest.mark.parametrize(("name", "wrong", "search"), [("triplet", 2, "exact"), ("ranking", 1, "hnsw")])
def test_wrong_names_are_mined_once_and_of_other_concepts(tmp_path: Path, name: str, wrong: int, search: str) -> None:
    config = recipe(
        tmp_path, objective={"name": name, "wrong": wrong}, negatives={"k": wrong, "search": {"name": search}}
    )
    run = tasks.train(config, output=tmp_path / "run")
    made = tasks.read_recipe(run)
    found = tasks.name_ground(made, run)  # type: ignore[arg-type]
    lesson = tasks.name_lesson(made, found, run)  # type: ignore[arg-type]
    assert lesson.wrong_PK is not None and lesson.wrong_PK.shape == (len(lesson), wrong)
    anchor, _ = lesson.pairs.take(np.arange(len(lesson)))
    texts = found.kb.names.to_pylist()
    for a, others in zip(anchor, lesson.wrong_PK, strict=True):
        known = lesson.ambiguous.get(texts[a].casefold(), {int(found.kb.row_N[a])})
        assert (others >= 0).all() and not set(found.kb.row_N[others].tolist()) & set(known)


def test_wrong_names_are_mined_or_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"say negatives\.k"):
        tasks.train(recipe(tmp_path, objective={"name": "triplet"}), output=tmp_path / "run")
    few = recipe(tmp_path, objective={"name": "triplet", "wrong": 3}, negatives={"k": 1})
    with pytest.raises(ValueError, match=r"objective\.wrong is 3, and 1 wrong names .* say negatives\.k=3"):
        tasks.train(few, output=tmp_path / "few")


def test_what_learns_from_names_is_not_given_a_corpus(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="prototype_triplet learns from mentions, not from names"):
        tasks.train(recipe(tmp_path, objective={"name": "prototype_triplet"}), output=tmp_path / "run")
    with pytest.raises(ValueError, match="give one of the two"):
        tasks.train(recipe(tmp_path, terminologies=[]), output=tmp_path / "run")
    with pytest.raises(ValueError, match="self_alignment learns from names"):
        tasks.train(Path("configs/sample.yaml"), ["objective={name: self_alignment}"], output=tmp_path / "run")


def test_pairs_of_a_file_and_an_exam_of_files(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text("1\tfever\tpyrexia\n1\tfever\thot\n2\tcough\ttussis\n3\tpain\tache\n")
    (tmp_path / "validation").write_text("1\tfever\tpyrexia\n2\tcough\ttussis\n")
    (tmp_path / "dictionary").write_text("1\tfever\n2\tcough\n")
    (tmp_path / "queries").write_text("1\tfeverish\n2\tcoughing\n")
    exam = {"dictionary": str(tmp_path / "dictionary"), "queries": str(tmp_path / "queries")}
    pairs = {"file": str(tmp_path / "pairs"), "validation": str(tmp_path / "validation")}
    run = tasks.train(recipe(tmp_path, terminologies=[], pairs=pairs, exam=exam), output=tmp_path / "run")
    assert "over 2 names" in (run / "tables.md").read_text()
    card = (run / "README.md").read_text()
    assert "license: other" in card and "the terms of the file's source apply" in card
    (tmp_path / "queries").write_text("9\tother\n")
    with pytest.raises(ValueError, match="asks for 9, which"):
        tasks.evaluate(run)


def test_separation_of_several_encoders(run: Path, tmp_path: Path) -> None:
    base = tiny.folder(tmp_path / "base")
    text = tasks.separation([str(run), str(base)], run / "held_out.tsv", output=tmp_path / "out")
    assert "| run " in text and "| base " in text and "DIFF*" in text
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "dist-run.png", "dist-base.png", "heat-run.png", "heat-base.png",
    }  # fmt: skip


@pytest.mark.parametrize("pooling", ["mean", "cls", "span"])
def test_an_exported_model_gives_the_same_vectors(tmp_path: Path, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = Encoder(Encoder.Config(entity_pooling=pooling))  # type: ignore[arg-type]
    export(encoder, tmp_path / "model")
    texts = ["fever", "acute myocardial infarction", "a name that is far longer than the encoder reads " * 8]
    ours = entity_vectors(encoder, texts)
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu", local_files_only=True).encode(texts)
    assert theirs == pytest.approx(ours / np.linalg.norm(ours, axis=1, keepdims=True), abs=1e-5)
    with pytest.raises(ValueError, match="there already"):
        export(encoder, tmp_path / "model")


def test_what_that_library_cannot_hold_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="entity_view=names or entity_pooling=mean"):
        export(tiny.encoder(tmp_path / "a", entity_view="whole"), tmp_path / "out")
    with pytest.raises(ValueError, match="two towers"):
        export(tiny.encoder(tmp_path / "b", towers="two"), tmp_path / "out")
