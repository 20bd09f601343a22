"""The report: one page that needs nothing else and escapes what it shows, Markdown, LaTeX, and pictures of trust."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import browsing
import numpy as np
import pytest
from typer.testing import CliRunner

from tripel import tasks
from tripel.cli import main as cli
from tripel.documents import Document, Mention
from tripel.files import write_json
from tripel.judging import predictions
from tripel.judging.calibration import reliability, risk_coverage
from tripel.judging.comparing import Comparison
from tripel.judging.gold import gold
from tripel.judging.predictions import Origin, Prediction
from tripel.judging.trust import trust
from tripel.knowledge import Entity, KnowledgeBase
from tripel.reports import published, reporting, trust_plots
from tripel.reports.page import Error, Errors, Picture, Report, Section, Shown, Text
from tripel.reports.tables import Table
from tripel.training.journal import Config, Journal, Sink, Speedometer

WRONG = Error(
    document="7",
    start=4,
    end=6,
    before="<b>in ",
    mention="MS",
    after=' & "so on"',
    outcome="ranked wrong",
    right=("D009103 Multiple Sclerosis",),
    said=("D008946 <Mitral> Valve Stenosis (0.812)",),
)


def made(folder: Path) -> Report:
    score, hit = np.array([0.9, 0.8, 0.4]), np.array([1.0, 1.0, 0.0])
    picture = trust_plots.risk_coverage(
        {"ours": risk_coverage(score, hit)}, title="t", path=folder / "pictures" / "risk.png"
    )
    table = Table(["system", "@1"], [["a_b & c", "90.8 %"]])
    blocks = [
        Text("What 1 < 2 means."),
        Shown("accuracy", "in %", table),
        Picture(picture, "risk"),
        Errors("One.", [WRONG]),
    ]
    return Report("ours on a corpus", [Section("All", blocks)])


def test_the_page_holds_everything_and_escapes_it(tmp_path: Path) -> None:
    page = made(tmp_path).write(tmp_path).read_text(encoding="utf-8")
    assert "1 &lt; 2" in page and "&lt;b&gt;in <mark>MS</mark> &amp; &#34;so on&#34;" in page
    assert "&lt;Mitral&gt;" in page and "<Mitral>" not in page
    assert "data:image/png;base64," in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page), "it needs nothing that lies elsewhere"


def test_errors_stand_on_the_page_alone(tmp_path: Path) -> None:
    made(tmp_path).write(tmp_path)
    said = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "![risk](pictures/risk.png)" in said and "| a_b & c | 90.8 % |" in said
    assert "Mitral" not in said and said.endswith(
        "One. They are in [report.html](report.html), with the text around them.\n"
    )
    assert r"a\_b \& c & 90.8 \% \\" in (tmp_path / "tables" / "accuracy.tex").read_text(encoding="utf-8")


def test_errors_are_looked_through_in_a_browser(tmp_path: Path) -> None:
    """By a word, by what went wrong, and by which other system linked them right."""
    errors = [
        WRONG,
        replace(WRONG, document="8", outcome="NIL", said=(), others=("<b>", "words")),
        replace(WRONG, document="9", others=("words",)),
    ]
    path = Report("ours", [Section("Errors", [Errors("Three.", errors)])]).write(tmp_path)
    with browsing.browser() as chrome:
        page = chrome.new_page()
        page.goto(path.as_uri())

        def found() -> list[str]:
            return list(page.locator("#errors tbody tr:visible td:nth-child(2)").all_inner_texts())

        assert len(found()) == 3 and page.inner_text("#shown") == "3 shown"
        page.get_by_label("Right by").select_option("words")
        assert [said.split()[0] for said in found()] == ["8", "9"]
        page.get_by_label("What went wrong").select_option("NIL")
        assert [said.split()[0] for said in found()] == ["8"] and page.inner_text("#shown") == "1 shown"
        page.get_by_label("Right by").select_option("<b>")
        assert len(found()) == 1
        page.get_by_label("Find").fill("no such word")
        assert not found() and page.inner_text("#shown") == "0 shown"
    alone = Report("ours", [Section("Errors", [Errors("One.", [WRONG])])]).html()
    assert "Right by" not in alone and "right by" not in alone


def test_pictures_of_trust_have_their_numbers_beside_them(tmp_path: Path) -> None:
    score, hit = np.array([0.9, 0.8, 0.4]), np.array([1.0, 0.0, 1.0])
    trust_plots.risk_coverage({"ours": risk_coverage(score, hit)}, title="t", path=tmp_path / "risk.png")
    trust_plots.reliability({"ours": reliability(score, hit)}, title="t", path=tmp_path / "reliability.png")
    trust_plots.scores(score[hit == 1], score[hit == 0], title="t", path=tmp_path / "scores.png")
    trust_plots.scores(score, np.array([]), title="t", path=tmp_path / "none_wrong.png")
    for name in ("risk", "reliability", "scores", "none_wrong"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.reader((tmp_path / "risk.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row[2]) for row in rows[1:]] == [0, 0.5, 1 / 3]


def test_published_figures_are_those_of_the_corpus() -> None:
    found = published.beside("bc5cdr")
    assert found is not None and found.rows[0][1] == "96.6"
    assert all("UMLS" not in cell for row in found.rows for cell in row)
    assert published.beside("sample") is None and published.beside_pipelines("bc5cdr") is None


def test_published_figures_stand_with_their_protocol() -> None:
    """The same system and corpus, another protocol: another figure."""
    rows = {(one.corpus, one.system, one.protocol): one.figure for one in published.FIGURES}
    assert len(rows) == len(published.FIGURES)
    belb, bioel = "MedMentions, strict, BELB", "ST21pv, BioEL benchmark"
    assert {
        ("BELXTR", belb): 69.47, ("arboEL", belb): 68.67, ("MetaMap", bioel): 56.8, ("MedLinker", bioel): 52.1,
        ("TrainX, BM25", "ST21pv, 25,419 concepts"): 40.9, ("TrainX, BM25", "ST21pv, full UMLS"): 21.7,
        ("TrainX, exact kNN", "ST21pv, 25,419 concepts, zero-shot"): 50.3,
        ("TrainX, exact kNN", "ST21pv, full UMLS, zero-shot"): 26.5,
    }.items() <= {key[1:]: figure for key, figure in rows.items() if key[0] == "medmentions"}.items()  # fmt: skip
    assert rows["bc5cdr", "SapBERT in BioSyn", "diseases, BioSyn protocol"] == 93.5
    assert rows["bc5cdr", "SapBERT in BioSyn", "chemicals, BioSyn protocol"] == 96.6
    pipelines = published.beside_pipelines("medmentions")
    assert pipelines is not None and pipelines.columns[1] == "F1"
    assert [row[1] for row in pipelines.rows] == ["46.5", "31.5"]


SCORES = np.array([0.9, 0.8, 0.4]), np.array([1.0, 1.0, 0.0])


def compared(*runs: Path) -> Any:
    """What stands for a comparison where only scores matter."""
    answers: Mapping[str, object] = {run.name: None for run in runs}
    return SimpleNamespace(answers=answers, sureness=lambda name: SCORES, role="test", seed=0, found=None)


def calibrated_run(folder: Path) -> Path:
    """A run that was calibrated and judged: four mentions, of one nobody has an id."""
    probability, right = np.array([0.9, 0.8, 0.4, 0.3]), np.array([1, 0, 1, 0], np.bool_)
    nil = np.array([0, 0, 0, 1], np.bool_)
    its = trust(probability, right, nil, np.arange(4), thresholds={"half": 0.5}, kinds={"without an id": nil}, seed=0)
    its.save(folder / "scores" / "test-trust.json")
    write_json(folder / "calibration.json", {})
    return folder


def shown(runs: list[Path], pictures: Path) -> tuple[list[Any], list[list[str]]]:
    """What stands in the report of reliability, and the numbers of its picture."""
    blocks = list(reporting._reliability(compared(*runs), runs, pictures))
    path = pictures / "reliability.csv"
    return blocks, list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []


def test_reliability_is_that_of_the_probabilities_that_links_come_with(tmp_path: Path) -> None:
    blocks, rows = shown([calibrated_run(tmp_path / "ours")], tmp_path / "pictures")
    assert [(row[0], float(row[1]), float(row[2]), int(row[3])) for row in rows[1:]] == [
        ("ours", 0.3, 0, 1),
        ("ours", 0.4, 1, 1),
        ("ours", 0.8, 0, 1),
        ("ours", 0.9, 1, 1),
    ]
    table = next(one for one in blocks if isinstance(one, Shown))
    assert table.table.columns[-1] == "without an id" and table.table.rows[0][-1] == "100.0 [100.0, 100.0]"
    assert "Expected calibration error 45.0 [" in table.caption


def test_a_run_of_which_no_trust_was_kept_is_said(tmp_path: Path) -> None:
    run = calibrated_run(tmp_path / "ours")
    (run / "scores" / "test-trust.json").unlink()
    blocks, rows = shown([run], tmp_path / "pictures")
    assert not rows and [one.kind for one in blocks] == ["text", "text"]
    assert "judge again with `tripel evaluate RUN --on test`" in blocks[0].text


def test_only_scores_that_were_not_calibrated_are_by_isotonic_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, bare = calibrated_run(tmp_path / "ours"), tmp_path / "bare"
    for run in (ours, bare):
        write_json(run / "predictions" / "dev-trained-full.jsonl", {})
    monkeypatch.setattr(reporting, "compared", lambda sources, *args, **kwargs: compared(*sources))
    _, rows = shown([ours, bare], tmp_path / "pictures")
    assert {row[0] for row in rows[1:]} == {"ours", "bare, by scores"}


def two_systems() -> Comparison:
    """One is right of ten documents with a mention each, the other of none."""
    kb = KnowledgeBase.of([Entity(id="D1", name="fever"), Entity(id="D2", name="cough")])
    mention = Mention(start=0, end=5, text="fever", entities=("D1",))
    documents = [Document(id=str(number), text="fever", mentions=(mention,)) for number in range(10)]
    answers = {
        name: [Prediction(document.id, 0, 5, ((id, 1.0),)) for document in documents]
        for name, id in (("ours", "D1"), ("theirs", "D2"))
    }
    found: Any = SimpleNamespace(kb=kb)
    its = Comparison(found, "test", answers, seed=0)
    vars(its)["truth"] = gold(documents, kb=kb, train=[])
    return its


def test_cells_of_systems_that_differ_are_marked_and_a_legend_says_how(tmp_path: Path) -> None:
    its = two_systems()
    recipe: Any = SimpleNamespace(corpus=SimpleNamespace(name="sample"))
    blocks = [
        *reporting._accuracy(its, recipe, {}, tmp_path / "pictures"),
        *reporting._slices(its, tmp_path / "pictures"),
    ]
    accuracy, slices = (
        next(one for one in blocks if isinstance(one, Shown) and one.name == name) for name in ("accuracy", "slices")
    )
    assert [row[2] for row in accuracy.table.rows] == ["100.0 [100.0, 100.0]", "0.0 [0.0, 0.0]**"]
    assert all(row[3] == "100.0 [100.0, 100.0]" and row[4] == "0.0 [0.0, 0.0]**" for row in slices.table.rows)
    for one in (accuracy, slices):
        assert "** p < 0.01: differs from ours" in one.caption
    assert not [one for one in blocks if isinstance(one, Shown) and one.name == "accuracy-within"]
    report = Report("r", [Section("s", blocks)])
    report.write(tmp_path)
    for name in ("report.html", "report.md", "tables/accuracy.tex", "tables/slices.tex"):
        assert "0.0 [0.0, 0.0]**" in (tmp_path / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize(("judged", "marked"), [(("ours", "theirs"), True), (("theirs",), False)])
def test_what_was_said_within_candidates_has_a_table_of_its_own(
    judged: tuple[str, ...], marked: bool, tmp_path: Path
) -> None:
    its = two_systems()
    within_ = {name: tmp_path / f"{name}.jsonl" for name in judged}
    for name, path in within_.items():
        predictions.write(path, Origin(protocol="", system="", encoder="", knowledge_base=""), its.answers[name])
    both = replace(its, within=within_)
    vars(both)["truth"] = its.truth
    recipe: Any = SimpleNamespace(corpus=SimpleNamespace(name="sample"))
    blocks = reporting._accuracy(both, recipe, {}, tmp_path / "pictures")
    (within,) = (one for one in blocks if isinstance(one, Shown) and one.name == "accuracy-within")
    assert [row[:2] for row in within.table.rows] == [[name, "candidates"] for name in judged]
    assert within.table.rows[-1][2] == "0.0 [0.0, 0.0]" + "**" * marked


class Kept(Sink):
    """What a journal was told."""

    def __init__(self) -> None:
        self.rows: dict[str, list[list[Any]]] = {}
        self.drawn: dict[str, Path] = {}

    def tables(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.rows[name] = [list(columns), *map(list, rows)]

    def pictures(self, pictures: Mapping[str, Path]) -> None:
        self.drawn |= pictures


def test_a_journal_is_told_each_table_and_picture_and_no_text(tmp_path: Path) -> None:
    report = made(tmp_path)
    drawn = Picture(tmp_path / "pictures" / "map-ours.png", "a map", names_entities=True)
    report = Report(report.title, [*report.sections, Section("The embedding", [drawn])])
    for shareable, pictures in ((False, {"pictures/risk"}), (True, {"pictures/risk", "pictures/map-ours"})):
        kept = Kept()
        reporting.tell(report, Journal([kept], Speedometer(0.0)), shareable=shareable)
        assert kept.rows == {"tables/accuracy": [["system", "@1"], ["a_b & c", "90.8 %"]]}
        assert set(kept.drawn) == pictures


def test_wandb_is_told_only_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = SimpleNamespace(
        journal=Config(wandb=True, project="p", every=3), dump=lambda: {"corpus": {"name": "sample"}}
    )
    opened: list[tuple[Path, Config]] = []

    def at_wandb(folder: Path, config: Config, *, settings: Mapping[str, Any]) -> Journal:
        opened.append((folder, config))
        return Journal.silent()

    monkeypatch.setattr(tasks, "_linking", lambda run, instead: recipe)
    monkeypatch.setattr(tasks, "_ground", lambda recipe, run: SimpleNamespace(kb=KnowledgeBase.of([])))
    monkeypatch.setattr(reporting, "report", lambda *args, **kwargs: made(tmp_path))
    monkeypatch.setattr(Journal, "at_wandb", at_wandb)
    words = ["report", str(tmp_path / "run"), "--output", str(tmp_path)]
    done = CliRunner().invoke(cli.app, words)
    assert done.output == f"the report is {tmp_path / 'report.html'}\n" and not opened
    recipe.journal = Config(wandb=False, project="p", every=3)  # what training wanted is not what the report is asked
    assert CliRunner().invoke(cli.app, [*words, "--wandb"]).exit_code == 0
    assert opened == [(tmp_path, Config(wandb=True, project="p", every=3))]


SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from test_report_page import Config, Journal, made, reporting
folder = Path(sys.argv[1])
with Journal.at_wandb(folder, Config(), settings={"lr": 1e-5}) as journal:
    reporting.tell(made(folder), journal, shareable=True)
"""


def test_what_wandb_was_told_offline_lies_in_the_folder_of_the_report(tmp_path: Path) -> None:
    """In a process with a home of its own, which has no login: nobody is called, as tests/test_journal.py watches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_") and name != "NETRC"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "report")],
        env={**kept, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    logged = tmp_path / "report" / "wandb"
    assert len(list(logged.glob("offline-run-*/run-*.wandb"))) == 1
    (table,) = logged.rglob("media/table/**/*.json")
    assert json.loads(table.read_text(encoding="utf-8")) == {
        "columns": ["system", "@1"],
        "data": [["a_b & c", "90.8 %"]],
    }
    assert len(list(logged.rglob("media/images/**/*.png"))) == 1
    assert not (tmp_path / "report" / "metrics.jsonl").exists(), "a report is no training"
