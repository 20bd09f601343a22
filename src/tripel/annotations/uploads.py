"""A file that somebody sent, opened as an input: unpacked where it is packed, within a limit. It knows no format.

Nothing that a person named becomes a path: the file lies under a name of ours, and messages call it by the name it came with.
"""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tripel import formats
from tripel.corpora.lines import GZIP
from tripel.data.archives import unpack
from tripel.data.inputs import Input
from tripel.files import CHUNK
from tripel.formats.folders import file_name

LARGEST = 500_000_000  # bytes of what is unpacked


@contextmanager
def opened(path: Path, *, name: str, read_as: str = "", largest: int = LARGEST) -> Iterator[Input]:
    """An upload as an input, whatever it is packed in: .gz, or a zip or tar file of one file or of a folder.

    Raises ValueError where no format can be told, an archive is damaged, leads out of itself or holds more than `largest` bytes.
    """
    called = PurePosixPath(name.replace("\\", "/")).name or "upload"
    with tempfile.TemporaryDirectory() as held:
        try:
            place = _unpacked(path, Path(held), called, largest)
            told = read_as or formats.detect(place)
        except ValueError as error:
            inside = f"{held}/{file_name(called)}"
            raise ValueError(str(error).replace(str(path), called).replace(inside, called)) from None
        yield Input(place, told, called)


def _unpacked(path: Path, folder: Path, called: str, largest: int) -> Path:
    """The file or the folder to read. It has the name it came with, since some formats make it the id of a document."""
    if path.stat().st_size > largest:
        raise ValueError(f"{called}: more than {largest:,} bytes; upload it in parts")
    place = folder / file_name(called)
    if zipfile.is_zipfile(path) or _is_tar(path):
        for _ in unpack(path, place, wanted=("*",), largest=largest, lasting=False):
            pass
        files = [one for one in place.iterdir() if one.is_file()]
        if any(_begins_as_gzip(one) for one in files):
            raise ValueError(f"{called}: holds files that are packed again; pack them once")
        alone = [one for one in files if not any(one.name.startswith(f"{other.name}.") for other in files)]
        return alone[0] if len(alone) == 1 else place  # what lies beside it, its reader finds
    if _begins_as_gzip(path):
        place = folder / file_name(called.removesuffix(".gz") or "upload")
        _gunzip(path, place, called, largest)
    else:
        place.symlink_to(path.resolve())
    return place


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error):  # packed, and broken off before it can be told
        return False


def _begins_as_gzip(path: Path) -> bool:
    with path.open("rb") as source:
        return source.read(len(GZIP)) == GZIP


def _gunzip(path: Path, place: Path, called: str, largest: int) -> None:
    try:
        with gzip.open(path) as source, place.open("wb") as out:
            while chunk := source.read(CHUNK):
                out.write(chunk)
                if out.tell() > largest:
                    raise ValueError(f"{called}: more than {largest:,} bytes unpacked; upload it in parts")
    except (OSError, EOFError, zlib.error):
        raise ValueError(f"{called}: a damaged or incomplete gzip stream; pack it again") from None
