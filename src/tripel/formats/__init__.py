"""Files of documents in the forms that people have them in, one module each, and telling which form a file has.

A name that exists is told by what is in it, and by its ending where that leaves a choice; one that does not, by its ending.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from tripel.find import component, names

if TYPE_CHECKING:
    from tripel.formats.base import Format

HEAD = 1 << 16  # bytes that are looked at
PLAIN = "text"  # lies beside the marks of other formats, and alone where nothing is marked


def detect(path: Path) -> str:
    """The name of the format of a file or folder, which need not exist. Raises ValueError that lists what there is."""
    kinds = _kinds()
    by_name = {name: longest for name, kind in kinds.items() if (longest := _ending(path, kind))}
    found = fitting(path)
    if by_name and found in ([], [PLAIN]):
        found = list(by_name)
    among = {name: by_name.get(name, 0) for name in found}
    best = [name for name, longest in among.items() if longest == max(among.values())]
    if len(best) == 1:
        return best[0]
    said = f"it could be {' or '.join(best)}" if best else "its name and its first lines tell no format"
    raise ValueError(f"{path}: {said}; say which: {', '.join(sorted(kinds))}")


def fitting(path: Path) -> list[str]:
    """The names of the formats that what is in a file or folder looks like; none where nothing is there."""
    kinds = _kinds()
    if path.is_dir():
        there = [name for name, kind in kinds.items() if kind.FOLDER and any(path.glob(f"*{kind.FOLDER}"))]
        return [name for name in there if name != PLAIN] or there
    head = _head(path)
    return [name for name, kind in kinds.items() if head and kind.begins(head)]


def of(name: str) -> Format:
    """A format by its name. Raises ValueError that lists the neighbours of an unknown one."""
    made: Format = component("formats", name)()
    return made


def writer(name: str) -> Format:
    """A format to write. Raises ValueError for one that is only read."""
    made = of(name)
    if not made.WRITES:
        others = ", ".join(other for other, kind in _kinds().items() if kind.WRITES)
        raise ValueError(
            f"{name}: plain text holds no mentions, so that all of them would be lost; write one of {others}"
        )
    return made


def _kinds() -> dict[str, type[Format]]:
    return {name: component("formats", name) for name in names("formats")}


def _ending(path: Path, kind: type[Format]) -> int:
    """How many characters of the name say that it is of this kind."""
    name = path.name.casefold().removesuffix(".gz")
    return max((len(ending) for ending in kind.ENDINGS if name.endswith(ending)), default=0)


def _head(path: Path) -> bytes:
    """The first bytes, unzipped; none where there is no file or it cannot be unzipped, which its reader will say."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as source:
            head = source.read(HEAD)
        if not head.startswith(b"\x1f\x8b"):
            return head.removeprefix(b"\xef\xbb\xbf")
        with gzip.open(path) as unzipped:
            return unzipped.read(HEAD).removeprefix(b"\xef\xbb\xbf")
    except (OSError, EOFError, zlib.error):
        return b""
