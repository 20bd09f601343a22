"""An index carried over to another version of its knowledge base: what is new is encoded, what is gone is buried.

Rows stay where they are, so a search structure only grows; a row of a name that is gone stands for no entity any more.
Shapes: N rows there, P rows that the new version needs.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tripel.encoding.encoder import Encoder
from tripel.files import read_json, swap_in, write_json
from tripel.indexes.approximate import extended
from tripel.knowledge import KnowledgeBase
from tripel.progress import Progress, silent
from tripel.searching.indexing import ORIGIN, SEARCH, Config, Stamp, kinds
from tripel.searching.rows import Int, Kind, encode_shards, load_rows, rows_of, save_rows, shards
from tripel.searching.vectors import SHARD, Vectors, write_shard


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of the rows of names, or of what else stands for entities."""

    kept: int
    copied: int
    """New rows whose text has a vector already."""
    encoded: int
    buried: int

    def __str__(self) -> str:
        return f"{self.kept:,} rows kept, {self.encoded:,} encoded, {self.copied:,} copied, {self.buried:,} buried"


def update(
    folder: Path,
    encoder: Encoder,
    old: KnowledgeBase,
    new: KnowledgeBase,
    *,
    stamp: Stamp,
    progress: Progress = silent,
) -> Updated:
    """Put the index of `new` in the place of that of `old`; shards are shared by hard links, not copied.

    Clusters of training mentions follow retired ids. `stamp` is that of the new index.
    """
    origin = read_json(folder / ORIGIN)
    part = folder.with_name(f".{folder.name}.update.part")  # another than that of a build, whose rows stand elsewhere
    if not (part / ORIGIN).exists() or read_json(part / ORIGIN) != {**origin, **asdict(stamp)}:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write_json(part / ORIGIN, {**origin, **asdict(stamp)})
    for stale in part.rglob(".*.part"):  # of a write that was killed
        stale.unlink()
    config = Config.read(origin["settings"], where=f"{folder / ORIGIN}: settings")
    counts = np.zeros(4, np.int64)
    for kind in kinds(folder, config):
        (part / kind).mkdir(exist_ok=True)
        if config.lexical:
            save_rows(part / kind, *rows_of(kind, new))
            counts += _told(load_rows(folder / kind)["name"], old.names, new.names)
            continue
        for shard in shards(folder / kind):
            if not (part / kind / shard.name).exists():
                os.link(shard, part / kind / shard.name)
        if kind == "mentions":
            _follow(folder / kind, part / kind, old, new)
        else:
            counts += _carry(folder / kind, part / kind, kind, encoder, old, new, progress)
    swap_in(part, folder)
    return Updated(*counts.tolist())


def _carry(
    folder: Path, part: Path, kind: Kind, encoder: Encoder, old: KnowledgeBase, new: KnowledgeBase, progress: Progress
) -> Int:
    """Rows of names, of whole entities, of centroids or of descriptions. Gives kept, copied, encoded, buried."""
    rows = load_rows(folder)
    place_N = rows["name"] if kind == "names" else _places(kind, old, rows["entity"])
    old_key, old_text = _keys(kind, encoder, old)
    new_key, new_text = _keys(kind, encoder, new)
    now_N = _gathered(_find(old_key, new_key), place_N)
    missing_P = np.setdiff1d(np.arange(len(new_key)), now_N)
    had_P = _find(new_text.take(missing_P), old_text.take(pa.array(place_N, mask=place_N < 0)))
    order = np.concatenate([missing_P[had_P >= 0], missing_P[had_P < 0]])
    entity_P, name_P = rows_of(kind, new)
    save_rows(
        part,
        np.concatenate([_gathered(entity_P, now_N), entity_P[order]]),
        np.concatenate([_gathered(name_P, now_N), name_P[order]]),
    )
    first, copied = len(shards(folder)), had_P[had_P >= 0]
    if len(copied):
        vectors = Vectors.open(shards(folder))
        for begin in range(0, len(copied), SHARD):
            write_shard(part / f"vectors-{first:05}.npy", vectors[copied[begin : begin + SHARD]])
            first += 1
    encode_shards(part, kind, encoder, new, order[len(copied) :], first=first, progress=progress)
    if (folder / SEARCH).exists():
        every = Vectors.open(shards(part))
        extended(folder / SEARCH, every, first=len(now_N), output=part / SEARCH, progress=progress)
        for beside in folder.glob("search.json"):
            shutil.copy(beside, part / beside.name)
    gone = int(((now_N < 0) & (place_N >= 0)).sum())
    return np.array([int((now_N >= 0).sum()), len(copied), len(order) - len(copied), gone])


def _places(kind: Kind, kb: KnowledgeBase, entity_N: Int) -> Int:
    """Where the row of each entity stands among the rows of a kind that a build would make; -1 stays."""
    place_E = np.full(len(kb), -1, np.int64)
    entity_P, _ = rows_of(kind, kb)
    place_E[entity_P] = np.arange(len(entity_P))
    return _gathered(place_E, entity_N)


def _gathered(value_P: Int, place_N: Int) -> Int:
    """What stands at each place; -1 at -1 [N]."""
    out = np.full(len(place_N), -1, np.int64)
    out[place_N >= 0] = value_P[place_N[place_N >= 0]]
    return out


def _told(name_N: Int, old: pa.StringArray, new: pa.StringArray) -> Int:
    """Kept, copied, encoded and buried of names that no vector stands for."""
    before = old.take(pa.array(name_N))
    kept, gone = int((_find(new, before) >= 0).sum()), int((_find(before, new) < 0).sum())
    return np.array([kept, len(new) - kept, 0, gone])


def _follow(folder: Path, part: Path, old: KnowledgeBase, new: KnowledgeBase) -> None:
    rows = load_rows(folder)
    now = {row: new.row(old.id(row)) for row in np.unique(rows["entity"]).tolist() if row >= 0}
    found = [-1 if row < 0 or now[row] is None else now[row] for row in rows["entity"].tolist()]
    save_rows(part, np.array(found, np.int64), rows["name"], rows.get("document"))


def _keys(kind: Kind, encoder: Encoder, kb: KnowledgeBase) -> tuple[pa.StringArray, pa.StringArray]:
    """What tells a row of a kind apart, and what is encoded for it."""
    entity_N, _ = rows_of(kind, kb)
    ids = pc.take(kb.ids, pa.array(entity_N))
    if kind == "names":
        text = encoder.shown_names(kb)
    elif kind == "whole":
        every = range(len(kb))
        parts = (every[first : first + SHARD] for first in range(0, len(kb), SHARD))
        arrays = [pa.array([encoder.entity_text(kb, row) for row in part], pa.string()) for part in parts]
        text = pa.chunked_array(arrays, pa.string()).combine_chunks()
    elif kind == "descriptions":
        name = pc.take(kb.names, pa.array(kb.first_E[entity_N]))
        text = pc.binary_join_element_wise(name, pc.take(kb.table["definition"], pa.array(entity_N)), "\x1f")
    else:
        text = pc.binary_join(_listed(encoder, kb), "\x1f")
    return pc.binary_join_element_wise(ids, text, "\t"), text


def _listed(encoder: Encoder, kb: KnowledgeBase) -> pa.ListArray:
    """The names of each entity as they are shown."""
    return pa.ListArray.from_arrays(pa.array(kb.first_E, pa.int32()), encoder.shown_names(kb))


def _find(wanted: pa.StringArray, among: pa.StringArray) -> Int:
    """Where each string stands in another array; -1 where it does not."""
    place: Int = pc.fill_null(pc.index_in(wanted, value_set=among), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return place
