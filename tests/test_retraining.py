"""Teaching a tiny model for real: what it learns from, what becomes of its versions, and that no kill loses it."""

from __future__ import annotations

import os
import shutil
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import teaching
from annotating import Work, mark, upload
from safetensors.torch import load_file, save_file

from tripel import config, tasks
from tripel.annotations import adjudication, before_after, embeddings, jobs, ledger, models, projects, retraining
from tripel.annotations.continuing import JOINT, begin
from tripel.annotations.database import Database
from tripel.annotations.lessons import HELD_OUT, drawn, gathered
from tripel.annotations.live import Live
from tripel.annotations.noting import Note
from tripel.annotations.overlay import Overlay
from tripel.annotations.running import Runner
from tripel.documents import Document, Mention
from tripel.files import fingerprint, read_json, read_lines, write_json
from tripel.linking.linker import Linker
from tripel.recognizers.base import TAGGER
from tripel.searching import asking
from tripel.training import preparing
from tripel.training.recipe import Recipe

DONE, LEFT = 10, 4  # documents
RECORDS = [teaching.record(n, marked=n < DONE) for n in range(DONE + LEFT)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that finds and links a little."""
    return teaching.model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """On SQLite alone: what is trained knows no database."""
    opened = Database.open(f"sqlite:///{tmp_path / 'tripel.db'}")
    yield opened
    opened.close()


@pytest.fixture
def work(database: Database, tmp_path: Path, model: Path) -> Work:
    """Ten documents with gold that are done, four without any, and a model."""
    made = Work.begin(database, tmp_path, records=RECORDS)
    models.begin(database, made.project, model, by=made.users[0])
    for n in range(DONE):
        made.do("done", document=n)
    return made


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): fingerprint(path) for path in folder.rglob("*") if path.is_file()}


def run(work: Work, files: Path, kind: jobs.Kind = "train", **settings: object) -> jobs.Job:
    """A job, done in this process."""
    jobs.submit(work.database, work.project, kind, by=work.users[0], settings=settings)
    (job,) = jobs.started(work.database, most=1)
    todo = {"train": retraining.train, "predict": retraining.predict}[kind]
    jobs.done(work.database, job.id, todo(work.database, job, files, Note(work.database, job.id)))
    return jobs.get(work.database, job.id)


# What is learnt from


def test_documents_are_parted_and_pred_is_nowhere(work: Work) -> None:
    sheet = work.sheet_id(document=DONE)
    ledger.predict(work.database, sheet, [mark(0, 5, "p", entities=("D005334",))], key="predict-0-0", model="m")
    work.do("add", document=DONE, after=mark(6, 9, entities=("D003371",)))
    lessons = gathered(work.database, work.project, silver=False)
    learnt, held_out = ({document.id for document in its} for its in (lessons.whole, lessons.held_out))
    assert learnt | held_out == {f"case-{n}" for n in range(DONE)} and not learnt & held_out
    assert held_out == {id for id in learnt | held_out if drawn(work.project, id) < HELD_OUT} or len(held_out) == 1
    (partly,) = lessons.partly
    assert [(one.start, one.end) for one in partly.mentions] == [(6, 9)], "what a person added, and no PRED"
    assert lessons.types == ("Chemical", "Disease")


def test_too_little_is_told(database: Database, tmp_path: Path) -> None:
    made = Work.begin(database, tmp_path, records=[teaching.record(n, marked=False) for n in range(3)])
    with pytest.raises(ValueError, match="0 documents are annotated and marked done; two or more are needed"):
        gathered(database, made.project, silver=False)
    made.do("done", document=0)
    made.do("done", document=1)
    with pytest.raises(ValueError, match="no mention to learn from has an entity"):
        gathered(database, made.project, silver=False)


# A training from end to end


def test_a_model_is_taught_kept_compared_and_predicts_the_rest(work: Work, tmp_path: Path, model: Path) -> None:
    before = contents(model)
    human = [work.sheet(document=n).marks for n in range(DONE)]
    job = run(work, tmp_path, adopt="always")
    assert job.state == "done" and job.result["adopted"]
    figures = job.result["figures"]
    assert figures["before"]["both"]["n"] == figures["after"]["both"]["n"] > 0
    assert 0 <= figures["after"]["linked"]["low"] <= figures["after"]["linked"]["value"] <= 1
    new, first = models.of(work.database, work.project)
    assert (new.version, new.in_use, new.job, first.version, first.in_use) == (2, True, job.id, 1, False)
    assert new.scores == figures and new.fingerprint != first.fingerprint and new.knowledge == first.knowledge
    assert projects.get(work.database, work.project).model == str(new.folder)
    assert contents(model) == before, "the folder of the user was written to"
    assert [work.sheet(document=n).marks for n in range(DONE)] == human, "what people did was changed"
    marks = [mark for n in range(DONE, DONE + LEFT) for mark in work.sheet(document=n).marks]
    changed = job.result["changed"]
    assert marks and {mark.label for mark in marks} == {"PRED"}
    assert (changed["documents"], changed["new"], changed["gone"]) == (DONE + LEFT, len(marks), 0)
    assert len(embeddings.load(tmp_path, work.project)) == DONE + LEFT
    trained = {record["id"] for record in read_lines(jobs.place(tmp_path, job.id) / "documents/whole/train.jsonl")}
    assert len(trained) == job.result["learnt"]["documents"] == DONE - job.result["learnt"]["held_out"]
    steps = [record["step"] for record in jobs.curves(tmp_path, job.id)["linker"] if "loss" in record]
    assert steps == list(range(1, len(steps) + 1))
    work.sound()

    # it is downloaded as one file that links elsewhere
    packed = models.packed(new, tmp_path / "model.tar")
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "elsewhere", filter="data")
    text = str(teaching.record(DONE)["text"])
    theirs = Linker.load(tmp_path / "elsewhere" / f"model-{work.project}-2")(text)
    assert theirs.links and theirs == Linker.load(new.folder)(text)

    # the first one, too, though it is a run, of which nothing else is packed
    with tarfile.open(models.packed(first, tmp_path / "first.tar")) as tar:
        names = tar.getnames()
        tar.extractall(tmp_path / "elsewhere", filter="data")
    top = f"model-{work.project}-1"
    assert {f"{top}/bundle.json", f"{top}/index/index.json"} <= {*names}
    assert not [name for name in names if "state" in name or "predictions" in name or name.endswith("config.yaml")]
    assert Linker.load(tmp_path / "elsewhere" / top)(text) == Linker.load(model)(text)

    # going back moves the pointer, and the first model predicts again
    assert models.use(work.database, work.project, 1, by=None).in_use
    again = run(work, tmp_path, "predict")
    assert again.result["version"] == 1
    assert projects.get(work.database, work.project).model == str(model)
    with pytest.raises(LookupError):
        models.use(work.database, work.project, 7, by=None)


def measured(*, both: float, linked: float) -> dict[str, Any]:
    return {"both": {"value": both}, "linked": {"value": linked}}


def test_what_is_worse() -> None:
    before = measured(both=0.5, linked=0.9)
    assert before_after.worse(before, measured(both=0.4, linked=1.0))
    assert before_after.worse(before, measured(both=0.5, linked=0.8)), (
        "as much is found and linked, and less of what is given"
    )
    assert not before_after.worse(before, measured(both=0.5, linked=0.9))
    assert not before_after.worse(before, measured(both=0.6, linked=0.8))


def test_a_worse_model_is_kept_but_not_used(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([measured(both=0.9, linked=0.9), measured(both=0.4, linked=0.9)])
    monkeypatch.setattr(before_after, "figures", lambda linker, documents: next(figures))
    job = run(work, tmp_path)
    assert not job.result["adopted"]
    assert [(one.version, one.in_use) for one in models.of(work.database, work.project)] == [(2, False), (1, True)]
    assert job.result["changed"]["new"] > 0, "the model that stays predicts, with what was annotated in its index"


def test_a_killed_training_goes_on_and_loses_no_step(work: Work, tmp_path: Path) -> None:
    """The process is killed between two checkpoints; another server finds the job."""
    url = work.database.engine.url.render_as_string(hide_password=False)
    job = jobs.submit(work.database, work.project, "train", by=None, settings={"adopt": "always"})
    runner, killed, end = Runner(work.database, url, tmp_path), False, time.monotonic() + 240
    while not jobs.get(work.database, job.id).over:
        runner.look()
        written = len(jobs.curves(tmp_path, job.id).get("linker", ()))
        if not killed and written >= 3:
            ((_, process),) = jobs.running(work.database)
            assert process is not None
            os.kill(process, signal.SIGKILL)
            killed, runner = True, Runner(work.database, url, tmp_path)
        assert time.monotonic() < end
        time.sleep(0.02)
    done = jobs.get(work.database, job.id)
    assert killed
    assert (done.state, done.attempts, done.reason) == ("done", 2, "")
    steps = [record["step"] for record in jobs.curves(tmp_path, job.id)["linker"] if "loss" in record]
    assert steps == list(range(1, len(steps) + 1))
    assert [(one.version, one.in_use) for one in models.of(work.database, work.project)] == [(2, True), (1, False)]
    assert "fever" not in (jobs.place(tmp_path, job.id) / "log.txt").read_text(encoding="utf-8").lower()
    work.sound()


def test_a_training_without_documents_has_failed_with_its_reason(
    database: Database, tmp_path: Path, model: Path
) -> None:
    made = Work.begin(database, tmp_path, records=[teaching.record(n, marked=False) for n in range(3)])
    models.begin(database, made.project, model, by=None)
    job = jobs.submit(database, made.project, "train", by=None)
    runner, end = (
        Runner(database, database.engine.url.render_as_string(hide_password=False), tmp_path),
        time.monotonic() + 120,
    )
    while not jobs.get(database, job.id).over:
        runner.look()
        assert time.monotonic() < end
        time.sleep(0.05)
    failed = jobs.get(database, job.id)
    assert failed.state == "failed"
    assert failed.reason.startswith("0 documents are annotated and marked done")


# What was decided helps before any training


def test_a_decision_is_in_the_index_within_seconds(work: Work, tmp_path: Path, model: Path) -> None:
    before = contents(model)
    live = Live(work.database, tmp_path)
    document = DONE + 1
    text = str(teaching.record(document)["text"])
    word = text.split()[-2]  # no name of any entity
    place = (text.index(word), text.index(word) + len(word))
    asked = made_of(text, *place)
    assert live.link(work.project, asked, given=True).links[0].candidates[0].score < 0.85
    work.do("add", document=document, after=mark(*place, entities=("D006261",)))
    live.learn()
    found = live.link(work.project, asked, given=True).links[0].candidates[0]
    assert (
        found.entity == "D006261" and found.score > 0.85
    )  # as close as can be, less the discount of a training mention
    (added,) = [one for one in work.sheet(document=document).marks if one.label == "USER"]
    work.do("delete", document=document, mark=added.id)
    live.learn()
    assert live.link(work.project, asked, given=True).links[0].candidates[0].score < 0.85, "deleted, and still there"
    assert contents(model) == before, "the folder of the user was written to"


def test_where_annotators_are_blind_none_is_shown_what_another_decided(
    database: Database, tmp_path: Path, model: Path
) -> None:
    work = Work.begin(database, tmp_path, records=RECORDS, mode="blind", people=3)
    models.begin(database, work.project, model, by=work.users[0])
    document = DONE + 1
    text = str(teaching.record(document)["text"])
    word = text.split()[-2]  # no name of any entity
    place = (text.index(word), text.index(word) + len(word))
    asked = made_of(text, *place)
    live = Live(database, tmp_path)

    def score() -> float:
        live.learn()
        return live.link(work.project, asked, given=True).links[0].candidates[0].score

    first = score()
    work.do("add", document=document, after=mark(*place, entities=("D006261",)), user=1)
    work.do("done", document=document, user=1)
    assert score() == first, "the only one who decided anything is shown to the others"
    reopened = Live(database, tmp_path)
    assert reopened.link(work.project, asked, given=True).links[0].candidates[0].score == first
    adjudication.accept_agreed(database, work.documents[document], key="choose-0001", by=work.users[0])
    assert score() > 0.85 > first, "what a reviewer settled is everybody's"

    # an index that had learnt from annotators learns again
    overlay = Overlay(database, tmp_path, models.in_use(database, work.project))
    assert overlay.read > 0
    write_json(overlay.folder / "read.json", {"event": overlay.read})
    assert overlay.read == 0
    live.learn()
    assert overlay.read > 0


def made_of(text: str, start: int, end: int) -> Document:
    return Document(id="asked", text=text, mentions=(Mention(start=start, end=end, text=text[start:end]),))


def test_an_index_is_the_same_whoever_caught_it_up(work: Work, tmp_path: Path) -> None:
    model = models.in_use(work.database, work.project)
    overlay = Overlay(work.database, tmp_path, model)
    linker = overlay.link()
    assert overlay.read > 0 and overlay.catch_up(linker.ranker.encoder, linker.ranker.kb) == 0
    rows = len(linker.ranker.index.entity_N)
    shutil.rmtree(overlay.folder)
    assert len(Overlay(work.database, tmp_path, model).link().ranker.index.entity_N) == rows
    assert read_json(overlay.folder / "read.json")["event"] == overlay.read


def test_a_sheet_is_brought_to_what_the_model_says_now(work: Work, tmp_path: Path) -> None:
    live = Live(work.database, tmp_path)
    document = work.documents[DONE]
    sheet = work.sheet_id(document=DONE)
    first = live.refresh(work.project, document, sheet)
    assert [one.label for one in first.marks] and {one.label for one in first.marks} == {"PRED"}
    assert live.refresh(work.project, document, sheet).version == first.version, "nothing new is no event"
    work.do("done", document=DONE)
    done = work.sheet(document=DONE)
    assert live.refresh(work.project, document, sheet) == done


# What a training begins with


def test_a_linker_and_a_tagger_of_their_own_are_both_taught(work: Work, tmp_path: Path, model: Path) -> None:
    """The model is a folder without a head, its recogniser another run; the linker learns from what is partly annotated, too."""
    bare = tmp_path / "bare"
    shutil.copytree(model, bare)
    (bare / TAGGER).unlink()
    settings = config.load(bare / "config.yaml")
    config.save(bare / "config.yaml", {**settings, "objective": {"name": "prototype_contrastive", "wrong": 2}})
    save_file({}, bare / "objective.safetensors")
    tagger = tmp_path / "tagger"
    shutil.copytree(model, tagger)
    objective = {name: settings["objective"][name] for name in ("scheme", "typed", "types", "dimensions", "lr")}
    kept = {name: settings[name] for name in ("corpus", "data", "encoder", "trainer", "journal")}
    config.save(tagger / "config.yaml", {**kept, "objective": {"name": "tagging", **objective}})
    project = projects.new(work.database, title="Apart", by=work.users[0]).id
    models.begin(work.database, project, bare, recognizer=str(tagger), by=None)
    theirs = Work(
        work.database, project, work.users, upload(work.database, project, tmp_path, RECORDS, by=work.users[0])
    )
    for n in range(DONE):
        theirs.do("done", document=n)
    free = [drawn(project, f"case-{n}") >= HELD_OUT for n in range(DONE, DONE + LEFT)]
    assert 0 < sum(free) < LEFT
    for n in range(DONE, DONE + LEFT):
        theirs.do("add", document=n, after=mark(0, 5, entities=("D005334",)))
    job = run(theirs, tmp_path, adopt="always")
    curves = jobs.curves(tmp_path, job.id)
    assert {name: bool(records) for name, records in curves.items()} == {"linker": True, "recognizer": True}
    made, _ = models.of(work.database, project)
    assert models.finds(made) == str(made.folder / "recognizer")
    assert Linker.load(made.folder)("Fever and cough after aspirin were seen.").links
    place = jobs.place(tmp_path, job.id) / "documents"
    counts = [len(list(read_lines(place / kind / "train.jsonl"))) for kind in ("every", "whole")]
    assert counts[0] == counts[1] + sum(free), "those that may be held out later teach nothing"


def test_a_model_that_was_trained_here_is_trained_again(work: Work, tmp_path: Path) -> None:
    """From its bundle, with a type of mention that it did not know."""
    first = run(work, tmp_path, adopt="always")
    text = str(teaching.record(DONE)["text"])
    work.do("add", document=DONE, after=mark(0, len(text.split()[0]), type="Sign", entities=("D005334",)))
    work.do("done", document=DONE)
    second = run(work, tmp_path, adopt="always")
    assert (first.result["version"], second.result["version"]) == (2, 3)
    newest = models.of(work.database, work.project)[0]
    assert read_json(newest.folder / TAGGER)["types"] == ["Chemical", "Disease", "Sign"]
    assert Linker.load(newest.folder)(text).links


def test_a_folder_that_was_only_indexed_learns_to_find_mentions(work: Work, tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "indexed"
    asking.build_index(str(model), str(model / "knowledge.arrow"), folder, {})
    values = begin(folder, tmp_path / "documents", tmp_path / "run", types=("Disease",))
    assert values["objective"]["name"] == "tagging_and_linking"
    assert values["encoder"]["model"] == str(folder / "encoder") and values["encoder"]["view"] == "document"
    recipe = tasks.recipe_of(values)
    assert isinstance(recipe, Recipe)
    assert recipe.trainer.epochs == JOINT["trainer"]["epochs"]
    assert (
        preparing.knowledge_base(recipe.terminologies, tmp_path / "run" / "knowledge.arrow").fingerprint
        == (read_json(folder / "index" / "index.json")["knowledge_base"])
    )
    again = preparing.read_terminologies(recipe.terminologies)
    assert again.fingerprint == read_json(folder / "index" / "index.json")["knowledge_base"]


def test_a_head_grows_by_the_labels_of_new_types(model: Path, tmp_path: Path) -> None:
    begin(model, tmp_path / "documents", tmp_path / "run", types=("Disease", "Sign"))
    old = load_file(model / "objective.safetensors")
    new = load_file(tmp_path / "run" / "state" / "step-00000000" / "objective.safetensors")
    assert old.keys() == new.keys()
    weight, grown = old["head.linear.weight"], new["head.linear.weight"]
    assert len(weight) == 9 and len(grown) == 13  # O, and four labels a type
    assert (grown[:9] == weight).all() and not grown[9:].any()
