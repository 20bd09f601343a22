"""Programs are answered by the model of a project where they name one: with what was taught there, to its members alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from annotating import RECORDS, upload
from opened import HOME, Opened, opened
from sqlalchemy import insert
from starlette.testclient import TestClient
from test_fitting_in import CONFIG, asked, document, suggestions, tasks

from tripel.annotations import overlay, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.models import Model
from tripel.documents import Candidate, Document, Link, Linked, Mention
from tripel.web import answering
from tripel.web.settings import Settings

ENOUGH_S = 30.0
TAUGHT = "zzz"  # what no model knew before

READ = 17  # how far in its log a project's model has read


class Taught:
    """A model that links what was taught, wherever it stands, and any mention that is given; with ten candidates."""

    ranker = SimpleNamespace(encoder=None, kb=None)
    finds = True

    def stream(self, documents: Iterable[Document], *, given: bool) -> Iterator[Linked]:
        for one in documents:
            if not given and not self.finds:
                raise ValueError("nothing finds mentions here: give a recognizer")
            at = one.text.find(TAUGHT)
            found = [Mention(start=at, end=at + len(TAUGHT), text=TAUGHT, type="Disease")] if at >= 0 else []
            candidates = tuple(Candidate(f"T{n}", 0.9, "Taught", TAUGHT, "", 0.8) for n in range(10))
            mentions = one.mentions if given else found
            yield Linked(one, tuple(Link(mention, candidates, "T0", "linked", "taught") for mention in mentions))


@pytest.fixture
def may_open(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Models of projects open once this is set."""
    said = threading.Event()
    said.set()

    class Overlay:
        read = READ

        def __init__(self, database: Database, files: Path, model: Model) -> None:
            self.model = model

        def link(self) -> Taught:
            assert said.wait(ENOUGH_S)
            return Taught()

        def catch_up(self, encoder: object, kb: object) -> None:
            """Nothing new."""

    monkeypatch.setattr(overlay, "Overlay", Overlay)
    return said


@pytest.fixture
def server(tmp_path: Path, may_open: threading.Event) -> Iterator[Opened]:
    with opened(tmp_path, settings=Settings(folder=tmp_path / "kept", links_per_minute=1000)) as its:
        yield its


def project(server: Opened, tmp_path: Path, *, recognizer: str = "dictionary") -> int:
    """A project of ann's with a model, in which bob annotates."""
    ann, bob = (user.id for user in map(server.accounts.named, ("ann", "bob")) if user is not None)
    made = projects.new(server.database, title="Fevers", by=ann)
    projects.set_role(server.database, made.id, bob, "annotator")
    upload(server.database, made.id, tmp_path, RECORDS, by=ann)
    begun(server.database, made.id, recognizer=recognizer)
    return made.id


def begun(database: Database, project: int, *, recognizer: str) -> None:
    """A model that lies nowhere, in use."""
    values = {
        "project": project, "version": 1, "folder": "/nowhere", "recognizer": recognizer, "fingerprint": "e" * 64,
        "knowledge": "k" * 64, "scores": {}, "created_at": schema.now(),
    }  # fmt: skip
    with database.begin() as connection:
        model = connection.execute(insert(schema.models).values(values).returning(schema.models.c.id)).scalar_one()
        connection.execute(insert(schema.uses).values(project=project, model=model, at=schema.now()))


def token(server: Opened, name: str = "bob") -> str:
    user = server.accounts.named(name)
    assert user is not None
    return server.accounts.issue(user.id, "test", ["link"])[1]


def program(server: Opened, path: str = "", *, name: str = "bob") -> TestClient:
    """With its token in a header, or in the path where that has a place for it."""
    secret = token(server, name)
    headers = {} if "TOKEN" in path else {"authorization": f"Bearer {secret}"}
    return TestClient(
        server.app, base_url=HOME + path.replace("TOKEN", secret), headers=headers, raise_server_exceptions=False
    )


