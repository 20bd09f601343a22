"""A process that links shards, one after the other, each to its place. It knows no cluster: whoever starts it hands it shards.

Its linker is loaded with the first shard and stays. Nothing it gives back, raises or prints holds text: of an error it tells the
kind and the line of code. Before a shard is begun, that is noted on the disk, so that one that kills its worker is known by it.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tripel import __version__, memory
from tripel.bulk import parquet
from tripel.bulk.input import Changed, Shard, read
from tripel.bulk.ledger import JOB, TRIES, Done, Job
from tripel.documents import Document, Linked
from tripel.faults import kind
from tripel.files import fingerprint, write_lines
from tripel.linking.finding import folders, moved
from tripel.linking.linker import Linker
from tripel.linking.records import as_record
from tripel.problems import Problem
from tripel.recognizers.base import TAGGER
from tripel.searching.asking import linking

MOST = 3  # tries of a shard
SAME = "runs (or bundles of them), input and output must be at the same path on every node, best on a file system they share"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every worker is told. Paths are absolute, and the same on all nodes."""

    run: Path
    settings: dict[str, Any]
    """As of `Linker.load`."""
    given: bool
    """The mentions that documents have are linked, and found ones where they have none; else found ones alone."""
    output: Path
    job: Job


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a shard."""

    shard: str
    done: Done | None = None
    given_up: str = ""
    """Why it is not done, after so many tries."""
    refused: str = ""
    """Why nothing can be linked on this node."""
    worker: str
    """Node and process."""
    memory: int
    """The most that the worker has held so far, in bytes."""


OUTCOME = TypeAdapter(Outcome)
SHARD = TypeAdapter(Shard)


class Refused(Exception):
    """Nothing can be linked on this node."""


class Worker:
    """Links the shards that it is handed, as JSON, and tells what became of each."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._linker: Linker | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with a `shard` -> a row with its `outcome`."""
        return {"outcome": OUTCOME.dump_json(self.outcome(SHARD.validate_json(row["shard"]))).decode()}

    def outcome(self, shard: Shard) -> Outcome:
        """Link it, or say why not. An error is tried again, like a death."""
        why, told = f"it ended its worker {MOST} times", dict[str, Any]()
        try:
            while not told and (tries := self._begin(shard)) <= MOST:
                try:
                    told = {"done": self._link(shard, self._loaded(), tries)}
                except Refused:
                    raise
                except Exception as error:  # its text may be of a document
                    why = f"{_kind(error)}, {MOST} times"
        except Refused as refused:
            told = {"refused": f"node {socket.gethostname()}: {refused}"}
        told = told or {"given_up": why}
        return Outcome(shard=shard.name, worker=f"{socket.gethostname()} {os.getpid()}", memory=memory.peak(), **told)

    def _begin(self, shard: Shard) -> int:
        """Note that it is begun; gives how often it was. Raises Refused where the output is not there."""
        path = self.task.output / TRIES / shard.name
        try:
            if not (self.task.output / JOB).is_file():
                raise Refused(f"{self.task.output} is not there; {SAME}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as out:
                out.write(b".")
                os.fsync(out.fileno())
                return out.tell()
        except OSError as error:
            raise Refused(f"{self.task.output}: cannot be written ({error.strerror})") from None

    def _loaded(self) -> Linker:
        """The linker, which is checked to be the one that the job was begun with. Raises Refused."""
        if self._linker is None:
            task = self.task
            try:
                if mark(task.run, task.settings, given=task.given) != task.job.linker:
                    raise Refused(f"{task.run} is another linker there, or tripel another version; {SAME}")
                self._linker = Linker.load(task.run, **task.settings)
            except (ValueError, OSError) as error:
                raise Refused(f"{error}; {SAME}") from None
        return self._linker

    def _link(self, shard: Shard, linker: Linker, tries: int) -> Done:
        began, job = time.monotonic(), self.task.job
        path, some = self.task.output / f"{shard.name}.{job.to}", _Some(shard)
        linked = self._linked(linker, some.documents())
        (parquet.write if job.to == "parquet" else write_lines)(path, some.records(linked))
        return Done(
            shard=shard.name,
            documents=some.linked,
            mentions=some.mentions,
            left_out=some.left_out,
            sha256=fingerprint(path),
            linker=job.linker,
            input=job.files[shard.name.rpartition("-")[0]],
            seconds=round(time.monotonic() - began, 3),
            tries=tries,
            problems=tuple(some.problems),
        )

    def _linked(self, linker: Linker, documents: Iterable[Document]) -> Iterator[Linked]:
        """In their order; what a run or bundle finds itself is asked of the documents without mentions."""
        return linker.stream_or_find(documents) if self.task.given else linker.stream(documents)


@dataclass
class _Some:
    """The documents of a shard on their way, counted."""

    shard: Shard
    linked: int = 0
    mentions: int = 0
    left_out: int = 0
    problems: list[Problem] = field(default_factory=list)

    def documents(self) -> Iterator[Document]:
        """Those without problems."""
        for found in read(self.shard):
            if isinstance(found, Document):
                yield found
            else:
                self.left_out += 1
                self.problems += found

    def records(self, linked: Iterable[Linked]) -> Iterator[dict[str, Any]]:
        """As they are written."""
        for one in linked:
            self.linked += 1
            self.mentions += len(one.links)
            yield as_record(one)


def mark(run: Path, settings: dict[str, Any], *, given: bool) -> str:
    """Fingerprint of all that decides what is linked: the files that link, those of a recognizer, settings, and version.

    That of a run is that of its bundle.
    """
    finds = settings.get("recognizer", "")
    models = folders(finds)
    set_here = {name: value for name, value in settings.items() if value not in (None, "", (), [])}
    said = {
        **set_here,
        "recognizer": moved(finds, lambda place: "" if Path(place) in models else place),
        "given": given,
    }
    digest = hashlib.sha256(json.dumps([__version__, said], sort_keys=True).encode())
    for folder in (run, *models):
        ours = folder == run or (folder / TAGGER).exists()
        for path in linking(folder) if ours else sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(folder).as_posix()} {fingerprint(path)}\n".encode())
    return digest.hexdigest()


def _kind(error: Exception) -> str:
    """What an error is, without its words, unless they are known to be of no document."""
    return str(error) if isinstance(error, Changed) else kind(error)
