"""What is finished of a big job: its folder, what it was begun with, a line for each shard that is done, and who works on it.

OUTPUT/job.json         the linker, the settings and the input that it was begun with; others are refused
OUTPUT/manifest.jsonl   a line for each shard that is done: counts, SHA-256, what made it, what was left out of it
OUTPUT/problems.jsonl   every document left out, as file and line; never its text
OUTPUT/NAME-00000.jsonl     shards; or .parquet

A line stands in the manifest only after its shard is on the disk. It knows no linker and no cluster.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from tripel.bulk.input import Shard
from tripel.files import fingerprint, json_line, read_json, write_json, write_lines
from tripel.problems import Problem

To = Literal["jsonl", "parquet"]

JOB, MANIFEST, PROBLEMS = "job.json", "manifest.jsonl", "problems.jsonl"
LOCK, TRIES = ".lock", ".tries"
SCRATCH = "tripel-"  # how the names of folders for scratch begin
LONGEST = 25  # characters of the folder that they are in: Ray has sockets there, whose names end at 107 characters
ELSEWHERE = "or link into another folder"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What decides the output."""

    linker: str
    """Fingerprint of all that links, and of its settings."""
    shard: int
    """Documents of a shard."""
    to: To
    files: dict[str, str]
    """SHA-256 of each file of the input, by the name of its shards."""
    made_with: dict[str, Any]
    """The same in words, for whoever looks; nothing is decided by it."""

    def begin(self, output: Path) -> None:
        """Write it down; or go on, where it is the same, or has more files. Raises ValueError where it is another job."""
        path = output / JOB
        if not path.exists():
            strange = next((one for one in output.glob("*") if not one.name.startswith(".")), None)
            if strange:
                raise ValueError(
                    f"{output} holds other files, such as {strange.name}; name another folder, or a new one"
                )
        else:
            self._refuse(read_json(path), output)
        write_json(path, asdict(self))

    def _refuse(self, begun: Mapping[str, Any], output: Path) -> None:
        for what, ours, option in (("shard", self.shard, "--shard"), ("to", self.to, "--to")):
            if begun.get(what) != ours:
                raise ValueError(f"{output}: begun with {option} {begun.get(what)}; say so again, {ELSEWHERE}")
        if begun.get("linker") != self.linker:
            raise ValueError(
                f"{output}: begun with another linker, version or settings; give the same again, {ELSEWHERE}"
            )
        for name, was in begun.get("files", {}).items():
            if self.files.get(name) != was:
                what = "changed" if name in self.files else "is no longer there"
                raise ValueError(
                    f"{output}: input {name} {what} since linking began; put back what it was, {ELSEWHERE}"
                )


@dataclass(frozen=True, kw_only=True)
class Done:
    """A shard that is finished: a line of the manifest."""

    shard: str
    documents: int
    """That are in it."""
    mentions: int
    left_out: int
    """Documents that had problems; together these are all documents of the shard."""
    sha256: str
    linker: str
    """Fingerprint of what made it."""
    input: str
    """And of the file that it is of."""
    seconds: float
    tries: int
    problems: tuple[Problem, ...] = field(default=())


DONE = TypeAdapter(Done)


class Ledger:
    """The manifest of a folder."""

    def __init__(self, output: Path, job: Job) -> None:
        self.output = output
        self.job = job
        self.done: dict[str, Done] = {}
        """By shard."""

    def verify(self, shards: Iterable[Shard], progress: Callable[[int, int], None]) -> None:
        """Take up those shards that are said to be done, are of this job, and lie there as they were written."""
        wanted = {shard.name for shard in shards}
        said = [one for one in _said(self.output / MANIFEST) if one.shard in wanted]
        for number, one in enumerate(said, 1):
            if self._holds(one):
                self.done[one.shard] = one
            progress(number, len(said))
        write_lines(self.output / MANIFEST, map(_record, self.done.values()))

    def _holds(self, one: Done) -> bool:
        path, made_from = self.path(one.shard), self.job.files.get(one.shard.rpartition("-")[0])
        ours = (one.linker, one.input) == (self.job.linker, made_from)
        return ours and path.is_file() and fingerprint(path) == one.sha256

    def add(self, one: Done) -> None:
        """One more; it is on the disk when this returns."""
        with (self.output / MANIFEST).open("a", encoding="utf-8") as out:
            out.write(json_line(_record(one)))
            out.flush()
            os.fsync(out.fileno())
        self.done[one.shard] = one

    def path(self, shard: str) -> Path:
        """Where a shard goes."""
        return self.output / f"{shard}.{self.job.to}"

    def tell(self, more: Iterable[Problem]) -> None:
        """Write the problems of all shards, and others, in the order of files and lines."""
        problems = [*(problem for one in self.done.values() for problem in one.problems), *more]
        write_lines(self.output / PROBLEMS, map(asdict, sorted(problems, key=lambda one: (one.source, one.line))))


def _record(one: Done) -> Any:
    return DONE.dump_python(one, mode="json")


def _said(path: Path) -> Iterator[Done]:
    """The lines of a manifest; one that a kill cut off is none."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                return
            try:
                yield DONE.validate_json(line)
            except ValidationError:
                raise ValueError(
                    f"{path}:{number}: not a line of this version of tripel; mend it, {ELSEWHERE}"
                ) from None


@contextmanager
def alone(output: Path) -> Iterator[Path]:
    """Nobody else works in the folder; gives a private folder of this machine for scratch, which is gone afterwards.

    What a kill left behind goes when the same folder is worked in again. Raises ValueError where somebody works in it.
    """
    output.mkdir(parents=True, exist_ok=True)
    with (output / LOCK).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{output}: another process is linking into it; wait for it, {ELSEWHERE}") from None
        lock.seek(0)
        _clear(output, lock.read())
        lock.truncate(0)
        scratch = tempfile.mkdtemp(prefix=SCRATCH, dir=_place())
        print(scratch, end="", file=lock, flush=True)
        try:
            yield Path(scratch)
        finally:
            _clear(output, scratch)
            lock.truncate(0)


def _place() -> str:
    """Where folders for scratch are made."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= LONGEST else "/tmp"


def _clear(output: Path, scratch: str) -> None:
    """Nothing that only served the work is left."""
    if Path(scratch).name.startswith(SCRATCH) and Path(scratch).parent == Path(_place()):
        shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(output / TRIES, ignore_errors=True)
    for part in output.rglob(".*.part"):
        part.unlink(missing_ok=True)