def once_open(client: TestClient, method: str, path: str, **body: Any) -> Any:
    """The answer once the model is open; until then it is 503, with when to ask again."""
    for _ in range(int(ENOUGH_S * 100)):
        answer = client.request(method, path, **body)
        if answer.status_code != 503:
            return answer
        assert answer.headers["retry-after"] == "2"
        time.sleep(0.01)
    raise AssertionError("it never opened")


def test_a_project_links_with_what_it_was_taught(server: Opened, tmp_path: Path) -> None:
    wish = {
        "documents": [{"text": f"fever and {TAUGHT}"}, {"text": "mumps", "mentions": [{"start": 0, "end": 5}]}],
        "k": 2,
    }
    client, its = program(server), project(server, tmp_path)
    said = once_open(client, "POST", "/api/link", json=wish | {"project": its}).json()
    assert said["model"] == f"{'e' * 12}-{'k' * 12}-{READ}"
    shown = [
        [(one["text"], [c["entity"] for c in one["candidates"]]) for one in its["mentions"]]
        for its in said["documents"]
    ]
    assert shown == [[(TAUGHT, ["T0", "T1"])], [("mumps", ["T0", "T1"])]]
    own = client.post("/api/link", json=wish).json()
    assert own["model"] == "looked-up" and [one["text"] for one in own["documents"][0]["mentions"]] == ["fever"]


def test_only_members_are_answered(server: Opened, tmp_path: Path) -> None:
    its = project(server, tmp_path)
    stranger = server.user("eve")
    assert stranger
    wish = {"documents": [{"text": "fever"}], "project": its}
    for asked_as, answer in (
        ("/api/link", program(server, name="eve").post("/api/link", json=wish)),
        (
            "inception",
            program(server, f"/inception/TOKEN/projects/{its}/", name="eve").post(
                "predict", json=asked(document("fever"))
            ),
        ),
        (
            "label studio",
            program(server, f"/label-studio/TOKEN/projects/{its}/", name="eve").post("predict", json=tasks("fever")),
        ),
    ):
        assert answer.status_code == 404, asked_as
    for path in ("health", "versions"):
        assert program(server, f"/label-studio/TOKEN/projects/{its}/", name="eve").get(path).status_code == 404
    user = server.accounts.named("bob")
    assert user is not None
    without = server.program(user.id, "read", "annotate", "admin")
    assert without.post("/api/link", json=wish).status_code == 403
    for wrong in ("x", "0", "9" * 40, "%00"):
        assert (
            program(server, f"/inception/TOKEN/projects/{wrong}/")
            .post("predict", json=asked(document("fever")))
            .status_code
            == 404
        )


def test_what_is_of_the_servers_model_alone_is_refused(server: Opened, tmp_path: Path) -> None:
    its, client = project(server, tmp_path), program(server)
    wish = {"documents": [{"text": "fever"}], "project": its}
    for more in (
        {"threshold": 0.5},
        {"types": ["Disease"]},
        {"sources": ["MeSH"]},
        {"ids": ["D1"]},
        {"project": 0},
        {"project": "x"},
    ):
        assert client.post("/api/link", json=wish | more).status_code == 422, more


def test_inception_is_answered_by_a_project(server: Opened, tmp_path: Path) -> None:
    client = program(server, f"/inception/TOKEN/projects/{project(server, tmp_path)}/")
    answer = once_open(client, "POST", "predict", json=asked(document(f"mumps and {TAUGHT}", (0, 5))))
    found = suggestions(answer.json()["document"])
    assert [(one["begin"], one["identifier"]) for one in found] == [
        (at, f"T{n}") for at in ("0", "10") for n in range(3)
    ]
    assert client.post("train", json={}).status_code == 403


def test_inception_gets_marked_mentions_linked_where_nothing_finds_any(
    server: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Taught, "finds", False)
    its = project(server, tmp_path, recognizer="")
    client = program(server, f"/inception/TOKEN/projects/{its}/")
    answer = once_open(client, "POST", "predict", json=asked(document(f"mumps and {TAUGHT}", (0, 5))))
    assert {one["begin"] for one in suggestions(answer.json()["document"])} == {"0"}
    refused = client.post("predict", json=asked(document("mumps")))
    assert refused.status_code == 422 and "nothing finds mentions" in refused.json()["detail"]


