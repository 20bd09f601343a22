"""What the pages of a project say: of its model and trainings, of time spent, of what can be exported."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import browsing
import pytest
from annotating import RECORDS, Work, mark, upload
from opened import Opened, opened
from sqlalchemy import update
from test_listing import LONG, asked_of, reads_texts

from tripel.annotations import jobs, models, projects, schema
from tripel.annotations.projects import Mode
from tripel.web.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links."""
    return browsing.run(tmp_path_factory.mktemp("linking"))


@pytest.fixture
def server(tmp_path: Path, folder: Path) -> Iterator[Opened]:
    with opened(tmp_path, settings=Settings(folder=tmp_path / "kept", run=folder)) as its:
        yield its


def begin(server: Opened, tmp_path: Path, *, mode: Mode = "shared", records: Any = RECORDS) -> Work:
    """A project of ann's, in which bob annotates."""
    ann, bob = (user.id for user in map(server.accounts.named, ("ann", "bob")) if user is not None)
    made = projects.new(server.database, title="Fevers", by=ann, mode=mode)
    projects.set_role(server.database, made.id, bob, "annotator")
    documents = upload(server.database, made.id, tmp_path, records, by=ann)
    return Work(server.database, made.id, [ann, bob], documents)


def words(server: Opened, work: Work, page: str = "", *, name: str = "ann") -> str:
    """What stands on a page."""
    answer = server.browser(name).get(f"/projects/{work.project}{page}")
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def taught(work: Work, folder: Path, *, before: float, after: float, adopted: bool) -> None:
    """A training that is over, with what it made."""
    job = jobs.submit(work.database, work.project, "train", by=work.users[0])
    jobs.started(work.database, most=9)
    scores = {
        when: {
            "documents": 12,
            **{name: {"value": value, "low": 0.5, "high": 1.0, "n": 40} for name in ("linked", "both")},
        }
        for when, value in (("before", before), ("after", after))
    }
    made = models.add(work.database, work.project, folder, by=None, job=job.id, scores=scores)
    if adopted:
        models.use(work.database, work.project, made.version, by=None)
    learnt = {"documents": 30, "mentions": 90}
    result = {"version": made.version, "adopted": adopted, "figures": scores, "learnt": learnt}
    assert jobs.done(work.database, job.id, result)


def test_the_training_page_says_which_version_is_in_use_now(server: Opened, tmp_path: Path, folder: Path) -> None:
    work = begin(server, tmp_path)
    models.begin(work.database, work.project, folder, by=None)
    taught(work, folder, before=0.8, after=0.8, adopted=True)
    assert "in 30 documents, and is in use." in words(server, work, "/training")
    models.use(work.database, work.project, 1, by=None)
    said = words(server, work, "/training")
    assert "in 30 documents, and was put into use; now version 1 is." in said
    taught(work, folder, before=0.8, after=0.79, adopted=False)
    assert "and was not put into use, since it was worse." in words(server, work, "/training")
    models.use(work.database, work.project, 3, by=None)
    said = words(server, work, "/training")
    assert "Version 3 learnt from 90 mentions in 30 documents, and is in use." in said, (
        "somebody put it into use all the same"
    )
    assert "12 documents held out, which this training did not learn from" in said


def test_each_version_is_shown_beside_the_one_before_it(server: Opened, tmp_path: Path, folder: Path) -> None:
    work = begin(server, tmp_path)
    models.begin(work.database, work.project, folder, by=None)
    taught(work, folder, before=0.8, after=0.85, adopted=True)
    taught(work, folder, before=0.7, after=0.75, adopted=True)
    said = words(server, work, "/training")
    for line in ("80.0 % → 85.0 % 80.0 % → 85.0 % 12 documents", "70.0 % → 75.0 % 70.0 % → 75.0 % 12 documents"):
        assert line in said
    assert re.search(r"1 \S+ \S+, the first \u2013 \u2013", said)


