"""The first page and `POST /api/link` with a model that was really loaded, and `tripel serve` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tiny
from opened import Opened, opened
from starlette.testclient import TestClient
from typer.testing import CliRunner

import tripel.web
from tripel.cli import main as cli
from tripel.documents import Document
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.records import as_record
from tripel.searching import asking
from tripel.web.batching import Batcher
from tripel.web.model import Served
from tripel.web.settings import Settings

KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="fever", synonyms=("pyrexia",), types=("Disease",)),
        Entity(id="D2", name="multiple sclerosis", types=("Disease",)),
        Entity(id="D3", name="<b>aspirin</b>", synonyms=("aspirin",), types=("Chemical",)),
    ]
)
HOSTILE = [
    "", " ", "\0", "a\0fever", "fever \x1b[31m", "\u202efever\u202c", "fe\u0301ver", "😀 fever 😀",
    "<script>alert(1)</script> fever",
    "]]>fever<![CDATA[", "[[fever]] [[", "fever " * 3000, "x" * 50_000,
    "\n\n\nfever\r\n", "'; DROP TABLE users; -- fever", "{{7*7}} fever",
    "\ufeff\ufffe\uffff fever",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links."""
    base = tmp_path_factory.mktemp("linker")
    KB.save(base / "kb.arrow")
    asking.build_index(str(tiny.folder(base / "model")), str(base / "kb.arrow"), base / "linker", {})
    return base / "linker"


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    its = tmp_path_factory.mktemp("server")
    batcher = Batcher(lambda: Served.load(folder, recognizer="dictionary"))
    with opened(its, batcher=batcher, settings=Settings(folder=its, links_per_minute=10_000)) as one:
        while batcher.state.name == "loading":
            time.sleep(0.01)
        assert batcher.state.name == "ready", batcher.state.said
        yield one


def program(server: Opened) -> TestClient:
    user = server.accounts.named("ann")
    assert user is not None
    return server.program(user.id, "link")


def test_what_comes_together_gets_what_it_would_get_alone(server: Opened, folder: Path) -> None:
    alone = Served.load(folder, recognizer="dictionary").linker
    texts = [f"{'A ' * n}fever and multiple sclerosis, aspirin for {'pyrexia ' * (n % 3)}" for n in range(24)]
    client = program(server)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda text: client.post("/api/link", json={"documents": [{"text": text}]}), texts))
    for text, answer in zip(texts, answers, strict=True):
        assert answer.status_code == 200
        (said,) = answer.json()["documents"]
        expected = as_record(next(iter(alone.stream([Document(id="1", text=text)]))))
        assert [_rounded(one) for one in said["mentions"]] == [_rounded(one) for one in expected["mentions"]]
        assert len(said["mentions"]) == len(re.findall("fever|multiple sclerosis|aspirin|pyrexia", text))


def _rounded(link: dict[str, Any]) -> dict[str, Any]:
    """In a batch others pad a text, which moves the last digits."""
    scores = [(one["entity"], round(one["score"], 3)) for one in link["candidates"]]
    return link | {"candidates": scores, "why": re.sub(r"\d\.\d+", "", link["why"])}


