"""Settings that make linking faster: entities by their best rows alone, and the arithmetic of encoders."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import lessons
import numpy as np
import pytest
import spacy
import tiny
import torch
from typer.testing import CliRunner

from tripel import tasks
from tripel.bulk.worker import mark
from tripel.cli import main as cli
from tripel.documents import Document
from tripel.encoding import quantizing
from tripel.encoding.encode import mention_vectors
from tripel.encoding.encoder import Encoder
from tripel.linking.deciding import CALIBRATION, Calibration, Point
from tripel.linking.linker import Linker
from tripel.linking.linker import _encoders as encoders_of
from tripel.linking.whole import WEIGHTS, Weights
from tripel.recognizers.tagger import Tagger
from tripel.searching import asking
from tripel.training import checkpoint

ROOT = Path(__file__).parents[1]
POINTS = (Point(threshold=0.5, precision=0.9, coverage=0.7),)
TEXT = "[[pyrexia]] and [[ms]]"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links, its encoder in bfloat16."""
    base = tmp_path_factory.mktemp("linker")
    lessons.KB.save(base / "kb.arrow")
    settings = {"encoder": {"precision": "bf16"}}
    asking.build_index(str(tiny.folder(base / "model")), str(base / "kb.arrow"), base / "plain", settings)
    return base / "plain"


@pytest.fixture(scope="module")
def wholes(plain: Path) -> Path:
    """The same, judged on dev: it weighs all evidence, and was calibrated so."""
    made = plain.parent / "wholes"
    shutil.copytree(plain, made)
    encoder = checkpoint.encoder_fingerprint(checkpoint.published(made))
    Weights(weights={"best row": 20.0, "exact": 2.0}, encoder=encoder).save(made / WEIGHTS)
    calibrated(made, encoder)
    return made


def calibrated(folder: Path, encoder: str) -> None:
    its = Calibration(weights={"lead": 1.0}, intercept=0.0, points=POINTS, encoder=encoder)
    its.save(folder / CALIBRATION)


def first(linker: Linker, document: Document) -> Any:
    return linker.link(document).links[0]


def test_best_rows_leave_out_weights_and_what_was_fitted_with_them(wholes: Path, plain: Path) -> None:
    document = lessons.DOCUMENTS[0]
    judged, fast, bare = Linker.load(wholes), Linker.load(wholes, best_rows=True), Linker.load(plain)
    assert judged.threshold == 0.5 and first(judged, document).candidates[0].probability is not None
    assert fast.threshold is None and fast.link(document) == bare.link(document)
    best = first(fast, document).candidates[0]
    assert best.probability is None and best.score == pytest.approx(1, abs=1e-2)
    assert first(judged, document).candidates[0].score < best.score
    assert first(Linker.load(wholes, best_rows=True, threshold=1.5), document).why == "score 1.00, below 1.50"


def test_no_precision_is_known_of_best_rows_where_wholes_were_judged(wholes: Path) -> None:
    assert Linker.load(wholes, precision=0.9).threshold == 0.5
    with pytest.raises(ValueError, match=r"no precision is known of .*wholes with best rows alone; give a threshold"):
        Linker.load(wholes, precision=0.9, best_rows=True)


def test_a_run_that_was_judged_by_best_rows_keeps_its_probabilities(plain: Path, tmp_path: Path) -> None:
    shutil.copytree(plain, tmp_path / "run")
    calibrated(tmp_path / "run", checkpoint.encoder_fingerprint(checkpoint.published(plain)))
    fast = Linker.load(tmp_path / "run", best_rows=True, precision=0.9)
    assert fast.threshold == 0.5
    document = lessons.DOCUMENTS[0]
    assert fast.link(document) == Linker.load(tmp_path / "run").link(document)


def test_weights_of_another_encoder_are_no_matter_of_best_rows(plain: Path, tmp_path: Path) -> None:
    shutil.copytree(plain, tmp_path / "run")
    Weights(weights={}, encoder="another").save(tmp_path / "run" / WEIGHTS)
    with pytest.raises(ValueError, match="chosen for another encoder"):
        Linker.load(tmp_path / "run")
    assert Linker.load(tmp_path / "run", best_rows=True).ranker.weights is None


def integers(encoder: Encoder) -> int:
    return sum(isinstance(one, torch.ao.nn.quantized.dynamic.Linear) for one in encoder.mention_tower.modules())


def vectors(linker: Linker) -> np.ndarray:
    return mention_vectors(linker.ranker.encoder, [(one, one.mentions) for one in lessons.DOCUMENTS])


def test_encoders_reckon_as_they_are_told(plain: Path) -> None:
    its = {said: Linker.load(plain, arithmetic=said) for said in ("", "no", "bf16", "int8")}  # type: ignore[arg-type]
    precisions = {said: one.ranker.encoder.config.precision for said, one in its.items()}
    assert precisions == {"": "bf16", "no": "no", "bf16": "bf16", "int8": "no"}
    assert {said: integers(one.ranker.encoder) for said, one in its.items()} == {"": 0, "no": 0, "bf16": 0, "int8": 12}
    exact, whole = vectors(its["no"]), vectors(its["int8"])
    assert 0 < np.abs(exact - whole).max() < 0.2 and 0 < np.abs(exact - vectors(its["bf16"])).max() < 0.2
    np.testing.assert_array_equal(vectors(its[""]), vectors(its["bf16"]))
    encoder = its["int8"].ranker.encoder
    assert encoder.entity_tower is encoder.mention_tower
    assert [link.entity for link in its["int8"].link(lessons.DOCUMENTS[3]).links] == ["D1", "D6", "D3"]


