"""The doors of a run, from end to end on the embedded sample with a tiny random encoder: train, kill, resume, evaluate, link."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny
import yaml
from transformers import AutoModel
from typer.testing import CliRunner

from tripel import tasks
from tripel.cli import main as cli
from tripel.files import read_json, read_lines, write_json
from tripel.judging.evaluation import Scores
from tripel.judging.pipelines import kept
from tripel.knowledge import KnowledgeBase
from tripel.linking.ranker import Ranker
from tripel.reports import tables
from tripel.searching import asking
from tripel.training import checkpoint
from tripel.training import wiring as training

ROOT = Path(__file__).parents[1]
WORDS = [
    "journal.wandb=false",
    "trainer.epochs=2",
    "trainer.checkpoint_every=3",
    "data.watched=5",
    "candidates.threads=1",
]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's configuration on an encoder that reads letters."""
    folder = tmp_path_factory.mktemp("recipe")
    values = yaml.safe_load((ROOT / "configs" / "sample.yaml").read_text(encoding="utf-8"))
    values["encoder"]["model"] = str(tiny.folder(folder / "model"))
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    return tasks.train(recipe, WORDS, output=tmp_path_factory.mktemp("runs") / "whole")


def test_a_run_folder_holds_what_the_others_need(run: Path) -> None:
    for name in (
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "speed.jsonl",
        "tables.md",
        "README.md",
        "examples.txt",
    ):
        assert (run / name).stat().st_size, name
    for picture in ("learning", "dev-accuracy", "test-accuracy", "test-training-clusters", "test-short-form"):
        assert (run / "pictures" / f"{picture}.png").read_bytes().startswith(b"\x89PNG"), picture
        assert (run / "pictures" / f"{picture}.csv").stat().st_size
    assert not list(run.rglob("*.pkl"))
    assert not list(run.rglob("*.part"))


def test_every_curve_is_written_down(run: Path) -> None:
    records = list(read_lines(run / "metrics.jsonl"))
    steps = [record for record in records if "loss" in record]
    assert [record["step"] for record in steps] == list(range(1, len(steps) + 1))
    assert {"loss", "lr", "batch_accuracy", "positive_similarity"} <= steps[0].keys()
    assert sum("val_accuracy" in record for record in records) == 2


def test_scores_of_all_systems_are_over_the_same_mentions(run: Path) -> None:
    scores = [Scores.from_json(read_json(path)) for path in (run / "scores").glob("test-*.json")]
    assert {(one.system, one.protocol) for one in scores} == {
        ("lexical", "full"), ("untrained", "full"), ("untrained", "candidates"), ("trained", "full"), ("trained", "candidates"),
    }  # fmt: skip
    assert len({one.linkable.n for one in scores}) == 1
    within = next(one for one in scores if (one.system, one.protocol) == ("trained", "candidates"))
    lexical = next(one for one in scores if one.system == "lexical")
    assert within.linkable.accuracy[64].value == pytest.approx(lexical.linkable.accuracy[64].value)


def test_the_encoder_loads_in_transformers(run: Path) -> None:
    assert AutoModel.from_pretrained(run / "encoder").config.hidden_size == 16


def test_no_text_of_a_document_is_in_the_journal_or_the_predictions(run: Path) -> None:
    for path in [*run.glob("*.jsonl"), *(run / "predictions").glob("*.jsonl")]:
        assert "rheumatic" not in path.read_text(encoding="utf-8").lower(), path


def test_a_run_is_not_written_over(run: Path, recipe: Path) -> None:
    with pytest.raises(ValueError, match="is a run already; go on with `tripel resume"):
        tasks.train(recipe, output=run)


def test_a_corpus_that_changed_is_noticed(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "sample")
    values = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text(encoding="utf-8"))
    values["corpus"]["path"] = str(tmp_path / "sample")
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    train = tmp_path / "sample" / "train.pubtator"
    train.write_text(train.read_text(encoding="utf-8").replace("D009103", "D008946", 1), encoding="utf-8")
    for again in (tasks.resume, tasks.evaluate):
        with pytest.raises(ValueError, match="the corpus changed since the run began"):
            again(tmp_path / "run")


