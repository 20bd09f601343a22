"""Requests to `POST /api/link` from parallel clients: linked in batches across requests, against one by one.

    .venv/bin/python scripts/benchmarks/serving.py runs/fast --recognizer runs/tagger --documents test.pubtator

Both servers are processes of their own on this machine, and are asked in turns, so that the machine is the same to both. Each
request is one document, whose mentions are found or, with --given, those it has. What is printed goes into docs/serving.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from tripel.data import inputs

CLIENTS = (1, 8, 32)
ALONE = {"most": 1, "wait": 0.0}
TOGETHER: dict[str, Any] = {}


@dataclass
class Server:
    """A process that serves."""

    process: multiprocessing.process.BaseProcess
    address: str
    token: str

    @classmethod
    def start(cls, run: Path, recognizer: str, how: dict[str, Any]) -> Server:
        """And wait until its model is there."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(run, recognizer, how, port, there))
        process.start()
        its = cls(process, f"http://127.0.0.1:{port}", here.recv())
        while True:
            time.sleep(0.2)
            try:
                if httpx2.get(f"{its.address}/readyz").status_code == 200:
                    return its
            except httpx2.TransportError:
                continue


def _serve(run: Path, recognizer: str, how: dict[str, Any], port: int, there: Any) -> None:
    import uvicorn

    from tripel.annotations.accounts import Accounts
    from tripel.annotations.database import Database
    from tripel.web.app import create_app
    from tripel.web.batching import Batcher
    from tripel.web.model import Served
    from tripel.web.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/annotations.db")
        accounts = Accounts(database)
        user, _ = accounts.add("benchmark")
        there.send(accounts.issue(user.id, "benchmark", ["link"])[1])
        app = create_app(
            database=database,
            batcher=Batcher(lambda: Served.load(run, recognizer=recognizer), **how),
            settings=Settings(folder=Path(folder), links_per_minute=10**9),
        )
        uvicorn.run(app, port=port, access_log=False, log_level="error")


def asked(server: Server, bodies: Sequence[Any], *, clients: int, seconds: float) -> list[float]:
    """Seconds of each request that was answered, by so many clients who ask again as soon as they are answered."""
    ends, took, lock = time.monotonic() + seconds, list[float](), threading.Lock()
    turn = cycle(bodies)

    def ask() -> None:
        headers = {"authorization": f"Bearer {server.token}"}
        with httpx2.Client(base_url=server.address, headers=headers, timeout=60) as client:
            while time.monotonic() < ends:
                with lock:
                    body = next(turn)
                began = time.monotonic()
                client.post("/api/link", json=body).raise_for_status()
                with lock:
                    took.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def bodies_of(path: Path, *, given: bool, most: int, characters: int) -> list[Any]:
    """A request for each document, of its first characters alone."""
    with inputs.opened(path) as source:
        documents = [document for document, _ in zip(source.documents(), range(most), strict=False)]
    return [
        {
            "documents": [
                {"text": document.text[:characters]}
                | (
                    {
                        "mentions": [
                            {"start": one.start, "end": one.end} for one in document.mentions if one.end <= characters
                        ]
                    }
                    if given
                    else {}
                )
            ]
        }
        for document in documents
    ]


def main() -> None:
    """Measure, and print a table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("run", type=Path)
    words.add_argument("--recognizer", default="dictionary")
    words.add_argument("--documents", type=Path, required=True)
    words.add_argument("--given", action="store_true", help="link the mentions that documents have")
    words.add_argument("--most", type=int, default=200, help="documents")
    words.add_argument("--characters", type=int, default=100_000, help="of each document")
    words.add_argument("--seconds", type=float, default=10, help="of each turn")
    words.add_argument("--turns", type=int, default=2)
    said = words.parse_args()
    bodies = bodies_of(said.documents, given=said.given, most=said.most, characters=said.characters)
    length = np.mean([len(body["documents"][0]["text"]) for body in bodies])
    servers = {
        "one by one": Server.start(said.run, said.recognizer, ALONE),
        "in batches": Server.start(said.run, said.recognizer, TOGETHER),
    }
    took: dict[tuple[str, int], list[float]] = {}
    try:
        for server in servers.values():
            asked(server, bodies, clients=2, seconds=2)
        for clients in CLIENTS:
            for _ in range(said.turns):
                for name, server in servers.items():
                    took.setdefault((name, clients), []).extend(
                        asked(server, bodies, clients=clients, seconds=said.seconds)
                    )
    finally:
        for server in servers.values():
            server.process.terminate()
    print(
        f"{len(bodies)} documents of {length:.0f} characters on average, {said.turns} turns of {said.seconds:.0f} s each"
    )
    print("| clients | linked | requests/s | p50 ms | p95 ms | ratio |\n|---:|---|---:|---:|---:|---:|")
    for clients in CLIENTS:
        base = len(took["one by one", clients])
        for name in servers:
            its = took[name, clients]
            p50, p95 = (1000 * np.percentile(its, share) for share in (50, 95))
            rate = len(its) / (said.turns * said.seconds)
            print(f"| {clients} | {name} | {rate:.1f} | {p50:.0f} | {p95:.0f} | {len(its) / base:.2f} |")


if __name__ == "__main__":
    main()
