"""Inverted lists (Jégou et al. 2011): rows in cells around centroids, the cells nearest to a query are read.

Rows lie there whole in half precision, or as codes of a product quantiser, after PCA where asked; the number of cells read is
tuned on a sample until the wanted recall is reached. Scores come from the vectors on disk either way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import faiss
import numpy as np
import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from sklearn.cluster import MiniBatchKMeans

from tripel.encoding.similarity import Name
from tripel.files import read_json, replacing, write_json
from tripel.indexes.approximate import FaissIndex, Progress, add, metric, opened
from tripel.indexes.base import Float, Int, Queries, best
from tripel.indexes.exact import Exact
from tripel.searching.vectors import Vectors

TRAINED_ON = 40  # rows for each cell that centroids are learnt from; faiss wants 39 at least
ROUNDS = 5  # through the sample
LINKS = 32  # of a centroid in the graph that finds it
ASKED = 256  # rows that serve as queries where the number of cells is tuned
AT = 64
CODES = 16  # of 4 bits


class Ivf(FaissIndex):
    """Cells of rows."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        cells: NonNegativeInt = 0
        """Centroids; 0 is 4 times the root of the number of rows."""
        pq: NonNegativeInt = 0
        """Bytes of a row's code; 0 keeps it whole in half precision."""
        pca: NonNegativeInt = 0
        """Dimensions before cells and codes; 0 keeps all."""
        probe: NonNegativeInt = 0
        """Cells read for a query; 0 is tuned."""
        recall: Annotated[float, Field(gt=0, le=1)] = 0.99
        """What is wanted of the first 64 where the number of cells is tuned."""
        overfetch: PositiveInt = 4
        """Rows found for each one wanted where they are codes."""
        seed: int = 42

    config: Config
    probe: int

    @staticmethod
    def check(config: Config, *, rows: int, dimensions: int, similarity: Name) -> None:
        """Raises ValueError where cells or codes cannot be learnt from so many rows."""
        kept = config.pca or dimensions
        if config.pca and similarity == "dot":
            raise ValueError(
                "index.search.pca moves the origin, which inner products do not bear: leave it out, or take the cosine"
            )
        if config.pca > min(rows, dimensions):
            raise ValueError(
                f"index.search.pca is {config.pca}: {rows:,} rows of {dimensions} dimensions give {min(rows, dimensions)} at most"
            )
        if config.cells > rows:
            raise ValueError(f"index.search.cells is {config.cells}, and there are {rows:,} rows: 0 chooses")
        if config.pq and kept % (2 * config.pq):
            raise ValueError(
                f"index.search.pq is {config.pq}: twice as much must divide the {kept} dimensions without rest"
            )
        if config.pq and rows < CODES:
            raise ValueError(
                f"index.search.pq needs {CODES} rows to learn codes from, and there are {rows}: leave it out"
            )

    @classmethod
    def build(cls, config: Config, vectors: Vectors, *, similarity: Name, path: Path, progress: Progress) -> Ivf:
        """Learn centroids and codes, add every row, tune, write. What was learnt is kept, and so is every finished stage."""
        cls.check(config, rows=len(vectors), dimensions=vectors.dimensions, similarity=similarity)
        learnt = path.with_suffix(".learnt")
        if not learnt.exists():
            found = _learnt(config, vectors, similarity)
            with replacing(learnt) as part:
                faiss.write_index(found, str(part))
        found = faiss.read_index(str(learnt))
        add(found, vectors, first=0, progress=progress)
        made = cls(config, vectors, similarity=similarity, found=found)
        made.probe = min(config.probe, len(made.centroids)) or _tuned(made)
        write_json(path.with_suffix(".json"), {"probe": made.probe})
        made.save(path)  # last: where it is, the index is whole
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

    def search(self, query_MD: Float, wanted: int) -> Int:
        """In the nearest cells, which are found exactly."""
        cells, reduced_MD = faiss.extract_index_ivf(self.found), query_MD
        if self.config.pca:
            reduced_MD = faiss.downcast_VectorTransform(self.found.chain.at(0)).apply(query_MD)
        distance_MP, cell_MP = _nearest_cells(reduced_MD, self.centroids, cells.metric_type, self.probe)
        cells.nprobe = self.probe
        row_MR: Int = cells.search_preassigned(reduced_MD, wanted, cell_MP, distance_MP)[1]
        return row_MR

    @cached_property
    def centroids(self) -> Float:
        """One of each cell."""
        graph = faiss.downcast_index(faiss.extract_index_ivf(self.found).quantizer)
        its: Float = graph.reconstruct_n(0, graph.ntotal)
        return its

    @staticmethod
    def size(config: Config, *, rows: int, dimensions: int) -> int:
        """Bytes in memory: codes, their row numbers, centroids."""
        kept = config.pca or dimensions
        return int(rows * ((config.pq or 2 * kept) + 8) + 4 * kept * (config.cells or _cells(rows)))