def test_what_goes_to_wandb_names_no_text_and_no_folder(recipe: Path, run: Path) -> None:
    shown = str(training.public(tasks.read_recipe(run).dump()))
    assert "[[MS]]" not in shown and str(recipe.parent) not in shown
    assert "'model': 'model'" in shown


def test_a_run_that_never_began_can_begin_in_its_folder(recipe: Path, tmp_path: Path) -> None:
    words = [*WORDS, "trainer.epochs=0", "data.watched=0", "data.judged=[dev]"]
    with pytest.raises(ValueError, match="nowhere"):
        tasks.train(recipe, [*words, f"corpus.path={tmp_path / 'nowhere'}"], output=tmp_path / "run")
    assert tasks.train(recipe, words, output=tmp_path / "run") == tmp_path / "run"


def test_what_a_run_kept_that_never_began_is_not_taken_for_another(recipe: Path, tmp_path: Path) -> None:
    """Its terminologies were the wrong ones, and are put right."""
    names = tmp_path / "names.tsv"
    names.write_text("X1\tnothing at all\nX2\tnor this\n", encoding="utf-8")
    words, output = [*WORDS, "trainer.epochs=0", "data.watched=0", "data.judged=[dev]"], tmp_path / "run"
    with pytest.raises(ValueError, match="are these the right terminologies"):
        tasks.train(recipe, [*words, f"terminologies=[{{name: dictionary, path: {names}}}]"], output=output)
    tasks.train(recipe, words, output=output)
    assert len(KnowledgeBase.open(output / "knowledge.arrow")) > 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.train=train+dev"], "watched is 5, and dev is learnt from"),
        (["data.train=train+dev", "data.watched=0", "data.judged=[dev]"], "nothing would be left to judge"),
        (["data.judged=[]"], "nothing would be left to judge"),
        (["trainer.batch=0"], r"trainer\.batch"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(recipe: Path, tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tasks.train(recipe, [*WORDS, *words], output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_nothing_would_be_left_to_judge_of_is_not_trained(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thrice"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        shutil.copy(ROOT / "data" / "sample" / "dev.pubtator", folder / f"{split}.pubtator")
    with pytest.raises(ValueError, match="learnt from all documents of dev and test: nothing is left to judge"):
        tasks.train(recipe, [*WORDS, f"corpus={{name: files, path: {folder}}}"], output=tmp_path / "run")
    assert not (tmp_path / "run" / "encoder").exists()


def test_one_split_judged_again_leaves_the_other_and_the_card_tells_both(run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    before = (moved / "tables.md").read_text(encoding="utf-8")
    (moved / "README.md").unlink()
    said = tasks.evaluate(moved, on=["test"])
    assert "## test" in said and "## dev" not in said
    assert (moved / "tables.md").read_text(encoding="utf-8") == before
    card = (moved / "README.md").read_text(encoding="utf-8")
    assert "| test accuracy@1" in card and "| dev accuracy@1" in card


def test_what_an_earlier_encoder_said_is_not_taken_for_what_this_one_says(run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    path = moved / "predictions" / "test-trained-full.jsonl"
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(head), "reranker": "another"}), *lines]), encoding="utf-8")
    assert "moved was judged before it was as it is" in tasks.compare(moved, [], on=["test"])
    assert "was judged before" not in tasks.compare(run, [], on=["test"])
    tasks.evaluate(moved, on=["dev"])
    for name in ("README.md", "tables.md"):
        told = (moved / name).read_text(encoding="utf-8")
        assert "dev" in told and "## test" not in told and "test accuracy@1" not in told


def test_nothing_is_chosen_on_documents_of_dev_that_joined_the_index(run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    asking.learn(moved, [ROOT / "data" / "sample" / "dev.pubtator"])
    assert "moved was judged before it was as it is" in tasks.compare(moved, [], on=["test"])
    (moved / "calibration.json").unlink(missing_ok=True)
    assert "## test" in tasks.evaluate(moved, on=["test"]) and not (moved / "calibration.json").exists()
    assert "was judged before" not in tasks.compare(moved, [], on=["test"])
    tasks.pipeline(moved, "dictionary", on=["test"])
    assert len(kept(moved, "test")) == 1
    asking.learn(
        moved, [ROOT / "data" / "sample" / "dev.pubtator"]
    )  # corrected, say: their rows take the place of the old
    assert "moved was judged before it was as it is" in tasks.compare(moved, [], on=["test"])
    assert not kept(moved, "test")
    settings = yaml.safe_load((moved / "config.yaml").read_text(encoding="utf-8"))
    settings["whole"]["weigh"] = True
    (moved / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(ValueError, match="18 documents of dev joined its index"):
        tasks.evaluate(moved, on=["test"])
    assert not (moved / "whole.json").exists()


def test_a_recognizer_is_not_judged_on_what_it_learnt_from(run: Path, tmp_path: Path) -> None:
    tagger = tmp_path / "tagger"
    tagger.mkdir()
    settings = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    settings["data"] |= {"train": "train+dev", "watched": 0}
    settings["whole"]["weigh"] = False
    (tagger / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(ValueError, match=r"tagger learnt from train\+dev, so it is not judged on dev"):
        tasks.pipeline(run, str(tagger), on=["dev"])


def test_judging_again_changes_no_figure(run: Path) -> None:
    before = (run / "tables.md").read_text(encoding="utf-8")
    assert tasks.evaluate(run) + "\n" == before


def test_a_run_is_judged_where_the_encoder_that_it_began_with_is_not(run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    settings = yaml.safe_load((moved / "config.yaml").read_text(encoding="utf-8"))
    settings["encoder"]["model"] = str(tmp_path / "gone" / "model")
    settings["data"]["compare_untrained"] = False
    (moved / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for path in (moved / "pictures").glob("*-map.*"):
        path.unlink()
    shutil.rmtree(moved / "scores")
    tasks.evaluate(moved, on=["test"])
    name = "scores/test-trained-full.json"
    assert (moved / name).read_bytes() == (run / name).read_bytes()


def test_systems_are_compared_on_the_same_mentions(run: Path, tmp_path: Path) -> None:
    own = (run / "predictions" / "test-trained-full.jsonl").read_text(encoding="utf-8").splitlines()
    none = [
        json.dumps({key: record[key] for key in ("document", "start", "end")} | {"entity": None})
        for record in map(json.loads, own[1:])
    ]
    (tmp_path / "silent.jsonl").write_text("\n".join(none), encoding="utf-8")
    shown = CliRunner().invoke(cli.app, ["evaluate", str(run), str(tmp_path / "silent.jsonl")])
    scores = Scores.from_json(read_json(run / "scores" / "test-trained-full.json"))
    assert f"{run.name} over silent" in shown.output
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in shown.output.splitlines() if "|" in line]
    within = Scores.from_json(read_json(run / "scores" / "test-trained-candidates.json")).linkable.accuracy[1]
    assert [run.name, "candidates", tables.with_interval(within)] in cells, "what a run said within candidates, too"
    assert f"{100 * scores.linkable.accuracy[1].value:+.1f} [" in shown.output  # all that it finds is gained
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no predictions for dev; make them with `tripel evaluate"):
        tasks.compare(run, [tmp_path / "empty"], on=["dev"])
    with pytest.raises(ValueError, match="two of them have the same name"):
        tasks.compare(run, [run])


def test_what_was_not_made_like_the_first_is_said(run: Path, tmp_path: Path) -> None:
    predicted = Path("predictions", "test-trained-full.jsonl")
    head, *lines = map(json.loads, (run / predicted).read_text(encoding="utf-8").splitlines())
    other = tmp_path / "other"
    (other / "predictions").mkdir(parents=True)
    stale = [{**head, "knowledge_base": "another"}, *lines]
    (other / predicted).write_text("\n".join(map(json.dumps, stale)), encoding="utf-8")
    settings = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    settings["data"] |= {"train": "train+dev", "watched": 0}
    settings["whole"]["weigh"] = False
    (other / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    places = [{key: line[key] for key in ("document", "start", "end")} for line in lines]
    known = json.dumps({**places[0], "entity": lines[0]["candidates"][0][0]})
    foreign = [json.dumps({**place, "entity": "X99"}) for place in places[1:]]
    (tmp_path / "theirs.jsonl").write_text("\n".join([known, *foreign]), encoding="utf-8")
    said = tasks.compare(run, [other, tmp_path / "theirs.jsonl"], on=["test"])
    assert "other was judged over another knowledge base" in said
    assert f"{run.name} learnt from; other learnt from other documents" in said
    settings["trainer"]["epochs"], settings["index"]["rows"] = 0, ["names"]
    (other / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert "other documents" not in tasks.compare(run, [other], on=["test"]), "it learnt from none"
    assert f"Of the {len(lines):,} first candidates of theirs {len(foreign):,} are not in the knowledge base" in said
    (tmp_path / "theirs.jsonl").write_text("\n".join(foreign), encoding="utf-8")
    for judge in (tasks.compare, tasks.found):
        with pytest.raises(
            ValueError, match=r"theirs.jsonl: no id is in the knowledge base; expected such as .*, found X99"
        ):
            judge(run, [tmp_path / "theirs.jsonl"], on=["test"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recognizer", "gold", "--found"], "--recognizer judges one run"),
        (["other", "--recognizer", "gold"], "--recognizer judges one run"),
        (["--threshold", "0.5"], "--threshold goes with --recognizer"),
    ],
)
def test_what_evaluate_would_not_heed_is_refused(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli.app, ["evaluate", "run", *words])
    assert done.exit_code and said in str(done.exception)


def test_a_report_of_a_run(run: Path, tmp_path: Path) -> None:
    lexical = run / "predictions" / "test-lexical-full.jsonl"
    shown = CliRunner().invoke(cli.app, ["report", str(run), str(lexical), "--output", str(tmp_path / "report")])
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert f"the report is {tmp_path / 'report' / 'report.html'}" in shown.output
    for heading in ("What was run", "Accuracy", "Slices", "How far scores can be trusted", "The embedding", "Errors"):
        assert f">{heading}</h2>" in page
    # accuracy, speed, training clusters, short forms, risk, scores, reliability, map
    assert page.count("<img ") == 8
    assert f"{run.name} over test-lexical-full" in page and "<mark>" in page
    bare = tasks.report(run, [], folder=tmp_path / "bare", texts=False, note="Of an invented corpus.").read_text(
        encoding="utf-8"
    )
    assert "<mark>" not in bare and ">Errors<" not in bare and "<p>Of an invented corpus.</p>" in bare
    dev = tasks.report(run, [], folder=tmp_path / "dev", on="dev").read_text(encoding="utf-8")
    assert f"<title>{run.name} on sample, dev</title>" in dev and "its figures flatter" in dev
    steps = [one for one in read_lines(run / "metrics.jsonl") if "progress" in one]
    assert f"<td>{len(steps)} steps, 2 epochs, 0 minutes</td>" in bare


def test_linking(run: Path) -> None:
    text = "The [[MS]] lesions of naïve [[patients]] were small."
    runner = CliRunner()
    said = runner.invoke(cli.app, ["link", str(run), text, "--json", "-k", "2"])
    record = json.loads(said.output)
    assert record["text"] == text.replace("[[", "").replace("]]", "")
    assert [record["text"][one["start"] : one["end"]] for one in record["mentions"]] == ["MS", "patients"]
    for one in record["mentions"]:
        assert len(one["candidates"]) == 2
        assert one["entities"] == ([one["candidates"][0]["entity"]] if one["decision"] == "linked" else [])
    shown = runner.invoke(cli.app, ["link", str(run), text])
    assert "MS [4, 6)" in shown.output


def test_a_text_without_mention_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing finds mentions here: give a recognizer"):
        list(tasks.link(tasks.linker_of(run), ["open [[only"]))


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a run folder"):
        tasks.resume(tmp_path)
    with pytest.raises(ValueError, match="not a run folder"):
        tasks.evaluate(tmp_path / "absent")


def test_linking_needs_an_index_and_no_corpus(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    texts = ["The [[MS]] lesions."]
    values = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text(encoding="utf-8"))
    values["corpus"] = {"name": "bc5cdr", "path": "nowhere"}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    ours, theirs = (list(tasks.link(tasks.linker_of(one), texts)) for one in (tmp_path / "run", run))
    assert ours == theirs
    shutil.rmtree(tmp_path / "run" / "index")
    with pytest.raises(ValueError, match="no index here yet; run `tripel evaluate"):
        tasks.linker_of(tmp_path / "run")


def test_an_untrained_run_can_be_judged(recipe: Path, tmp_path: Path) -> None:
    done = tasks.train(recipe, [*WORDS, "trainer.epochs=0", "data.watched=0"], output=tmp_path / "zero")
    assert "trained" in (done / "tables.md").read_text(encoding="utf-8")


def test_entities_judged_as_wholes_by_weights_chosen_on_dev(recipe: Path, tmp_path: Path) -> None:
    words = [*WORDS, "trainer.epochs=0", "data.watched=0", "whole.weigh=true"]
    chosen = tasks.train(recipe, [*words, "data.judged=[dev]"], output=tmp_path / "chosen")
    weights = read_json(chosen / "whole.json")
    assert weights["chosen_on"]["right as wholes"] > weights["chosen_on"]["right by best row"]
    tables = (chosen / "tables.md").read_text(encoding="utf-8")
    assert tables.startswith("Weights were chosen on ") and "trained over best-row" in tables
    assert {"trained", "best-row"} <= read_json(chosen / "speeds" / "dev.json").keys()
    linked = [json.loads(line) for line in tasks.link(tasks.linker_of(chosen), ["The [[MS]] lesions."], as_json=True)]
    candidates = linked[0]["mentions"][0]["candidates"]
    assert len(candidates) == 5 and all(0 <= one["probability"] <= 1 for one in candidates)
    like = [*words, "data.train=train+dev", "data.judged=[test]", f"whole.like={chosen}"]
    other = tasks.train(recipe, like, output=tmp_path / "other")
    assert read_json(other / "whole.json")["weights"] == weights["weights"]
    write_json(other / "whole.json", {**weights, "encoder": "another"})
    with pytest.raises(ValueError, match=r"whole\.json: chosen for another encoder or re-ranker; run `tripel evaluate"):
        tasks.linker_of(other)
    tasks.evaluate(other)
    assert read_json(other / "whole.json")["encoder"] != "another"


def test_definitions_speak_for_entities_that_have_one(recipe: Path, tmp_path: Path) -> None:
    head, *lines = (ROOT / "data" / "sample" / "dictionary.tsv").read_text(encoding="utf-8").splitlines()
    told = [
        f"{line}\tWhat is called {line.split(chr(9))[1]}." if i % 2 else f"{line}\t" for i, line in enumerate(lines)
    ]
    table = tmp_path / "defined.tsv"
    table.write_text("\n".join([f"{head}\tdefinition", *told]) + "\n", encoding="utf-8")
    words = [
        *WORDS,
        "trainer.epochs=0",
        "data.watched=0",
        "data.judged=[dev]",
        "whole.weigh=true",
        "data.compare_untrained=true",
    ]
    rows = "index.rows=[names,descriptions,mentions]"
    chosen = tasks.train(
        recipe, [*words, rows, f"terminologies=[{{name: dictionary, path: {table}}}]"], output=tmp_path / "run"
    )
    linker = tasks.linker_of(chosen)
    assert [part.kind for part in linker.ranker.index.parts] == ["names", "descriptions", "mentions"]
    assert len(linker.ranker.index.parts[1].entity_N) == len(told) // 2
    weights = read_json(chosen / "whole.json")["weights"]
    assert weights["description"] != 0
    with pytest.raises(ValueError, match="no entity of the knowledge base has a definition"):
        tasks.train(recipe, [*words, rows], output=tmp_path / "without")
    assert not (tmp_path / "without" / "metrics.jsonl").exists(), "said before anything is learnt"


def test_what_joined_the_index_is_not_judged(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(run, tmp_path / "run")
    said = asking.learn(tmp_path / "run", [ROOT / "data" / "sample" / "dev.pubtator"])
    assert "of 18 documents joined the index;" in said
    with pytest.raises(ValueError, match=r"18 documents of dev joined its index .*so it is not judged on dev"):
        tasks.evaluate(tmp_path / "run", on=["dev"])
    with pytest.raises(ValueError, match=r"18 documents of dev joined its index"):
        tasks.pipeline(tmp_path / "run", "dictionary", on=["dev"])
    monkeypatch.setattr(tasks, "learnt_from", lambda found, role: role == "test")
    with pytest.raises(ValueError, match="learnt from test, so it is not judged on it"):
        tasks.pipeline(tmp_path / "run", "dictionary")
    asking.learn(tmp_path / "run", [ROOT / "data" / "sample" / "train.pubtator"])
    before, after = (Ranker.load(its).index.parts[1].entity_N for its in (run, tmp_path / "run"))
    assert (after >= 0).sum() > (before >= 0).sum() and (after[: len(before)] == -1).all()
    assert "## test" in tasks.evaluate(tmp_path / "run", on=["test"])


def test_weights_that_are_not_there_are_missed_before_training(recipe: Path, tmp_path: Path) -> None:
    words = [*WORDS, "whole.weigh=true", f"whole.like={tmp_path / 'none'}"]
    with pytest.raises(ValueError, match=r"no weights there; first train that run"):
        tasks.train(recipe, words, output=tmp_path / "run")


def test_test_is_not_looked_at_before_it_is_asked_for(recipe: Path, tmp_path: Path) -> None:
    words = [*WORDS, "trainer.epochs=0", "data.watched=0", "data.judged=[dev]"]
    done = tasks.train(recipe, words, output=tmp_path / "choosing")
    assert not list((done / "predictions").glob("test-*"))
    assert "dev accuracy@1" in (done / "README.md").read_text(encoding="utf-8")
    shown = CliRunner().invoke(cli.app, ["evaluate", str(done), "--on", "test"])
    assert "## test" in shown.output
    assert "## dev" not in shown.output
    assert list((done / "predictions").glob("test-*"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_a_random_moment_and_resumed_it_is_the_same_run(
    run: Path, recipe: Path, tmp_path: Path, seed: int
) -> None:
    """SIGKILL after a random number of steps; `metrics.jsonl` is then byte for byte that of the run never stopped."""
    killed = tmp_path / "killed"
    total = sum("loss" in record for record in read_lines(run / "metrics.jsonl"))
    stop = random.Random(seed).randrange(1, total)
    words = [sys.executable, "-m", "tripel", "train", str(recipe), *WORDS, "--output", str(killed)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    metrics = killed / "metrics.jsonl"
    deadline = time.monotonic() + 240
    while not (metrics.exists() and metrics.read_bytes().count(b'"loss"') >= stop):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.latest(killed) is None or checkpoint.place(checkpoint.latest(killed)).step <= total  # type: ignore[arg-type]
    tasks.resume(killed)
    assert metrics.read_bytes() == (run / "metrics.jsonl").read_bytes()
    assert (killed / "tables.md").read_bytes() == (run / "tables.md").read_bytes()


def test_two_processes_share_the_steps_and_the_first_keeps_the_run(recipe: Path, run: Path, tmp_path: Path) -> None:
    """On CPUs, through gloo, as `accelerate launch` and `torchrun` start them on GPUs through NCCL."""
    shared = tmp_path / "shared"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = [*launch, str(ROOT / "src" / "train.py"), str(recipe), *WORDS, "--output", str(shared)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    alone, both = ([r for r in read_lines(its / "metrics.jsonl") if "loss" in r] for its in (run, shared))
    assert len(both) == len(alone) // 2
    assert done.stdout.count("model card") == 1
