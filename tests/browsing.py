"""A server as a process of its own on SQLite, with a tiny model, a browser in front of it, and what a person does there."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tiny
from databases import of_a_server

from tripel.knowledge import Entity, KnowledgeBase
from tripel.searching import asking

ROOT = Path(__file__).parents[1]
OPENING = "status of 503"  # the answer while a model is being opened, which the page asks again
PASSWORD = "correct horse battery"
KB = KnowledgeBase.of(
    [
        Entity(id="D009103", name="Multiple Sclerosis", synonyms=("MS",), types=("Disease",), definition="Of nerves."),
        Entity(id="D008946", name="Mitral Valve Stenosis", synonyms=("mitral stenosis",), types=("Disease",)),
        Entity(id="D005334", name="Fever", synonyms=("pyrexia",), types=("Disease",), definition="Body heat."),
        Entity(id="D003371", name="Cough", types=("Disease",)),
        Entity(id="D001241", name="Aspirin", synonyms=("acetylsalicylic acid",), types=("Chemical",)),
        Entity(id="D009325", name="Nausea", types=("Disease",)),
        Entity(id="D006261", name="Headache", synonyms=("cephalalgia",), types=("Disease",)),
        Entity(id="D014027", name="Tobacco <b>Smoke</b>", synonyms=("tobacco",), types=("Chemical",)),
    ]
)
TEXTS = {
    "one": "Fever and cough in MS. A woman with MS 😀 had fever, cough and nausea after aspirin. Her pyrexia fell.",
    "two": "Headache after tobacco. Nausea, cephalalgia and <b>fever</b> came; aspirin helped. MS was not found.",
    "three": "Cough. Fever again and again; MS again.",
}


def chromium() -> str:
    """The browser of this machine. Skips where there is none."""
    pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if found is None:
        pytest.skip("no chromium or chrome on PATH")
    return found


def run(folder: Path) -> Path:
    """A folder that links with a tiny encoder."""
    KB.save(folder / "kb.arrow")
    asking.build_index(str(tiny.folder(folder / "model")), str(folder / "kb.arrow"), folder / "run", {})
    return folder / "run"


def pubtator(path: Path, texts: dict[str, str]) -> Path:
    """Documents without mentions, as a file to upload."""
    path.write_text("".join(f"{id}|t|{text}\n{id}|a|\n\n" for id, text in texts.items()), encoding="utf-8")
    return path


class Server:
    """`tripel serve`, and what it printed."""

    def __init__(self, run: Path, home: Path, *options: str) -> None:
        words = ["serve", str(run), "--folder", str(home), "--port", "0", "--recognizer", "dictionary", *options]
        self.kept = ExitStack()
        in_a_file = f"sqlite:///{home / 'annotations.db'}"  # where it keeps it by itself
        self.database = self.kept.enter_context(of_a_server(in_a_file))
        if self.database != in_a_file:
            words += ["--database", self.database]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
        self.printed = home.with_suffix(".out")
        with self.printed.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tripel", *words], stdout=out, stderr=subprocess.STDOUT, env=environment
            )
        self.url = self._said(r"open (http://\S+?)/ ;")

    @property
    def password(self) -> str:
        """Of admin, for once."""
        return self._said(r"with the password (\S+)")

    def ready(self) -> None:
        """Wait until the model is."""
        for _ in range(600):
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}/readyz").status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(self.printed.read_text())

    def stop(self) -> None:
        """In order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.kept.close()

    def _said(self, pattern: str) -> str:
        for _ in range(600):
            found = re.search(pattern, self.printed.read_text())
            if found:
                return found[1]
            assert self.process.poll() is None, self.printed.read_text()
            time.sleep(0.1)
        raise AssertionError(self.printed.read_text())


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield found
        found.close()


