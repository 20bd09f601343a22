"""Where numbers go: the console, `metrics.jsonl`, `speed.jsonl` and wandb. It knows records, not what they mean.

A record is a flat mapping with a `step`. `metrics.jsonl` holds only what the seed decides, so a run that was killed and
resumed leaves the very file of one that was not; times go to `speed.jsonl`. Text of documents goes nowhere.
"""

from __future__ import annotations

import json
import math
import netrc
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

from tqdm import tqdm

from tripel import memory
from tripel.files import json_line, replacing, write_text

METRICS, SPEED = "metrics.jsonl", "speed.jsonl"
COUNTED = ("clusters", "pairs")  # counts of a step; their rates are its speed
PATIENCE = 20.0  # seconds that wandb may take to reach its server, and at the end to send what is left

Value = float | int | str
Record = Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Config:
    wandb: bool = True
    """Keep a wandb run in the run folder; it is sent only where you are logged in, and WANDB_MODE is respected."""
    project: str = "tripel"
    every: int = 10
    """Steps between lines on a console that is not a terminal."""


class Sink:
    """Takes everything and keeps nothing; others keep what they override."""

    def write(self, record: Record, speed: Record) -> None:
        """One record, and how fast it came; `speed` is empty where nothing was counted."""

    def tables(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """A table of numbers."""

    def pictures(self, pictures: Mapping[str, Path]) -> None:
        """PNG files by name."""

    def close(self) -> None:
        """Nothing comes after this."""


class Journal:
    """Hands each record to all sinks."""

    def __init__(self, sinks: Sequence[Sink], speed: Speedometer) -> None:
        self.sinks = tuple(sinks)
        self.speed = speed

    @classmethod
    def open(
        cls, run: Path, config: Config, *, settings: Mapping[str, Any] | None = None, resume_step: int | None = None
    ) -> Journal:
        """Begin the journal of a run, or go on with it from a checkpoint: records of later steps are dropped.

        Write all records of a step before its checkpoint is saved; then none is lost and none comes twice. `settings`
        is the whole configuration, for wandb.
        """
        for name in (METRICS, SPEED):
            _cut(run / name, after=resume_step)
        console = Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr, every=config.every)
        seconds = _last_seconds(run / SPEED)
        sinks = [MetricsFile(run / METRICS), SpeedFile(run / SPEED), console, _wandb(run, config, settings or {})]
        return cls(sinks, Speedometer(seconds))

    @classmethod
    def at_wandb(cls, folder: Path, config: Config, *, settings: Mapping[str, Any] | None = None) -> Journal:
        """A journal of what is no training, such as a report: a wandb run in its folder where `config` wants one, no more."""
        return cls([_wandb(folder, config, settings or {})], Speedometer(0.0))

    @classmethod
    def silent(cls) -> Journal:
        """A journal that keeps nothing: for every process but the first."""
        return cls((), Speedometer(0.0))

    def write(self, record: Record, *, seconds: float | None = None) -> None:
        """One record with its `step`; `seconds` is the time spent in training steps so far."""
        for key, value in record.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(
                    f"step {record['step']}: {key} is {value}; lower trainer.lr, or set trainer.precision=no"
                )
        speed = {} if seconds is None else self.speed.read(record, seconds)
        for sink in self.sinks:
            sink.write(record, speed)

    def tables(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """A table of numbers; never the text of documents."""
        kept = [list(row) for row in rows]
        for sink in self.sinks:
            sink.tables(name, columns, kept)

    def pictures(self, pictures: Mapping[str, Path]) -> None:
        """PNG files by name."""
        for sink in self.sinks:
            sink.pictures(pictures)

    def close(self) -> None:
        """Nothing comes after this."""
        for sink in self.sinks:
            sink.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Speedometer:
    """Rates since the reading before, and the most memory held so far."""

    def __init__(self, seconds: float) -> None:
        self.before = seconds

    def read(self, record: Record, seconds: float) -> dict[str, Value]:
        """Speed at `seconds` of training."""
        spent, self.before = max(seconds - self.before, 1e-9), seconds
        rates = {f"{key}_per_second": round(float(record[key]) / spent, 2) for key in COUNTED if key in record}
        return {"step": record["step"], "seconds": round(seconds, 3), **rates, **_memory()}


class MetricsFile(Sink):
    """Records as JSON Lines, each on the disk before the next step begins."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a", encoding="utf-8", newline="\n")

    def write(self, record: Record, speed: Record) -> None:
        """Append a line."""
        self._append(record)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _append(self, record: Record) -> None:
        self.file.write(json_line(dict(record)))
        self.file.flush()
        os.fsync(self.file.fileno())


class SpeedFile(MetricsFile):
    """Times, rates and memory as JSON Lines."""

    def write(self, record: Record, speed: Record) -> None:
        """Append a line where something was measured."""
        if speed:
            self._append(speed)


class Lines(Sink):
    """A plain line now and then, for a console that is not a terminal."""

    def __init__(self, stream: TextIO, *, every: int) -> None:
        self.stream = stream
        self.every = every

    def write(self, record: Record, speed: Record) -> None:
        """Every n-th step, and whatever is not a step."""
        if "loss" not in record or int(record["step"]) % self.every == 0:
            print(_said({**record, **_rates(speed)}), file=self.stream, flush=True)


class Bar(Sink):
    """A progress bar; it moves by the record's `progress`, the share of the run that is done."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.bar: tqdm[Any] | None = None

    def write(self, record: Record, speed: Record) -> None:
        """Move the bar; what is not a step stays above it as a line."""
        if "loss" not in record:
            tqdm.write(_said(record), file=self.stream)
            return
        done = float(record.get("progress", 0.0))
        if self.bar is None:
            form = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining} {postfix}"
            self.bar = tqdm(total=1.0, initial=done, file=self.stream, bar_format=form, dynamic_ncols=True)
        self.bar.set_postfix_str(_said({key: record[key] for key in ("step", "loss")} | _rates(speed)), refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Leave the bar where it stands."""
        if self.bar is not None:
            self.bar.close()


class Wandb(Sink):
    """Config, curves, tables and pictures as a wandb run inside the run folder."""

    def __init__(
        self, run: Path, config: Config, settings: Mapping[str, Any], *, mode: Literal["online", "offline"]
    ) -> None:
        import wandb

        self.wandb = wandb
        self.run = wandb.init(
            project=config.project,
            dir=str(run),
            id=_identity(run),
            name=run.resolve().name,
            resume="allow",
            config=dict(settings),
            settings=wandb.Settings(
                mode=mode,
                console="off",
                silent=True,
                reinit="create_new",
                init_timeout=PATIENCE,
                finish_timeout=PATIENCE,
                disable_git=True,
                disable_code=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
            ),
        )

    def write(self, record: Record, speed: Record) -> None:
        """A point on each curve."""
        values = {key: value for key, value in record.items() if key != "step"}
        times = {f"speed/{key}": value for key, value in speed.items() if key != "step"}
        self.run.log({**values, **times}, step=int(record["step"]))

    def tables(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """A table of numbers."""
        self.run.log({name: self.wandb.Table(columns=list(columns), data=[list(row) for row in rows])})

    def pictures(self, pictures: Mapping[str, Path]) -> None:
        """PNG files by name."""
        self.run.log({name: self.wandb.Image(str(path)) for name, path in pictures.items()})

    def close(self) -> None:
        """End the run; what could not be sent in time stays in the folder for `wandb sync`."""
        self.run.finish()


def _wandb(run: Path, config: Config, settings: Mapping[str, Any]) -> Sink:
    """A wandb run where one is wanted: online where the user is logged in and the server answers, else offline."""
    if not config.wandb or os.environ.get("WANDB_MODE") == "disabled":
        return Sink()
    # wandb reports its own faults and timings to its makers, offline too, unless it is told not to
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    online = os.environ.get("WANDB_MODE", "online") == "online" and logged_in()
    modes: tuple[Literal["online", "offline"], ...] = ("online", "offline") if online else ("offline",)
    for mode in modes:
        try:
            return Wandb(run, config, settings, mode=mode)
        except Exception as error:  # whatever ails wandb, the run goes on
            print(f"wandb: cannot go {mode} ({type(error).__name__})", file=sys.stderr)
            wandb.teardown()
    return Sink()


def logged_in() -> bool:
    """Whether wandb would find a key without asking: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb

    servers = {os.environ.get("WANDB_BASE_URL") or str(wandb.Settings().base_url), "https://api.wandb.ai"}
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        known = netrc.netrc(path).hosts
    except (OSError, netrc.NetrcParseError):
        return False
    return any(server.rpartition("//")[2].strip("/") in known for server in servers)


def _identity(run: Path) -> str:
    """The run's name at wandb: made once, so that a resumed run goes on under it."""
    path = run / "wandb" / "id"
    if not path.exists():
        write_text(path, secrets.token_hex(4))
    return path.read_text(encoding="utf-8").strip()


def _cut(path: Path, *, after: int | None) -> None:
    """Drop the records of later steps, and a last line that a kill cut short."""
    if not path.exists():
        return
    if after is None:
        raise ValueError(f"{path} is there already: go on with `tripel resume {path.parent}`, or choose another folder")
    with replacing(path) as part, part.open("wb") as kept:
        for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
            if line.endswith(b"\n") and _step(line, f"{path}:{number}") <= after:
                kept.write(line)


def _step(line: bytes, place: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{place}: expected a JSON record with a step; mend or remove this line") from None


def _last_seconds(path: Path) -> float:
    """Time spent in training steps before this journal was opened."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return float(json.loads(lines[-1])["seconds"]) if lines else 0.0


def _memory() -> dict[str, Value]:
    """The most memory held so far, in MiB. Where a step was measured, torch is loaded already."""
    import torch

    held: dict[str, Value] = {"memory_mib": memory.peak() >> 20}
    if torch.cuda.is_available():
        held["gpu_memory_mib"] = torch.cuda.max_memory_allocated() >> 20
    return held


def _rates(speed: Record) -> dict[str, Value]:
    return {key.replace("_per_second", "/s"): value for key, value in speed.items() if key.endswith("_per_second")}


def _said(record: Record) -> str:
    """`step 10  loss 0.1234`."""
    return "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in record.items()
    )
