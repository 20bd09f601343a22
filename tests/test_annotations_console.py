"""`tripel annotations`, on the database of a server that does not run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from annotating import Work, mark
from sqlalchemy import text
from typer.testing import CliRunner

from tripel.annotations import console, projects
from tripel.annotations.database import Database
from tripel.cli.main import app


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    database = Database.open(f"sqlite:///{tmp_path / 'annotations' / console.FILE}")
    made = Work.begin(database, tmp_path, mode="blind")
    for user, end in ((0, 15), (1, 15)):
        made.do("add", after=mark(10, end, type="Symptom", entities=("C23",)), user=user)
        made.do("done", user=user)
    yield made
    database.close()


def run(tmp_path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["annotations", *words, "--folder", str(tmp_path / "annotations")])
    return done.exit_code, done.output.strip() if done.exception is None or done.exit_code != 1 else said(done)


def said(done: object) -> str:
    return f"{getattr(done, 'output', '')}{getattr(done, 'exception', '')}"


def test_list(work: Work, tmp_path: Path) -> None:
    assert run(tmp_path, "list") == (0, "1\tblind\tdata set 1, 2 documents\tFevers")
    projects.archive(work.database, work.project)
    assert run(tmp_path, "list") == (0, "1\tblind\tdata set 1, 2 documents\tFevers (archived)")


def test_export(work: Work, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    code, output = run(tmp_path, "export", "1", str(target))
    assert (code, output) == (0, f"{target}: 2 documents, 0 mentions; lost: nothing")
    assert run(tmp_path, "export", "1", str(target)) == (1, f"{target} is there already; name another place")
    code, output = run(tmp_path, "export", "1", str(tmp_path / "a.zip"), "--to", "brat", "--until", "2020-01-01")
    assert (code, output.partition(": ")[2]) == (0, "0 documents, 0 mentions; lost: nothing"), "none was there yet"
    assert run(tmp_path, "export", "1", str(tmp_path / "b"), "--until", "soon")[1].startswith("soon: no date; expected")
    assert run(tmp_path, "export", "1", str(tmp_path / "b"), "--dataset", "7")[1].startswith(
        "project 1 has no data set 7"
    )
    assert run(tmp_path, "export", "9", str(tmp_path / "b")) == (1, "there is no project 9")
    assert not (tmp_path / "b").exists()


def test_log_and_check(work: Work, tmp_path: Path) -> None:
    target = tmp_path / "log.jsonl"
    assert run(tmp_path, "log", "1", str(target)) == (0, f"{target}: 6 events")
    assert [json.loads(line)["kind"] for line in target.read_text(encoding="utf-8").splitlines()].count("done") == 2
    assert run(tmp_path, "check", "1") == (0, "the log holds: every sheet is the replay of its events")
    with work.database.begin() as connection:
        connection.execute(text("UPDATE sheets SET version = version + 1 WHERE id = 1"))
    code, output = run(tmp_path, "check", "1")
    assert (code, output.splitlines()[0]) == (1, "sheet 1: its state is not the replay of its 3 events")


def test_agreement(work: Work, tmp_path: Path) -> None:
    code, output = run(tmp_path, "agreement", "1")
    assert code == 0
    assert output.splitlines()[0] == "1 document that two or more annotators marked done"
    assert "spans     F1 1.000 strict, 1.000 overlapping" in output
    assert "1.000 equal of 1 span that both linked; by hierarchy not known: knowledge bases keep no hierarchy" in output
    assert output.splitlines()[-1] == "Krippendorff's alpha: 1.000 over words, undefined over concepts"


def test_where_nothing_is(tmp_path: Path) -> None:
    code, output = run(tmp_path, "list")
    assert (code, "no annotations here" in output) == (1, True)
    assert not (tmp_path / "annotations").exists()


def test_moments() -> None:
    assert console.moment("") is None
    assert console.moment("2026-03-01") == datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    assert console.moment("2026-03-01T09:30") == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert console.moment("2026-03-01T09:30+01:00") == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
