"""Millions of documents -> shards of links, on one machine or on a cluster, and on again after a kill at any moment.

    account = link_files(Path("runs/fast"), Path("notes/"), Path("linked"), settings={"k": 5})

Each document of the input is in the output once, or named in problems.jsonl by file and line. Shards are read, linked and
written by workers; here it is decided which are left to do, and written down which are done.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tripel import __version__
from tripel.bulk.cluster import Pool, cluster, outcomes
from tripel.bulk.input import Shard, files, reads_in, shards
from tripel.bulk.ledger import PROBLEMS, Job, Ledger, To, alone
from tripel.bulk.worker import OUTCOME, SHARD, Outcome, Task, Worker, mark
from tripel.files import fingerprint
from tripel.linking.finding import is_folder, moved
from tripel.linking.linker import Linker
from tripel.problems import BadInput, Problem
from tripel.progress import bar

SIZE = 1000  # documents of a shard: minutes of work, which is what a death costs
HOPELESS = 10  # shards given up before one was ever done


@dataclass
class Account:
    """What became of a job."""

    output: Path
    shards: int
    skipped: int
    """Shards that were done before."""
    given: bool
    """Whether mentions came with the documents alone, and nothing looked for others."""
    documents: int = 0
    mentions: int = 0
    left_out: int = 0
    """Of the whole job, whichever call linked them."""
    linked: int = 0
    """Documents linked by this call."""
    seconds: float = 0.0
    """That linking them took, with the start of the workers."""
    workers: int = 0
    memory: int = 0
    """The most that one worker held, in bytes."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Shards, and why."""

    @property
    def whole(self) -> bool:
        """Whether every document was linked."""
        return not self.left_out and not self.given_up

    def close(self, ledger: Ledger) -> None:
        """Count the whole job."""
        done = ledger.done.values()
        self.documents, self.mentions = sum(one.documents for one in done), sum(one.mentions for one in done)
        self.left_out = sum(one.left_out for one in done)

    def __str__(self) -> str:
        said = [f"{self.output}: {self.documents:,} documents, {self.mentions:,} mentions, {self.shards:,} shards"]
        if self.skipped:
            said.append(f"{self.skipped:,} shards were done before")
        if self.linked:
            rate = f"{self.linked / self.seconds:.1f} documents/s, {self.seconds:.0f} s"
            said.append(f"{rate}, {self.workers} workers of at most {self.memory / (1 << 30):.1f} GiB")
        if self.given and not self.mentions:
            said.append("no document had mentions: --recognizer finds them")
        if not self.whole:
            what = [f"{self.left_out:,} documents that had problems"] * bool(self.left_out)
            what += [f"{len(self.given_up):,} shards that the same command tries again"] * bool(self.given_up)
            said.append(f"NOT LINKED: {', '.join(what)}; {self.output / PROBLEMS} names them")
        return "; ".join(said)


def link_files(
    run: Path,
    source: Path,
    output: Path,
    *,
    settings: Mapping[str, Any],
    size: int = SIZE,
    to: To = "jsonl",
    address: str = "",
    workers: int = 0,
) -> Account:
    """Link every document of a file, a folder or a pattern; what is done is not done again.

    settings: as of `Linker.load`; with a recognizer mentions are found, else those that documents have are linked, and where a
    document has none those that a run or bundle finds itself. size: the documents of a shard. address: of a Ray cluster;
    without one Ray runs here while it is needed. workers: at most so many.

    Raises ValueError in a sentence where the input cannot be read, another job was begun in `output`, or nothing can be linked.
    """
    finds = moved(
        settings.get("recognizer", ""), lambda place: str(Path(place).absolute()) if is_folder(place) else place
    )
    settings = {**settings, "recognizer": finds}
    run, source, output = run.absolute(), source.absolute(), output.absolute()
    if reads_in(source, output):
        raise ValueError(f"{output} lies where the input is read; name another")
    linker = Linker.load(run, **settings)  # raises where that cannot be, before anything is begun
    with alone(output) as scratch:
        found, marks = _read(files(source), size)
        said = {"tripel": __version__, "run": str(run), "input": str(source), **settings}
        given = not settings["recognizer"]
        job = Job(linker=mark(run, settings, given=given), shard=size, to=to, files=marks, made_with=said)
        job.begin(output)
        ledger = _taken_up(Ledger(output, job), found)
        account = Account(output, shards=len(found), skipped=len(ledger.done), given=linker.recognizer is None)
        task = Task(run=run, settings=settings, given=given, output=output, job=job)
        left = {shard.name: shard for shard in found if shard.name not in ledger.done}
        if left:
            with (
                cluster(address, workers=workers, scratch=scratch) as pool,
                closing(_outcomes(address, task, left, pool)) as told,
            ):
                account.workers = pool.workers
                _link(left, ledger, account, told)
        account.close(ledger)
        ledger.tell(_of_given_up(left[name], why) for name, why in account.given_up.items())
    return account


def _read(paths: Mapping[str, Path], size: int) -> tuple[list[Shard], dict[str, str]]:
    """The shards of all files, and the fingerprint of each. Raises BadInput with what is wrong with files as a whole."""
    found: list[Shard] = []
    marks: dict[str, str] = {}
    problems: list[Problem] = []
    total, done = sum(path.stat().st_size for path in paths.values()), 0
    with bar("reading the input", unit="B") as progress:
        for name, path in paths.items():
            try:
                found += shards(name, path, size=size)
                marks[name] = fingerprint(path)
            except BadInput as bad:
                problems += bad.problems
            done += path.stat().st_size
            progress(done, total)
    if problems:
        raise BadInput(problems)
    if not found:
        raise ValueError(f"{', '.join(map(str, paths.values()))}: no documents there")
    return found, marks


def _taken_up(ledger: Ledger, found: Sequence[Shard]) -> Ledger:
    """With what was done before."""
    with bar("verifying what is done", unit="shards") as progress:
        ledger.verify(found, progress)
    return ledger


def _outcomes(address: str, task: Task, left: Mapping[str, Shard], pool: Pool) -> Generator[Outcome, None, None]:
    """What became of each shard that was left. Raises ValueError where a node cannot link, or no shard can be linked."""
    places = [SHARD.dump_json(shard).decode() for shard in left.values()]
    with closing(outcomes(address, Worker, task, places, pool)) as told:
        for one in map(OUTCOME.validate_json, told):
            if one.refused:
                raise ValueError(one.refused)
            yield one


def _link(left: Mapping[str, Shard], ledger: Ledger, account: Account, told: Iterator[Outcome]) -> None:
    """Write down what is done, as it is done. Raises ValueError where that is nothing for long."""
    began, passed = time.monotonic(), 0
    total = sum(shard.documents for shard in left.values())
    with bar("linking documents", unit="documents") as progress:
        for one in told:
            account.memory = max(account.memory, one.memory)
            if one.done:
                ledger.add(one.done)
                account.linked += one.done.documents
            else:
                account.given_up[one.shard] = one.given_up
            if len(account.given_up) >= HOPELESS and not ledger.done:
                raise ValueError(f"the first {HOPELESS} shards were given up, the last since {one.given_up}; mend that")
            passed += left[one.shard].documents
            progress(passed, total)
            account.seconds = time.monotonic() - began


def _of_given_up(shard: Shard, why: str) -> Problem:
    found = f"{shard.documents} documents, up to line {shard.end - 1}, that were given up: {why}"
    return Problem(shard.source, shard.first, found, "documents that can be linked; the same command tries again")
