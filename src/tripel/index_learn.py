"""New annotations join an index at once: their clusters become rows, nothing is trained, no name is encoded again.

What is learnt stands until the index is made anew, as after training on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tripel.clusters import group
from tripel.documents import Document
from tripel.encoder import Encoder
from tripel.encoding import Progress, silent
from tripel.files import read_json, swap_in, write_json
from tripel.indexing import ORIGIN, ROWS, Config, cluster_vectors, load_rows, save_rows, shard_path, shards
from tripel.knowledge import KnowledgeBase
from tripel.vectors import write_shard

LEARNT = "learnt"  # in the origin of an index: fingerprints of documents that joined it


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of annotated documents."""

    documents: int
    clusters: int
    known: int
    """Documents that had joined before, with the same annotations."""
    outside: int
    """Mentions without an id that the knowledge base has."""

    def __str__(self) -> str:
        said = f"{self.clusters:,} clusters of {self.documents:,} documents joined the index"
        if self.known:
            said += f"; {self.known:,} documents were in it already"
        return said + (f"; {self.outside:,} mentions have no entity that it knows" if self.outside else "")


def learn(
    folder: Path, encoder: Encoder, kb: KnowledgeBase, documents: Sequence[Document], *, progress: Progress = silent
) -> Learnt:
    """Add the clusters of documents to an index of vectors; the folder is replaced whole.

    Raises ValueError for an index of spelling, which has no rows for them.
    """
    origin = read_json(folder / ORIGIN)
    config = Config.read(origin["settings"], where=f"{folder / ORIGIN}: settings")
    if config.lexical:
        raise ValueError(f"{folder}: an index of spelling ({config.search.name}) has no rows for mentions")
    had = set(origin.get(LEARNT, ()))
    new = {mark: document for document in documents if (mark := _mark(document)) not in had}
    chosen = tuple(new.values())
    grouped = group(chosen, kb)
    counts = Learnt(len(chosen), len(grouped.clusters), len(documents) - len(chosen), grouped.outside)
    if not grouped.clusters:
        return counts
    part = folder.with_name(f".{folder.name}.learn.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part, copy_function=os.link)
    vectors_CD, entity_C = cluster_vectors(encoder, grouped.by_document(chosen), grouped, progress=progress)
    its = part / "mentions"
    old = load_rows(its) if (its / ROWS).is_file() else {"entity": np.zeros(0, np.int64)}
    entity_N = np.concatenate([old["entity"], entity_C])
    write_shard(shard_path(its, len(shards(its))), vectors_CD)
    save_rows(its, entity_N, np.full(len(entity_N), -1, np.int64))
    write_json(part / ORIGIN, _with(origin, sorted(had | new.keys())))
    swap_in(part, folder)
    return counts


def _with(origin: dict[str, Any], learnt: list[str]) -> dict[str, Any]:
    settings = origin["settings"]
    rows = list(dict.fromkeys([*settings["rows"], "mentions"]))
    return {**origin, "settings": {**settings, "rows": rows}, LEARNT: learnt}


def _mark(document: Document) -> str:
    """Of a document and what is annotated in it."""
    said = [(one.start, one.end, one.entities) for one in document.mentions]
    return hashlib.sha256(f"{document.id}\t{document.text}\t{said}".encode()).hexdigest()[:16]
