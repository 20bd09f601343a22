"""Recall, speed, build time, memory and disk of each index over the same rows and queries; one run, one machine.

    tripel index build embedded mesh+ctd --output runs/mesh
    TRIPEL_DATA=... python scripts/benchmarks/indexes.py runs/mesh
    TRIPEL_DATA=... python scripts/benchmarks/indexes.py runs/mesh --rows 8600000 --only exact ivf:96

Rows are the names of that folder, as its encoder has them. Beyond their number, rows are drawn to resemble them: a real name
moved by the difference of two real synonyms, at random; entities have 2.7 such names each, as in UMLS. `open` is what it takes
until an entity can be asked for: rows, entities, vectors, search structure. Queries are distinct mentions of BC5CDR's test texts,
shown without context. Every index is built in one process and asked in another, each reports its peak memory (file pages that
are mapped count); the exact index's answers are what recall is measured against. `ngram` and `bm25` read the names themselves,
are made anew when they are opened, and score every name: nothing is missed, so recall is left out; rows that are drawn have no
names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tripel.config import build
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.encoding.encode import entity_vectors, unit_vectors
from tripel.find import component
from tripel.indexes.base import Index, Queries
from tripel.indexes.exact import Exact
from tripel.linking.ranker import INDEX, Ranker
from tripel.searching.folding import Entities, Part
from tripel.searching.vectors import SHARD, Vectors, write_shard
from tripel.sizes import said

AT = 64
NAMES = 2.7  # of a concept, English, in UMLS 2017AA
ASKED = 256
SETTINGS = {
    "exact": {},
    "hnsw": {},
    "hnsw:int8": {"stored": "int8"},
    "ivf": {},
    "ivf:96": {"pq": 96},
    "ivf:48": {"pq": 48},
    "ngram": {},
    "ngram:words": {"read": "words"},
    "bm25": {},
}
LEXICAL = {"ngram", "bm25"}


def main() -> None:
    """Prepare rows and queries, run each index, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=0, help="more than the folder has are drawn to resemble its own")
    parser.add_argument("--only", nargs="*", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--work", type=Path, help="where rows are kept, to be used again")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        step, index = asked.step
        print(json.dumps({"build": made, "ask": answered}[step](index, asked.work)))
        return
    with tempfile.TemporaryDirectory() as name:
        work = asked.work or Path(name)
        prepare(asked.folder, work, asked.rows)
        found: dict[str, dict[str, float]] = {}
        drawn_too = len(Vectors.open(shards(work))) > len(json.loads((work / "names.json").read_text()))
        for index in dict.fromkeys(["exact", *asked.only]):
            if lexical(index) and drawn_too:
                continue
            for step in ("build", "ask"):
                words = [sys.executable, __file__, str(asked.folder), "--step", step, index, "--work", str(work)]
                told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
                found[index] = found.get(index, {}) | json.loads(told.stdout)
            print(index, found[index], file=sys.stderr, flush=True)
        table(found, len(Vectors.open(shards(work))))


def prepare(folder: Path, work: Path, rows: int) -> None:
    """Shards of rows, and queries, in `work`; what is there is kept."""
    linker = Ranker.load(folder)
    own = Vectors.open(sorted((folder / INDEX / "names").glob("vectors-*.npy")))
    entity_N = linker.index.parts[0].entity_N
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "queries.npy").exists():
        documents = Bc5cdr(Bc5cdr.Config()).read("test")
        texts = sorted({mention.text for document in documents for mention in document.mentions})
        chosen = np.random.default_rng(42).permutation(len(texts))[:ASKED]
        chosen_texts = [texts[i] for i in sorted(chosen)]
        (work / "queries.json").write_text(json.dumps(chosen_texts))
        (work / "names.json").write_text(json.dumps(linker.kb.names.take(linker.index.parts[0].name_N).to_pylist()))
        np.save(work / "queries.npy", unit_vectors(linker.encoder, entity_vectors(linker.encoder, chosen_texts)))
    total = max(rows, len(own))
    if not (work / "entities.npy").exists():
        drawn_N = len(own) + np.sort(np.random.default_rng(43).integers(total / NAMES, size=total - len(own)))
        np.save(work / "entities.npy", np.concatenate([entity_N, drawn_N]))
    same = np.flatnonzero(entity_N[1:] == entity_N[:-1])  # rows whose next row is a synonym
    for number, first in enumerate(tqdm(range(0, total, SHARD), desc="rows", disable=not sys.stderr.isatty())):
        path = work / f"vectors-{number:05}.npy"
        if not path.exists():
            write_shard(path, drawn(own, same, first, min(first + SHARD, total)))


def drawn(own: Vectors, same: np.ndarray, first: int, last: int) -> np.ndarray:
    """Rows [first, last): real ones as far as there are, then drawn ones."""
    real = own[np.arange(first, min(last, len(own)))] if first < len(own) else np.zeros((0, own.dimensions), np.float32)
    rng = np.random.default_rng([42, first])
    count = last - first - len(real)
    moved = same[rng.integers(len(same), size=count)]
    made = own[rng.integers(len(own), size=count)] + own[moved + 1] - own[moved]
    return np.concatenate([real, made / np.linalg.norm(made, axis=1, keepdims=True)]).astype(np.float32)


