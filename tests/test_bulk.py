"""Big jobs on a real Ray: workers that die, a driver that is killed, errors that quote texts, Parquet, and going on."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bulk_jobs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bulk_jobs import MARKER, record, write
from typer.testing import CliRunner

from tripel.bulk import cluster as bulk_cluster
from tripel.bulk.jobs import Account, link_files
from tripel.bulk.ledger import MANIFEST, PROBLEMS
from tripel.cli.main import app
from tripel.documents import Document
from tripel.formats.jsonl import Jsonl

os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # Ray reads them when it is imported
os.environ |= bulk_cluster.QUIET | bulk_cluster.LOOPBACK
PATIENT = ("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S")
os.environ |= {
    **dict.fromkeys(PATIENT, "120"),
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    "RAY_worker_niceness": "0",
}
pytest.importorskip("ray", reason="big jobs need Ray: pip install 'tripel[bulk]'")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray, by Ray
TESTS = Path(__file__).parent
STARTED = 120  # seconds that Ray may take


@dataclass(frozen=True)
class Cluster:
    """A Ray that runs already."""

    address: str
    across: str
    """Its address for drivers outside of it."""
    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node of two cores with a token of its own; ended by its own process, and by no name."""
    folder = Path(tmp_path_factory.mktemp("r"))
    port, across = bulk_jobs.free_port(), bulk_jobs.free_port()
    its = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    words = f"start --head --block --num-cpus 2 --include-dashboard false --object-store-memory {100 << 20}".split()
    words += ["--port", str(port), "--ray-client-server-port", str(across), "--temp-dir", str(folder)]
    with (folder / "start.log").open("w") as log:
        ray = str(Path(sys.executable).with_name("ray"))
        head = subprocess.Popen([ray, *words], stdout=log, stderr=log, env=its)
        try:
            wait(folder, across)
            yield Cluster(f"127.0.0.1:{port}", f"ray://127.0.0.1:{across}", folder, its)
        finally:
            head.terminate()
            head.wait(timeout=STARTED)


def wait(folder: Path, *ports: int) -> None:
    end = time.monotonic() + STARTED
    for port in ports:
        while not bulk_jobs.answers(port):
            assert time.monotonic() < end, (folder / "start.log").read_text()
            time.sleep(0.2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bulk_jobs.linker(tmp_path_factory.mktemp("linker"))


def link(run: Path, folder: Path, *, recognizer: str = "", **how: Any) -> Account:
    return link_files(
        run, folder / "in", folder / "out", settings={"k": 2, "recognizer": recognizer}, **{"size": 2, **how}
    )


def across(run: Path, folder: Path, cluster: Cluster) -> str:
    """Link as `link` does, by a driver outside of the cluster: shards that were done before, documents now and in all.

    Ray's server for such drivers now and then does not start (its gRPC loses a file), and the driver's process is then unfit.
    """
    code = f"""
from pathlib import Path
from tripel.bulk.jobs import link_files
its = link_files(Path({str(run)!r}), Path({str(folder / "in")!r}), Path({str(folder / "out")!r}),
                 settings={{"k": 2, "recognizer": ""}}, size=2, address={cluster.across!r})
print(its.skipped, its.linked, its.documents)
"""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code], env=cluster.environment, capture_output=True, text=True, timeout=2 * STARTED
        )
        if "Starting Ray client server failed" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(folder: Path) -> list[Document]:
    paths = sorted((folder / "in").iterdir())
    return [one for path in paths for one in Jsonl().read(path) if isinstance(one, Document)]


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "out" / MANIFEST).read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert len({one["shard"] for one in found}) == len(found)
    return {one["shard"]: one for one in found}


