"""A tiny linker in a folder, and documents to link with it, for tests of big jobs."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lessons
import tiny

from tripel.documents import Document
from tripel.linking.linker import Linker
from tripel.linking.records import as_record
from tripel.searching import asking

MARKER = "Zebrafinch"  # in every text, and in nothing else


def linker(folder: Path) -> Path:
    """A folder that links, of a random encoder."""
    lessons.KB.save(folder / "kb.arrow")
    asking.build_index(str(tiny.folder(folder / "base")), str(folder / "kb.arrow"), folder / "run", {})
    return folder / "run"


def text(number: int, *, does: str = "") -> str:
    """What a document says; `does` is what it does to `troubled.finder`."""
    return f"{MARKER} {number}: fever and ms, then fever. {does}"


def record(number: int, *, does: str = "") -> dict[str, Any]:
    """A document as JSON Lines have it, with two mentions."""
    its = text(number, does=does)
    starts = [(its.index(word), word) for word in ("fever", "ms")]
    mentions = [{"start": start, "end": start + len(word), "text": word, "type": "Disease"} for start, word in starts]
    return {"id": str(number), "text": its, "mentions": mentions}


def write(path: Path, records: Iterable[Any]) -> Path:
    """JSON Lines; a string is a line as it is."""
    lines = (one if isinstance(one, str) else json.dumps(one) for one in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def finding(folder: Path) -> str:
    """The recognizer that does what texts say."""
    return f"troubled.finder folder={shlex.quote(str(folder))}"


def linked(run: Path, documents: Iterable[Document], *, recognizer: str = "", k: int = 2) -> list[dict[str, Any]]:
    """What a linker says of documents, without shards."""
    its = Linker.load(run, recognizer=recognizer, k=k)
    return [json.loads(json.dumps(as_record(one))) for one in its.stream(documents, given=not recognizer)]


def lines(folder: Path) -> list[dict[str, Any]]:
    """The documents of all shards of JSON Lines, in the order of their names."""
    paths = sorted(path for path in folder.rglob("*-?????.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
