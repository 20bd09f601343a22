"""New annotations join an index at once: their clusters become rows, nothing is trained, no name is encoded again.

A document that was in it, from training or from learning, is replaced: its old rows stand for no entity any more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.files import read_json, swap_in, write_json
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent
from tripel.searching.indexing import LEARNT, ORIGIN, Config
from tripel.searching.rows import ROWS, cluster_vectors, document_mark, load_rows, save_rows, shard_path, shards
from tripel.searching.vectors import Vectors, write_shard
from tripel.training.clusters import group

MOST_SHARDS = 32  # of mentions, before they become one: who learns a document at a time writes a shard each time


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of annotated documents."""

    documents: int
    clusters: int
    replaced: int
    """Clusters that the same documents had before."""
    outside: int
    """Mentions without an id that the knowledge base has."""

    def __str__(self) -> str:
        said = f"{self.clusters:,} clusters of {self.documents:,} documents joined the index"
        if self.replaced:
            said += f" in the place of {self.replaced:,} that these documents had"
        return said + (f"; {self.outside:,} mentions have no entity that it knows" if self.outside else "")


def learn(
    folder: Path, encoder: Encoder, kb: KnowledgeBase, documents: Sequence[Document], *, progress: Progress = silent
) -> Learnt:
    """Add the clusters of documents to an index of vectors; the folder is replaced whole. Of one id the last document counts.

    Raises ValueError for an index of spelling, which has no rows for them.
    """
    origin = read_json(folder / ORIGIN)
    config = Config.read(origin["settings"], where=f"{folder / ORIGIN}: settings")
    if config.lexical:
        raise ValueError(f"{folder}: an index of spelling ({config.search.name}) has no rows for mentions")
    chosen = tuple({document.id: document for document in documents}.values())
    marks = [document_mark(document) for document in chosen]
    grouped = group(chosen, kb)
    part = folder.with_name(f".{folder.name}.learn.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part, copy_function=os.link)
    its = part / "mentions"
    entity_N, document_N = _before(its)
    again_N = np.isin(document_N, marks) & (entity_N >= 0)
    document_C = np.array([marks[cluster.document] for cluster in grouped.clusters], np.int64)
    entity_C = np.zeros(0, np.int64)
    if grouped.clusters:
        vectors_CD, entity_C = cluster_vectors(encoder, grouped.by_document(chosen), grouped, progress=progress)
        write_shard(shard_path(its, len(shards(its))), vectors_CD)
    entity_N = np.concatenate([np.where(again_N, -1, entity_N), entity_C])
    document_N = np.concatenate([document_N, document_C])
    if len(shards(its)) > MOST_SHARDS:
        entity_N, document_N = _in_one(its, entity_N, document_N)
    if len(entity_N):
        save_rows(its, entity_N, np.full(len(entity_N), -1, np.int64), document_N)
    write_json(part / ORIGIN, {**origin, LEARNT: sorted({*origin.get(LEARNT, ()), *marks})})
    swap_in(part, folder)
    return Learnt(len(chosen), len(grouped.clusters), int(again_N.sum()), grouped.outside)


def learnt(folder: Path, documents: Sequence[Document]) -> int:
    """How many of these documents joined an index after it was made."""
    marks = set(read_json(folder / ORIGIN).get(LEARNT, ()))
    return sum(document_mark(document) in marks for document in documents)


def _in_one(folder: Path, entity_N: np.ndarray, document_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many small shards become one, without the rows that stand for nothing any more; gives entity and document of its rows."""
    kept_N = np.flatnonzero(entity_N >= 0)
    vectors_ND = Vectors.open(shards(folder))[kept_N]
    for path in shards(folder):
        path.unlink()
    if not len(kept_N):
        (folder / ROWS).unlink(missing_ok=True)
    else:
        write_shard(shard_path(folder, 0), vectors_ND)
    return entity_N[kept_N], document_N[kept_N]


def _before(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Entity and document of each row of mentions that is there."""
    rows = load_rows(folder) if (folder / ROWS).is_file() else {"entity": np.zeros(0, np.int64)}
    return rows["entity"], rows.get("document", np.full(len(rows["entity"]), -1, np.int64))
