"""The rows that stand for entities: vectors of names, of whole entities, of clusters of training mentions. Kept in a folder.

A folder carries the fingerprints of encoder and knowledge base; opening it with others is refused.
Shapes: N rows, C clusters of training mentions, D dimensions.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tripel.batches import Lesson
from tripel.encoder import Encoder
from tripel.encoding import Progress, entity_vectors, mention_vectors, silent
from tripel.files import read_json, write_json
from tripel.indexes.exact import Exact
from tripel.knowledge import KnowledgeBase
from tripel.similarity import searchable

Int = NDArray[np.int64]
Float = NDArray[np.float32]

ORIGIN = "index.json"  # in the folder of an index: what made it


@dataclass(frozen=True, kw_only=True)
class Config:
    """What stands for an entity when it is searched."""

    rows: tuple[Literal["names", "whole", "mentions"], ...] = ("names", "mentions")
    """Each name, the entity shown whole, or each cluster of its training mentions; several stand together."""
    mention_discount: float = 0.1
    """How much closer a training mention must be than a name. In one language of texts, mentions are closer to each other
    than to names, and without a discount an entity never seen loses to those that were: 67 against 76 % on dev of BC5CDR."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors that stand for entities, sorted by entity."""

    vectors_ND: Float
    entity_N: Int
    name_N: Int
    """Position in `kb.names` where the row is a name, -1 otherwise."""
    mention_N: NDArray[np.bool_]
    """The row is a cluster of training mentions."""

    def index(self, encoder: Encoder, config: Config) -> Exact:
        """An exact index of the rows."""
        discount_N = np.where(self.mention_N, np.float32(config.mention_discount), np.float32(0))
        return Exact(
            Exact.Config(), self.vectors_ND, self.entity_N, similarity=encoder.config.similarity, discount_N=discount_N
        )


def build(
    encoder: Encoder, kb: KnowledgeBase, lesson: Lesson | None, config: Config, *, progress: Progress = silent
) -> Rows:
    """Encode what stands for each entity of the knowledge base."""
    parts: list[tuple[Float, Int, Int, bool]] = []
    if "names" in config.rows:
        named = entity_vectors(encoder, kb.names.to_pylist(), progress=progress)
        parts.append((named, kb.row_N, np.arange(len(named)), False))
    if "whole" in config.rows:
        texts = [encoder.entity_text(kb, row) for row in range(len(kb))]
        rows = np.arange(len(kb))
        parts.append((entity_vectors(encoder, texts, progress=progress), rows, np.full(len(rows), -1, np.int64), False))
    if "mentions" in config.rows and lesson is not None:
        cluster_CD, entity_C = cluster_vectors(encoder, lesson, progress=progress)
        parts.append((cluster_CD, entity_C, np.full(len(entity_C), -1, np.int64), True))
    if not parts:
        raise ValueError(f"index.rows is {list(config.rows)}: nothing to search; give names, whole or mentions")
    return _sorted(parts)


def cluster_vectors(encoder: Encoder, lesson: Lesson, *, progress: Progress = silent) -> tuple[Float, Int]:
    """The prototype of each training cluster [C, D], and its entity's row [C]."""
    plain_MD = torch.from_numpy(mention_vectors(encoder, lesson.by_document(), progress=progress))
    mention_MD = searchable(plain_MD, similarity=encoder.config.similarity).numpy()
    clusters = lesson.grouped.clusters
    prototype_CD = np.stack([mention_MD[list(cluster.mentions)].mean(axis=0) for cluster in clusters])
    return prototype_CD.astype(np.float32), np.array([cluster.entity for cluster in clusters], np.int64)


def save(rows: Rows, folder: Path, *, encoder: str, kb: str) -> None:
    """Write the rows in half precision with the fingerprints of what made them; whole or not at all."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    arrays: dict[str, NDArray[Any]] = {
        "vectors": rows.vectors_ND.astype(np.float16),
        "entity": rows.entity_N,
        "name": rows.name_N,
        "mention": rows.mention_N,
    }
    save_file(arrays, part / "rows.safetensors")
    write_json(part / ORIGIN, {"encoder": encoder, "knowledge_base": kb, "rows": len(rows.entity_N)})
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def load(folder: Path, *, encoder: str, kb: str, rebuild: str) -> Rows:
    """Read rows. Raises ValueError where another encoder or knowledge base made them, naming the command that helps."""
    if not (folder / ORIGIN).is_file():
        raise ValueError(f"{folder}: no index here yet; run `{rebuild}`")
    made = read_json(folder / ORIGIN)
    for what, ours in (("encoder", encoder), ("knowledge_base", kb)):
        if made.get(what) != ours:
            raise ValueError(
                f"{folder}: built with {what.replace('_', ' ')} {str(made.get(what))[:12]}, this one is {ours[:12]};"
                f" run `{rebuild}`"
            )
    arrays = load_file(folder / "rows.safetensors")
    return Rows(arrays["vectors"].astype(np.float32), arrays["entity"], arrays["name"], arrays["mention"])


def _sorted(parts: Sequence[tuple[Float, Int, Int, bool]]) -> Rows:
    vectors_ND, entity_N, name_N = (np.concatenate(columns) for columns in list(zip(*parts, strict=True))[:3])
    mention_N = np.repeat([mention for *_, mention in parts], [len(entity) for _, entity, *_ in parts])
    order = np.argsort(entity_N, kind="stable")
    return Rows(vectors_ND[order], entity_N[order], name_N[order], mention_N[order])
