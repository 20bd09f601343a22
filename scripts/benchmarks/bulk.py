"""A big job with two workers, killed half way: speed, memory by process, every document once.

    TRIPEL_DATA=... python scripts/benchmarks/bulk.py runs/bc5cdr/main --abstracts 20000 --mentions 3
    TRIPEL_DATA=... python scripts/benchmarks/bulk.py runs/bc5cdr/main --abstracts 2000 --kill node
    TRIPEL_DATA=... python scripts/benchmarks/bulk.py runs/bc5cdr/main --abstracts 2000 --nodes 1

Nodes are on this machine, each with a temporary folder and ports of its own: two of one core, the second joins the first, or
one of two cores. Abstracts are those of BC5CDR, all splits, again and again with new ids, each with its first few mentions
(0: all), which are linked as given. Once half of the shards are done a worker of the last node is ended by SIGKILL, or every
process of that node. Then each document of the input is looked for in the output: once, with the text and the mentions that it
had, every one with its candidates. Memory is asked for when a quarter is done: RSS counts what processes share in each of them,
PSS divides it among them, USS leaves it out.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tripel.bulk.cluster import QUIET
from tripel.bulk.ledger import MANIFEST
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.files import read_lines, write_lines

WORKER = "ray::MapWorker"  # how the processes are called that link
WORKERS = 2  # one on each core of all nodes
# Ray lets its workers give way to whatever else runs (15); then the other load of a machine is measured and nothing else
EQUAL = {"RAY_worker_niceness": "0"}


def main() -> None:
    """Write the input, start the nodes, link, kill, look at everything, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--abstracts", type=int, default=20_000)
    parser.add_argument("--mentions", type=int, default=3)
    parser.add_argument("--shard", type=int, default=250)
    parser.add_argument("--nodes", type=int, choices=(1, 2), default=2)
    parser.add_argument("--kill", choices=("worker", "node"), default="worker")
    asked = parser.parse_args()
    if asked.kill == "node" and asked.nodes == 1:
        parser.error("--kill node: a job ends with the last node")
    cores = WORKERS // asked.nodes
    with tempfile.TemporaryDirectory() as name, ExitStack() as held:
        work = Path(name)
        write_lines(work / "in.jsonl", abstracts(asked.abstracts, asked.mentions))
        os.environ |= {**QUIET, **EQUAL, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        address = f"127.0.0.1:{free_port()}"
        port = address.rpartition(":")[2]
        nodes = [held.enter_context(node(cores, "--head", "--port", port, "--include-dashboard", "false"))]
        listening(int(port))
        nodes += [held.enter_context(node(cores, "--address", address)) for _ in range(asked.nodes - 1)]
        words = [asked.run, "--bulk", "--file", work / "in.jsonl", "--output", work / "out", "--address", address]
        words += ["--shard", asked.shard, "--workers", WORKERS]
        driver = subprocess.Popen([sys.executable, "-m", "tripel", "link", *map(str, words)])
        shards = -(-asked.abstracts // asked.shard)
        done(work / "out" / MANIFEST, shards // 4, driver)
        print("\n".join(memory(driver.pid, [one.pid for one in nodes])), flush=True)
        done(work / "out" / MANIFEST, shards // 2, driver)
        its = list(below([nodes[-1].pid]))
        killed = its if asked.kill == "node" else [next(one for one in its if WORKER in called(one))]
        print(f"SIGKILL to {', '.join(map(called, killed))} of the last node", flush=True)
        for process in killed:
            process.kill()
        assert driver.wait() == 0
        print(checked(work / "in.jsonl", work / "out"))


def abstracts(count: int, mentions: int) -> Iterator[dict[str, Any]]:
    """Documents of JSON Lines."""
    documents = Bc5cdr(Bc5cdr.Config()).read("train+dev+test")
    for number in range(count):
        document = documents[number % len(documents)]
        its = document.mentions[: mentions or None]
        yield {
            "id": f"{document.id}-{number // len(documents)}",
            "text": document.text,
            "title_end": document.title_end,
            "mentions": [{"start": one.start, "end": one.end, "text": one.text, "type": one.type} for one in its],
        }


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listening(port: int) -> None:
    """Wait until somebody does."""
    with socket.socket() as one:
        if one.connect_ex(("127.0.0.1", port)):
            time.sleep(0.5)
            listening(port)


@contextmanager
def node(cores: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A node of a cluster, in a process of its own."""
    ray = str(Path(sys.executable).with_name("ray"))
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        its = ["--block", "--num-cpus", str(cores), "--object-store-memory", str(100 << 20), "--temp-dir", folder]
        started = subprocess.Popen([ray, "start", *words, *its], stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.terminate()
            started.wait()


def done(manifest: Path, shards: int, driver: subprocess.Popen[bytes]) -> None:
    """Wait until so many shards are."""
    while not (manifest.exists() and manifest.read_bytes().count(b"\n") >= shards):
        assert driver.poll() is None, "the driver ended"
        time.sleep(0.2)


def below(pids: Sequence[int]) -> Iterator[psutil.Process]:
    """Processes, and those that they began."""
    for pid in pids:
        process = psutil.Process(pid)
        yield from [process, *process.children(recursive=True)]


def called(process: psutil.Process) -> str:
    """The title or the program of a process."""
    words = process.cmdline() or [process.name()]
    return words[0] if words[0].startswith("ray::") else Path(words[0]).name


def memory(driver: int, nodes: Sequence[int]) -> Iterator[str]:
    """A table: the driver, each worker, and what else Ray has running, together."""
    held = [(called(process), process.memory_full_info()) for process in below(nodes)]
    others = [one for name, one in held if WORKER not in name]
    rows = [("driver", [psutil.Process(driver).memory_full_info()])]
    rows += [("worker", [one]) for name, one in held if WORKER in name]
    rows += [(f"the {len(others)} other processes of Ray", others)]
    yield "| process | RSS | PSS | USS |\n|---|---|---|---|"
    for name, some in rows:
        sums = (sum(getattr(one, kind) for one in some) >> 20 for kind in ("rss", "pss", "uss"))
        yield f"| {name} | " + " | ".join(f"{part:,} MiB" for part in sums) + " |"


def checked(source: Path, output: Path) -> str:
    """Raises AssertionError where not every document is in the output, once and whole."""
    wanted = {one["id"]: one for one in read_lines(source)}
    seen: Counter[str] = Counter()
    mentions = 0
    for path in sorted(output.glob("in-*.jsonl")):
        for one in read_lines(path):
            seen[one["id"]] += 1
            its = wanted[one["id"]]
            spans = [(mention["start"], mention["end"]) for mention in one["mentions"]]
            assert one["text"] == its["text"] and spans == [(m["start"], m["end"]) for m in its["mentions"]], one["id"]
            assert all(mention["candidates"] for mention in one["mentions"]), one["id"]
            mentions += len(spans)
    assert seen == Counter(wanted.keys()), "a document is missing, or there twice"
    lines = list(read_lines(output / MANIFEST))
    again = sum(line["tries"] > 1 for line in lines)
    busy = sum(line["seconds"] for line in lines)
    rate = f"{len(seen) / busy:.1f} documents/s, {mentions / busy:.1f} mentions/s of a worker"
    return f"{len(seen):,} documents and {mentions:,} mentions, each once; {again} of {len(lines)} shards begun again; {rate}"


if __name__ == "__main__":
    main()
