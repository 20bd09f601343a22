from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tripel.training import journal
from tripel.training.journal import METRICS, SPEED, Bar, Config, Journal, Lines

QUIET = Config(wandb=False)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def steps(first: int, last: int) -> Iterator[tuple[dict[str, float | int | str], float]]:
    """Records of a made-up run, and the training time at each: as much as the step's number."""
    for step in range(first, last + 1):
        yield {"step": step, "loss": 1 / step, "lr": 1e-5 * step, "clusters": 8}, float(step)
        if step % 3 == 0:
            yield {"step": step, "dev": "accuracy@1", "value": 0.1 * step}, float(step)


def write(book: Journal, first: int, last: int) -> None:
    with book:
        for record, seconds in steps(first, last):
            book.write(record, seconds=seconds if "loss" in record else None)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metrics_hold_the_record_and_no_time(tmp_path: Path) -> None:
    with Journal.open(tmp_path, QUIET) as book:
        book.write({"step": 1, "loss": 0.5, "note": "é"}, seconds=3.0)
    assert (tmp_path / METRICS).read_text(encoding="utf-8") == '{"step": 1, "loss": 0.5, "note": "é"}\n'


def test_speed_is_counts_over_training_time(tmp_path: Path) -> None:
    with Journal.open(tmp_path, QUIET) as book:
        book.write({"step": 1, "loss": 0.5, "clusters": 8, "pairs": 100}, seconds=2.0)
        book.write({"step": 1, "accuracy": 0.5})
        book.write({"step": 2, "loss": 0.5, "clusters": 6, "pairs": 100}, seconds=2.5)
    first, second = lines(tmp_path / SPEED)
    assert (first["clusters_per_second"], first["pairs_per_second"]) == (4.0, 50.0)
    assert (second["step"], second["seconds"], second["clusters_per_second"]) == (2, 2.5, 12.0)
    assert isinstance(second["memory_mib"], int)
    assert 10 < second["memory_mib"] < 1 << 20


@pytest.mark.parametrize("torn", ["", '{"step": 8, "lo'])
def test_a_killed_and_resumed_run_leaves_the_same_metrics(tmp_path: Path, torn: str) -> None:
    write(Journal.open(tmp_path / "whole", QUIET), 1, 12)
    write(Journal.open(tmp_path / "killed", QUIET), 1, 8)
    with (tmp_path / "killed" / METRICS).open("a") as out:
        out.write(torn)
    write(Journal.open(tmp_path / "killed", QUIET, resume_step=6), 7, 12)
    assert (tmp_path / "killed" / METRICS).read_bytes() == (tmp_path / "whole" / METRICS).read_bytes()
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == [METRICS, SPEED]


def test_speed_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    write(Journal.open(tmp_path, QUIET), 1, 8)
    with Journal.open(tmp_path, QUIET, resume_step=6) as book:
        book.write({"step": 7, "loss": 0.1, "clusters": 8}, seconds=10.0)
    assert [line["step"] for line in lines(tmp_path / SPEED)] == [1, 2, 3, 4, 5, 6, 7]
    assert lines(tmp_path / SPEED)[-1]["clusters_per_second"] == 2.0


def test_a_run_is_not_begun_twice(tmp_path: Path) -> None:
    write(Journal.open(tmp_path, QUIET), 1, 2)
    with pytest.raises(ValueError, match=r"metrics\.jsonl is there already: go on with `tripel resume"):
        Journal.open(tmp_path, QUIET)


def test_resume_before_the_first_checkpoint_starts_over(tmp_path: Path) -> None:
    write(Journal.open(tmp_path, QUIET), 1, 2)
    write(Journal.open(tmp_path, QUIET, resume_step=0), 1, 1)
    assert [line["step"] for line in lines(tmp_path / METRICS)] == [1]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl:2: expected a JSON record with a step"):
        Journal.open(tmp_path, QUIET, resume_step=2)
    assert len((tmp_path / METRICS).read_text().splitlines()) == 3


def test_a_number_that_is_none_stops_the_run(tmp_path: Path) -> None:
    book = Journal.open(tmp_path, QUIET)
    with book, pytest.raises(ValueError, match=r"step 3: loss is nan; lower trainer\.lr"):
        book.write({"step": 3, "loss": float("nan")})
    assert (tmp_path / METRICS).read_text() == ""


def test_silent_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal.silent() as book:
        book.write({"step": 1, "loss": 1.0}, seconds=1.0)
        book.tables("t", ["a"], [[1]])
        book.pictures({"p": tmp_path / "none.png"})
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_lines_come_now_and_then_and_for_every_judgement() -> None:
    console = io.StringIO()
    sink = Lines(console, every=4)
    for record, _ in steps(1, 9):
        sink.write(record, {"step": 1, "seconds": 3.0, "clusters_per_second": 7.25})
    said = console.getvalue().splitlines()
    assert [line.split("  ")[0] for line in said] == ["step 3", "step 4", "step 6", "step 8", "step 9"]
    assert said[1] == "step 4  loss 0.25  lr 4e-05  clusters 8  clusters/s 7.25"


