"""Files of millions of documents -> shards of some each, and the documents of one shard. It knows no linker and no cluster.

A file is JSON Lines as `formats.jsonl` says, plain or gzipped, or Parquet with the same fields for columns; its first bytes tell.
A shard is lines or rows of one file that stand side by side, so whoever sees the file reads it without the others: a plain file
from the shard's first byte on; a gzipped one is unzipped up to there, and of Parquet the groups of rows that hold it are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from tripel.bulk import parquet
from tripel.corpora.lines import Line, numbered, unreadable
from tripel.documents import Document
from tripel.formats.json_items import values
from tripel.formats.jsonl import from_record
from tripel.formats.making import Place
from tripel.problems import BadInput, Problem

ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".parquet")


class Changed(ValueError):
    """A file is no longer what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Documents of a file that stand side by side."""

    name: str
    """Of what is made of it, without ending."""
    source: str
    size: int
    """Bytes of the source."""
    first: int
    end: int
    """Lines or rows [first, end), counted from 1."""
    begin: int
    """The byte that line `first` begins with, of the unzipped file."""
    documents: int


def files(source: Path) -> dict[str, Path]:
    """The file named, those of a folder and its folders, or those that a pattern fits, each with a name of its own.

    Raises ValueError where there are none, or two of one name.
    """
    root, paths = _paths(source)
    if not paths:
        expected = f"a file, a folder of files {', '.join(ENDINGS)}, or a pattern such as 'notes/*.jsonl' in quotes"
        raise ValueError(f"{source}: nothing to read there; expected {expected}")
    found: dict[str, Path] = {}
    for path in paths:
        name = _name(path.relative_to(root))
        if name in found:
            raise ValueError(f"{found[name]} and {path} would be written to the same files; rename one of them")
        found[name] = path
    return found


def reads_in(source: Path, folder: Path) -> bool:
    """Whether files that came to lie in a folder would be read, too."""
    root, pattern = _fixed(source)
    deep = not pattern.parts or len(pattern.parts) > 1  # a pattern of the last part alone reads nothing in folders
    return deep and root in (folder, *folder.parents)


def _fixed(source: Path) -> tuple[Path, Path]:
    """Of a pattern the folder before its first part that is one, and the rest; of what is there itself, and nothing."""
    if source.exists():
        return source, Path()
    parts = source.absolute().parts
    first = next((at for at, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
    return Path(*parts[:first]), Path(*parts[first:])


def _paths(source: Path) -> tuple[Path, list[Path]]:
    """A folder, and the files in it, in the order of their names."""
    if source.is_dir():
        within = (path for path in source.rglob("*") if path.name.casefold().endswith(ENDINGS))
        seen = [path for path in within if not any(part.startswith(".") for part in path.relative_to(source).parts)]
        return source, sorted(path for path in seen if path.is_file())
    if source.exists():
        return source.parent, [source]
    root, pattern = _fixed(source)
    return root, sorted(path for path in root.glob(str(pattern)) if path.is_file())


def _name(path: Path) -> str:
    """A path without its ending."""
    known = max((one for one in ENDINGS if path.name.casefold().endswith(one)), key=len, default=path.suffix)
    return str(path.with_name(path.name[: len(path.name) - len(known)] or path.name))


def shards(name: str, path: Path, *, size: int) -> list[Shard]:
    """A file in shards of `size` documents. Raises BadInput where the file as a whole is not what it should be."""
    fault = unreadable(path)
    if fault:
        raise BadInput([fault])
    starts, end, documents = _rows(path, size) if parquet.fits(path) else _lines(path, size)
    return [
        Shard(
            name=f"{name}-{number:05}",
            source=str(path),
            size=path.stat().st_size,
            first=first,
            end=until,
            begin=begin,
            documents=min(size, documents - number * size),
        )
        for number, ((first, begin), (until, _)) in enumerate(pairwise([*starts, (end, 0)]))
    ]


def _lines(path: Path, size: int) -> tuple[list[tuple[int, int]], int, int]:
    """Line and byte where each shard begins, the line after the last, and how many are not blank."""
    starts, number, documents = [], 0, 0
    for line in numbered(path):
        if isinstance(line, Problem):
            raise BadInput([line])
        number = line.number
        if line.text.strip():
            if documents % size == 0:
                starts.append((number, line.begin))
            documents += 1
    return starts, number + 1, documents


def _rows(path: Path, size: int) -> tuple[list[tuple[int, int]], int, int]:
    """The same of rows, whose bytes are not known."""
    rows = parquet.count(path)
    return [(first, 0) for first in range(1, rows + 1, size)], rows + 1, rows


def read(shard: Shard) -> Iterator[Document | Sequence[Problem]]:
    """Each document of a shard, or all that is wrong with it. Raises Changed."""
    path, seen = Path(shard.source), 0
    changed = Changed(f"{path}: changed while it was linked; put back what it was, or link into another folder")
    if unreadable(path) or path.stat().st_size != shard.size:
        raise changed
    for item in _items(path, shard):
        found = [item] if isinstance(item, Problem) else list(from_record(*item))
        problems = [one for one in found if isinstance(one, Problem)]
        yield from [problems] if problems else [one for one in found if isinstance(one, Document)]
        seen += 1
    if seen != shard.documents:
        raise changed


def _items(path: Path, shard: Shard) -> Iterator[tuple[Place, Any] | Problem]:
    if parquet.fits(path):
        rows = parquet.read(path, first=shard.first, end=shard.end)
        yield from ((Place(str(path), number), record) for number, record in rows)
        return
    some: Iterator[Line | Problem] = numbered(path, first=shard.first, begin=shard.begin)
    yield from values(path, islice(some, shard.end - shard.first))