def test_what_is_linked_is_what_a_linker_links_and_a_second_call_adds_what_is_new(
    run: Path, tmp_path: Path, cluster: Cluster
) -> None:
    write(tmp_path / "in" / "a.jsonl", map(record, range(5)))
    account = link(run, tmp_path, address=cluster.address)
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents(tmp_path))
    assert (account.whole, account.documents, account.mentions, account.shards) == (True, 5, 10, 3)
    assert len(manifest(tmp_path)) == 3
    write(tmp_path / "in" / "b.jsonl", map(record, range(5, 7)))
    first = manifest(tmp_path)
    assert across(run, tmp_path, cluster) == "3 2 7\n"
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents(tmp_path))
    assert {**manifest(tmp_path), **first} == manifest(tmp_path)


def test_deaths_and_errors_cost_their_shard_alone_and_no_text_is_told(
    run: Path, tmp_path: Path, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    """One shard ends its worker once, one always, one has an error that quotes the text, one a line that is no document."""
    does = ["", "DIES", "", "POISON", "", "FAULT"]
    lines: list[Any] = [record(number, does=one) for number, one in enumerate(does)]
    write(tmp_path / "in" / "a.jsonl", [*lines, f"{{{MARKER}", record(7)])
    recognizer = bulk_jobs.finding(tmp_path)
    account = link(run, tmp_path, recognizer=recognizer, address=cluster.address)
    assert account.given_up.keys() == {"a-00001", "a-00002"} and account.left_out == 1
    assert account.given_up["a-00001"] == "it ended its worker 3 times"
    assert account.given_up["a-00002"].startswith("ValueError at finder.py:")
    assert [one["id"] for one in bulk_jobs.lines(tmp_path / "out")] == ["0", "1", "7"]
    assert manifest(tmp_path)["a-00000"]["tries"] == 2
    problems = [json.loads(line) for line in (tmp_path / "out" / PROBLEMS).read_text(encoding="utf-8").splitlines()]
    assert [one["line"] for one in problems] == [3, 5, 7]
    assert "NOT LINKED: 1 documents that had problems, 2 shards" in str(account) and not account.whole

    (tmp_path / "CURED").touch()
    again = link(run, tmp_path, recognizer=recognizer, address=cluster.address)
    assert (again.skipped, again.given_up, again.left_out) == (2, {}, 1)
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents(tmp_path), recognizer=recognizer)

    told = capfd.readouterr()
    assert MARKER not in f"{account} {told.out} {told.err}"
    seen = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".err" for path in seen) and any("ray-data" in path.parts for path in seen)
    assert not [path for path in seen if MARKER.encode() in path.read_bytes()]


def test_a_killed_driver_goes_on_where_it_was(run: Path, tmp_path: Path, cluster: Cluster) -> None:
    write(tmp_path / "in" / "a.jsonl", (record(number, does="SLOW") for number in range(16)))
    recognizer = bulk_jobs.finding(tmp_path)
    words = ["link", run, "--bulk", "--file", tmp_path / "in", "--output", tmp_path / "out", "--shard", 2, "-k", 2]
    words += ["--recognizer", recognizer, "--address", cluster.address]
    driver = subprocess.Popen([sys.executable, "-m", "tripel", *map(str, words)], env=cluster.environment)
    end = time.monotonic() + STARTED
    path = tmp_path / "out" / MANIFEST
    while not (path.exists() and path.read_text(encoding="utf-8").count("\n") >= 2):
        assert driver.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = manifest(tmp_path)
    assert 2 <= len(before) < 8
    account = link(run, tmp_path, recognizer=recognizer, address=cluster.address)
    assert account.whole and account.skipped == len(before)
    assert {name: manifest(tmp_path)[name] for name in before} == before
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents(tmp_path), recognizer=recognizer)


def test_parquet_in_and_out_is_what_json_lines_are(run: Path, tmp_path: Path, cluster: Cluster) -> None:
    write(tmp_path / "a.jsonl", map(record, range(3)))
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pylist([record(number) for number in range(3)]), tmp_path / "in" / "a.parquet")
    account = link(run, tmp_path, to="parquet", address=cluster.address, workers=1)
    assert account.documents == 3
    rows = [row for number in (0, 1) for row in pq.read_table(tmp_path / "out" / f"a-{number:05}.parquet").to_pylist()]
    assert rows == bulk_jobs.linked(run, Jsonl().read(tmp_path / "a.jsonl"))  # type: ignore[arg-type]