def test_all_encoders_that_are_ours_are_told(plain: Path) -> None:
    ranker = Linker.load(plain).ranker
    other, third = (SimpleNamespace(encoder=Encoder.load(checkpoint.published(plain))) for _ in range(2))
    tagger = object.__new__(Tagger)
    tagger.reader = third  # type: ignore[assignment]
    ranker.reranker = other  # type: ignore[assignment]
    assert encoders_of(ranker, tagger) == {ranker.encoder, other.encoder, third.encoder}
    tagger.reader = ranker  # type: ignore[assignment]  # that shares the linker's
    ranker.reranker = None
    assert encoders_of(ranker, tagger) == encoders_of(ranker, None) == {ranker.encoder}


def test_an_arithmetic_that_cannot_be_is_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "arithmetic is 'int4'; expected one of no, bf16, int8, or nothing for that of the run"
    with pytest.raises(ValueError, match=said):
        Linker.load("nowhere", arithmetic="int4")  # type: ignore[arg-type]
    on_gpu = SimpleNamespace(device=torch.device("cuda"))
    with pytest.raises(
        ValueError, match="int8 is an arithmetic of CPUs, and the encoder is on cuda; say bf16, or hide"
    ):
        quantizing.change(on_gpu, "int8")  # type: ignore[arg-type]
    monkeypatch.setattr(type(torch.backends.quantized), "engine", "none")
    with pytest.raises(ValueError, match="cannot reckon in int8 here; say bf16, or no"):
        Linker.load(plain, arithmetic="int8")


def run(*words: object) -> Any:
    return CliRunner().invoke(cli.app, ["link", *map(str, words)])


def test_the_command_has_both(wholes: Path, plain: Path) -> None:
    fast = run(wholes, TEXT, "--json", "--best-rows", "--arithmetic", "int8")
    (record,) = map(json.loads, fast.stdout.splitlines())
    assert record["mentions"][0]["candidates"][0]["probability"] is None
    assert str(run(plain, TEXT, "--arithmetic", "fp4").exception).startswith("arithmetic is 'fp4'")
    with_all = json.loads(run(wholes, TEXT, "--json").stdout)
    assert with_all["mentions"][0]["candidates"][0]["probability"] > 0.5


def test_a_big_job_has_both_and_one_without_is_what_it_was(
    wholes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[dict[str, Any]] = []

    def link_bulk(run: Path, source: Path, output: Path, *, settings: dict[str, Any], **how: object) -> Any:
        begun.append(settings)
        return SimpleNamespace(whole=True)

    monkeypatch.setattr(tasks, "link_bulk", link_bulk)
    words = [wholes, "--bulk", "--file", tmp_path / "notes", "--output", tmp_path / "linked"]
    assert run(*words).exit_code == run(*words, "--best-rows", "--arithmetic", "bf16").exit_code == 0
    plain, fast = begun
    assert (fast["best_rows"], fast["arithmetic"]) == (True, "bf16")
    before = {name: value for name, value in plain.items() if name not in ("best_rows", "arithmetic")}
    marks = [mark(wholes, its, given=True) for its in (before, plain, fast)]
    assert marks[0] == marks[1] != marks[2]


def test_the_component_of_spacy_has_both(wholes: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "pyrexia"}])  # type: ignore[attr-defined]
    part = nlp.add_pipe("tripel_linker", config={"run": str(wholes), "best_rows": True, "arithmetic": "int8"})
    (ent,) = nlp("a pyrexia").ents
    assert ent._.tripel["candidates"][0]["probability"] is None
    assert integers(part.linker.ranker.encoder) == 12  # type: ignore[attr-defined]


def test_what_is_measured_is_what_can_be_chosen(wholes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmarks = ROOT / "scripts" / "benchmarks"
    monkeypatch.syspath_prepend(benchmarks)  # as for a script that is called
    monkeypatch.setitem(
        sys.modules, "linking", module := ModuleType("linking")
    )  # where its dataclass looks for its names
    vars(module).update(measured := runpy.run_path(str(benchmarks / "linking.py"), run_name="linking"))
    asked = Namespace(run=wholes, tagger=None)
    prepared, ways = measured["prepared"], measured["WAYS"]
    fast = prepared(ways["best rows, int8"], asked)
    assert fast.ranker.weights is None and integers(fast.ranker.encoder) == 12
    whole = prepared(ways["wholes"], asked)
    assert whole.ranker.weights is not None and whole.ranker.encoder.config.precision == "no"
    assert prepared(ways["wholes, bf16"], asked).ranker.encoder.config.precision == "bf16"
