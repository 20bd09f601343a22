"""The whole way through the pages in a real browser, by keyboard, as an expert goes it; pictures of each page are kept.

    .venv/bin/python scripts/walk_through.py runs/bc5cdr/joint data/bc5cdr/test.pubtator

First start, sign in, a new project, an upload with its preview, samples, twenty mentions decided and three links corrected by
search, documents marked done, a training watched to its end, new predictions, an export. The expert is the gold standard: what it
says decides which key is pressed. Some documents are uploaded with their gold, so that there is enough to learn from.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tripel import formats
from tripel.documents import Document

PASSWORD = "a walk through the pages"
SIZE = {"width": 1400, "height": 900}
PATIENCE_MS = 120_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="a folder that links")
    parser.add_argument("corpus", type=Path, help="gold documents, in any format")
    parser.add_argument("--recognizer", default="", help="what finds mentions, where the run has nothing of its own")
    parser.add_argument("--pictures", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--with-gold", type=int, default=40, help="documents uploaded with their gold")
    parser.add_argument("--without", type=int, default=12, help="documents uploaded without")
    parser.add_argument("--mentions", type=int, default=20, help="to decide by keyboard")
    parser.add_argument("--corrections", type=int, default=3, help="links to correct by search")
    parser.add_argument("--wait", type=float, default=3600, help="seconds that a training may take")
    said = parser.parse_args()
    gold = [one for one in formats.of(formats.detect(said.corpus)).read(said.corpus) if isinstance(one, Document)]
    with tempfile.TemporaryDirectory() as place, server(said.run, Path(place), said.recognizer) as (url, once):
        Walk(url, once, Path(place), gold, said).go()


@contextmanager
def server(run: Path, place: Path, recognizer: str) -> Iterator[tuple[str, str]]:
    """`tripel serve` as a process; its address, and the password for once."""
    words = ["serve", str(run), "--folder", str(place / "home"), "--port", "0", "--recognizer", recognizer]
    printed = place / "printed"
    with printed.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "tripel", *words], stdout=out, env=os.environ)
    try:
        while not (found := re.search(r"password (\S+)[\s\S]*open (http\S+?)/ ;", printed.read_text())):
            if process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.2)
        yield found[2], found[1]
    finally:
        process.terminate()
        process.wait(60)


class Walk:
    """One browser, one expert."""

    def __init__(self, url: str, once: str, place: Path, gold: list[Document], said: argparse.Namespace) -> None:
        self.url, self.once, self.place, self.said = url, once, place, said
        self.gold = {one.id: one for one in gold[: said.with_gold + said.without]}
        self.decided = self.corrected = 0
        self.pictures = set[str]()
        self.seconds = 0.0

    def go(self) -> None:
        """All of it."""
        from playwright.sync_api import sync_playwright

        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            browser: Any = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            self.page = browser.new_page(viewport=SIZE, base_url=self.url)
            self.page.set_default_timeout(PATIENCE_MS)
            self.page.on("pageerror", lambda error: print("the page complains:", error))
            self.sign_in()
            project = self.upload()
            self.annotate(project)
            self.train(project)
            self.export(project)
            browser.close()

    def sign_in(self) -> None:
        """With the password for once; then one's own."""
        page = self.page
        page.goto("/login")
        self.type("admin", "Tab", self.once, "Enter")
        page.wait_for_url("**/account/password")
        self.type(self.once, "Tab", PASSWORD, "Tab", PASSWORD, "Enter")
        page.wait_for_url(f"{self.url}/")

    def upload(self) -> str:
        """A new project with documents, some of them with their gold; its path, once the model has predicted the others."""
        page, ids = self.page, list(self.gold)
        file = self.place / "documents.jsonl"
        bare = set(ids[: self.said.without])
        held = (one.having(mentions=()) if one.id in bare else one for one in self.gold.values())
        formats.writer("jsonl").write(file, held)
        page.goto("/projects")
        page.focus("#title")
        self.type("Drugs and diseases", "Enter")
        page.wait_for_url("**/upload")
        project = page.url.removesuffix("/upload")
        page.set_input_files("#file", file)
        page.focus("#read_as")
        self.type("Tab", "Enter")
        page.wait_for_selector("#store")
        self.picture("upload")
        page.focus("#store")
        self.type("Enter")
        page.wait_for_url(project)
        self.wait_for_job(project)
        page.goto(project)
        self.picture("project")
        return project

    def annotate(self, project: str) -> None:
        """Samples, and in each what the gold standard says, until enough is decided."""
        page = self.page
        self.draw(project)
        while self.decided < self.said.mentions or self.corrected < self.said.corrections:
            page.wait_for_selector("#text")
            name = page.inner_text(".crumbs [aria-current]")
            page.wait_for_selector("#text .letter")
            page.wait_for_timeout(1500)  # what the model says now
            self.document(self.gold[name])
            here = page.url
            self.type("f", "f")
            page.wait_for_function("(here) => location.href !== here", arg=here)
            page.wait_for_load_state()
            if "/documents/" not in page.url and not self.draw(project):
                print("no more documents to draw")
                break
        print(f"{self.decided} mentions decided, {self.corrected} corrected by search, in {self.seconds:.0f} s of keys")

    def draw(self, project: str) -> bool:
        """Draw samples and go to the first; whether there is one."""
        page = self.page
        page.goto(f"{project}/samples")
        page.focus("form[action$=samples] button")
        with page.expect_navigation():
            self.type("Enter")
        self.picture("samples")
        if not page.locator("a[href$=onward]").count():
            return False
        page.focus("a[href$=onward]")
        with page.expect_navigation():
            self.type("Enter")
        return True

    def document(self, gold: Document) -> None:
        """Decide every mention of a document."""
        page = self.page
        page.wait_for_selector("#candidates li")
        known = self.known({id for one in gold.mentions for id in one.entities})
        wanted = {
            (one.start, one.end): [known[id]["id"] if known[id] else id for id in one.entities]
            for one in gold.mentions
            if one.entities
        }
        if page.locator("#text .letter.pred").count() > 2:
            self.picture("document")
        for _ in range(200):
            mark = self.current()
            if mark is None or mark["label"] in ("GOLD", "USER"):
                break
            began, right = time.perf_counter(), wanted.get((mark["start"], mark["end"]))
            if right is None:
                self.type("d")
            elif set(right) & set(mark["entities"]):
                self.type("Enter")
            else:
                self.search(right[0], known)
            self.decided += 1
            self.seconds += time.perf_counter() - began
            page.wait_for_function("() => document.getElementById('saved').textContent === 'All saved'")
        if page.locator("#text .letter.user").count() > 2:
            self.picture("decided")

    def known(self, ids: set[str]) -> dict[str, Any]:
        """What the knowledge base has of entities, by the ids that they were annotated with, which may be former ones."""
        if not ids:
            return {}
        asked = f"{self.paths()['entities']}?{'&'.join(f'id={id}' for id in sorted(ids))}"
        answer = self.page.evaluate("(path) => fetch(path).then((answer) => answer.json())", asked)
        found: dict[str, Any] = answer["entities"]
        return found

    def search(self, entity: str, known: dict[str, Any]) -> None:
        """Correct a link: type the entity's name, and take it from what is found."""
        page = self.page
        names = {its["id"]: its["name"] for its in known.values() if its}
        self.type("/", names.get(entity, entity))
        page.wait_for_selector("#found-0")
        place = page.evaluate(
            "(id) => [...document.querySelectorAll('#found button')].findIndex((one) => one.dataset.entity === id)",
            entity,
        )
        self.picture("search")
        if place < 0:  # another of the same name
            self.type("Escape", "n")
            return
        self.type(*["ArrowDown"] * place, "Enter")
        self.corrected += 1

    def train(self, project: str) -> None:
        """A training, to its end, and what it changed."""
        page = self.page
        page.goto(f"{project}/training")
        page.focus("form[action$=training] button")
        self.type("Enter")
        page.wait_for_selector("#job-progress")
        for _ in range(600):
            if page.locator("#curves svg").count() or not page.locator("#job").count():
                break
            page.wait_for_timeout(500)
        self.picture("training")
        began = time.monotonic()
        self.wait_for_job(project)
        page.goto(f"{project}/training")
        said = " ".join(page.locator("section[aria-labelledby=changed] > p").all_inner_texts())
        print(f"trained in {time.monotonic() - began:.0f} s: {said}")
        self.picture("trained")

    def export(self, project: str) -> None:
        """All of it as JSON Lines."""
        page = self.page
        page.goto(f"{project}/export")
        self.picture("export")
        page.focus("main form button")
        with page.expect_download() as download:
            self.type("Enter")
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        marks = sum(len(json.loads(line)["mentions"]) for line in lines)
        print(f"exported {len(lines)} documents with {marks} mentions")

    def wait_for_job(self, project: str) -> None:
        """Until no job is at work."""
        ends = time.monotonic() + self.said.wait
        while time.monotonic() < ends:
            self.page.goto(f"{project}/training")
            if not self.page.locator("#job").count():
                return
            time.sleep(2)
        raise SystemExit("a job did not end")

    def current(self) -> Any:
        """The mention at work, as the server has it."""
        letter = self.page.locator("#text .letter.current")
        if not letter.count():
            return None
        id = letter.get_attribute("data-mark")
        sheet = self.page.evaluate("(path) => fetch(path).then((answer) => answer.json())", self.paths()["sheet"])[
            "sheet"
        ]
        return next((mark for mark in sheet["marks"] if mark["id"] == id), None)

    def paths(self) -> dict[str, str]:
        """What the page asks for."""
        found: dict[str, str] = json.loads(self.page.text_content("#data") or "{}")["paths"]
        return found

    def type(self, *words: str) -> None:
        """Names of keys, or what is typed."""
        for word in words:
            named = len(word) == 1 or word in ("Enter", "Tab", "Escape", "ArrowDown")
            (self.page.keyboard.press if named else self.page.keyboard.type)(word)

    def picture(self, name: str) -> None:
        """Keep what is seen, the first time."""
        if name in self.pictures:
            return
        self.said.pictures.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(300)
        self.page.screenshot(path=self.said.pictures / f"annotation-{name}.png")
        self.pictures.add(name)


if __name__ == "__main__":
    main()
