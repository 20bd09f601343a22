"""The lines of a text file, plain or gzipped, with their numbers and with what is wrong. It knows no format."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from tripel.problems import Problem

ANOTHER_KIND = {
    b"\xff\xfe": ("UTF-16 text", "UTF-8; convert it with `iconv -f UTF-16 -t UTF-8`"),
    b"\xfe\xff": ("UTF-16 text", "UTF-8; convert it with `iconv -f UTF-16 -t UTF-8`"),
    b"PK\x03\x04": ("a zip archive", "text, plain or gzipped; unpack the archive and name the file in it"),
    b"BZh": ("a bzip2 file", "text, plain or gzipped; unpack it with `bunzip2`"),
    b"\xfd7zXZ": ("an xz file", "text, plain or gzipped; unpack it with `unxz`"),
}
GZIP = b"\x1f\x8b"
ID = re.compile(r"\d{1,20}|(?=(?:\D*\d){3})(?!.*[a-zA-Z]{5})[\w.:/-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end."""

    number: int
    text: str
    damaged: bool
    """It was not UTF-8: what could not be read stands in `text` as U+FFFD."""
    begin: int = 0
    """The byte that it begins with, of the unzipped file."""


def numbered(path: Path, *, first: int = 1, begin: int = 0) -> Iterator[Line | Problem]:
    """All lines; or a problem, where the file as a whole or the rest of it cannot be read, and no more after it.

    From line `first` on, which begins at byte `begin`, where that is known.
    """
    fault = unreadable(path)
    if fault:
        yield fault
        return
    number = first - 1
    try:
        with opened(path) as source:
            if begin:
                source.seek(begin)
            for number, raw in enumerate(source, first):
                yield _line(number, raw, begin)
                begin += len(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield Problem(
            str(path), number + 1, "a damaged or incomplete gzip stream", "a whole file; fetch or pack it again"
        )


def is_id(text: str) -> bool:
    """Whether a message may hold it: a number, or one word with three digits and no more than four letters in a row. Anything
    else may be text of a document, or an id with text behind it."""
    return ID.fullmatch(text) is not None


def unreadable(path: Path) -> Problem | None:
    """Why a file cannot be read as text at all; None where it can be tried."""
    if path.is_dir():
        return Problem(str(path), 0, "a directory", "a file; name one of the files in it")
    try:
        with path.open("rb") as source:
            first = source.read(8)
    except FileNotFoundError:
        return Problem(str(path), 0, "no such file", "a file that exists; check the spelling, or `tripel data fetch`")
    except OSError as error:
        return Problem(str(path), 0, error.strerror or "an error on opening", "a file that can be read")
    found = next((said for magic, said in ANOTHER_KIND.items() if first.startswith(magic)), None)
    return Problem(str(path), 0, *found) if found else None


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unzipped where they are gzipped. Raises OSError; reading may raise EOFError and zlib.error, too."""
    with path.open("rb") as source:
        zipped = source.read(2) == GZIP
    return cast(IO[bytes], gzip.open(path, "rb") if zipped else path.open("rb"))


def _line(number: int, raw: bytes, begin: int) -> Line:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if number == 1:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return Line(number, raw.decode(), damaged=False, begin=begin)
    except UnicodeDecodeError:
        return Line(number, raw.decode(errors="replace"), damaged=True, begin=begin)