def test_bar_moves_by_progress_and_keeps_judgements_as_lines() -> None:
    console = io.StringIO()
    sink = Bar(console)
    sink.write({"step": 1, "loss": 0.5, "progress": 0.25}, {})
    sink.write({"step": 1, "accuracy": 0.75}, {})
    sink.write({"step": 2, "loss": 0.25, "progress": 1.0}, {})
    sink.close()
    assert "step 1  accuracy 0.75\n" in console.getvalue()
    assert console.getvalue().rstrip().split("\r")[-1].startswith("100%|")
    assert "step 2  loss 0.25" in console.getvalue()


def test_the_console_is_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Journal.open(tmp_path, Config(wandb=False, every=1)) as book:
        book.write({"step": 1, "loss": 0.5})
    assert capfd.readouterr() == ("", "step 1  loss 0.5\n")


@pytest.mark.parametrize(
    ("environment", "entry", "expected"),
    [
        ({}, "", False),
        ({"WANDB_API_KEY": "k"}, "", True),
        ({}, "machine api.wandb.ai login user password k\n", True),
        ({}, "machine elsewhere.org login user password k\n", False),
        ({"WANDB_BASE_URL": "https://wandb.hospital.org/"}, "machine wandb.hospital.org login u password k\n", True),
        ({}, "machine\n", False),
    ],
)
def test_who_is_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], entry: str, expected: bool
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "netrc").write_text(entry)
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert journal.logged_in() is expected


class Trap:
    """A proxy that counts who asks for the world, and refuses."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.callers = 0
        self.thread = threading.Thread(target=self._answer)
        self.thread.start()

    def _answer(self) -> None:
        while True:
            caller, _ = self.listener.accept()
            with caller:
                if caller.recv(4096) == b"end":
                    return
                self.callers += 1
                caller.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(self.listener.getsockname()) as end:
            end.sendall(b"end")
        self.thread.join()
        self.listener.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    set_up = Trap()
    yield set_up
    set_up.close()


SCRIPT = """
import sys, time
from pathlib import Path
from tripel.training import journal
journal.PATIENCE = 1.0
run = Path(sys.argv[1])
for first, resume in ((1, None), (4, 3)):
    with journal.Journal.open(run, journal.Config(), settings={"lr": 1e-5}, resume_step=resume) as book:
        for step in range(first, first + 3):
            book.write({"step": step, "loss": 1 / step})
        book.tables("dev", ["slice", "accuracy@1"], [["overall", 0.5]])
        book.pictures({"curve": run.parent / "curve.png"})
    time.sleep(1)  # wandb names its folders by the second
"""


def logged(run: Path, trap: Trap, **environment: str) -> str:
    """What a short run and its resumption say, in a process with a home of its own and no way out but the trap."""
    (run.parent / "curve.png").write_bytes(PNG)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_") and name != "NETRC"}
    ways_out = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), trap.address)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run)],
        env={**kept, **ways_out, "HOME": str(run.parent), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


@pytest.mark.parametrize("environment", [{}, {"WANDB_API_KEY": "0" * 40, "WANDB_MODE": "offline"}])
def test_wandb_offline_keeps_all_in_the_run_folder_asks_nothing_and_calls_nobody(
    tmp_path: Path, trap: Trap, environment: dict[str, str]
) -> None:
    run = tmp_path / "run"
    assert logged(run, trap, **environment) == ""
    assert trap.callers == 0
    kept = sorted(path for path in (run / "wandb").glob("offline-run-*") if path.is_dir())
    identity = (run / "wandb" / "id").read_text()
    assert sum(len(list(folder.glob(f"run-{identity}*.wandb"))) for folder in kept) == 2
    assert len(list((run / "wandb").rglob("media/table/*.json"))) == 2
    assert {path.read_bytes() for path in (run / "wandb").rglob("media/images/*.png")} == {PNG}
    assert [line["step"] for line in lines(run / METRICS)] == [1, 2, 3, 4, 5, 6]


def test_wandb_that_cannot_reach_its_server_goes_on_offline(tmp_path: Path, trap: Trap) -> None:
    assert "wandb: cannot go online" in logged(tmp_path / "run", trap, WANDB_API_KEY="0" * 40)
    assert trap.callers > 0
    assert list((tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(lines(tmp_path / "run" / METRICS)) == 6


@pytest.mark.parametrize(("config", "mode"), [(Config(wandb=False), "online"), (Config(), "disabled")])
def test_wandb_can_be_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config, mode: str) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    write(Journal.open(tmp_path, config), 1, 2)
    assert not (tmp_path / "wandb").exists()
