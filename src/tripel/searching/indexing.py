"""An index in a folder: its rows of names, whole entities, centroids, descriptions or training mentions, made and opened.

A folder carries the fingerprints of encoder and knowledge base; opening it with others is refused. What is being made lies
beside it under another name, so a build that was killed goes on after its last finished shard.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat

from tripel.config import Choice, build, choose, dump
from tripel.encoding.encoder import Encoder
from tripel.encoding.similarity import Name
from tripel.files import mended, read_json, swap_in, write_json
from tripel.find import component
from tripel.indexes.base import Index
from tripel.indexes.exact import Exact
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent
from tripel.searching.folding import Entities, Part
from tripel.searching.rows import EVIDENCE_ALONE, ROWS, Kind, load_rows, rows_of, save_rows, shards, write_rows
from tripel.searching.vectors import Vectors
from tripel.training.batches import Lesson

ORIGIN = "index.json"  # in the folder of an index: what made it
LEARNT = "learnt"  # in the origin: marks of documents that joined it
SEARCH = "search.faiss"  # in the folder of each kind of row


@dataclass(frozen=True, kw_only=True)
class Config:
    """What stands for an entity when it is searched, and how it is searched."""

    rows: tuple[Kind, ...] = ("names", "mentions")
    """Each name, the entity shown whole, the mean of its names, or each cluster of its training mentions; several stand
    together. And `descriptions`, a name as it stands before its definition: nothing is found by them, wholes are weighed by
    them."""
    search: Choice = field(default_factory=lambda: Choice("indexes", "exact", Exact.Config()))
    """exact, hnsw or ivf of vectors, or ngram or bm25 of names as they are spelt, with its settings. Clusters of training
    mentions are always searched exactly, and descriptions compared."""
    mention_discount: NonNegativeFloat = 0.1
    """How much closer a training mention must be than a name. In one language of texts, mentions are closer to each other
    than to names, and without a discount an entity never seen loses to those that were: 67 against 76 % on dev of BC5CDR."""

    @classmethod
    def read(cls, values: Mapping[str, Any] | None, *, where: str) -> Config:
        """Check a mapping as it stands in YAML; `search` is a component."""
        plain = dict(values or {})
        search = plain.pop("search", None)
        made = build(cls, plain, where=where)
        if search is None:
            return made
        made = replace(made, search=choose("indexes", search, where=f"{where}.search"))
        if made.lexical and made.rows != ("names",):
            raise ValueError(f"{where}.search.name is {made.search.name}, which reads names: say {where}.rows=[names]")
        return made

    @property
    def lexical(self) -> bool:
        """Names are compared as they are spelt; no vector is made."""
        return self.search.name not in DENSE


APPROXIMATE = ("hnsw", "ivf")
COMPARED = ("mentions", EVIDENCE_ALONE)  # kinds of row that are always compared one by one
DENSE = ("exact", *APPROXIMATE)


def dense(values: Mapping[str, Any], *, where: str) -> Choice:
    """An index of vectors from `{name: ..., its settings}`."""
    chosen = choose("indexes", values, where=where)
    if chosen.name not in DENSE:
        raise ValueError(f"{where}.name is {chosen.name}; vectors are searched by {', '.join(DENSE)}")
    return chosen


@dataclass(frozen=True, slots=True)
class Stamp:
    """What made an index."""

    encoder: str
    knowledge_base: str


def make(
    folder: Path,
    encoder: Encoder,
    kb: KnowledgeBase,
    lesson: Lesson | None,
    config: Config,
    *,
    stamp: Stamp,
    progress: Progress = silent,
) -> None:
    """Encode what stands for each entity, make it searchable, and put the folder in its place.

    Raises ValueError where the rows wanted are none, or too few for the search wanted.
    """
    wanted = [kind for kind in config.rows if kind != "mentions" or lesson is not None]
    if not set(wanted) - {EVIDENCE_ALONE}:
        raise ValueError(
            f"index.rows is {list(config.rows)}: nothing to search; give names, whole, centroids or mentions"
        )
    for kind in wanted:
        if kind not in COMPARED and config.search.name in APPROXIMATE:
            component("indexes", config.search.name).check(
                config.search.settings,
                rows=len(rows_of(kind, kb)[0]),
                dimensions=encoder.dimensions,
                similarity=encoder.config.similarity,
            )
    part = folder.with_name(f".{folder.name}.part")
    origin = {**asdict(stamp), "similarity": encoder.config.similarity, "settings": dump(config)}
    if not (part / ORIGIN).exists() or read_json(part / ORIGIN) != origin:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write_json(part / ORIGIN, origin)
    for stale in part.rglob(".*.part"):  # of a write that was killed
        stale.unlink()
    for kind in wanted:
        if made_by(folder, stamp) and not (part / kind).exists() and kind != "mentions":
            _link_shards(folder / kind, part / kind, kind, kb)
        if config.lexical:
            save_rows(part / kind, *rows_of(kind, kb))
            continue
        write_rows(part / kind, kind, encoder, kb, lesson, progress)
        if kind not in COMPARED:
            _searchable(part / kind, config.search, encoder.config.similarity, progress)
    if lesson is None and not config.lexical and made_by(folder, stamp):
        _keep_learnt(folder, part)
    swap_in(part, folder)


def _link_shards(folder: Path, part: Path, kind: Kind, kb: KnowledgeBase) -> None:
    """Vectors of the same names by the same encoder need not be made again, however they are to be searched."""
    part.mkdir()
    rows = load_rows(folder) if (folder / ROWS).exists() else {}
    entity_N, name_N = rows_of(kind, kb)
    if rows and np.array_equal(rows["entity"], entity_N) and np.array_equal(rows["name"], name_N):
        for shard in shards(folder):
            os.link(shard, part / shard.name)


def _keep_learnt(folder: Path, part: Path) -> None:
    """Mentions that joined an index stay where it is made anew by the same encoder, to be searched otherwise."""
    if (folder / "mentions").is_dir() and not (part / "mentions").exists():
        shutil.copytree(folder / "mentions", part / "mentions", copy_function=os.link)
        write_json(part / ORIGIN, {**read_json(part / ORIGIN), LEARNT: read_json(folder / ORIGIN).get(LEARNT, [])})


def made_by(folder: Path, stamp: Stamp, config: Config | None = None) -> bool:
    """Whether an index lies there and this encoder and knowledge base made it, with these settings where they are given."""
    found = read_json(folder / ORIGIN) if (mended(folder) / ORIGIN).is_file() else {}
    wanted: dict[str, Any] = asdict(stamp) | ({} if config is None else {"settings": dump(config)})
    return all(found.get(what) == ours for what, ours in wanted.items())


def stamp_of(folder: Path) -> Stamp:
    """What made the index that lies there. Raises ValueError where none does."""
    if not (mended(folder) / ORIGIN).is_file():
        raise ValueError(f"{folder}: no index here")
    origin = read_json(folder / ORIGIN)
    return Stamp(str(origin.get("encoder")), str(origin.get("knowledge_base")))


def opened(folder: Path, kb: KnowledgeBase, *, stamp: Stamp, rebuild: str) -> Entities:
    """Memory-map an index; one of spelling is made anew from the names. Raises ValueError where something else made it,
    naming the command that helps."""
    if not (mended(folder) / ORIGIN).is_file():
        raise ValueError(f"{folder}: no index here yet; run `{rebuild}`")
    origin = read_json(folder / ORIGIN)
    for what, ours in asdict(stamp).items():
        if origin.get(what) != ours:
            raise ValueError(
                f"{folder}: built with {what.replace('_', ' ')} {str(origin.get(what))[:12]}, this one is {ours[:12]};"
                f" run `{rebuild}`"
            )
    config = Config.read(origin["settings"], where=f"{folder / ORIGIN}: settings")
    if config.lexical:
        return Entities([_spelt(folder / kind, kind, config, kb) for kind in kinds(folder, config)])
    return Entities([_part(folder / kind, kind, config, origin["similarity"]) for kind in kinds(folder, config)])


def _spelt(folder: Path, kind: Kind, config: Config, kb: KnowledgeBase) -> Part:
    rows = load_rows(folder)
    index: Index = component("indexes", config.search.name)(
        config.search.settings, kb.names.take(rows["name"]).to_pylist()
    )
    return Part(index, rows["entity"], rows["name"], kind)


def _part(folder: Path, kind: Kind, config: Config, similarity: Name) -> Part:
    rows = load_rows(folder)
    vectors = Vectors.open(shards(folder))
    if len(vectors) != len(rows["entity"]):
        raise ValueError(f"{folder}: {len(vectors):,} vectors for {len(rows['entity']):,} rows; build the index again")
    index: Index
    if kind in COMPARED or config.search.name == "exact":
        index = Exact(Exact.Config(), vectors, similarity=similarity)
    else:
        kind_of = component("indexes", config.search.name)
        index = kind_of.open(config.search.settings, vectors, similarity=similarity, path=folder / SEARCH)
    discount = config.mention_discount if kind == "mentions" else 0.0
    return Part(index, rows["entity"], rows["name"], kind, discount, finds=kind != EVIDENCE_ALONE)


def _searchable(folder: Path, search: Choice, similarity: Name, progress: Progress) -> None:
    if search.name != "exact" and not (folder / SEARCH).exists():
        vectors = Vectors.open(shards(folder))
        component("indexes", search.name).build(
            search.settings, vectors, similarity=similarity, path=folder / SEARCH, progress=progress
        )


def kinds(folder: Path, config: Config) -> list[Kind]:
    """The kinds of row that lie in an index: those of its settings, and mentions, which may have been learnt later."""
    wanted: tuple[Kind, ...] = (*config.rows, "mentions")
    return [kind for kind in dict.fromkeys(wanted) if (folder / kind / ROWS).is_file()]
