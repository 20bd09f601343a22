"""Vectors on disk: half precision, in shards of rows, memory-mapped. It knows neither encoders nor entities.

Shapes: N rows, D dimensions, R rows asked for.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tripel.files import replacing

Int = NDArray[np.int64]
Float = NDArray[np.float32]

SHARD = 65_536  # rows of a shard: 50 MB at 384 dimensions, a minute of encoding on two cores
IN_MEMORY = 1 << 29  # bytes of half precision up to which mapped vectors stay where every one is compared


class Vectors:
    """N vectors, one array or several end to end; `vectors[rows]` gives some in single precision."""

    def __init__(self, parts: Sequence[NDArray[np.floating]]) -> None:
        self.parts = tuple(parts)
        self.first_S = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Vectors:
        """Memory-map shards. Raises ValueError that names one that is cut or something else."""
        return cls([_mapped(path) for path in paths])

    def __len__(self) -> int:
        return int(self.first_S[-1])

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.parts[0].shape[1]) if self.parts else 0

    def __getitem__(self, row_R: Int) -> Float:
        out = np.empty((len(row_R), self.dimensions), np.float32)
        shard_R = np.searchsorted(self.first_S, row_R, side="right") - 1
        for shard in np.unique(shard_R):
            here = shard_R == shard
            out[here] = self.parts[shard][row_R[here] - self.first_S[shard]]
        return out

    def blocks(self) -> Iterator[tuple[int, NDArray[np.floating]]]:
        """The first row of each shard, and its vectors as stored. Of more than 512 MiB one shard at a time is in memory."""
        for first, part in zip(self.first_S.tolist(), self.parts, strict=False):
            yield first, part
            if not resident(len(self), self.dimensions):
                _let_go(part)

    def drawn(self, count: int, *, rng: Generator) -> Float:
        """Some vectors drawn at random, or all where there are no more, in their order; shard by shard, as `blocks` has them."""
        row_R = np.sort(rng.choice(len(self), size=min(count, len(self)), replace=False))
        out = np.empty((len(row_R), self.dimensions), np.float32)
        for part, first, end in zip(self.parts, self.first_S[:-1], self.first_S[1:], strict=True):
            here = slice(*np.searchsorted(row_R, [first, end]))
            out[here] = part[row_R[here] - first]
            _let_go(part)
        return out


def resident(rows: int, dimensions: int) -> bool:
    """Whether so many vectors stay in memory where every one is compared."""
    return 2 * rows * dimensions <= IN_MEMORY


def _let_go(part: NDArray[np.floating]) -> None:
    """What was read once of a file need not count as this process's memory."""
    if isinstance(part.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        part.base.madvise(mmap.MADV_DONTNEED)


def write_shard(path: Path, vectors_ND: Float) -> None:
    """One shard, whole or not at all."""
    with replacing(path) as part, part.open("wb") as out:
        np.save(out, vectors_ND.astype(np.float16), allow_pickle=False)


def _mapped(path: Path) -> NDArray[np.floating]:
    try:
        # copy on write: what torch takes as it is must be writable, though nothing writes
        found: NDArray[np.floating] = np.load(path, mmap_mode="c", allow_pickle=False)
    except FileNotFoundError:
        raise ValueError(f"{path}: a shard of vectors is missing; build the index again") from None
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path}: a damaged or cut shard of vectors ({error}); delete it and build again") from None
    if found.ndim != 2 or found.dtype not in (np.float16, np.float32):
        raise ValueError(
            f"{path}: expected rows of half-precision vectors, found {found.dtype} of {found.ndim} dimensions"
        )
    return found
