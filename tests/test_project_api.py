"""What programs do with projects: list, export, train, choose and take home a model; each with its scope and its role."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import browsing
import pytest
from annotating import RECORDS, Work, mark, upload
from opened import Opened, opened

from tripel.annotations import jobs, models, projects
from tripel.web.settings import Settings

SCOPES = ("read", "link", "annotate", "admin")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links."""
    return browsing.run(tmp_path_factory.mktemp("linking"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path, settings=Settings(folder=tmp_path / "kept")) as its:
        yield its


def id_of(server: Opened, name: str) -> int:
    user = server.accounts.named(name)
    assert user is not None
    return user.id


@pytest.fixture
def work(server: Opened, tmp_path: Path, folder: Path) -> Work:
    """A project of ann's with two documents and a model; bob annotates."""
    ann, bob = id_of(server, "ann"), id_of(server, "bob")
    made = projects.new(server.database, title="Fevers", by=ann, model=str(folder))
    projects.set_role(server.database, made.id, bob, "annotator")
    models.begin(server.database, made.id, folder, recognizer="dictionary", by=ann)
    return Work(server.database, made.id, [ann, bob], upload(server.database, made.id, tmp_path, RECORDS, by=ann))


def finish(work: Work) -> None:
    """Enough to learn from, whichever of the two is held out."""
    work.do("add", document=1, after=mark(3, 8, type="Disease", entities=("D005334",)))
    for document in (0, 1):
        work.do("done", document=document)


def test_a_program_reads_projects_documents_and_exports(server: Opened, work: Work) -> None:
    work.do("done", document=1)
    bob = server.program(work.users[1], "read")
    (said,) = bob.get("/api/projects").json()["projects"]
    assert said == {"id": work.project, "title": "Fevers", "mode": "shared", "documents": 2, "done": 1}
    path = f"/api/projects/{work.project}"
    first, second = ({"id": id, "name": str(n)} for n, id in enumerate(work.documents, 1))
    whole = {"total": 2, "documents": [first | {"done": False}, second | {"done": True}]}
    assert bob.get(f"{path}/documents").json() == whole
    assert bob.get(f"{path}/documents?first=1&n=1").json() == {"total": 2, "documents": [second | {"done": True}]}
    file = bob.get(f"{path}/export?write_as=jsonl&only_done=true")
    assert file.headers["content-type"] == "application/octet-stream"
    assert [json.loads(line)["id"] for line in file.text.splitlines()] == ["2"]
    assert bob.get(f"{path}/export?write_as=log").text.count("\n") == 2
    refused = bob.get(f"{path}/export?write_as=nothing")
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"
    (version,) = bob.get(f"{path}/models").json()["versions"]
    assert (version["version"], version["in_use"], version["scores"]) == (1, True, {})


def test_projects_are_listed_to_those_who_are_in_them(server: Opened, work: Work) -> None:
    del work
    projects.new(server.database, title="Of bob", by=id_of(server, "bob"))
    seen = {
        name: [
            one["title"] for one in server.program(id_of(server, name), "read").get("/api/projects").json()["projects"]
        ]
        for name in ("ann", "bob", "admin")
    }
    assert seen == {"ann": ["Fevers"], "bob": ["Of bob", "Fevers"], "admin": ["Of bob", "Fevers"]}


def test_a_program_trains_cancels_and_chooses(server: Opened, work: Work) -> None:
    ann, path = server.program(work.users[0], "admin", "read"), f"/api/projects/{work.project}"
    assert "two or more are needed" in ann.post(f"{path}/jobs", json={"kind": "train"}).json()["detail"]
    finish(work)
    said = ann.post(f"{path}/jobs", json={"kind": "train", "silver": True, "adopt": "always"}).json()
    assert said == {"id": said["id"], "kind": "train", "state": "queued", "cancelling": False}
    job = jobs.get(work.database, said["id"])
    assert (job.settings, job.asked_by) == ({"silver": True, "adopt": "always"}, work.users[0])
    assert ann.get(f"{path}/jobs/{job.id}").json()["state"] == "queued"
    assert ann.post(f"{path}/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    assert ann.post(f"{path}/jobs", json={"kind": "predict"}).json()["kind"] == "predict"
    for wrong in ({"kind": "predict", "silver": True}, {"kind": "erase"}, {}, {"kind": "train", "more": 1}):
        assert ann.post(f"{path}/jobs", json=wrong).status_code == 422, wrong
    models.add(
        work.database, work.project, models.in_use(work.database, work.project).folder, by=None, job=job.id, scores={}
    )
    assert ann.post(f"{path}/models/2/use").json()["kind"] == "predict"
    assert models.in_use(work.database, work.project).version == 2
    assert ann.post(f"{path}/models/3/use").status_code == 404
    projects.archive(work.database, work.project)
    for what, body in (("jobs", {"kind": "train"}), ("models/1/use", None)):
        assert ann.post(f"{path}/{what}", json=body).status_code == 409, what
    assert models.in_use(work.database, work.project).version == 2


def test_a_version_is_taken_home(server: Opened, work: Work) -> None:
    path = f"/api/projects/{work.project}/models/1/download"
    answer = server.program(work.users[0], "admin").get(path)
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        names = tar.getnames()
    assert f"model-{work.project}-1/bundle.json" in names
    assert server.program(work.users[0], "read", "link", "annotate").get(path).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "scope", "annotators"),
    [
        ("get", "", "read", True),
        ("get", "/{}/documents", "read", True),
        ("get", "/{}/export", "read", True),
        ("get", "/{}/models", "read", True),
        ("post", "/{}/jobs", "admin", False),
        ("post", "/{}/jobs/1/cancel", "admin", False),
        ("post", "/{}/models/1/use", "admin", False),
        ("get", "/{}/models/1/download", "admin", False),
    ],
)
def test_a_route_wants_its_scope_and_its_role(
    server: Opened, work: Work, method: str, path: str, scope: str, annotators: bool
) -> None:
    whole, body = f"/api/projects{path.format(work.project)}", {"kind": "train"} if path.endswith("jobs") else None
    jobs.submit(work.database, work.project, "predict", by=None)
    finish(work)

    def asked(user: int, *scopes: str) -> int:
        return server.program(work.users[user], *scopes).request(method, whole, json=body).status_code

    assert asked(0, *(one for one in SCOPES if one != scope)) == 403
    assert asked(1, scope) == (200 if annotators else 403)
    assert asked(0, scope) == 200
    described = server.app.openapi()["paths"]
    its = next(
        one
        for one in described
        if one.replace("{project}", str(work.project)).replace("{job}", "1").replace("{version}", "1") == whole
    )
    assert f"`{scope}`" in described[its][method]["description"]


def test_every_scope_opens_a_route(server: Opened) -> None:
    """Else the page of tokens promises what nothing gives."""
    said = " ".join(
        one["description"]
        for its in server.app.openapi()["paths"].values()
        for one in its.values()
        if "description" in one
    )
    assert {scope for scope in SCOPES if f"scope `{scope}`" in said} >= {"read", "link", "admin"}
