"""Inverted lists (Jégou et al. 2011): rows in cells around centroids, the cells nearest to a query are read.

Rows lie there whole in half precision, or as codes of a product quantiser, after PCA where asked; the number of cells read is
tuned on a sample until the wanted recall is reached. Scores come from the vectors on disk either way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from tripel.files import read_json, replacing, write_json
from tripel.indexes.approximate import FaissIndex, Progress, add, metric, opened
from tripel.indexes.base import Float, Queries
from tripel.indexes.exact import Exact
from tripel.similarity import Name
from tripel.vectors import Vectors

TRAINED_ON = 40  # rows for each cell that centroids are learnt from; faiss wants 39 at least
ASKED = 256  # rows that serve as queries where the number of cells is tuned
AT = 64
CODES = 256  # of a byte


class Ivf(FaissIndex):
    """Cells of rows."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        cells: int = 0
        """Centroids; 0 is 4 times the root of the number of rows."""
        pq: int = 0
        """Bytes of a row's code; 0 keeps it whole in half precision."""
        pca: int = 0
        """Dimensions before cells and codes; 0 keeps all."""
        probe: int = 0
        """Cells read for a query; 0 is tuned."""
        recall: float = 0.99
        """What is wanted of the first 64 where the number of cells is tuned."""
        overfetch: int = 8
        """Rows found for each one wanted where they are codes."""
        seed: int = 42

    config: Config
    probe: int

    @classmethod
    def build(cls, config: Config, vectors: Vectors, *, similarity: Name, path: Path, progress: Progress) -> Ivf:
        """Learn centroids and codes, add every row, tune, write. What was learnt is kept, and so is every finished stage."""
        learnt = path.with_suffix(".learnt")
        if not learnt.exists():
            found = _learnt(config, vectors, similarity)
            with replacing(learnt) as part:
                faiss.write_index(found, str(part))
        found = faiss.read_index(str(learnt))
        add(found, vectors, first=0, progress=progress)
        made = cls(config, vectors, similarity=similarity, found=found)
        made.probe = config.probe or _tuned(made)
        made.save(path)
        write_json(path.with_suffix(".json"), {"probe": made.probe})
        learnt.unlink()
        return made

    @classmethod
    def open(cls, config: Config, vectors: Vectors, *, similarity: Name, path: Path) -> Ivf:
        """What `build` wrote."""
        made = cls(config, vectors, similarity=similarity, found=opened(path))
        made.probe = int(read_json(path.with_suffix(".json"))["probe"])
        return made

    @property
    def overfetch(self) -> int:
        """Codes say only about how close a row is."""
        return self.config.overfetch if self.config.pq or self.config.pca else 1

    def parameters(self, wanted: int) -> faiss.SearchParameters:
        """As many cells as were tuned."""
        its = faiss.SearchParametersIVF(nprobe=self.probe)
        return faiss.SearchParametersPreTransform(index_params=its) if self.config.pca else its

    @staticmethod
    def size(config: Config, *, rows: int, dimensions: int) -> int:
        """Bytes in memory: codes, their row numbers, centroids."""
        kept = config.pca or dimensions
        return int(rows * ((config.pq or 2 * kept) + 8) + 4 * kept * (config.cells or _cells(rows)))


def _cells(rows: int) -> int:
    return max(1, min(round(4 * math.sqrt(rows)), rows // TRAINED_ON))


def _learnt(config: Ivf.Config, vectors: Vectors, similarity: Name) -> faiss.Index:
    """Centroids, codes and PCA, learnt from rows drawn at random; still empty."""
    cells = config.cells or _cells(len(vectors))
    rng = np.random.default_rng(config.seed)
    chosen = rng.choice(len(vectors), size=min(len(vectors), max(TRAINED_ON * cells, 10_000)), replace=False)
    kept = config.pca or vectors.dimensions
    if config.pq and kept % config.pq:
        raise ValueError(f"index.pq is {config.pq}: it must divide the {kept} dimensions without rest")
    if config.pq and len(vectors) < CODES:
        raise ValueError(f"index.pq learns {CODES} codes and needs as many rows; {len(vectors):,} rows are few: leave it out")
    coded = f"PQ{config.pq}np" if config.pq else "SQfp16"  # np: without the slow training that polysemous codes need
    reduced = f"PCA{config.pca}," if config.pca else ""
    found = faiss.index_factory(vectors.dimensions, f"{reduced}IVF{cells},{coded}", metric(similarity))
    found.train(vectors[np.sort(chosen)])
    return found


def _tuned(index: Ivf) -> int:
    """The fewest cells, by doubling, that find `recall` of the exact first rows of some rows; all if need be."""
    vectors = index.exact.vectors
    rows = np.random.default_rng([index.config.seed, 1]).choice(len(vectors), min(ASKED, len(vectors)), replace=False)
    query_MD = vectors[np.sort(rows)]
    at = min(AT, len(vectors))
    wanted = true_first(index.exact, query_MD, at=at)
    index.probe = 1
    cells = faiss.extract_index_ivf(index.found).nlist
    while index.probe < cells and recall(index, query_MD, wanted, at=at) < index.config.recall:
        index.probe = min(cells, 2 * index.probe)
    return index.probe


def true_first(exact: Exact, query_MD: Float, *, at: int) -> Float:
    """The exact score of each query's `at`-th row [M]: whatever scores as high is as good."""
    score_MR, _ = exact.nearest(Queries(vectors_MD=query_MD), rows=at)
    return score_MR[:, -1]


def recall(index: FaissIndex, query_MD: Float, wanted_M: Float, *, at: int) -> float:
    """Share of the first `at` rows that are among the exact first `at`, ties counting."""
    score_MR, _ = index.nearest(Queries(vectors_MD=query_MD), rows=at)
    return float((score_MR >= wanted_M[:, None] - 1e-6).mean())
