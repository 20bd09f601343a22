"""What strangers, other projects' members and files made to harm try: nothing crosses, nothing runs, nothing fails."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import browsing
import pytest
from annotating import RECORDS, upload
from fastapi.routing import iter_route_contexts
from opened import Opened, opened
from starlette.testclient import TestClient

from tripel.annotations import datasets, jobs, models, projects
from tripel.web.settings import Settings

HARM = "<img src=x onerror=alert(1)>\"'`{{7*7}}"
RAW = ("<img src=x", "{{49", "7*7}}49")
MEGABYTE = 1 << 20


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Opened]:
    with opened(tmp_path, settings=Settings(folder=tmp_path / "kept"), database=database_url) as its:
        yield its


def project(server: Opened, folder: Path, owner: str, *, title: str = "Fevers") -> tuple[int, list[int]]:
    """A project of a user with two documents."""
    user = server.accounts.named(owner)
    assert user is not None
    made = projects.new(server.database, title=title, by=user.id)
    return made.id, upload(server.database, made.id, folder, RECORDS, by=user.id)


def routes(server: Opened) -> Iterator[tuple[str, str]]:
    """Method and path of every route of a project."""
    for one in iter_route_contexts(server.app.routes):
        if "{project}" in (one.path or ""):
            yield from ((method, str(one.path)) for method in sorted(one.methods or ()))


def ask(client: TestClient, method: str, path: str, **ids: object) -> int:
    whole = re.sub(r"\{(\w+)[^}]*\}", lambda name: str(ids.get(name[1], 1)), path)
    return client.request(method, whole, follow_redirects=False).status_code


def test_who_is_not_in_a_project_is_not_told_that_it_exists(server: Opened, tmp_path: Path) -> None:
    hers, documents = project(server, tmp_path, "ann")
    bob, user = server.browser("bob"), server.accounts.named("bob")
    assert user is not None
    program = server.program(user.id, "read", "link", "annotate", "admin")
    seen = 0
    for method, path in routes(server):
        there = ask(bob, method, path, project=hers, document=documents[0])
        assert there == ask(bob, method, path, project=10**6, document=documents[0]), (method, path)
        assert there in (404, 422), (method, path, there)  # 422: what was sent is looked at before it is asked who may
        assert ask(program, method, path, project=hers, document=documents[0]) in (403, 404, 422), (method, path)
        seen += 1
    assert seen > 20


def test_what_is_of_another_project_is_not_reached_through_ones_own(server: Opened, tmp_path: Path) -> None:
    number, hers = project(server, tmp_path, "ann")
    own, _ = project(server, tmp_path, "bob")
    (tmp_path / "linker").mkdir()
    version = models.begin(server.database, number, browsing.run(tmp_path / "linker"), by=None).version
    job = jobs.submit(server.database, number, "predict", by=None).id
    bob = server.browser("bob")
    theirs = {"document": hers[0], "version": version, "job": job}
    seen = set()
    for method, path in routes(server):
        for name in theirs:
            if f"{{{name}" in path:
                seen.add(name)
                assert ask(bob, method, path, project=own, **theirs) in (404, 422), (method, path)
    assert seen == theirs.keys()


def test_annotators_administer_nothing(server: Opened, tmp_path: Path) -> None:
    hers, _ = project(server, tmp_path, "ann")
    user = server.accounts.named("bob")
    assert user is not None
    projects.set_role(server.database, hers, user.id, "annotator")
    bob = server.browser("bob")
    assert bob.get(f"/projects/{hers}").status_code == 200
    for path in ("settings", "archive", "resume", "erase", "members", "members/remove", "training", "predict"):
        assert bob.post(f"/projects/{hers}/{path}").status_code in (403, 422), path
    assert bob.post(f"/projects/{hers}/upload", files={"file": ("a.txt", b"fever")}).status_code == 403
    assert projects.get(server.database, hers).archived_at is None


def test_a_file_is_read_only_of_who_may_upload(server: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hers, _ = project(server, tmp_path, "ann")
    user = server.accounts.named("bob")
    assert user is not None
    monkeypatch.setattr("starlette.requests.MultiPartParser", None)  # whoever begins to read fails
    file = {"file": ("a.txt", b"fever")}
    path, bob, ann = f"/projects/{hers}/upload", server.browser("bob"), server.browser("ann")
    for asked, status in ((bob, 404), (ann, 500)):
        assert asked.post(path, files=file).status_code == status
        del asked.headers["x-csrf-token"]  # which is then looked for in the form
        assert asked.post(path, files=file).status_code == status
    projects.set_role(server.database, hers, user.id, "annotator")
    assert bob.post(path, files=file).status_code == 403


def test_names_and_texts_are_shown_and_never_run(server: Opened, tmp_path: Path) -> None:
    user = server.accounts.named("ann")
    assert user is not None
    made = projects.new(server.database, title=HARM, by=user.id, description=HARM)
    records = [
        {"id": HARM, "text": f"{HARM} fever", "mentions": [{"start": 0, "end": 5, "type": HARM, "entities": [HARM]}]}
    ]
    documents = upload(server.database, made.id, tmp_path, records, by=user.id)
    ann, shown = server.browser("ann"), 0
    for method, path in routes(server):
        if method == "GET":
            whole = re.sub(
                r"\{(\w+)[^}]*\}",
                lambda name: str({"project": made.id, "document": documents[0]}.get(name[1], 1)),
                path,
            )
            answer = ann.get(whole)
            assert answer.status_code < 500, (path, answer.text[:300])
            if answer.headers["content-type"].startswith("text/html"):
                assert not [raw for raw in RAW if raw in answer.text], path
                shown += answer.status_code == 200 and "&lt;img src=x" in answer.text
    assert shown >= 4
    assert "&lt;img src=x" in ann.get("/projects").text and RAW[0] not in ann.get("/projects").text


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(name: str, *, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, target, 5 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b"fever"))
    return out.getvalue()


def claimed(size: int) -> bytes:
    """A zip whose directory says that its member is smaller than it is."""
    data = bytearray(zipped(**{"a.txt": b"a" * size}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


ENTITIES = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 9))
FILES = {
    "out of the archive": ("a.zip", zipped(**{"../../escaped.txt": b"fever"})),
    "an absolute path": ("a.zip", zipped(**{"/tmp/escaped.txt": b"fever"})),
    "a drive": ("a.zip", zipped(**{"C:\\escaped.txt": b"fever"})),
    "a tar that climbs": ("a.tar.gz", tarred("../escaped.txt")),
    "a link": ("a.tar.gz", tarred("a.txt", kind=tarfile.SYMTYPE, target="/etc/passwd")),
    "a hard link": ("a.tar.gz", tarred("a.txt", kind=tarfile.LNKTYPE, target="/etc/passwd")),
    "a device": ("a.tar.gz", tarred("a.txt", kind=tarfile.CHRTYPE)),
    "a bomb": ("a.zip", zipped(**{f"{n}.txt": b"\0" * (8 * MEGABYTE) for n in range(5)})),
    "a bomb that lies": ("a.zip", claimed(16 * MEGABYTE)),
    "a bomb of gzip": ("a.jsonl.gz", gzip.compress(b"\0" * (40 * MEGABYTE), 9)),
    "many empty files": ("a.zip", zipped(**{f"{n}.txt": b"" for n in range(1_000)})),
    "an archive in itself": ("a.zip", zipped(**{"a.zip": zipped(**{"a.zip": zipped(**{"a.txt": b"fever"})})})),
    "no archive": ("a.zip", b"PK\x03\x04 and no more"),
    "deep JSON": ("a.json", b"[" * 200_000),
    "deep objects": ("a.jsonl", b'{"id":"1","text":' + b'{"a":' * 50_000),
    "a long number": ("a.jsonl", b'{"id": "1", "text": "a", "mentions": [{"start": ' + b"9" * 10_000 + b"}]}"),
    "NUL": ("a.jsonl", json.dumps({"id": "a\0b", "text": "fe\0ver", "mentions": []}).encode()),
    "half a character": ("a.jsonl", b'{"id": "1", "text": "\\ud800", "mentions": []}'),
    "no UTF-8": ("a.txt", b"\xff\xfe\x00\xd8fever"),
    "entities": ("a.xml", f'<!DOCTYPE collection [<!ENTITY l0 "ha">{ENTITIES}]><collection>&l8;</collection>'.encode()),
    "a foreign entity": (
        "a.xml", b'<!DOCTYPE collection [<!ENTITY x SYSTEM "file:///etc/passwd">]><collection><source>&x;</source></collection>',
    ),
    "a foreign document type": ("a.xml", b'<!DOCTYPE collection SYSTEM "http://127.0.0.1:9/a.dtd"><collection/>'),
    "nothing": ("a.txt", b""),
    "a name that climbs": ("../../../escaped.txt", b"fever"),
    "a name of a device": ("CON", b"fever"),
    "a name that is long": ("a" * 5000 + ".txt", b"fever"),
    "a name with a NUL": ("a\0.txt", b"fever"),
    "a name with a script": (HARM + ".txt", b"fever"),
}  # fmt: skip


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Opened, Path, int]]:
    base = tmp_path_factory.mktemp("uploads")
    with opened(base, settings=Settings(folder=base / "kept")) as its:
        yield its, base, project(its, base, "ann")[0]


@pytest.mark.parametrize("kind", FILES)
def test_files_made_to_harm_do_none(one_server: tuple[Opened, Path, int], kind: str) -> None:
    server, base, number = one_server
    before = {path for path in base.rglob("*") if not path.is_relative_to(base / "kept")}
    name, data = FILES[kind]
    ann, began = server.browser("ann"), time.process_time()
    answer = ann.post(f"/projects/{number}/upload", files={"file": (name, data)})
    assert answer.status_code in (200, 400, 422), answer.text[:500]
    assert "root:" not in answer.text and not [raw for raw in RAW if raw in answer.text]
    if found := re.search(rf'action="(/projects/{number}/uploads/[^"]+)"', answer.text):
        assert ann.post(found[1], data={"partly": "true"}, follow_redirects=False).status_code in (303, 422)
    assert time.process_time() - began < 20
    assert {path for path in base.rglob("*") if not path.is_relative_to(base / "kept")} == before
    assert not list(base.parent.glob("escaped*")) and not Path("/tmp/escaped.txt").exists()
    for dataset in datasets.of_project(server.database, number):
        assert "\0" not in dataset.name
