"""The rows of an index: which entity and which name each stands for, and their vectors, encoded shard by shard.

A shard that is there is not made again. How rows are searched is not known here.
Shapes: N rows, R some of them, E entities, C clusters of training mentions, D dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.encode import entity_vectors, mention_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.files import replacing
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent
from tripel.searching.vectors import SHARD, write_shard
from tripel.training.batches import Lesson
from tripel.training.clusters import Grouped

Int = NDArray[np.int64]
Float = NDArray[np.float32]
Kind = Literal["names", "whole", "centroids", "descriptions", "mentions"]

EVIDENCE_ALONE = "descriptions"  # rows that nothing is found by
ROWS = "rows.safetensors"  # in the folder of each kind of row


def write_rows(
    folder: Path, kind: Kind, encoder: Encoder, kb: KnowledgeBase, lesson: Lesson | None, progress: Progress
) -> None:
    """Write which entity and name each row is, and the vectors, shard by shard; a shard that is there is not made again."""
    if kind == "mentions":
        assert lesson is not None
        cluster_CD, entity_C = cluster_vectors(encoder, lesson.by_document(), lesson.grouped, progress=progress)
        marks = [document_mark(lesson.documents[cluster.document]) for cluster in lesson.grouped.clusters]
        save_rows(folder, entity_C, np.full(len(entity_C), -1, np.int64), np.array(marks, np.int64))
        write_shard(shard_path(folder, 0), cluster_CD)
        return
    entity_N, name_N = rows_of(kind, kb)
    save_rows(folder, entity_N, name_N)
    encode_shards(folder, kind, encoder, kb, np.arange(len(entity_N)), first=0, progress=progress)


def rows_of(kind: Kind, kb: KnowledgeBase) -> tuple[Int, Int]:
    """The entity of each row of a kind, and its position in `kb.names` where it is a name, -1 otherwise [N], [N]."""
    if kind == "names":
        return kb.row_N, np.arange(len(kb.names))
    entity_N = kb.described if kind == "descriptions" else np.arange(len(kb))
    return entity_N, np.full(len(entity_N), -1, np.int64)


def encode_shards(
    folder: Path, kind: Kind, encoder: Encoder, kb: KnowledgeBase, row_R: Int, *, first: int, progress: Progress
) -> None:
    """Vectors of some rows, a shard at a time from number `first` on; a shard that is there is not made again.

    `row_R` are places among the rows of the kind.
    """
    for number, begin in enumerate(range(0, len(row_R), SHARD), first):
        path = shard_path(folder, number)
        if not path.exists():
            shift = partial(_shifted, progress, begin, len(row_R))
            write_shard(path, _encoded(kind, encoder, kb, row_R[begin : begin + SHARD], progress=shift))
        progress(min(begin + SHARD, len(row_R)), len(row_R))


def shards(folder: Path) -> list[Path]:
    """The vectors of one kind of row, in their order."""
    return sorted(folder.glob("vectors-*.npy"))


def shard_path(folder: Path, number: int) -> Path:
    """Where the vectors of one shard lie."""
    return folder / f"vectors-{number:05}.npy"


def _shifted(progress: Progress, before: int, total: int, done: int, of: int) -> None:
    """Progress within a shard as progress of the whole; centroids count names there, rows here."""
    progress(before + done * min(SHARD, total - before) // max(1, of), total)


def save_rows(folder: Path, entity_N: Int, name_N: Int, document_N: Int | None = None) -> None:
    """Which entity and name each row is, and of mentions, whose document."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {} if document_N is None else {"document": document_N}
    with replacing(folder / ROWS) as part:
        save_file({"entity": entity_N, "name": name_N, **documents}, part)


def document_mark(document: Document) -> int:
    """What a row of mentions knows its document by: 63 bits of the SHA-256 of its id."""
    return int.from_bytes(hashlib.sha256(document.id.encode()).digest()[:8], "big") >> 1


def load_rows(folder: Path) -> dict[str, Int]:
    """What `save_rows` wrote. Raises ValueError where the file is cut or something else."""
    try:
        return load_file(folder / ROWS)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{folder / ROWS}: cannot be read ({error}); build the index again") from None


def _encoded(kind: Kind, encoder: Encoder, kb: KnowledgeBase, row_R: Int, *, progress: Progress) -> Float:
    """Vectors of rows, in the form that is searched."""
    if kind == "names":
        return unit_vectors(
            encoder, entity_vectors(encoder, encoder.shown_names(kb).take(row_R).to_pylist(), progress=progress)
        )
    if kind == "descriptions":
        shown = [views.in_its_definition(kb[int(row)]) for row in kb.described[row_R]]
        return unit_vectors(encoder, mention_vectors(encoder, shown, progress=progress))
    if kind == "whole":
        texts = [encoder.entity_text(kb, int(row)) for row in row_R]
        return unit_vectors(encoder, entity_vectors(encoder, texts, progress=progress))
    names, begin_R = kb.places(row_R)
    unit = unit_vectors(
        encoder, entity_vectors(encoder, encoder.shown_names(kb).take(names).to_pylist(), progress=progress)
    )
    mean_RD = np.add.reduceat(unit, begin_R, axis=0) / np.diff(begin_R, append=len(names))[:, None]
    return unit_vectors(encoder, mean_RD.astype(np.float32))


def cluster_vectors(
    encoder: Encoder,
    chosen: Sequence[tuple[Document, Sequence[Mention]]],
    grouped: Grouped,
    *,
    progress: Progress = silent,
) -> tuple[Float, Int]:
    """The prototype of each cluster, in the form that is searched [C, D], and its entity's row [C].

    `chosen` are the mentions of `grouped`, document by document.
    """
    mention_MD = unit_vectors(encoder, mention_vectors(encoder, chosen, progress=progress))
    clusters = grouped.clusters
    prototype_CD = np.stack([mention_MD[list(cluster.mentions)].mean(axis=0) for cluster in clusters])
    return unit_vectors(encoder, prototype_CD.astype(np.float32)), np.array([c.entity for c in clusters], np.int64)