def test_given_mentions_filters_and_numbers_of_candidates(server: Opened) -> None:
    client = program(server)
    text = {
        "id": "mine",
        "text": "aspirin for fever",
        "mentions": [{"start": 12, "end": 17}, {"start": 0, "end": 7, "type": "x"}],
    }
    answer = client.post("/api/link", json={"documents": [text], "k": 1, "types": ["Chemical"]}).json()
    (said,) = answer["documents"]
    assert said["id"] == "mine" and len(answer["model"]) > 10
    assert [one["start"] for one in said["mentions"]] == [0, 12]
    assert [[c["entity"] for c in one["candidates"]] for one in said["mentions"]] == [["D3"], ["D3"]]
    nothing = client.post("/api/link", json={"documents": [{"text": "fever", "mentions": []}]}).json()
    assert nothing["documents"][0]["mentions"] == []
    everything = client.post("/api/link", json={"documents": [text], "ids": ["D1"], "threshold": 1.0}).json()
    assert [one["decision"] for one in everything["documents"][0]["mentions"]] == ["filtered", "linked"], "of D1 alone"


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"documents": []}, {"documents": [{}]}, {"documents": [{"text": 3}]}, {"documents": [{"text": "a"}], "k": 0},
        {"documents": [{"text": "a"}], "k": 51}, {"documents": [{"text": "a"}], "threshold": 2}, [], "text", None, 17,
        {"documents": [{"text": "a"}], "unknown": 1}, {"documents": [{"text": "a", "unknown": 1}]},
        {"documents": [{"text": "a", "mentions": [{"start": 0, "end": 2}]}]},
        {"documents": [{"text": "a", "mentions": [{"start": 0, "end": 0}]}]},
        {"documents": [{"text": "a", "mentions": [{"start": -1, "end": 1}]}]},
        {"documents": [{"text": "a", "mentions": [{"start": 0, "end": 10**30}]}]},
        {"documents": [{"text": "a"}], "types": ["Nothing"]}, {"documents": [{"text": "a"}], "ids": ["Nothing"]},
        {"documents": [{"text": "a"}], "types": ["Disease"], "ids": ["D3"]},
        {"documents": [{"text": "a"}] * 101}, {"documents": [{"text": "a"}], "threshold": "NaN"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(server: Opened, wish: Any) -> None:
    answer = program(server).post("/api/link", json=wish)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"title", "status", "detail"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b'{"documents": [{"text": "\xff"}]}', b'{"documents": [{"text": "\\ud800"}]}', b"[" * 100_000,
        b'{"a":' * 20_000, b"null", b'{"documents": [{"text": "a"}], "threshold": NaN}', 
        b'{"documents": [{"text": "a"}], "k": 1e999}',
        b'{"documents": [{"text": "a"}], "k": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused(server: Opened, body: bytes) -> None:
    answer = program(server).post("/api/link", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text[:300]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_linked_or_refused(server: Opened, text: str) -> None:
    answer = program(server).post("/api/link", json={"documents": [{"text": text}]})
    assert answer.status_code == 200
    (said,) = answer.json()["documents"]
    assert said["text"] == text and all(text[one["start"] : one["end"]] == one["text"] for one in said["mentions"])
    page = server.browser("ann").post("/", data={"text": text})
    assert page.status_code == 200 and "<script>alert" not in page.text and "<b>aspirin" not in page.text


class Shown(HTMLParser):
    """The text of the result, without the labels in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inside, self.label, self.said = False, False, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = dict(attrs).get("class") or ""
        self.inside = self.inside or (tag == "p" and kind.startswith("text"))
        self.label = self.label or (tag == "a" and self.inside)

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "p"
        self.label = self.label and tag != "a"

    def handle_data(self, data: str) -> None:
        self.said += data if self.inside and not self.label else ""


def test_the_first_page_shows_the_text_its_links_and_why(server: Opened) -> None:
    browser = server.browser("ann")
    html = browser.post("/", data={"text": "Pyrexia < 40,\r\nthen [[aspirin]] & rest", "k": "2"}).text
    assert Shown(html).said == "Pyrexia < 40,\nthen aspirin & rest", "mentions in brackets are those that are meant"
    assert "&lt;b&gt;aspirin&lt;/b&gt;" in html and "D3" in html and "2 candidates of 1" in html
    assert "Pyrexia &lt; 40,\nthen [[aspirin]] &amp; rest</textarea>" in html
    found = browser.post("/", data={"text": "pyrexia"}).text
    assert "1 mention" in found and "D1" in found and "fever" in found
    for wrong in ({"k": "0"}, {"k": "x"}, {"threshold": "2"}, {"types": "Nothing"}):
        answer = browser.post("/", data={"text": "fever & co", **wrong})
        assert (
            answer.status_code == 422 and 'role="alert"' in answer.text and "fever &amp; co</textarea>" in answer.text
        )
    only = browser.post("/", data={"text": "[[fever]]", "types": " Chemical , "})
    assert "D3" in only.text and ">D1<" not in only.text


def test_too_many_requests_have_to_wait(folder: Path, tmp_path: Path) -> None:
    with opened(tmp_path, settings=Settings(folder=tmp_path, links_per_minute=2)) as its:
        client, wish = program(its), {"documents": [{"text": "fever"}]}
        assert [client.post("/api/link", json=wish).status_code for _ in range(3)] == [200, 200, 429]
        assert int(client.post("/api/link", json=wish).headers["retry-after"]) >= 1
        assert program(its).post("/api/link", json=wish).status_code == 200, "each token has its own"


def test_texts_that_are_too_long_are_refused(server: Opened) -> None:
    client = program(server)
    assert client.post("/api/link", json={"documents": [{"text": "a" * 100_001}]}).status_code == 413
    assert client.post("/api/link", json={"documents": [{"text": "a" * 90_000}] * 12}).status_code == 413


def test_the_model_says_when_it_is_not_there(tmp_path: Path) -> None:
    def load() -> Served:
        raise ValueError("runs/<x>: no index here yet")

    batcher = Batcher(load)
    with opened(tmp_path, batcher=batcher) as its:
        while batcher.state.name == "loading":
            time.sleep(0.001)
        browser = its.browser("ann")
        assert "runs/&lt;x&gt;: no index here yet" in browser.get("/").text
        answer = browser.post("/", data={"text": "fever"})
        assert answer.status_code == 503 and answer.headers["retry-after"] and "fever</textarea>" in answer.text
        assert program(its).post("/api/link", json={"documents": [{"text": "a"}]}).status_code == 503
        assert browser.get("/readyz").status_code == 503 and browser.get("/healthz").status_code == 200


def test_who_hangs_up_is_not_waited_for(server: Opened) -> None:
    """As uvicorn tells it: the body, then that the connection is closed."""
    user = server.accounts.named("ann")
    assert user is not None
    _, secret = server.accounts.issue(user.id, "test", ["link"])
    body = json.dumps({"documents": [{"text": "fever " * 1000}]}).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": "localhost", "authorization": f"Bearer {secret}", "content-type": "application/json"}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/api/link", "raw_path": b"",
        "query_string": b"", "root_path": "", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "state": {},
    }  # fmt: skip
    asyncio.run(server.app(scope, receive, send))
    assert sent[0]["status"] == 499


def test_the_api_is_described(server: Opened) -> None:
    user = server.accounts.named("ann")
    assert user is not None
    said = server.program(user.id, "read").get("/api/openapi.json").json()
    assert said["openapi"].startswith("3.") and "/api/link" in said["paths"]
    html = server.browser("ann").get("/api").text
    for path, methods in said["paths"].items():
        assert f"<code>{path}</code>" in html
        for its in methods.values():
            assert its["responses"]["401"]["content"].keys() == {"application/problem+json"}, path


class Process:
    """`tripel serve` as a process of its own, with what it printed."""

    def __init__(self, folder: Path, home: Path, *options: str) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self.printed = home.parent / "printed"
        words = ["serve", str(folder), "--folder", str(home), "--port", str(self.port), *options]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        with self.printed.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tripel", *words], stdout=out, stderr=subprocess.STDOUT, env=environment
            )
        self.client = httpx2.Client(base_url=f"http://localhost:{self.port}", headers={"accept": "text/html"})

    def answers(self, path: str, *, status: int) -> None:
        """Wait until it does."""
        for _ in range(600):
            try:
                if self.client.get(path).status_code == status:
                    return
            except httpx2.TransportError:
                pass
            assert self.process.poll() is None, self.printed.read_text()
            time.sleep(0.1)
        raise AssertionError(self.printed.read_text())

    def stop(self) -> str:
        """Ask it to stop; what it printed."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.client.close()
        return self.printed.read_text()


def test_tripel_serve_starts_says_how_to_come_in_and_stops_in_order(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "annotations"
    (home / "downloads" / "of-one-that-was-killed").mkdir(parents=True)
    its = Process(folder, home, "--recognizer", "dictionary")
    try:
        its.answers("/healthz", status=200)
        assert not (home / "downloads" / "of-one-that-was-killed").exists()
        assert "text" not in its.printed.read_text()
        once = re.search(r"admin with the password ([a-z0-9-]{20})", its.printed.read_text())
        assert once, its.printed.read_text()
        signed = its.client.post("/login", data={"name": "admin", "password": once[1]})
        assert signed.status_code == 303 and signed.headers["location"] == "/account/password"
        token = re.search(r'name="csrf" content="(\w+)"', its.client.get("/account/password").text)
        assert token
        own = {"csrf": token[1], "old": once[1], "new": "a password of mine", "again": "a password of mine"}
        assert its.client.post("/account/password", data=own).status_code == 303
        its.answers("/readyz", status=200)
        token = re.search(r'name="csrf" content="(\w+)"', its.client.get("/").text)
        assert token
        linked = its.client.post("/?secret=in+the+query", data={"csrf": token[1], "text": "the patient has pyrexia"})
        assert linked.status_code == 200 and ">D1<" in linked.text
        assert "server" not in linked.headers
    finally:
        printed = its.stop()
    assert its.process.returncode in (0, -signal.SIGTERM)
    assert (
        str(home) in printed and "Traceback" not in printed and "patient" not in printed and "secret" not in printed
    ), printed
    assert (home / "annotations.db").stat().st_mode & 0o077 == 0, "for its owner alone"
    again = Process(folder, home)
    try:
        again.answers("/healthz", status=200)
        signed = again.client.post("/login", data={"name": "admin", "password": "a password of mine"})
        assert signed.status_code == 303 and signed.headers["location"] == "/"
    finally:
        assert "password" not in again.stop()


def test_what_cannot_be_served_is_said_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(cli.app, ["serve", *words, "--folder", str(tmp_path / "annotations")])
        assert isinstance(done.exception, ValueError)
        return str(done.exception)

    assert "no such folder" in said(str(tmp_path / "nothing"))
    assert "knowledge.arrow and index missing" in said(str(tmp_path))
    for also, words in {
        "Other": "expected NAME=FOLDER", "=x": "expected NAME=FOLDER", "Other=": "expected NAME=FOLDER",
        f"Other={tmp_path / 'nothing'}": "no such folder", f"Other={tmp_path}": "does not link",
    }.items():  # fmt: skip
        assert words in said(str(folder), "--also", also)
    assert "names Other twice" in said(str(folder), "--also", f"Other={folder}", "--also", f"Other={folder}")
    (tmp_path / "names.tsv").write_text("id\tname\nD1\tfever\n", encoding="utf-8")
    assert "tree_numbers" in said(str(folder), "--hierarchy", str(tmp_path / "names.tsv"))
    assert "a database of mysql" in said(str(folder), "--database", "mysql://x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "give another --port" in said(str(folder), "--port", str(taken.getsockname()[1]))
    assert not (tmp_path / "annotations" / "annotations.db").exists()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "tripel.web.serving", raising=False)
    monkeypatch.delattr(tripel.web, "serving", raising=False)
    done = CliRunner().invoke(cli.app, ["serve", str(tmp_path)])
    assert str(done.exception) == "the server needs uvicorn; pip install 'tripel[serve]'"
