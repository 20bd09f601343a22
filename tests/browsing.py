"""A server as a process of its own on SQLite, with a tiny model, and a browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tiny

from tripel import asking
from tripel.knowledge import Entity, KnowledgeBase

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
    asking.build(str(tiny.folder(folder / "model")), str(folder / "kb.arrow"), folder / "run", {})
    return folder / "run"


def pubtator(path: Path, texts: dict[str, str]) -> Path:
    """Documents without mentions, as a file to upload."""
    path.write_text("".join(f"{id}|t|{text}\n{id}|a|\n\n" for id, text in texts.items()), encoding="utf-8")
    return path


class Server:
    """`tripel serve`, and what it printed."""

    def __init__(self, run: Path, home: Path, *options: str) -> None:
        words = ["serve", str(run), "--folder", str(home), "--port", "0", "--recognizer", "dictionary", *options]
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
