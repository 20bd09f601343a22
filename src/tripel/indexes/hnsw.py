"""Hierarchical navigable small worlds (Malkov & Yashunin 2018): a graph of near rows, walked from the top."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import faiss
import numpy as np
from pydantic import PositiveInt

from tripel.encoding.similarity import Name
from tripel.indexes.approximate import FaissIndex, Progress, add, metric, opened
from tripel.indexes.base import Float, Int
from tripel.searching.vectors import Vectors

STORED = {"float16": faiss.ScalarQuantizer.QT_fp16, "int8": faiss.ScalarQuantizer.QT_8bit}
TRAINED_ON = 100_000  # rows drawn at random that the ranges of int8 are read from
SEED = 42  # of that draw


class Hnsw(FaissIndex):
    """m links a row, ef rows held in view while building and while searching; the settings are those of TrainX."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        m: PositiveInt = 16
        ef_construction: PositiveInt = 100
        ef_search: PositiveInt = 100
        stored: Literal["float16", "int8"] = "float16"
        """How vectors lie in the graph; scores come from the half-precision ones on disk."""
        overfetch: PositiveInt = 2
        """Rows found for each one wanted: what int8 puts in a wrong order comes back that way."""
        threads: PositiveInt = 1
        """Of building. With more than one the graph differs a little from build to build."""

    config: Config

    @classmethod
    def build(cls, config: Config, vectors: Vectors, *, similarity: Name, path: Path, progress: Progress) -> Hnsw:
        """Link every row into the graph and write it."""
        found = faiss.IndexHNSWSQ(vectors.dimensions, STORED[config.stored], config.m, metric(similarity))
        found.hnsw.efConstruction = config.ef_construction
        found.train(vectors.drawn(TRAINED_ON, rng=np.random.default_rng(SEED)))
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(config.threads)
        try:
            add(found, vectors, first=0, progress=progress)
        finally:
            faiss.omp_set_num_threads(threads)
        made = cls(config, vectors, similarity=similarity, found=found)
        made.save(path)
        return made

    @classmethod
    def open(cls, config: Config, vectors: Vectors, *, similarity: Name, path: Path) -> Hnsw:
        """What `build` wrote."""
        return cls(config, vectors, similarity=similarity, found=opened(path))

    @property
    def overfetch(self) -> int:
        """As many for each one wanted as the settings say."""
        return self.config.overfetch

    def search(self, query_MD: Float, wanted: int) -> Int:
        """No fewer rows in view than are wanted."""
        thorough = faiss.SearchParametersHNSW(efSearch=max(self.config.ef_search, wanted))
        row_MR: Int = self.found.search(query_MD, wanted, params=thorough)[1]
        return row_MR

    @staticmethod
    def size(config: Config, *, rows: int, dimensions: int) -> int:
        """Bytes in memory: vectors, links of the bottom level, and the few above it."""
        stored = 2 if config.stored == "float16" else 1
        return int(rows * (stored * dimensions + 4 * 2 * config.m * 1.07 + 12))
