"""Members out of zip and tar files, never to a place outside the folder they are meant for."""

from __future__ import annotations

import fnmatch
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import IO, cast

from tripel.files import CHUNK, replacing

A_FILE = 512  # bytes that a file counts at least, so that millions of empty ones are large, too


def unpack(
    archive: Path, folder: Path, *, wanted: tuple[str, ...], largest: int | None = None, lasting: bool = True
) -> Iterator[str]:
    """Write the members of a zip or tar file whose names match `wanted` into `folder`, without their own folders.

    Yields the names. Raises ValueError for a member that points out of the archive, where one of `wanted` is missing, and
    before more than `largest` bytes are unpacked. `lasting`: each file is whole or not there, and on the disk; a folder that
    is read once and deleted needs neither.
    """
    found = dict[str, str]()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for member, source in _members(archive, largest):
            name = PurePosixPath(member).name
            if not matches(name, wanted) or name.startswith("._"):  # a Mac's shadow of the file
                continue
            if name in found:
                raise ValueError(f"{archive}: holds {found[name]} and {member}; expected one of the name")
            place = folder / name
            with replacing(place) if lasting else nullcontext(place) as part, part.open("wb") as out:
                shutil.copyfileobj(source, out, CHUNK)
            found[name] = member
            yield name
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise ValueError(f"{archive}: a damaged archive ({error}); delete it and fetch it again") from None
    missing = [pattern for pattern in wanted if not fnmatch.filter(found, pattern)]
    if missing:
        raise ValueError(f"{archive}: holds no {' and no '.join(missing)}; delete it and fetch it again")


def _members(archive: Path, largest: int | None) -> Iterator[tuple[str, IO[bytes]]]:
    """Files of an archive, opened. Raises ValueError for a name that leads elsewhere, and for more than `largest` bytes.

    No member gives more bytes than it says beforehand.
    """
    whole = 0
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                _refuse_path(archive, info.filename)
                whole += info.file_size + A_FILE
                _refuse_size(archive, whole, largest)
                if not info.is_dir():
                    with zipped.open(info) as source:
                        yield info.filename, source
    else:
        with tarfile.open(archive) as tarred:
            for member in tarred:
                _refuse_path(archive, member.name)
                whole += member.size + A_FILE
                _refuse_size(archive, whole, largest)
                if member.isfile():
                    yield member.name, cast(IO[bytes], tarred.extractfile(member))


def _refuse_path(archive: Path, name: str) -> None:
    plain = name.replace("\\", "/")
    if plain.startswith("/") or ".." in plain.split("/") or ":" in plain.split("/")[0]:
        raise ValueError(f"{archive}: holds a file called {name!r}, outside of itself; do not use it")


def _refuse_size(archive: Path, whole: int, largest: int | None) -> None:
    if largest is not None and whole > largest:
        raise ValueError(f"{archive}: more than {largest:,} bytes unpacked; split it")


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits one of the shell patterns; capital letters count."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