def _cells(rows: int) -> int:
    return max(1, min(round(4 * math.sqrt(rows)), rows // TRAINED_ON))


def _learnt(config: Ivf.Config, vectors: Vectors, similarity: Name) -> faiss.Index:
    """PCA, centroids and codes, learnt from rows drawn at random; still empty.

    Centroids are learnt by scikit-learn, and rows find theirs through a graph: with faiss's own product of matrices, a
    fifteenth as fast as others on a CPU of 2023, both would take hours for millions of rows. Queries find theirs exactly,
    since not every centroid can be reached in the graph.
    """
    cells = config.cells or _cells(len(vectors))
    rng = np.random.default_rng(config.seed)
    count = max(TRAINED_ON * cells, 10_000)
    sample_ND = vectors.drawn(count, rng=rng)
    reduction = None
    if config.pca:
        reduction = faiss.PCAMatrix(vectors.dimensions, config.pca)
        reduction.train(sample_ND)
        sample_ND = reduction.apply(sample_ND)
    found = _cells_of(_centroids(sample_ND, cells, config.seed), config, metric(similarity))
    found.train(sample_ND)
    return found if reduction is None else _after(reduction, found)


def _centroids(sample_ND: Float, cells: int, seed: int) -> Float:
    made = MiniBatchKMeans(
        cells, batch_size=2 * cells + 1024, max_iter=ROUNDS, n_init=1, init="random", random_state=seed
    ).fit(sample_ND)
    return np.ascontiguousarray(made.cluster_centers_, np.float32)


def _cells_of(centroids: Float, config: Ivf.Config, metric: int) -> faiss.Index:
    cells, dimensions = centroids.shape
    graph = faiss.IndexHNSWFlat(dimensions, LINKS, metric)
    graph.hnsw.efSearch = LINKS
    graph.add(centroids)
    if config.pq:  # codes of 4 bits, so that a register holds a whole table of distances
        found = faiss.IndexIVFPQFastScan(graph, dimensions, cells, 2 * config.pq, 4, metric)
    else:
        found = faiss.IndexIVFScalarQuantizer(graph, dimensions, cells, faiss.ScalarQuantizer.QT_fp16, metric)
    return _owning(found, graph)


def _after(reduction: faiss.VectorTransform, found: faiss.Index) -> faiss.Index:
    whole = faiss.IndexPreTransform(reduction, found)
    found.this.disown()
    return _owning(whole, reduction)


def _owning(whole: faiss.Index, part: Any) -> faiss.Index:
    """Python lets go of the part, which lives as long as the whole."""
    whole.own_fields = True
    part.this.disown()
    return whole


def _nearest_cells(query_MD: Float, centroids: Float, metric: int, probe: int) -> tuple[Float, Int]:
    """What faiss calls the coarse distances, and the cells, best first [M, probe]."""
    query, centroid = torch.from_numpy(query_MD), torch.from_numpy(centroids)
    product = query @ centroid.T
    if metric == faiss.METRIC_INNER_PRODUCT:
        best, cell = product.topk(probe, dim=1)
        return best.numpy(), cell.numpy()
    squares = query.square().sum(dim=1)[:, None] + centroid.square().sum(dim=1) - 2 * product
    best, cell = squares.topk(probe, dim=1, largest=False)
    return best.numpy(), cell.numpy()


def _tuned(index: Ivf) -> int:
    """The fewest cells, by doubling, that find `recall` of the exact first rows of some rows; all if need be.

    Cells that hold fewer rows than are asked for have missed the others: `nearest` would look for them exactly.
    """
    vectors = index.exact.vectors
    query_MD = vectors.drawn(ASKED, rng=np.random.default_rng([index.config.seed, 1]))
    at = min(AT, len(vectors))
    wanted = true_first(index.exact, query_MD, at=at)
    index.probe = 1
    cells = faiss.extract_index_ivf(index.found).nlist
    while index.probe < cells and _found(index, query_MD, wanted, at=at) < index.config.recall:
        index.probe = min(cells, 2 * index.probe)
    return index.probe


def _found(index: Ivf, query_MD: Float, wanted_M: Float, *, at: int) -> float:
    """The share that the cells alone find."""
    row_MR = index.search(query_MD, min(len(index), index.overfetch * at))
    score_MR, _ = best(index.closeness(Queries(vectors_MD=query_MD), row_MR), row_MR, rows=at)
    return _share(score_MR, wanted_M)


def true_first(exact: Exact, query_MD: Float, *, at: int) -> Float:
    """The exact score of each query's `at`-th row [M]: whatever scores as high is as good."""
    score_MR, _ = exact.nearest(Queries(vectors_MD=query_MD), rows=at)
    return score_MR[:, -1]


def recall(index: FaissIndex, query_MD: Float, wanted_M: Float, *, at: int) -> float:
    """Share of the first `at` rows that are among the exact first `at`, ties counting."""
    score_MR, _ = index.nearest(Queries(vectors_MD=query_MD), rows=at)
    return _share(score_MR, wanted_M)


def _share(score_MR: Float, wanted_M: Float) -> float:
    return float((score_MR >= wanted_M[:, None] - 1e-6).mean())
