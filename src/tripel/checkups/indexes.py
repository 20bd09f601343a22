"""Indexes: whether each kind finds on this machine what it should. A library of compiled code may be there and not work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tripel.find import component, names
from tripel.findings import Finding, ok, problem
from tripel.indexes.base import Index, Queries
from tripel.searching.vectors import Float, Vectors

ROWS, DIMENSIONS, ASKED, FIRST = 2000, 16, 20, 10  # of the little index that is searched
ENOUGH = 0.9  # of the rows that numpy finds: on such rows hnsw and ivf find all or nearly all
SAID = ("high fever", "dry cough", "chest pain", "cold skin")


def findings() -> Iterator[Finding]:
    """A line for each kind."""
    for name in names("indexes"):
        yield index(name)


def index(name: str) -> Finding:
    """A tiny search, against an exact one by numpy; what compares spelling is to find a name by itself."""
    what = f"index {name}"
    try:
        dense = component("indexes", name).dense
        share = _dense(name) if dense else _spelt(name)
    except Exception as error:  # whatever ails compiled code is a finding
        return problem(what, f"cannot be searched ({type(error).__name__}: {error})", "install its package again")
    if share < ENOUGH:
        return problem(what, f"finds {100 * share:.0f} % of what it should", "install its package again")
    return ok(what, f"finds {100 * share:.0f} % of what numpy finds" if dense else "finds names by themselves")


def _dense(name: str) -> float:
    rng = np.random.default_rng(42)
    rows_ND = rng.normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
    rows_ND /= np.linalg.norm(rows_ND, axis=1, keepdims=True)
    query_MD = rows_ND[:ASKED]
    with TemporaryDirectory() as folder:
        found_MR = _made(name, rows_ND, Path(folder)).nearest(Queries(vectors_MD=query_MD), rows=FIRST)[1]
    right_MR = np.argsort(-(query_MD @ rows_ND.T), axis=1)[:, :FIRST]
    return float(np.mean([len(set(a) & set(b)) / FIRST for a, b in zip(found_MR, right_MR, strict=True)]))


def _made(name: str, rows_ND: Float, folder: Path) -> Index:
    kind, vectors = component("indexes", name), Vectors([rows_ND])
    if name == "exact":
        exact: Index = kind(kind.Config(), vectors, similarity="cosine")
        return exact
    path = folder / "search.faiss"
    made: Index = kind.build(kind.Config(), vectors, similarity="cosine", path=path, progress=lambda done, total: None)
    return made


def _spelt(name: str) -> float:
    kind = component("indexes", name)
    its: Index = kind(kind.Config(), SAID)
    return float(np.mean(its.nearest(Queries(SAID), rows=1)[1][:, 0] == np.arange(len(SAID))))
