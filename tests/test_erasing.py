"""A project is erased: no row, no file and no process of it is left, and nothing of another's is gone, wherever it is stopped."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotating import Work, mark, upload
from opened import opened
from sqlalchemy import func, insert, select

from tripel.annotations import embeddings, erasing, jobs, presence, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.running import Runner, alive
from tripel.files import write_lines, write_text
from tripel.web import held
from tripel.web.settings import Settings

PRETEND = (sys.executable, str(Path(__file__).with_name("pretending.py")))
SECRET = "Zanzibarine"
RECORD = {"id": "1", "text": f"Fever after {SECRET}."}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Where the server keeps files."""
    return tmp_path / "kept"


def rows_of_all_tables(work: Work) -> None:
    """One at least in each table that knows of projects or documents."""
    database, document, ada = work.database, work.documents[0], work.users[0]
    work.do("add", after=mark(10, 15))
    presence.here(database, document, ada)
    now = schema.now()
    values: dict[str, dict[str, object]] = {
        "samples": {
            "document": document,
            "user": ada,
            "strategy": "random",
            "arm": "",
            "seed": 1,
            "model": "",
            "drawn_at": now,
        },
        "jobs": {
            "kind": "train",
            "state": "done",
            "settings": {},
            "progress": {"phase": "", "share": 1.0},
            "result": {},
            "asked_at": now,
        },
        "models": {"version": 1, "folder": "", "fingerprint": "", "knowledge": "", "scores": {}, "created_at": now},
    }
    with database.begin() as connection:
        for name, its in values.items():
            connection.execute(insert(schema.metadata.tables[name]).values(project=work.project, **its))
        model = connection.execute(
            select(schema.models.c.id).where(schema.models.c.project == work.project)
        ).scalar_one()
        connection.execute(insert(schema.uses).values(project=work.project, model=model, at=now))


def counts(database: Database) -> dict[str, int]:
    tables = [table for table in schema.metadata.sorted_tables if table.name not in ("users", "logins", "tokens")]
    with database.connect() as connection:
        asked = {table.name: select(func.count()).select_from(table) for table in tables}
        return {name: connection.execute(count).scalar_one() for name, count in asked.items()}


def files_of_all_kinds(work: Work, files: Path, words: str) -> int:
    """What a training and the pages leave of a project, each file with its words; gives the job."""
    (job,) = (one.id for one in jobs.of(work.database, work.project))
    for name in ("documents/every/train.jsonl", "documents/whole/dev.jsonl", "linker/corpus.jsonl"):
        write_lines(jobs.place(files, job) / name, [{"id": "1", "text": words}])
    for name in ("log.txt", "linker/encoder/weights", "model/bundle.json", "model/index/index.json"):
        write_text(jobs.place(files, job) / name, words)
    write_text(projects.place(files, work.project) / "model-1" / "index" / "rows", words)
    write_text(projects.place(files, work.project) / ".model-1.lock", words)
    embeddings.save(files, work.project, {})
    sent = io.BytesIO(f"{words} in an upload".encode())
    held.hold(files, sent, name="notes.txt", project=work.project, user=work.users[0])
    return job


def having(words: str, *folders: Path) -> list[str]:
    """The files that hold these words."""
    whole = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in whole if words.encode() in path.read_bytes())


def secret_work(database: Database, folder: Path) -> Work:
    made = Work.begin(database, folder, records=[RECORD])
    rows_of_all_tables(made)
    return made


def folder_of_model(work: Work, folder: Path, version: int = 1) -> None:
    """Say where a version of the model lies."""
    where = (schema.models.c.project == work.project, schema.models.c.version == version)
    with work.database.begin() as connection:
        connection.execute(schema.models.update().where(*where).values(folder=str(folder.absolute())))


