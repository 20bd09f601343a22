"""What a worker makes of a shard, and the ledger of what is done, without any cluster."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bulk_jobs
import pytest
from bulk_jobs import MARKER, record, write

from tripel.bulk import ledger
from tripel.bulk.input import Shard, shards
from tripel.bulk.ledger import JOB, MANIFEST, TRIES, Job, Ledger, alone
from tripel.bulk.worker import OUTCOME, SHARD, Outcome, Task, Worker, mark
from tripel.files import fingerprint
from tripel.linking import bundling


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bulk_jobs.linker(tmp_path_factory.mktemp("linker"))


def task(run: Path, folder: Path, source: Path, *, recognizer: str = "") -> Task:
    """A job that was begun."""
    settings, given = {"recognizer": recognizer, "k": 2}, not recognizer
    job = Job(
        linker=mark(run, settings, given=given), shard=2, to="jsonl", files={"a": fingerprint(source)}, made_with={}
    )
    (folder / "out").mkdir(exist_ok=True)
    job.begin(folder / "out")
    return Task(run=run, settings=settings, given=given, output=folder / "out", job=job)


def told(worker: Worker, shard: Shard) -> Outcome:
    """Through JSON, as it comes from a cluster."""
    row = worker({"shard": SHARD.dump_json(shard).decode()})
    assert MARKER not in row["outcome"]
    return OUTCOME.validate_json(row["outcome"])


def test_a_shard_is_linked_to_its_place_and_problems_are_named(run: Path, tmp_path: Path) -> None:
    bad = {**record(2), "mentions": [{"start": 0, "end": 4, "text": MARKER}]}
    source = write(tmp_path / "a.jsonl", [record(1), bad, f"{{{MARKER}", record(4)])
    first, second = shards("a", source, size=2)
    worker = Worker(task(run, tmp_path, source))
    done = told(worker, first).done
    assert done and (done.documents, done.mentions, done.left_out, done.tries) == (1, 2, 1, 1)
    assert done.sha256 == fingerprint(tmp_path / "out" / "a-00000.jsonl")
    assert str(done.problems[0]).startswith(f"{source}:2: found in document 2, mention 1: a text that is not")
    other = told(worker, second).done
    assert other and [one.line for one in other.problems] == [3]
    assert [one["id"] for one in bulk_jobs.lines(tmp_path / "out")] == ["1", "4"]


def test_of_an_error_only_kind_and_place_are_told(run: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", [record(1, does="FAULT"), record(2)])
    worker = Worker(task(run, tmp_path, source, recognizer=bulk_jobs.finding(tmp_path)))
    outcome = told(worker, shards("a", source, size=2)[0])
    assert outcome.done is None and outcome.given_up.startswith("ValueError at finder.py:")
    assert outcome.given_up.endswith(", 3 times")
    assert (tmp_path / "out" / TRIES / "a-00000").stat().st_size == 4


def test_a_shard_that_was_begun_three_times_is_not_begun_again(run: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", [record(1, does="POISON")])
    shard = shards("a", source, size=2)[0]
    its = task(run, tmp_path, source, recognizer=bulk_jobs.finding(tmp_path))
    (its.output / TRIES).mkdir()
    (its.output / TRIES / shard.name).write_bytes(b"...")
    assert told(Worker(its), shard).given_up == "it ended its worker 3 times"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda its: replace(its, run=its.run / "nowhere"), "nowhere is another linker there"),
        (lambda its: replace(its, settings={**its.settings, "k": 3}), "is another linker there"),
        (
            lambda its: replace(its, output=its.output / "nowhere"),
            "nowhere is not there; runs .* must be at the same path",
        ),
    ],
)
def test_a_node_that_cannot_link_says_why(run: Path, tmp_path: Path, spoil: Callable[[Task], Task], said: str) -> None:
    source = write(tmp_path / "a.jsonl", [record(1)])
    outcome = told(Worker(spoil(task(run, tmp_path, source))), shards("a", source, size=2)[0])
    assert outcome.done is None and re.search(said, outcome.refused)


def test_the_mark_is_of_all_that_links(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    settings = {"recognizer": "", "k": 2}
    assert mark(copy, settings, given=True) == mark(run, settings, given=True)
    (copy / "README.md").write_text("a note", encoding="utf-8")
    assert mark(copy, settings, given=True) == mark(run, settings, given=True)
    assert mark(copy, {"k": 2, "recognizer": "", "types": (), "precision": None}, given=True) == mark(
        run, settings, given=True
    )
    assert mark(copy, settings, given=False) != mark(run, settings, given=True)
    for name in ("whole.json", "index/names/more.npy", "encoder/more.json", "tagger.json", "calibration.json"):
        (copy / name).write_text("{}", encoding="utf-8")
        assert mark(copy, settings, given=True) != mark(run, settings, given=True), name
        (copy / name).unlink()


def test_a_bundle_has_the_mark_of_its_run_so_nodes_may_have_either(run: Path, tmp_path: Path) -> None:
    settings = {"recognizer": "", "k": 2}
    bundling.make_bundle(run, tmp_path / "bundle", finds="gold")
    assert mark(tmp_path / "bundle", settings, given=True) == mark(run, settings, given=True)


def test_the_mark_is_of_a_recognizers_folder_wherever_it_lies(run: Path, tmp_path: Path) -> None:
    marks = set()
    for name, content in (("a", "{}"), ("b b", "{}"), ("c", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tagger.json").write_text(content, encoding="utf-8")
        marks.add(mark(run, {"recognizer": f"'{tmp_path / name}' least=0.5"}, given=False))
    assert len(marks) == 2


def test_the_mark_is_of_the_model_that_a_setting_names(run: Path, tmp_path: Path) -> None:
    settings = {"recognizer": f"spacy_pipeline model={tmp_path / 'model'} spans=sc"}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.cfg").write_text("[nlp]", encoding="utf-8")
    before = mark(run, settings, given=False)
    shutil.copytree(tmp_path / "model", tmp_path / "other")
    other = {"recognizer": f"spacy_pipeline model={tmp_path / 'other'} spans=sc"}
    assert mark(run, other, given=False) == before
    (tmp_path / "model" / "config.cfg").write_text("[nlp] ", encoding="utf-8")
    assert mark(run, settings, given=False) != before


def test_what_a_bundle_finds_itself_is_found_where_documents_have_no_mentions(run: Path, tmp_path: Path) -> None:
    bundling.make_bundle(run, tmp_path / "bundle", finds="dictionary")
    without = [{**record(number), "mentions": []} for number in (2, 3)]
    source = write(tmp_path / "a.jsonl", [record(1), *without, record(4)])
    worker = Worker(task(tmp_path / "bundle", tmp_path, source))
    for shard in shards("a", source, size=2):
        assert told(worker, shard).done
    spans = {
        one["id"]: [(mention["start"], mention["type"]) for mention in one["mentions"]]
        for one in bulk_jobs.lines(tmp_path / "out")
    }
    given = [(mention["start"], "Disease") for mention in record(1)["mentions"]]
    assert list(spans) == ["1", "2", "3", "4"] and spans["1"] == spans["4"] == given
    assert spans["2"] == spans["3"] and {start for start, _ in spans["2"]} > {start for start, _ in given}, (
        "every fever"
    )


# The ledger


@pytest.fixture
def half(run: Path, tmp_path: Path) -> tuple[Task, list[Shard]]:
    """A job of which one shard of two is done."""
    source = write(tmp_path / "a.jsonl", [record(number) for number in range(4)])
    its, found = task(run, tmp_path, source), shards("a", source, size=2)
    done = told(Worker(its), found[0]).done
    assert done
    Ledger(its.output, its.job).add(done)
    return its, found


def verified(its: Task, found: list[Shard]) -> list[str]:
    ledger = Ledger(its.output, its.job)
    ledger.verify(found, lambda done, total: None)
    return list(ledger.done)


def test_what_is_done_is_taken_up(half: tuple[Task, list[Shard]]) -> None:
    assert verified(*half) == ["a-00000"]
    assert verified(*half) == ["a-00000"]


def spoil_shard(output: Path) -> None:
    with (output / "a-00000.jsonl").open("a", encoding="utf-8") as out:
        out.write(" ")


def spoil_line(output: Path) -> None:
    (output / MANIFEST).write_text((output / MANIFEST).read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")


def spoil_input(output: Path) -> None:
    (line,) = (output / MANIFEST).read_text(encoding="utf-8").splitlines()
    (output / MANIFEST).write_text(json.dumps({**json.loads(line), "input": "0" * 64}) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "spoil", [spoil_shard, spoil_line, spoil_input, lambda output: (output / "a-00000.jsonl").unlink()]
)
def test_what_is_not_as_it_was_written_is_not_done(
    half: tuple[Task, list[Shard]], spoil: Callable[[Path], None]
) -> None:
    spoil(half[0].output)
    assert verified(*half) == []
    assert (half[0].output / MANIFEST).read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"linker": "other"},
            "begun with another linker, version or settings; give the same again, or link into another",
        ),
        ({"files": {"a": "other"}}, "input a changed since linking began; put back what it was, or link into another"),
        ({"files": {"b": "more"}}, "input a is no longer there since linking began"),
        ({"shard": 3}, "begun with --shard 2; say so again"),
        ({"to": "parquet"}, "begun with --to jsonl; say so again"),
    ],
)
def test_another_job_is_refused(half: tuple[Task, list[Shard]], change: dict[str, object], said: str) -> None:
    its = half[0]
    with pytest.raises(ValueError, match=said):
        replace(its.job, **change).begin(its.output)  # type: ignore[arg-type]
    replace(its.job, files={**its.job.files, "b": "more"}).begin(its.output)
    with pytest.raises(ValueError, match="input b is no longer there"):
        its.job.begin(its.output)


def test_a_folder_of_something_else_is_refused(half: tuple[Task, list[Shard]]) -> None:
    its = half[0]
    (its.output / JOB).unlink()
    with pytest.raises(ValueError, match="holds other files, such as"):
        its.job.begin(its.output)


def test_two_do_not_work_in_one_folder_and_nothing_of_the_work_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_place", lambda: str(tmp_path))
    output = tmp_path / "out"
    with alone(output) as scratch:
        (scratch / "ray").mkdir()
        (output / TRIES).mkdir()
        (output / ".a-00000.jsonl.77.part").touch()
        with pytest.raises(ValueError, match="another process is linking into it"), alone(output):
            pass
        assert scratch.is_dir() and scratch.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in output.iterdir()] == [".lock"]


def test_the_scratch_of_a_killed_process_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_place", lambda: str(tmp_path))
    output, left, mine = tmp_path / "out", tmp_path / "tripel-left", tmp_path / "mine"
    for folder in (output, left, mine):
        folder.mkdir()
    for noted in (left, mine):
        (output / ".lock").write_text(str(noted), encoding="utf-8")
        with alone(output):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]