def visit(browser: Any, server: Server, name: str, *, password: str = PASSWORD, **options: Any) -> Any:
    """A page of somebody who has signed in. What the page complains about fails the test that closes it with `quiet`."""
    context = browser.new_context(base_url=server.url, **options)
    page = context.new_page()
    page.set_default_timeout(30_000)  # a machine may be busy
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console", lambda said: said.type == "error" and OPENING not in said.text and page.complaints.append(said.text)
    )
    page.goto("/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def server(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that was never started before."""
    base = tmp_path_factory.mktemp("browser")
    its = Server(run(base), base / "home")
    its.ready()
    yield its
    its.stop()


@pytest.fixture(scope="module")
def project(chrome: Any, server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """First start by keyboard alone: the password for once, one's own, a project, an upload. The path of the project."""
    file = pubtator(tmp_path_factory.mktemp("upload") / "texts.pubtator", TEXTS)
    page = visit(chrome, server, "admin", password=server.password)
    assert page.url.endswith("/account/password")
    for words in (server.password, PASSWORD, PASSWORD):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    follow(page, "Projects")
    assert "You are in no project yet" in page.inner_text("main")
    tab_to(page, "Title")
    page.keyboard.type("Neurology")
    page.keyboard.press("Enter")
    page.wait_for_url("**/upload")
    path = page.url.removesuffix("/upload").removeprefix(server.url)
    page.set_input_files("#file", file)  # the dialog is the system's
    tab_to(page, "See what is in it")
    page.keyboard.press("Enter")
    page.wait_for_selector("#store")
    assert "3 (3 new" in page.inner_text("dl.facts")
    documents = "() => fetch(location.pathname.replace('upload', 'documents')).then((answer) => answer.text())"
    assert "There are no documents yet" in page.evaluate(documents)
    tab_to(page, "Store them")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")
    assert not page.complaints
    page.context.close()
    return path


def joined(chrome: Any, server: Server, admin: Any, path: str, name: str) -> Any:
    """A page of somebody new, whom an administrator took into a project as annotator."""
    admin.goto("/users")
    admin.fill("#name", name)
    admin.click("button:text-is('Add')")
    once = admin.inner_text("code.secret")
    admin.goto(f"{path}/members")
    admin.fill("#name", name)
    admin.click("button:text-is('Add')")
    page = visit(chrome, server, name, password=once)
    for field, words in (("#old", once), ("#new", PASSWORD), ("#again", PASSWORD)):
        page.fill(field, words)
    page.click("main form button")
    page.wait_for_url(f"{server.url}/")
    return page


def made(page: Any, server: Server, title: str, file: Path, *, mode: str) -> str:
    """A new project with what is in a file; its path."""
    page.goto("/projects")
    page.fill("#title", title)
    page.check(f"input[name=mode][value={mode}]")
    page.click("text=Make it")
    page.wait_for_url("**/upload")
    path = str(page.url.removesuffix("/upload").removeprefix(server.url))
    page.set_input_files("#file", file)
    page.click("button:text-is('See what is in it')")
    page.click("#store")
    page.wait_for_url(f"**{path}")
    return path


def follow(page: Any, name: str) -> None:
    """Go to a link by Tab, and open it."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def tab_to(page: Any, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        called = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " || e.labels?.[0]?.innerText || e.innerText || ''; }"
        )
        if called.strip().startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def sheet(page: Any) -> Any:
    """What stands on the sheet, as the server has it once all is saved."""
    saved(page)
    path = json.loads(page.text_content("#data"))["paths"]["sheet"]
    return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)["sheet"]


def saved(page: Any) -> None:
    page.wait_for_function("() => document.getElementById('saved').textContent === 'All saved'")


def now(page: Any) -> str:
    """The words of the mention at work."""
    return str(page.inner_text("#mention-text"))


def opened(page: Any, path: str, document: int, *, marks: int | None) -> None:
    """Open a document, and wait until the model has said what it finds: so many marks, or any."""
    page.goto(f"{path}/documents/{document}")
    enough = "> 0" if marks is None else f"=== {marks}"
    page.wait_for_function(f"() => document.querySelectorAll('#text .letter').length {enough}", timeout=60_000)


def meaning(mark: Any) -> str:
    return f"{mark['label']} {mark['text']} {'NIL' if mark['nil'] else '+'.join(mark['entities'])}"


def select(page: Any, first: str, last: str, *, alt: bool = False, beyond: Any = None) -> None:
    """Drag over a text from the beginning of one string to the end of another, and then on to an element beyond the text."""
    box = page.evaluate(
        """([first, last]) => {
            const text = document.getElementById("text");
            const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
            const whole = text.textContent;
            const places = [whole.indexOf(first), whole.indexOf(last) + last.length];
            const boxes = [];
            let reached = 0;
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                for (const [i, place] of places.entries()) {
                    const at = place - (i ? 1 : 0) - reached;
                    if (at >= 0 && at < node.length) {
                        const range = document.createRange();
                        range.setStart(node, at);
                        range.setEnd(node, at + 1);
                        const box = range.getBoundingClientRect();
                        boxes[i] = [i ? box.right - 0.5 : box.left + 0.5, (box.top + box.bottom) / 2];
                    }
                }
                reached += node.length;
            }
            return boxes;
        }""",
        [first, last],
    )
    if alt:
        page.keyboard.down("Alt")
    page.mouse.move(*box[0])
    page.mouse.down()
    page.mouse.move(*box[1], steps=4)
    if beyond is not None:
        away = beyond.bounding_box()
        page.mouse.move(away["x"] + 5, away["y"] + 5, steps=4)
    page.mouse.up()
    if alt:
        page.keyboard.up("Alt")