def test_erasing_leaves_nothing_of_this_project_and_all_of_others(
    database: Database, tmp_path: Path, files: Path
) -> None:
    other = Work.begin(database, tmp_path)
    rows_of_all_tables(other)
    files_of_all_kinds(other, files, "aspirin")
    before, theirs = counts(database), having("aspirin", files)
    assert min(before.values()) > 0
    work = secret_work(database, tmp_path)
    files_of_all_kinds(work, files, SECRET)
    assert len(having(SECRET, files)) == 10
    with pytest.raises(ValueError, match="archive it first"):
        erasing.erase(database, work.project, files)
    projects.archive(database, work.project)
    held.drop_all(files, work.project)
    erasing.erase(database, work.project, files)
    assert counts(database) == before
    with database.connect() as connection:
        assert connection.execute(select(schema.events.c.project).distinct()).scalars().all() == [other.project]
    other.sound()
    assert len(other.sheet().marks) == 2
    written = b"".join(path.read_bytes() for path in tmp_path.glob("tripel.db*"))
    assert SECRET.encode() not in written
    assert (b"aspirin" in written) == (database.engine.dialect.name == "sqlite")
    assert having(SECRET, files) == []
    assert having("aspirin", files) == theirs and len(theirs) == 10
    assert not projects.place(files, work.project).exists() and len(list((files / "jobs").iterdir())) == 1
    with pytest.raises(LookupError, match="no project"):
        erasing.erase(database, work.project, files)


def test_a_bundle_stays_as_long_as_another_project_works_with_it(
    database: Database, tmp_path: Path, files: Path
) -> None:
    work, other = secret_work(database, tmp_path), secret_work(database, tmp_path)
    job, theirs = files_of_all_kinds(work, files, "cough"), files_of_all_kinds(other, files, "nausea")
    for one in (work, other):
        folder_of_model(one, jobs.place(files, job) / "model")
        projects.archive(database, one.project)
    erasing.erase(database, work.project, files)
    held.drop_all(files, work.project)
    kept = [str(jobs.place(files, job) / "model" / name) for name in ("bundle.json", "index/index.json")]
    assert having("cough", files) == kept and len(having("nausea", files)) == 10
    needed = jobs.place(files, theirs) / "model"
    erasing.erase(database, other.project, files, needed=[needed])
    held.drop_all(files, other.project)
    assert having("cough", files) == [] and not jobs.place(files, job).exists()
    assert len(having("nausea", files)) == len(having("nausea", needed)) == 2, "what the server itself works with"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("stop", [0, 2, 5, 8, 10])
