"""Which index fits: the size of each by its formula, build time and recall measured on a sample, and a choice.

Shapes: N rows, D dimensions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tripel.config import Choice
from tripel.encoding.similarity import Name
from tripel.find import component
from tripel.indexes.approximate import FaissIndex
from tripel.indexes.base import Index, Int, Queries
from tripel.indexes.exact import Exact
from tripel.indexes.hnsw import Hnsw
from tripel.indexes.ivf import AT, CODES, Ivf, recall, true_first
from tripel.progress import Progress, silent
from tripel.searching.vectors import SHARD, Float, Vectors, resident

ASKED = 256  # queries that recall and speed are measured with
WANTED = 0.99
SPELLING = ("ngram", "bm25")  # never chosen: they find other things
BESIDES = 1 << 30  # what Python, torch and an encoder take, and what a build holds at a time


@dataclass(frozen=True, slots=True)
class Option:
    """One way to search N rows."""

    search: Choice
    memory: int
    """Bytes that searching holds, the encoder not counted."""
    build_seconds: float
    """Expected, from the sample's; 0 for exact."""
    recall: float
    """Of the first 64 rows, on the sample; not a number for what compares spelling."""
    faster: float
    """Times the exact index's queries a second, on the sample."""
    resident: bool = True
    """All that is searched is in memory; otherwise vectors are read from disk for every query."""

    @property
    def name(self) -> str:
        """As it is told: `ivf pq=96`."""
        return " ".join([self.search.name, *self._settings])

    @property
    def words(self) -> str:
        """As it is written behind `tripel index build`."""
        return " ".join(f"index.search.{word}" for word in [f"name={self.search.name}", *self._settings])

    @property
    def _settings(self) -> list[str]:
        plain = self.search.settings
        kept = {key: getattr(plain, key) for key in ("stored", "pq", "pca") if getattr(plain, key, None)}
        return [f"{key}={value}" for key, value in kept.items()]


def options(rows: int, dimensions: int) -> list[Choice]:
    """What is tried on so many rows, the plainest first."""
    codes = [count for count in (dimensions // 4, dimensions // 8) if count and dimensions % (2 * count) == 0]
    return [
        Choice("indexes", "exact", Exact.Config()),
        Choice("indexes", "hnsw", Hnsw.Config()),
        Choice("indexes", "hnsw", Hnsw.Config(stored="int8")),
        Choice("indexes", "ivf", Ivf.Config()),
        *(Choice("indexes", "ivf", Ivf.Config(pq=count)) for count in codes if rows >= CODES),
    ]


def plan(
    sample: Vectors, names: Sequence[str], *, rows: int, similarity: Name, progress: Progress = silent
) -> list[Option]:
    """Try every option on a sample of the rows, and on their names what compares spelling."""
    exact = Exact(Exact.Config(), sample, similarity=similarity)
    chosen = np.linspace(0, len(sample) - 1, min(ASKED, len(sample))).astype(np.int64)
    query_MD = sample[chosen]
    began = time.monotonic()
    wanted_M = true_first(exact, query_MD, at=min(AT, len(sample)))
    slowest = time.monotonic() - began
    tried = options(len(sample), sample.dimensions)
    found = []
    for number, search in enumerate(tried, 1):
        found.append(_tried(search, exact, query_MD, wanted_M, rows, slowest))
        progress(number, len(tried) + len(SPELLING))
    for number, name in enumerate(SPELLING, 1 + len(tried)):
        found.append(_spelt(name, names, chosen, rows, slowest))
        progress(number, len(tried) + len(SPELLING))
    return found


def choose(found: Sequence[Option], *, ram: int) -> Option | None:
    """Of what fits, exact where it is resident, else the fastest that misses next to nothing, else what misses least."""
    fitting = [one for one in found if one.memory + BESIDES <= ram and one.search.name not in SPELLING]
    good = [one for one in fitting if one.recall >= WANTED]
    if good and good[0].search.name == "exact" and good[0].resident:
        return good[0]
    if good:
        return max(good, key=lambda one: one.faster)
    return max(fitting, key=lambda one: one.recall, default=None)


def memory(search: Choice, *, rows: int, dimensions: int) -> int:
    """Bytes that searching so many rows holds; the exact index keeps one shard of what is too much to be resident."""
    if search.name == "exact":
        return 2 * (rows if resident(rows, dimensions) else SHARD) * dimensions
    its: int = component("indexes", search.name).size(search.settings, rows=rows, dimensions=dimensions)
    return its


def _tried(search: Choice, exact: Exact, query_MD: Float, wanted_M: Float, rows: int, slowest: float) -> Option:
    held = memory(search, rows=rows, dimensions=exact.vectors.dimensions)
    if search.name == "exact":
        return Option(search, held, 0.0, 1.0, 1.0, resident=resident(rows, exact.vectors.dimensions))
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        index: FaissIndex = component("indexes", search.name).build(
            search.settings,
            exact.vectors,
            similarity=exact.similarity,
            path=Path(folder) / "search.faiss",
            progress=silent,
        )
        built = time.monotonic() - began
    began = time.monotonic()
    share = recall(index, query_MD, wanted_M, at=min(AT, len(exact)))
    spent = time.monotonic() - began
    return Option(search, held, built * _growth(len(exact), rows), share, slowest / max(spent, 1e-9))


def _spelt(name: str, names: Sequence[str], chosen: Int, rows: int, slowest: float) -> Option:
    """What reads the names themselves, and is made anew when it is opened."""
    kind = component("indexes", name)
    search = Choice("indexes", name, kind.Config())
    began = time.monotonic()
    index: Index = kind(search.settings, names)
    built = time.monotonic() - began
    began = time.monotonic()
    index.nearest(Queries(tuple(names[i] for i in chosen.tolist())), rows=min(AT, len(names)))
    spent = time.monotonic() - began
    held = memory(search, rows=rows, dimensions=0)
    return Option(search, held, built * rows / len(names), math.nan, slowest / max(spent, 1e-9))


def _growth(sample: int, rows: int) -> float:
    """How much longer the whole takes than the sample: each row walks a graph, of rows or of centroids, in log N steps."""
    return float(rows / sample * np.log(max(2, rows)) / np.log(max(2, sample)))