@pytest.mark.parametrize("door", ["/label-studio/projects/{}/", "/label-studio/TOKEN/projects/{}/"])
def test_label_studio_is_answered_by_a_project(server: Opened, tmp_path: Path, door: str) -> None:
    client = program(server, door.format(project(server, tmp_path)))
    assert once_open(client, "GET", "health").json()["status"] == "UP"
    said = client.post("predict", json=tasks(f"a {TAUGHT}", "fever", config=CONFIG)).json()
    assert [[region["value"]["text"] for region in one["result"]] for one in said["results"]] == [
        [TAUGHT, ["T0 | Taught"]],
        [],
    ]
    version = f"{'e' * 12}-{'k' * 12}-{READ}"
    assert said["model_version"] == version and client.get("versions").json() == {"versions": [version]}
    assert client.post("setup", json={}).json() == {"model_version": version}
    assert client.post("train", json={}).status_code == 403 and client.post("webhook", json={}).status_code == 200


def test_while_a_model_opens_the_server_answers_others(
    server: Opened, tmp_path: Path, may_open: threading.Event
) -> None:
    may_open.clear()
    its, client = project(server, tmp_path), program(server)
    wish = {"documents": [{"text": "fever"}]}
    answer = client.post("/api/link", json=wish | {"project": its})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "2"
    assert client.post("/api/link", json=wish).status_code == 200
    may_open.set()
    assert once_open(client, "POST", "/api/link", json=wish | {"project": its}).status_code == 200


def test_the_loop_is_not_blocked_while_a_project_links(
    server: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that takes long to answer keeps nobody else waiting; beyond some that wait the next is told to come again."""
    its, client, going = project(server, tmp_path), program(server), threading.Event()
    wish = {"documents": [{"text": f"a {TAUGHT}"}], "project": its}
    once_open(client, "POST", "/api/link", json=wish)
    stream = Taught.stream

    def slowly(self: Taught, documents: Iterable[Document], *, given: bool) -> Iterator[Linked]:
        assert going.wait(ENOUGH_S)
        return stream(self, documents, given=given)

    monkeypatch.setattr(Taught, "stream", slowly)
    monkeypatch.setattr(answering, "_room", threading.BoundedSemaphore(1))
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(client.post("/api/link", json=wish)))
    waiting.start()
    full = program(server)
    for _ in range(int(ENOUGH_S * 100)):
        if not answering._room.acquire(blocking=False):
            break
        answering._room.release()
        time.sleep(0.01)
    answer = full.post("/api/link", json=wish)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert full.get("/healthz").status_code == 200
    assert full.post("/api/link", json={"documents": [{"text": "fever"}]}).status_code == 200
    going.set()
    waiting.join(ENOUGH_S)
    assert answers[0].status_code == 200


def test_a_project_without_a_model_says_so(server: Opened, tmp_path: Path) -> None:
    user = server.accounts.named("bob")
    assert user is not None
    bare = projects.new(server.database, title="Bare", by=user.id).id
    answer = program(server).post("/api/link", json={"documents": [{"text": "fever"}], "project": bare})
    assert answer.status_code == 409 and "no model" in answer.json()["detail"]


def test_a_project_counts_into_the_budget(tmp_path: Path, may_open: threading.Event) -> None:
    with opened(tmp_path, settings=Settings(folder=tmp_path / "kept", links_per_minute=1)) as server:
        its, client = project(server, tmp_path), program(server)
        wish = {"documents": [{"text": "fever"}], "project": its}
        assert once_open(client, "POST", "/api/link", json=wish).status_code == 200
        assert client.post("/api/link", json=wish).status_code == 429
        assert client.post("/api/link", json=wish | {"documents": [{"text": "a" * 100_001}]}).status_code == 413