def settings(name: str, work: Path) -> tuple[type[Any], Any, Path]:
    """The index, its settings, and where its search structure lies."""
    kind = component("indexes", name.partition(":")[0])
    return kind, build(kind.Config, SETTINGS[name], where=name), work / f"{name.replace(':', '-')}.faiss"


def made(name: str, work: Path) -> dict[str, float]:
    """Build; exact search needs nothing, and what compares spelling is made when it is opened."""
    kind, config, path = settings(name, work)
    if name == "exact" or lexical(name):
        return {"build": 0.0, "building": 0}
    began = time.monotonic()
    kind.build(config, Vectors.open(shards(work)), similarity="cosine", path=path, progress=watched(name))
    return {"build": time.monotonic() - began, "building": peak()}


def answered(name: str, work: Path) -> dict[str, float]:
    """Open and ask."""
    texts, query = tuple(json.loads((work / "queries.json").read_text())), np.load(work / "queries.npy")
    began = time.monotonic()
    index, disk = opened(name, work)
    entity_N = np.load(work / "entities.npy")
    Entities([Part(index, entity_N, np.arange(len(entity_N)), "names")])
    took = time.monotonic() - began
    began = time.monotonic()
    score, row = index.nearest(Queries(texts, query), rows=AT)
    together = len(query) / (time.monotonic() - began)
    few = range(0, len(query), len(query) // 8 or 1)
    began = time.monotonic()
    for m in few:
        index.nearest(Queries(texts[m : m + 1], query[m : m + 1]), rows=AT)
    alone = len(few) / (time.monotonic() - began)
    told = {"together": together, "alone": alone, "open": took, "peak": peak(), "disk": disk}
    if name == "exact":
        np.savez(work / "exact.npz", score=score)
    return told if lexical(name) else told | held_against(score, row, query, work)


def opened(name: str, work: Path) -> tuple[Index, int]:
    """The index as it is opened, and the bytes that it lies in."""
    kind, config, path = settings(name, work)
    if lexical(name):
        names = work / "names.json"
        return kind(config, json.loads(names.read_text())), names.stat().st_size
    vectors = Vectors.open(shards(work))
    disk = sum(p.stat().st_size for p in shards(work)) + (path.stat().st_size if path.exists() else 0)
    if name == "exact":
        return Exact(config, vectors, similarity="cosine"), disk
    return kind.open(config, vectors, similarity="cosine", path=path), disk


def held_against(score: np.ndarray, row: np.ndarray, query: np.ndarray, work: Path) -> dict[str, float]:
    """What exact search finds and this found, too; and how far its scores are from cosines in double precision."""
    true, vectors = np.load(work / "exact.npz", allow_pickle=False)["score"], Vectors.open(shards(work))
    apart = [np.abs(cosines(q, vectors[r]) - s).max() for q, r, s in zip(query, row, score, strict=True)]
    return {
        "recall@1": 100 * float((score[:, 0] >= true[:, 0] - 1e-6).mean()),
        "recall@64": 100 * float((score >= true[:, -1:] - 1e-6).mean()),
        "apart": float(max(apart)),
    }


def lexical(name: str) -> bool:
    """It reads names, and no vectors."""
    return name.partition(":")[0] in LEXICAL


def cosines(query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """In double precision, by numpy: what every index's scores are held against."""
    rows = rows.astype(np.float64)
    return rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query.astype(np.float64))


def peak() -> int:
    """The most memory this process held, in bytes. `getrusage` would tell that of the process it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def watched(name: str) -> Callable[[int, int], None]:
    """A bar of rows added."""
    bar = tqdm(desc=name, unit=" rows", unit_scale=True, mininterval=5)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return progress


def shards(work: Path) -> list[Path]:
    """The rows."""
    return sorted(work.glob("vectors-*.npy"))


def table(found: dict[str, dict[str, float]], rows: int) -> None:
    """As Markdown."""
    print(f"{rows:,} rows, {ASKED} queries at most; `together` all queries at once, `alone` one after the other\n")
    print(
        "| index | recall@1 | @64 | together, /s | times | alone, /s | times | build, s | peak | open, s | asking, peak | disk |"
    )
    print("|---" * 12 + "|")
    exact = found["exact"]
    for name, it in found.items():
        ratios = [it[key] / exact[key] for key in ("together", "alone")]
        recall = [f"{it[key]:.1f}" if key in it else "" for key in ("recall@1", "recall@64")]
        print(
            f"| {name} | {recall[0]} | {recall[1]} | {it['together']:.0f} | {ratios[0]:.1f} |"
            f" {it['alone']:.1f} | {ratios[1]:.1f} | {it['build']:.0f} | {said(it['building'])} |"
            f" {it['open']:.2f} | {said(it['peak'])} | {said(it['disk'])} |"
        )
    print(
        f"\nscores differ from cosines in double precision by at most {max(it.get('apart', 0) for it in found.values()):.1e}"
    )


if __name__ == "__main__":
    main()