def test_on_this_machine_alone_nothing_is_left_and_nobody_else_is_let_in(run: Path, tmp_path: Path) -> None:
    """The command, with Ray of its own."""
    write(tmp_path / "in" / "a.jsonl", map(record, range(3)))
    (tmp_path / "home").mkdir()
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    places = {"HOME": tmp_path / "home", "TMPDIR": short}
    words = [run, "--bulk", "--file", tmp_path / "in" / "*.jsonl", "--output", tmp_path / "out", "--workers", 1]
    code = f"""
import sys
from tripel.bulk import jobs as bulk
from tripel.cli.main import main
outcomes = bulk.outcomes
def watched(address, worker, task, shards, pool):
    import ray
    from ray._common.usage.usage_lib import usage_stats_enabled
    assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"], ray.nodes()
    assert not usage_stats_enabled()
    yield from outcomes(address, worker, task, shards, pool)
bulk.outcomes = watched
sys.argv = ["tripel", "link", *{[str(word) for word in words]!r}]
main()
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {name: str(path) for name, path in places.items()} | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=2 * STARTED
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'out'}: 3 documents, 6 mentions, 1 shards; ")
    assert done.stdout.count("\n") == 1
    assert not (tmp_path / "home" / ".ray").exists()
    short.rmdir()  # raises where something is left in it
    assert bulk_jobs.lines(tmp_path / "out") == bulk_jobs.linked(run, documents(tmp_path), k=3)


def test_the_example_of_the_page_runs(run: Path, tmp_path: Path) -> None:
    page = (TESTS.parent / "docs" / "bulk.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = example.replace("runs/sample", str(run)).replace("runs/tagger", "dictionary")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=2 * STARTED
    )
    assert done.returncode == 0, done.stderr
    (linked,) = bulk_jobs.lines(tmp_path / "linked")
    assert linked["text"] == "Relapses made MS certain."


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_a_sentence(run: Path, tmp_path: Path, address: str) -> None:
    write(tmp_path / "in" / "a.jsonl", map(record, range(3)))
    with pytest.raises(ValueError, match=rf"no Ray answers at {address} .*refused\); `ray start --head` starts one"):
        link(run, tmp_path, address=address)


def test_an_output_within_the_input_is_refused(run: Path, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.jsonl", map(record, range(3)))
    with pytest.raises(ValueError, match="lies where the input is read"):
        link_files(run, tmp_path, tmp_path / "out", settings={})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bulk", "--file", "in", "--output", "out", "--json"], "--bulk goes with no texts, --json"),
        (["--bulk", "--file", "in"], "--bulk needs --file and --output, and writes --to jsonl or parquet"),
        (["--bulk", "--file", "in", "--output", "out", "--to", "brat"], "--bulk needs --file and --output"),
        (["--file", "in", "--output", "out", "--workers", "2"], "--address and --workers go with --bulk"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["link", "run", *words])
    assert isinstance(result.exception, ValueError) and said in str(result.exception)


@pytest.mark.parametrize(("failing", "opens"), [(0, True), (2, True), (3, False)])
def test_a_door_that_fails_to_open_is_tried_again(failing: int, opens: bool) -> None:
    """As Ray's does now and then, since a process that it began is not seen yet."""
    answers = iter([*[ConnectionAbortedError("Initialization failure from server")] * failing, None])
    tried = []

    def door() -> None:
        tried.append(answer := next(answers))
        if answer is not None:
            raise answer

    if opens:
        bulk_cluster._enter(door)
        assert len(tried) == failing + 1
    else:
        with pytest.raises(ConnectionAbortedError):
            bulk_cluster._enter(door)
