"""How anything is written: whole or not at all, readable, and with a fingerprint. Nothing here knows what it writes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1 << 20


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder to write to; it appears as `folder`, which is new, when the block ends well. What a kill left makes room."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def swap_in(part: Path, folder: Path) -> None:
    """A finished folder takes the place of another. Killed between the two renames, `mended` brings the old one back."""
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def mended(folder: Path) -> Path:
    """The folder, after what was left of a `swap_in` that was killed is put right."""
    if not folder.exists() and _old(folder).exists():
        _old(folder).rename(folder)
    return folder


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value, indented, atomically. NaN is an error: JSON has none."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON value. Raises ValueError that names the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON ({error})") from None


def json_line(record: Any) -> str:
    """One record as one line of JSON Lines."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")) + "\n"


def write_lines(path: Path, records: Iterable[Any]) -> None:
    """Write JSON Lines atomically."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(map(json_line, records))


def read_lines(path: Path) -> Iterator[Any]:
    """Read JSON Lines, with a byte order mark or empty lines at the end or not. Raises ValueError with file:line."""
    number, empty = 0, 0
    with open_text(path) as lines:
        try:
            for number, line in enumerate(lines, 1):
                said = line.removeprefix("\ufeff") if number == 1 else line
                if not said.strip():
                    empty = empty or number
                elif empty:
                    raise ValueError(f"{path}:{empty}: expected one JSON value, found an empty line")
                else:
                    yield json.loads(said)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: expected one JSON value, found something else ({error.msg})") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}: after line {number}: expected UTF-8, found other bytes") from None


def open_text(path: Path) -> TextIO:
    """Open UTF-8 text, gzipped or not, told by its first bytes. Newlines are kept as they are."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def share(source: str | Path, target: str | Path) -> None:
    """The same file under another name, or where that is on another disk, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def located(path: str) -> Path:
    """A file where it is named, or, where it is not there, in the data folder."""
    return Path(path) if Path(path).exists() or Path(path).is_absolute() else data_folder() / path


def data_folder() -> Path:
    """Where corpora and knowledge bases lie: $TRIPEL_DATA, or `data` here."""
    return Path(os.environ.get("TRIPEL_DATA", "data"))
