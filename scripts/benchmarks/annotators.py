"""Many annotators at once on `tripel serve`, which may be killed meanwhile: is every decision kept, once, and how fast is saving?

    .venv/bin/python scripts/benchmarks/annotators.py runs/fast data/bc5cdr/test.pubtator --recognizer runs/tagger --kills 10

Each annotator opens a document, lets the model say what it finds, types the beginning of a name into the search now and then,
and decides on mention after mention, a while of thought between. What gets no answer is sent again with the same key, as the
page does. Afterwards the log is read from the database: every decision that was acknowledged is there once, none is there
twice, none that nobody made. The documents are predicted before, and where the server is to be killed once more meanwhile, or,
with --train, taught: a job that each server which is started finds again. What is printed goes into docs/serving.md.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from tripel import formats
from tripel.annotations import datasets, jobs, ledger, models, projects
from tripel.annotations.accounts import Accounts
from tripel.annotations.database import Database
from tripel.annotations.jobs import Job
from tripel.data import inputs
from tripel.documents import Document
from tripel.knowledge import KnowledgeBase

PATIENCE = 600  # seconds, until a server is ready and a job is done
SEARCHES = 0.3  # of decisions begin with one
DECISIONS = 12  # on a document, then the next one


@dataclass
class Server:
    """`tripel serve` on one port, which is killed and started again."""

    words: list[str]
    url: str
    log: Path

    def start(self) -> None:
        """A process; its pages are there before its model."""
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tripel", *self.words], stdout=out, stderr=out, env=os.environ
            )

    def ready(self) -> None:
        """Wait until the model is there."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text())
            time.sleep(0.2)
        raise SystemExit("the server did not become ready")

    def kill(self) -> None:
        """At once, without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Seen:
    """What annotators saw, together."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    took: dict[str, list[float]] = field(default_factory=dict)
    """Of each kind of request, the seconds of those that were answered at the first try."""
    kept: list[str] = field(default_factory=list)
    """Keys of decisions that the server said it kept."""
    refused: Counter[str] = field(default_factory=Counter)
    """Decisions that the server refused, by why."""
    sent: set[str] = field(default_factory=set)
    again: int = 0
    """Requests that were sent once more."""
    faults: Counter[int] = field(default_factory=Counter)
    """Answers that are nobody's wish: 500 and above, but 503."""

    def note(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.took.setdefault(kind, []).append(seconds)


class Annotator(threading.Thread):
    """One person at one page."""

    def __init__(self, number: int, place: str, token: str, documents: list[int], names: list[str], seen: Seen, *,
                 seconds: float, thought: float) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self.number, self.place, self.documents, self.names, self.seen = number, place, documents, names, seen
        self.ends, self.thought, self.rng = time.monotonic() + seconds, thought, random.Random(number)
        self.client = httpx2.Client(headers={"authorization": f"Bearer {token}"}, timeout=60)
        self.decided = 0

    def run(self) -> None:
        """Document after document, until the time is up."""
        turn = 0
        while time.monotonic() < self.ends:
            document = self.documents[turn % len(self.documents)]
            turn += 1
            self.work(document)

    def work(self, document: int) -> None:
        """Decide on some mentions of a document."""
        place = f"{self.place}/documents/{document}"
        sheet = self.ask("open", "GET", f"{place}/sheet")["sheet"]
        found = self.ask("refresh", "POST", f"{place}/refresh")
        sheet = found["sheet"] if found else sheet
        for _ in range(DECISIONS):
            if time.monotonic() > self.ends or not sheet["marks"]:
                return
            time.sleep(self.rng.expovariate(1 / self.thought) if self.thought else 0)
            mark = self.rng.choice(sheet["marks"])
            entities = mark["entities"]
            if self.rng.random() < SEARCHES:
                entities = self.search() or entities
            sheet = self.decide(place, sheet, mark, entities) or sheet

    def search(self) -> list[str]:
        """Type the beginning of a name, and take the first entity."""
        name = self.rng.choice(self.names)
        found: list[Any] = []
        for length in range(3, min(len(name), 12), 3):
            answer = self.ask("search", "GET", f"{self.place}/names", params={"q": name[:length]})
            found = answer["found"]
        return [found[0]["entity"]] if found else []

    def decide(self, place: str, sheet: Any, mark: Any, entities: list[str]) -> Any:
        """Accept what the model says, or set an entity; the sheet as it stands then."""
        self.decided += 1
        event: dict[str, Any] = {"key": f"load-{self.number:03}-{self.decided:06}", "seen": sheet["version"]}
        accepted = mark["label"] == "PRED" and entities == mark["entities"]
        event["kind"] = "accept" if accepted else "link"
        event["after"] = {**mark, "entities": entities, "nil": not entities, "label": "USER"}
        del event["after"]["by"]
        with self.seen.lock:
            self.seen.sent.add(event["key"])
        said = self.ask("save", "POST", f"{place}/events", json={"events": [event]})
        if said is None:
            return None
        (answer,) = said["answers"]
        with self.seen.lock:
            if "seq" in answer:
                self.seen.kept.append(answer["key"])
            else:
                self.seen.refused[answer["refused"]] += 1
        return said["sheet"]

    def ask(self, kind: str, method: str, address: str, **words: Any) -> Any:
        """What is answered; asked again while there is no answer, or the model is being opened. None for a refusal."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                answer = self.client.request(method, address, **words)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code not in (429, 503):
                break
            tries += 1
            with self.seen.lock:
                self.seen.again += 1
            time.sleep(0.5)
        if not tries:
            self.seen.note(kind, time.monotonic() - began)
        if answer.status_code >= 500:
            with self.seen.lock:
                self.seen.faults[answer.status_code] += 1
        return answer.json() if answer.status_code == 200 else None


def prepared(
    database: Database, said: argparse.Namespace, documents: list[Document], folder: Path
) -> tuple[int, list[str], list[int]]:
    """A project with documents and members: its id, the members' tokens, the ids of its documents."""
    accounts = Accounts(database)
    boss, _ = accounts.add("boss", admin=True)
    project = projects.new(database, title="Load", by=boss.id)
    models.begin(database, project.id, said.run.resolve(), recognizer=said.recognizer, by=boss.id)
    tokens = []
    for number in range(said.annotators):
        user, _ = accounts.add(f"annotator-{number}")
        projects.set_role(database, project.id, user.id, "annotator")
        tokens.append(accounts.issue(user.id, "load", ["read", "annotate"])[1])
    path = folder / "documents.jsonl"
    formats.writer("jsonl").write(path, (one if said.train else one.having(mentions=()) for one in documents))
    dataset = datasets.upload(database, project.id, path, name=path.name, by=boss.id)
    return project.id, tokens, datasets.document_ids(database, dataset.id)


def killed(server: Server, *, kills: int, seconds: float) -> None:
    """Kill the server so many times within the seconds, each time at a random moment, and start another."""
    ends, rng = time.monotonic() + seconds, random.Random(0)
    for left in range(kills, 0, -1):
        time.sleep(max(0.0, (ends - time.monotonic()) / (left + 0.5) * rng.uniform(0.7, 1.3)))
        server.kill()
        server.start()


def finished(database: Database, job: int) -> Job:
    """Wait until a job is over."""
    ends = time.monotonic() + PATIENCE
    while not (its := jobs.get(database, job)).over and time.monotonic() < ends:
        time.sleep(0.5)
    return its


def account(database: Database, project: int, seen: Seen) -> list[str]:
    """What is wrong with what the database has; nothing is what one hopes for."""
    there = Counter(event.key for event in ledger.history(database, project=project) if event.key.startswith("load-"))
    lost = [key for key in seen.kept if key not in there]
    twice = [key for key, times in there.items() if times > 1]
    strange = [key for key in there if key not in seen.sent]
    wrong = [f"{len(keys)} {what}" for keys, what in ((lost, "lost"), (twice, "twice"), (strange, "strange")) if keys]
    print(f"{len(seen.kept):,} decisions acknowledged, {sum(there.values()):,} in the log: ", end="")
    print("; ".join(wrong) or "each once, none lost, none that nobody made")
    return wrong + ledger.check(database, project)


def table(seen: Seen, seconds: float) -> None:
    """Of each kind of request, how long it took."""
    print("| request | answered | a second | p50 ms | p95 ms | p99 ms |\n|---|---:|---:|---:|---:|---:|")
    for kind, took in seen.took.items():
        p50, p95, p99 = (1000 * np.percentile(took, share) for share in (50, 95, 99))
        print(f"| {kind} | {len(took):,} | {len(took) / seconds:.1f} | {p50:.0f} | {p95:.0f} | {p99:.0f} |")


def main() -> None:
    """Prepare, load, kill, and count."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("run", type=Path)
    words.add_argument("documents", type=Path, help="in any format; mentions are left out, but with --train")
    words.add_argument("--most", type=int, default=200, help="documents")
    words.add_argument("--recognizer", default="dictionary")
    words.add_argument("--annotators", type=int, default=50)
    words.add_argument("--seconds", type=float, default=300)
    words.add_argument("--thought", type=float, default=2, help="seconds before a decision, on average; exponential")
    words.add_argument("--kills", type=int, default=0, help="how often the server is killed meanwhile")
    words.add_argument("--train", action="store_true", help="the job is a training, on documents with their gold")
    words.add_argument("--database", default="", help="of PostgreSQL, empty; a new file of SQLite when left out")
    said = words.parse_args()
    with tempfile.TemporaryDirectory() as place, inputs.opened(said.documents) as source:
        folder = Path(place)
        database = Database.open(said.database or f"sqlite:///{folder}/annotations.db")
        project, tokens, ids = prepared(database, said, list(islice(source.documents(), said.most)), folder)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        serve = ["serve", str(said.run), "--folder", str(folder), "--recognizer", said.recognizer, "--port", str(port)]
        server = Server(
            [*serve, "--database", said.database or database.url], f"http://127.0.0.1:{port}", folder / "log"
        )
        try:
            wrong = loaded(server, database, project, tokens, ids, said)
        finally:
            server.process.terminate()
            server.process.wait(60)
        database.close()
    raise SystemExit(bool(wrong))


def loaded(
    server: Server, database: Database, project: int, tokens: list[str], ids: list[int], said: argparse.Namespace
) -> list[str]:
    """Let them all work; what is wrong with what was kept."""
    server.start()
    server.ready()
    where, seen = f"{server.url}/api/projects/{project}", Seen()
    with httpx2.Client(headers={"authorization": f"Bearer {tokens[0]}"}, timeout=60) as client:
        for method, path in (("GET", "names?q=fever"), ("POST", f"documents/{ids[0]}/refresh")):
            while (answer := client.request(method, f"{where}/{path}")).status_code == 503:
                time.sleep(0.5)  # the index of names is made once, the project's model is opened
            answer.raise_for_status()
    finished(database, jobs.submit(database, project, "predict", by=None).id)
    kind: jobs.Kind = "train" if said.train else "predict"
    job = jobs.submit(database, project, kind, by=None).id if said.kills or said.train else None
    names = _names(said.run)
    people = [
        Annotator(number, where, token, ids[number :: len(tokens)] + ids[:1], names, seen,
                  seconds=said.seconds, thought=said.thought)
        for number, token in enumerate(tokens)
    ]  # fmt: skip
    began = time.monotonic()
    for one in people:
        one.start()
    killed(server, kills=said.kills, seconds=said.seconds)
    for one in people:
        one.join()
    seconds = time.monotonic() - began
    server.ready()
    if job is not None:
        its = finished(database, job)
        print(f"a job that ran meanwhile is {its.state}, by {its.attempts} processes")
    warned = [line for line in server.log.read_text().splitlines() if "Error" in line or "fault" in line]
    print(
        f"{len(people)} annotators, {seconds:.0f} s, {said.kills} kills, {len(ids)} documents; "
        f"{seen.again} requests sent again, decisions refused: {dict(seen.refused) or 'none'}, "
        f"answers that are faults: {dict(seen.faults) or 'none'}; "
        f"{len(warned)} lines of the server's log tell of a fault",
        *warned[:5],
        sep="\n",
    )
    table(seen, seconds)
    return account(database, project, seen)


def _names(run: Path) -> list[str]:
    """Names that people may type: every hundredth of the knowledge base."""
    kb = KnowledgeBase.open(run / "knowledge.arrow")
    return [kb[row].name for row in range(0, len(kb), 100) if len(kb[row].name) > 6]


if __name__ == "__main__":
    main()
