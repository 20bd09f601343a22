"""Big jobs on a cluster of two nodes, one of which dies. No process of the tests itself joins it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import bulk_jobs
import psutil
import pytest

from tripel.bulk.cluster import QUIET
from tripel.bulk.ledger import MANIFEST
from tripel.documents import Document
from tripel.formats.jsonl import Jsonl

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="big jobs need Ray: pip install 'tripel[bulk]'")

RAY = str(Path(sys.executable).with_name("ray"))
TESTS = Path(__file__).parent
PATIENCE_S = 120


def until(true: Callable[[], bool], *living: psutil.Popen) -> None:
    """Wait; processes that ought to live do."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end and all(process.poll() is None for process in living)
        time.sleep(0.05)


@contextmanager
def node(environment: dict[str, str], *words: str) -> Iterator[psutil.Popen]:
    """A node of one core while the block runs, then ended with all its processes, none of them asked."""
    with tempfile.TemporaryDirectory() as folder:
        its = [
            RAY,
            "start",
            "--block",
            "--num-cpus",
            "1",
            "--object-store-memory",
            str(100 << 20),
            "--temp-dir",
            folder,
        ]
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
        process = psutil.Popen([*its, *words], **quiet)
        try:
            yield process
        finally:
            for one in [*process.children(recursive=True), process]:
                one.kill()
            process.wait()


def links(process: psutil.Popen) -> bool:
    """Whether a worker of a node has come to life."""
    return any("MapWorker" in "".join(one.cmdline()) for one in process.children(recursive=True))


def test_the_death_of_a_node_costs_the_shards_of_its_workers(tmp_path: Path) -> None:
    run, recognizer = bulk_jobs.linker(tmp_path / "linker"), bulk_jobs.finding(tmp_path)
    source = bulk_jobs.write(
        tmp_path / "in" / "a.jsonl", (bulk_jobs.record(number, does="SLOW") for number in range(12))
    )
    words = ["link", run, "--bulk", "--file", source, "--output", tmp_path / "out", "--shard", 1, "-k", 2]
    words += ["--recognizer", recognizer, "--workers", 2]
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    paths = {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    quick = {"RAY_worker_niceness": "0", "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "2"}
    environment = {**os.environ, **QUIET, **token, **paths, **quick}
    environment.pop("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", None)  # which would let no second node in
    port = bulk_jobs.free_port()
    address = f"127.0.0.1:{port}"
    with node(environment, "--head", "--port", str(port), "--include-dashboard", "false") as first:
        until(lambda: bulk_jobs.answers(port), first)
        with node(environment, "--address", address) as second:
            driver = psutil.Popen(
                [sys.executable, "-m", "tripel", *map(str, words), "--address", address], env=environment
            )
            until(lambda: links(second), first, second, driver)
            manifest = tmp_path / "out" / MANIFEST
            until(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 2, first, second, driver)
        assert driver.wait(timeout=PATIENCE_S) == 0
    documents = [one for one in Jsonl().read(source) if isinstance(one, Document)]
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents, recognizer=recognizer)
    done = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    assert len({one["shard"] for one in done}) == len(done) == 12
