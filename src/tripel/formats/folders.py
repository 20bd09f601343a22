"""Folders of files, two for each document: their names, their texts, and a folder that appears whole. It knows no format.

The name of a file is the id of its document; characters that file systems do not take stand as %2F and the like.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.lines import opened, unreadable
from tripel.files import swap_in
from tripel.problems import Problem

TEXT = ".txt"
NOT_IN_NAMES = re.compile(r'^\.|[/\\%<>:"|?*\x00-\x1f\x7f]')
ESCAPED = re.compile(r"%([0-9A-F]{2})")
LONGEST = 200  # bytes of a name, with room for endings


@dataclass(frozen=True, slots=True)
class Pair:
    """The two files of a document; both are there."""

    id: str
    text: Path
    marks: Path


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to; it takes the place of `folder` when the block ends well, and vanishes when it does not."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        yield part
        swap_in(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def file_name(id: str) -> str:
    """The name of a document's files, without ending. Raises ValueError where the id cannot be one."""
    name = NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", id)
    if not 0 < len(name.encode()) <= LONGEST:
        raise ValueError(f"a document id of {len(id)} characters cannot name a file; expected 1 to {LONGEST} bytes")
    return name


def id_of(name: str) -> str:
    """The id of a document from the name of its files: the very name, unless `file_name` has made it of another id."""
    id = ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)
    return id if NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", id) == name else name


def pairs(folder: Path, ending: str, *, alone: bool = False) -> Iterator[Pair | Problem]:
    """The documents of a folder in the order of their names; `alone`: files with `ending` may lack a text beside."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        yield Problem(str(folder), 0, found, f"a folder of files *{ending} and *{TEXT}")
        return
    files = [path.name for path in folder.iterdir() if path.name.endswith((ending, TEXT))]
    for name in sorted({file.removesuffix(ending).removesuffix(TEXT) for file in files}):
        pair = Pair(id_of(name), folder / f"{name}{TEXT}", folder / f"{name}{ending}")
        if not pair.marks.exists():
            yield Problem(
                str(pair.text), 0, "a text alone", f"a file *{ending} beside it, empty where nothing is marked"
            )
        elif not pair.text.exists() and not alone:
            yield Problem(str(pair.marks), 0, "marks alone", f"their text in a file *{TEXT} beside")
        else:
            yield pair


def text_of(path: Path) -> str | Problem:
    """The text of a file, plain or gzipped, as it is, line ends and all."""
    fault = unreadable(path)
    if fault:
        return fault
    try:
        with opened(path) as source:
            content = source.read()
    except (OSError, EOFError, zlib.error):
        return Problem(str(path), 0, "a damaged or incomplete gzip stream", "a whole file; fetch or pack it again")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(str(path), line, "bytes that are not UTF-8", "UTF-8; convert the file or mend this line")


def write_text_in(path: Path, text: str) -> None:
    """Write a text as it is into a folder that `replacing_folder` gave."""
    path.write_bytes(text.encode())
