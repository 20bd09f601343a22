"""Jobs: one at a time in a project, ended once, found again by another server, never stuck and never done where they died."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from annotating import user
from sqlalchemy import update

from tripel.annotations import jobs, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.jobs import Job
from tripel.annotations.running import LOG, MOST_ATTEMPTS, Runner, alive

PRETEND = (sys.executable, str(Path(__file__).with_name("pretending.py")))


@pytest.fixture
def project(database: Database) -> int:
    return projects.new(database, title="Jobs", by=user(database)).id


def other(database: Database) -> int:
    return projects.new(database, title="Others", by=user(database)).id


# The queue


def test_a_job_is_queued_then_runs_then_is_over_once(database: Database, project: int) -> None:
    job = jobs.submit(database, project, "train", by=None, settings={"silver": True})
    assert (job.state, job.progress, job.settings) == ("queued", 0.0, {"silver": True})
    (running,) = jobs.started(database, most=5)
    assert (running.id, running.state, running.attempts) == (job.id, "running", 1)
    jobs.note(database, job.id, "training the linker", 0.5)
    assert (jobs.get(database, job.id).phase, jobs.get(database, job.id).progress) == ("training the linker", 0.5)
    assert jobs.done(database, job.id, {"version": 2})
    over = jobs.get(database, job.id)
    assert (over.state, over.over, over.result, over.progress) == ("done", True, {"version": 2}, 1.0)
    assert not jobs.failed(database, job.id, "too late") and not jobs.again(database, job.id)
    jobs.note(database, job.id, "too late", 0.1)
    assert jobs.cancel(database, job.id) == over


def test_of_a_project_one_runs_at_a_time_in_the_order_they_were_asked_for(database: Database, project: int) -> None:
    first = jobs.submit(database, project, "train", by=None)
    second = jobs.submit(database, project, "predict", by=None)
    theirs = jobs.submit(database, other(database), "train", by=None)
    third = jobs.submit(database, other(database), "train", by=None)
    assert [job.id for job in jobs.started(database, most=2)] == [first.id, theirs.id]
    assert jobs.started(database, most=2) == []
    assert [job.id for job in jobs.started(database, most=3)] == [third.id]
    jobs.done(database, first.id, {})
    assert [job.id for job in jobs.started(database, most=3)] == [second.id]
    assert [job.id for job in jobs.of(database, project)] == [second.id, first.id]


def test_what_waits_already_is_not_asked_for_twice(database: Database, project: int) -> None:
    one = jobs.submit(database, project, "train", by=None)
    assert jobs.submit(database, project, "train", by=None).id == one.id
    assert jobs.submit(database, project, "train", by=None, settings={"silver": True}).id != one.id


def test_a_job_whose_process_died_goes_before_others(database: Database, project: int) -> None:
    first = jobs.submit(database, project, "train", by=None)
    jobs.submit(database, project, "predict", by=None)
    jobs.started(database, most=1)
    assert jobs.again(database, first.id)
    (next_one,) = jobs.started(database, most=1)
    assert (next_one.id, next_one.attempts) == (first.id, 2)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("dance", {}, "a job is to train or predict"),
        ("train", {"slver": True}, "did you mean silver"),
        ("train", {"silver": "perhaps"}, "settings.silver"),
        ("predict", {"silver": True}, "has no settings"),
    ],
)
def test_what_cannot_work_is_not_queued(
    database: Database, project: int, kind: jobs.Kind, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        jobs.submit(database, project, kind, by=None, settings=settings)
    assert jobs.of(database, project) == []


def test_no_jobs_of_what_is_not_there_or_archived(database: Database, project: int) -> None:
    with pytest.raises(LookupError):
        jobs.submit(database, 999, "train", by=None)
    with pytest.raises(LookupError):
        jobs.get(database, 999)
    projects.archive(database, project)
    with pytest.raises(ValueError, match="archive"):
        jobs.submit(database, project, "train", by=None)


def test_curves_leave_out_a_line_that_is_just_being_written(tmp_path: Path) -> None:
    path = jobs.place(tmp_path, 7) / "linker" / "metrics.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "lo')
    assert jobs.curves(tmp_path, 7) == {"linker": [{"step": 1, "loss": 2.5}]}
    assert jobs.curves(tmp_path, 8) == {}


# Processes. What they do is pretended; that they are found, ended and started is not.


class Shop:
    """A runner over files of its own, looked after by hand."""

    def __init__(self, database: Database, url: str, files: Path) -> None:
        self.database, self.url, self.files = database, url, files
        (files / "orders").mkdir()
        self.ended: list[tuple[int, str]] = []
        self.runner = self.another()

    def another(self) -> Runner:
        """As after a restart of the server: nothing is known but what lies in the database and on the disk."""
        return Runner(self.database, self.url, self.files, work=PRETEND, over=self._over)

    def _over(self, job: Job) -> None:
        self.ended.append((job.id, job.state))

    def order(self, project: int, said: str) -> int:
        job = jobs.submit(self.database, project, "train", by=None).id
        (self.files / "orders" / str(job)).write_text(said)
        return job

    def until(self, job: int, *states: str, phase: str = "") -> Job:
        """Look until a job is in one of these states, and this phase."""
        end = time.monotonic() + 60
        while True:
            self.runner.look()
            its = jobs.get(self.database, job)
            if its.state in states and phase in its.phase:
                if its.over:  # perhaps since it was looked at
                    self.runner.look()
                return its
            assert time.monotonic() < end, f"still {its}"
            time.sleep(0.05)

    def process(self, job: int) -> int:
        (found,) = [process for its, process in jobs.running(self.database) if its.id == job]
        assert found is not None
        return found


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Iterator[Shop]:
    url = database.engine.url.render_as_string(hide_password=False)
    made = Shop(database, url, tmp_path)
    yield made
    for _, process in jobs.running(database):
        if process is not None:
            os.killpg(process, signal.SIGKILL)


def test_a_job_is_done_and_whoever_asked_is_told(shop: Shop, project: int) -> None:
    job = shop.order(project, "done")
    assert shop.until(job, *jobs.OVER).result == {"pretended": True}
    assert shop.ended == [(job, "done")]
    while alive(shop.files, job):  # it has said so and is about to end
        shop.runner.look()


def test_a_failure_has_its_reason_in_one_sentence(shop: Shop, project: int) -> None:
    failed = shop.until(shop.order(project, "fail"), *jobs.OVER)
    assert (failed.state, failed.reason) == ("failed", "there was too little to pretend")


def test_a_process_that_ends_by_itself_has_failed(shop: Shop, project: int) -> None:
    failed = shop.until(shop.order(project, "exit"), *jobs.OVER)
    assert failed.state == "failed"
    assert failed.reason == f"its process ended by itself (exit status 3); its last words are in {LOG}"


def test_a_killed_process_is_started_again(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang once")
    shop.until(job, "running", phase="pretending")
    os.kill(shop.process(job), signal.SIGKILL)
    done = shop.until(job, *jobs.OVER)
    assert (done.state, done.attempts) == ("done", 2)


def test_one_that_is_killed_each_time_has_failed(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang")
    for attempt in range(1, MOST_ATTEMPTS + 1):
        its = shop.until(job, "running", phase="pretending")
        assert its.attempts == attempt
        os.kill(shop.process(job), signal.SIGKILL)
        if attempt < MOST_ATTEMPTS:
            while jobs.get(shop.database, job).attempts == attempt:
                shop.runner.look()
            jobs.note(shop.database, job, "", 0.0)
    failed = shop.until(job, *jobs.OVER)
    assert failed.state == "failed"
    assert failed.reason == "its process was ended from outside 3 times (SIGKILL, as where memory is short)"
    assert shop.ended == [(job, "failed")]


def test_another_server_takes_a_living_process_as_its_own(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang once")
    shop.until(job, "running", phase="pretending")
    process = shop.process(job)
    shop.runner = shop.another()
    shop.runner.look()
    assert shop.process(job) == process and alive(shop.files, job)
    os.kill(process, signal.SIGKILL)
    done = shop.until(job, *jobs.OVER)
    assert (done.state, done.attempts) == ("done", 2)
    assert shop.ended == [(job, "done")]


def test_a_job_that_ends_while_it_is_looked_at_is_told_of(
    shop: Shop, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = jobs.started

    def started(*given: Any, **more: Any) -> list[Job]:
        """As where a process is quicker than the look that starts it."""
        found = start(*given, **more)
        for job in found:
            jobs.done(shop.database, job.id, {})
        return found

    monkeypatch.setattr(jobs, "started", started)
    job = shop.order(project, "done")
    shop.runner.look()
    assert shop.ended == [(job, "done")]


def test_another_server_starts_what_died_while_there_was_none(shop: Shop, project: int) -> None:
    job = shop.order(project, "done")
    with shop.database.begin() as connection:  # a server that was killed right after it took the job
        connection.execute(update(schema.jobs).values(state="running", attempts=1))
    done = shop.until(job, *jobs.OVER)
    assert (done.state, done.attempts) == ("done", 2)


def test_a_running_job_is_cancelled_and_its_process_ends(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang")
    shop.until(job, "running", phase="pretending")
    process = shop.process(job)
    assert jobs.cancel(shop.database, job).state == "running"
    assert shop.until(job, *jobs.OVER).state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert jobs.cancel(shop.database, job).state == "cancelled"


def test_a_waiting_job_is_cancelled_at_once(shop: Shop, project: int) -> None:
    job = shop.order(project, "done")
    assert jobs.cancel(shop.database, job).state == "cancelled"
    shop.runner.look()
    assert jobs.get(shop.database, job).attempts == 0


def test_the_runner_looks_by_itself_and_leaves_what_runs(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang once")
    shop.runner.start()
    end = time.monotonic() + 60
    while jobs.get(shop.database, job).phase != "pretending":
        assert time.monotonic() < end
        time.sleep(0.05)
    shop.runner.stop()
    assert alive(shop.files, job)


def test_no_password_is_on_a_command_line(shop: Shop, project: int) -> None:
    job = shop.order(project, "hang")
    shop.until(job, "running", phase="pretending")
    assert shop.url not in Path(f"/proc/{shop.process(job)}/cmdline").read_text()