def test_a_version_is_in_use_since_it_was_put_into_use(server: Opened, tmp_path: Path, folder: Path) -> None:
    work = begin(server, tmp_path)
    models.begin(work.database, work.project, folder, by=None)
    with work.database.begin() as connection:
        connection.execute(update(schema.models).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
        connection.execute(update(schema.uses).values(at=datetime(2026, 2, 2, 9, 30, tzinfo=UTC)))
    assert "Version 1 of 1, in use since 2026-02-02 09:30" in words(server, work)


def test_too_little_to_learn_from_is_said_at_once(server: Opened, tmp_path: Path, folder: Path) -> None:
    work = begin(server, tmp_path)
    models.begin(work.database, work.project, folder, by=None)
    assert "Not yet: 1 document is annotated and marked done; two or more are needed" in words(
        server, work, "/training"
    )
    ann, path = server.browser("ann"), f"/projects/{work.project}/training"
    refused = ann.post(path, data={})
    assert refused.status_code == 422 and "1 documents are annotated and marked done" in refused.text
    assert jobs.of(work.database, work.project) == []
    for document in (0, 1):
        work.do("done", document=document)
    assert "2 documents are done, or came with gold mentions." in words(server, work, "/training")


def test_pages_read_no_texts(server: Opened, tmp_path: Path) -> None:
    work = begin(server, tmp_path, records=LONG)
    ann = server.browser("ann")
    assert ann.post(f"/projects/{work.project}/samples", data={"n": "3", "strategy": "random"}).status_code == 200
    with asked_of(work.database) as said:
        for page in ("", "/training", "/samples"):
            assert ann.get(f"/projects/{work.project}{page}").status_code == 200
        shown = ann.get("/projects").text
    lengths = re.compile(r"length\(documents\.text\) AS characters")  # of the samples that are shown
    assert reads_texts([lengths.sub("", one) for one in said]) == []
    assert "0 of 5 documents done" in shown
    beginnings = words(server, work, "/samples")
    assert re.search(r"Fever \d Fever \d .* …", beginnings) and "Fever 0 " * 30 not in beginnings


def test_the_list_of_projects_asks_as_often_for_many_as_for_one(server: Opened, tmp_path: Path, folder: Path) -> None:
    ann, counts = server.browser("ann"), []
    for there in (1, 2, 3):
        work = begin(server, tmp_path)
        models.begin(work.database, work.project, folder, by=None)
        with asked_of(work.database) as said:
            assert ann.get("/projects").text.count('class="card"') == there
        counts.append(len(said))
    assert counts[0] == counts[1] == counts[2]


def test_the_agreement_page_asks_as_often_for_many_documents_as_for_one(server: Opened, tmp_path: Path) -> None:
    work = begin(server, tmp_path, mode="blind", records=LONG)
    ann, counts = server.browser("ann"), []
    for document in (0, 1, 2):
        work.do("done", document=document, user=1)
        with asked_of(work.database) as said:
            assert f"long {document}" in ann.get(f"/projects/{work.project}/agreement").text
        counts.append(len(said))
    assert counts[0] == counts[1] == counts[2] and reads_texts(said) == []


def test_a_project_begins_with_what_is_in_use_in_another(server: Opened, tmp_path: Path, folder: Path) -> None:
    work = begin(server, tmp_path)
    elsewhere = browsing.run(tmp_path)
    models.begin(work.database, work.project, elsewhere, recognizer="dictionary", by=None)
    ann = server.browser("ann")
    assert "that of Fevers, as it is now" in ann.get("/projects").text
    assert "that of Fevers" not in server.browser("admin").get("/projects").text.partition("that of Fevers")[2]
    made = ann.post("/projects", data={"title": "Next", "model": str(work.project)})
    assert made.status_code == 200
    its = models.in_use(work.database, projects.all_of(work.database)[0].id)
    assert (its.folder, its.recognizer) == (elsewhere, "dictionary")
    for model in ("999", "", "server2", str(elsewhere)):
        assert ann.post("/projects", data={"title": "Next", "model": model}).status_code == 422


def test_a_project_begins_with_a_folder_that_the_server_was_told_of(tmp_path: Path, folder: Path) -> None:
    """With its own knowledge base, and what finds mentions in it: the server's, where it has none."""
    other, bundled = browsing.run(tmp_path), tmp_path / "bundled"
    shutil.copytree(other, bundled)
    (bundled / "tagger.json").write_text("{}")
    also = (("Other <b>", other), ("With a tagger", bundled))
    settings = Settings(folder=tmp_path / "kept", run=folder, recognizer="dictionary", also=also)
    with opened(tmp_path, settings=settings) as server:
        ann = server.browser("ann")
        html = ann.get("/projects").text
        options = re.search(r'<select id="model-of".*?</select>', html, re.DOTALL)
        assert options and re.findall(r'value="([^"]*)"', options[0]) == [
            "server",
            "also Other &lt;b&gt;",
            "also With a tagger",
        ]
        for name, path, finds in (("Other <b>", other, "dictionary"), ("With a tagger", bundled, "")):
            assert ann.post("/projects", data={"title": name, "model": f"also {name}"}).status_code == 200
            made = projects.all_of(server.database)[0]
            its = models.in_use(server.database, made.id)
            assert (made.title, its.folder, its.recognizer, made.model) == (name, path, finds, str(path))
        again = ann.get("/projects").text
        assert "that of Other" not in again, "it is offered under its name already"
        assert ann.post("/projects", data={"title": "x", "model": "also Nothing"}).status_code == 422


def agreeing(server: Opened, tmp_path: Path) -> Work:
    """Ann and bob finished a document, agreeing on a disease but not on a drug."""
    work = begin(server, tmp_path, mode="blind")
    for user in (0, 1):
        work.do("add", after=mark(10, 15, type="Disease", entities=("D003371",)), user=user)
    work.do("add", after=mark(22, 29, type="Chemical", entities=("D001241",)), user=0)
    for user in (0, 1):
        work.do("done", user=user)
    return work


def test_agreement_is_shown_by_type_and_by_hierarchy_where_one_is_known(tmp_path: Path, folder: Path) -> None:
    table = tmp_path / "mesh.tsv"
    table.write_text("id\ttree_numbers\nD003371\tC23\n", encoding="utf-8")
    for hierarchy in (None, table):
        home = tmp_path / ("with" if hierarchy else "without")
        home.mkdir()
        with opened(home, settings=Settings(folder=home / "kept", run=folder, hierarchy=hierarchy)) as server:
            said = words(server, agreeing(server, home), "/agreement")
        assert "Spans by type, exact F1 annotators Chemical Disease ann and bob 0.0 % 100.0 %" in said
        assert ("by hierarchy" in said) == (hierarchy is not None)
        assert ("100.0 % of 1 100.0 %" in said) == (hierarchy is not None), said


def test_time_spent_is_shown_to_those_it_concerns(server: Opened, tmp_path: Path) -> None:
    work = begin(server, tmp_path)
    assert "annotated by" not in words(server, work)
    work.do("time", milliseconds=65 * 60_000)
    work.do("time", milliseconds=5 * 60_000, user=1)
    work.do("flag", user=1)
    said = words(server, work)
    assert "annotated by time decisions ann 1 h 5 min 0 bob 5 min 0 in all 1 h 10 min 0" in said
    his = words(server, work, name="bob")
    assert "annotated by time decisions bob 5 min 0" in his and "1 h" not in his


def test_an_export_is_of_the_documents_of_its_moment_if_nothing_else_is_chosen(server: Opened, tmp_path: Path) -> None:
    work = begin(server, tmp_path)
    html = server.browser("ann").get(f"/projects/{work.project}/export").text
    options = re.search(r'<select id="dataset".*?</select>', html, re.DOTALL)
    assert options and re.findall(r'<option value="(\d+)"( selected)?', options[0]) == [("0", " selected"), ("1", "")]


def test_a_strategy_is_offered_where_the_server_was_told_of_it(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the example of docs/teaching.md."""
    said = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "crowded.py").write_text(
        re.findall(r"```python\n(.*?)```", said, re.DOTALL)[1], encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings = Settings(folder=tmp_path / "kept", run=folder, strategies=("mine.crowded",))
    with opened(tmp_path, settings=settings) as server:
        work = begin(server, tmp_path)
        ann, path = server.browser("ann"), f"/projects/{work.project}/samples"
        assert '<option value="mine.crowded"' in ann.get(path).text
        assert ann.post(path, data={"n": "1", "strategy": "mine.crowded"}).status_code == 200
        assert ann.post(path, data={"n": "1", "strategy": "mine.other"}).status_code == 422