def test_stopped_anywhere_it_goes_on_and_nothing_is_lost_sight_of(
    database: Database, tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Before each file that is deleted: what is there yet is told by rows that are there yet."""
    work = secret_work(database, tmp_path)
    files_of_all_kinds(work, files, SECRET)
    held.drop_all(files, work.project)
    projects.archive(database, work.project)
    left, unlink = iter(range(stop)), os.unlink

    def unlinked(*path: object, **options: object) -> None:
        if next(left, None) is None:
            raise Killed
        unlink(*path, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlinked)
        try:
            erasing.erase(database, work.project, files)
        except Killed:
            assert projects.get(database, work.project).erasing
            with pytest.raises(ValueError, match="being erased"):
                projects.resume(database, work.project)
            assert [one.id for one in projects.all_of(database, archived=True)] == [work.project]
            erasing.begin(database, work.project)
    if counts(database)["projects"]:
        erasing.erase(database, work.project, files)
    assert not any(counts(database).values())
    assert having(SECRET, files) == []


def test_what_cannot_be_deleted_is_told_and_tried_again(
    database: Database, tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = secret_work(database, tmp_path)
    files_of_all_kinds(work, files, SECRET)
    held.drop_all(files, work.project)
    projects.archive(database, work.project)

    def refusing(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refusing)
        with pytest.raises(ValueError, match=r"cannot be deleted \(Permission denied\); mend that, and erase again"):
            erasing.erase(database, work.project, files)
    assert counts(database)["events"]
    erasing.erase(database, work.project, files)
    assert not any(counts(database).values()) and having(SECRET, files) == []


@pytest.fixture
def runner(database: Database, files: Path) -> Iterator[Runner]:
    """It looks by itself, as in a server."""
    (files / "orders").mkdir(parents=True)
    made = Runner(database, database.url, files, work=PRETEND)
    made.start()
    yield made
    made.stop()
    for _, process in jobs.running(database):
        if process is not None:
            os.killpg(process, signal.SIGKILL)


def there(process: int) -> bool:
    """Whether there is such a process, dead or alive."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_jobs_end_first(
    database: Database, tmp_path: Path, files: Path, runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work.begin(database, tmp_path, records=[RECORD])
    running = jobs.submit(database, work.project, "train", by=None)
    write_text(files / "orders" / str(running.id), "hang")
    end = time.monotonic() + 60
    while jobs.get(database, running.id).phase != "pretending":
        assert time.monotonic() < end
        time.sleep(0.05)
    waiting = jobs.submit(database, work.project, "predict", by=None)
    ((_, process),) = jobs.running(database)
    assert process is not None and alive(files, running.id)
    projects.archive(database, work.project)
    erasing.erase(database, work.project, files)
    assert not any(counts(database)[name] for name in ("projects", "jobs", "documents", "events"))
    assert not jobs.place(files, running.id).exists() and not jobs.place(files, waiting.id).exists()
    other = Work.begin(database, tmp_path)
    after = jobs.submit(database, other.project, "train", by=None)
    write_text(files / "orders" / str(after.id), "done")
    while not jobs.get(database, after.id).over:
        assert time.monotonic() < end
        time.sleep(0.05)
    while there(process):  # until whoever started it has seen its end
        assert time.monotonic() < end
        time.sleep(0.05)
    assert jobs.get(database, after.id).state == "done"
    assert capsys.readouterr().err == "", "whoever looks after jobs was not put out"


def test_a_job_that_does_not_end_stops_it_and_is_told(database: Database, tmp_path: Path, files: Path) -> None:
    """Nobody looks after jobs here: none is ended."""
    work = Work.begin(database, tmp_path, records=[RECORD])
    job = jobs.submit(database, work.project, "train", by=None)
    (files / "orders").mkdir(parents=True)
    write_text(files / "orders" / str(job.id), "hang")
    runner, end = Runner(database, database.url, files, work=PRETEND), time.monotonic() + 60
    while jobs.get(database, job.id).phase != "pretending":
        runner.look()
        assert time.monotonic() < end
        time.sleep(0.05)
    projects.archive(database, work.project)
    with pytest.raises(ValueError, match="has not ended yet"):
        erasing.erase(database, work.project, files, ending=0.2)
    assert alive(files, job.id) and counts(database)["documents"]
    while not jobs.get(database, job.id).over:
        runner.look()
        assert time.monotonic() < end
        time.sleep(0.05)
    erasing.erase(database, work.project, files)
    assert counts(database)["documents"] == counts(database)["jobs"] == 0


def test_the_page_erases_rows_files_and_what_waits(tmp_path: Path, files: Path) -> None:
    with opened(tmp_path, settings=Settings(folder=files)) as server:
        ann = server.accounts.named("ann")
        assert ann is not None
        made = projects.new(server.database, title="Fevers", by=ann.id).id
        work = Work(server.database, made, [ann.id], upload(server.database, made, tmp_path, [RECORD], by=ann.id))
        rows_of_all_tables(work)
        files_of_all_kinds(work, files, SECRET)
        other = projects.new(server.database, title="Others", by=ann.id).id
        kept = held.hold(files, io.BytesIO(b"aspirin"), name="notes.txt", project=other, user=ann.id)
        client, forgotten = server.browser("ann"), []
        live = server.app.state.services.live
        forget = live.forget
        live.forget = lambda project: (forgotten.append(project), forget(project))
        place = f"/projects/{made}"
        assert client.post(f"{place}/erase", data={"sure": "Fevers"}).status_code == 422, "not in the archive"
        client.post(f"{place}/archive")
        assert client.post(f"{place}/erase", data={"sure": "fevers"}).status_code == 422
        assert len(having(SECRET, files)) == 10 and not forgotten
        erasing.begin(server.database, made)
        answer = client.post(f"{place}/resume")
        assert answer.status_code == 422 and "being erased" in answer.text
        assert client.post(f"{place}/erase", data={"sure": "Fevers"}, follow_redirects=False).status_code == 303
        assert client.get(place).status_code == 404 and forgotten == [made]
        assert having(SECRET, files) == [] and kept.path.exists()
    assert having(SECRET, files, *[path for path in [tmp_path] if path.name.endswith(".db")]) == []
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("annotations.db*"))
