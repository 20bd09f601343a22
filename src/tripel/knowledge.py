"""The nouns of knowledge: an entity, and a knowledge base of them with integer rows.

A `KnowledgeBase` lives in an Arrow table, sorted by id and memory-mapped when it comes from a file, so one of millions of
entities opens at once and costs no Python objects. It knows nothing of the formats that terminologies come in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, repeat
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tripel.files import replacing

SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "names": pa.list_(pa.string()),
        "types": pa.list_(pa.dictionary(pa.int32(), pa.string())),  # few distinct ones, each kept once
        "definition": pa.string(),
        "alternatives": pa.list_(pa.string()),
        "sources": pa.list_(pa.string()),
        "cross_references": pa.list_(pa.string()),
    }
)
REFERENCES = "cross_references"  # the column that files of earlier versions lack
FINGERPRINT, RESTRICTIONS = b"tripel.fingerprint", b"tripel.restrictions"  # beside the schema of a file
BETWEEN = "|"  # vocabularies that share a name
ENTITIES_A_BATCH = 20_000  # rows gathered before they are written: some 4 MB at UMLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A concept: its id, its preferred name, and what else it is called."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    definition: str = ""
    alternatives: tuple[str, ...] = ()
    """Retired or alternative ids that now mean this concept."""
    sources: tuple[str, ...] = ()
    """The vocabulary of each name, several joined by `|`, "" where unknown; empty where none is known."""
    cross_references: tuple[str, ...] = ()
    """What other vocabularies call it: `OMIM:114500`, as `vocabularies.reference` writes them."""

    def __post_init__(self) -> None:
        if not self.id or not self.name.strip():
            raise ValueError(f"entity {self.id!r} needs an id and a name that is not blank")
        if self.sources and len(self.sources) != 1 + len(self.synonyms):
            raise ValueError(f"entity {self.id!r} has {1 + len(self.synonyms)} names and {len(self.sources)} sources")

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, then the synonyms."""
        return (self.name, *self.synonyms)


class KnowledgeBase(Sequence[Entity]):
    """Entities in the order of their ids. `kb[row]`, `kb.row(id)`, `kb.named("fever")`, `kb.names`."""

    def __init__(self, table: pa.Table) -> None:
        said = table.schema.metadata or {}
        self._fingerprint = said.get(FINGERPRINT, b"").decode()
        self.restrictions: dict[str, int] = json.loads(said.get(RESTRICTIONS, b"{}"))
        """How far the licence of a vocabulary restricts its names, as UMLS has it: 0 is free."""
        self.table = table.combine_chunks()
        self.ids = _chunk(self.table["id"])
        """Ids in their order [E]."""
        self._names = _chunk(self.table["names"])

    @classmethod
    def of(cls, entities: Iterable[Entity], *, restrictions: Mapping[str, int] | None = None) -> KnowledgeBase:
        """A knowledge base in memory. Entities of one id are merged: names and types add up, the first definition stays."""
        table = _sorted(pa.Table.from_batches(list(_batches(entities)), schema=SCHEMA).combine_chunks())
        return cls(table.replace_schema_metadata({RESTRICTIONS: json.dumps(dict(restrictions or {}), sort_keys=True)}))

    @classmethod
    def open(cls, path: Path) -> KnowledgeBase:
        """Memory-map what `save` wrote. Raises FileNotFoundError, or ValueError where it is something else."""
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: not a knowledge base of tripel ({error})") from None
        if table.schema.names == SCHEMA.names[: SCHEMA.names.index(REFERENCES)]:
            table = table.append_column(SCHEMA.field(REFERENCES), _empty_lists(table.num_rows))
        if not table.schema.equals(SCHEMA):
            raise ValueError(
                f"{path}: a knowledge base of another version of tripel; build it again with `tripel kb build`"
            )
        return cls(table)

    def save(self, path: Path) -> None:
        """Write one Arrow file with its fingerprint, atomically."""
        said = {FINGERPRINT: self.fingerprint, RESTRICTIONS: json.dumps(self.restrictions, sort_keys=True)}
        schema = SCHEMA.with_metadata(said)
        with replacing(path) as part, pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(self.table.replace_schema_metadata(said))  # one piece, which opens without a copy

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, row: int) -> Entity: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Entity]: ...
    def __getitem__(self, row: int | slice) -> Entity | Sequence[Entity]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a knowledge base with {len(self)} entities")
        return _entity({name: self.table[name][row].as_py() for name in SCHEMA.names})

    def __iter__(self) -> Iterator[Entity]:
        yield from _entities(self.table)

    @cached_property
    def described(self) -> NDArray[np.int64]:
        """The rows of entities that have a definition, in their order."""
        return np.flatnonzero(pc.utf8_length(_chunk(self.table["definition"])).to_numpy(zero_copy_only=False))

    @cached_property
    def names(self) -> pa.StringArray:
        """All names [N], those of one entity side by side, the preferred one first."""
        return self._names.flatten()

    @cached_property
    def row_N(self) -> NDArray[np.int64]:
        """The entity's row of each name [N]."""
        counts = pc.list_value_length(self._names).to_numpy(zero_copy_only=False)
        return np.repeat(np.arange(len(self)), counts)

    @cached_property
    def first_E(self) -> NDArray[np.int64]:
        """Where the names of each entity begin in `names` [E + 1]; the last is N."""
        counts = pc.list_value_length(self._names).to_numpy(zero_copy_only=False)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def places(self, row_R: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions in `names` of all names of some entities, one entity after the other, and where each begins there [R]."""
        counts_R = self.first_E[row_R + 1] - self.first_E[row_R]
        begin_R = np.cumsum(counts_R) - counts_R
        return np.repeat(self.first_E[row_R] - begin_R, counts_R) + np.arange(counts_R.sum()), begin_R

    def id(self, row: int) -> str:
        """The id of the entity at `row`."""
        return str(self.ids[row].as_py())

    def row(self, id: str) -> int | None:
        """The row of an id or of a retired one; None where it is unknown."""
        found = _bisect(self.ids, id)
        if found is not None:
            return found
        alternatives, rows = self._alternatives
        other = _bisect(alternatives, id)
        return None if other is None else int(rows[other])

    def rows(self, ids: Iterable[str]) -> tuple[int, ...]:
        """The distinct rows of those ids that are known, in order."""
        return tuple(dict.fromkeys(row for row in map(self.row, ids) if row is not None))

    def named(self, name: str) -> tuple[int, ...]:
        """Rows of all entities with this name, apart from case."""
        sorted_N, order_N = self._sorted_names
        wanted = name.casefold()
        first, end = (_bisect_place(sorted_N, wanted, after=after) for after in (False, True))
        return tuple(dict.fromkeys(int(self.row_N[n]) for n in sorted(order_N[first:end].tolist())))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: equal for equal entities, however they were stored. A file carries its own.

        Cross references count where there are some, so that knowledge bases without them keep the fingerprint they had.
        """
        if self._fingerprint:
            return str(self._fingerprint)
        digest = hashlib.sha256(json.dumps(self.restrictions, sort_keys=True).encode())
        for batch in self.table.to_batches(max_chunksize=ENTITIES_A_BATCH):
            for record in batch.to_pylist():
                if not record[REFERENCES]:
                    del record[REFERENCES]
                digest.update(json.dumps(record, ensure_ascii=False, sort_keys=True).encode())
        return digest.hexdigest()

    def sources(self, row: int) -> tuple[str, ...]:
        """The vocabulary of each name of an entity; as many as it has names, or none."""
        return tuple(self.table["sources"][row].as_py())

    def types(self, row: int) -> tuple[str, ...]:
        """The semantic types of an entity."""
        return tuple(self.table["types"][row].as_py())

    def allowed(
        self, *, types: Iterable[str] = (), sources: Iterable[str] = (), ids: Iterable[str] = ()
    ) -> NDArray[np.bool_]:
        """Entities of one of `types`, with a name of one of `sources`, and with one of `ids`, each where given [E].

        Raises ValueError where there is no such type, source or id at all.
        """
        keep_E = np.ones(len(self), np.bool_)
        for column, wanted in (("types", set(types)), ("sources", set(sources))):
            if wanted:
                keep_E &= self._having(column, wanted)
        if ids:
            rows = {id: self.row(id) for id in ids}
            unknown = {id for id, row in rows.items() if row is None}
            if unknown:
                raise ValueError(f"unknown ids: {', '.join(sorted(unknown))}")
            listed_E = np.zeros(len(self), np.bool_)
            listed_E[[row for row in rows.values() if row is not None]] = True
            keep_E &= listed_E
        return keep_E

    def _having(self, column: str, wanted: set[str]) -> NDArray[np.bool_]:
        """Entities whose `types` or `sources` hold one of those wanted [E]; the few distinct values are looked at, not each."""
        values = _chunk(self.table[column])
        encoded = values.flatten().dictionary_encode()
        parts = [set(value.split(BETWEEN)) for value in encoded.dictionary.to_pylist()]
        unknown = wanted - set().union(*parts)
        if unknown:
            raise ValueError(f"no entity has {column} {', '.join(sorted(unknown))}; `tripel kb stats` lists them")
        wanted_V = np.array([bool(wanted & its) for its in parts], np.bool_)
        having_E = np.zeros(len(self), np.bool_)
        owner = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
        having_E[owner[wanted_V[encoded.indices.to_numpy(zero_copy_only=False)]]] = True
        return having_E

    @cached_property
    def folded(self) -> pa.StringArray:
        """All names apart from case, as `str.casefold` has them [N]; Python looks only at those that are not ASCII."""
        other = pc.invert(pc.string_is_ascii(self.names))
        theirs = [name.casefold() for name in self.names.filter(other).to_pylist()]
        return pc.replace_with_mask(pc.ascii_lower(self.names), other, pa.array(theirs, pa.string()))

    @cached_property
    def distinct(self) -> pa.StringArray:
        """All names [N]; one that several entities have is followed by what tells its entity apart: the preferred name, or where
        it is that itself, the type: `MS (Multiple Sclerosis)`, `cold (Disease)`. Without a type it stays as it is."""
        code_N = self.folded.dictionary_encode().indices.to_numpy()
        pairs = np.unique(np.stack([code_N, self.row_N]), axis=1)
        shared_N = np.bincount(pairs[0], minlength=code_N.max(initial=0) + 1)[code_N] > 1
        places = np.flatnonzero(shared_N)
        preferred = self.names.take(self.first_E[self.row_N[places]]).to_pylist()
        shown = [
            _told_apart(name, main, self.types(row))
            for name, main, row in zip(
                self.names.take(places).to_pylist(), preferred, self.row_N[places].tolist(), strict=True
            )
        ]
        return pc.replace_with_mask(self.names, pa.array(shared_N), pa.array(shown, pa.string()))

    @cached_property
    def _alternatives(self) -> tuple[pa.Array, NDArray[np.int64]]:
        column = _chunk(self.table["alternatives"])
        counts = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        ids, rows = column.flatten(), np.repeat(np.arange(len(self)), counts)
        order = pc.sort_indices(ids)
        return ids.take(order), rows[order.to_numpy()]

    @cached_property
    def _sorted_names(self) -> tuple[pa.StringArray, NDArray[np.int64]]:
        order = pc.sort_indices(self.folded)
        return self.folded.take(order), order.to_numpy().astype(np.int64)


def _told_apart(name: str, preferred: str, types: Sequence[str]) -> str:
    by = types[0] if types and name.casefold() == preferred.casefold() else preferred
    return name if name.casefold() == by.casefold() else f"{name} ({by})"


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _empty_lists(count: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string()))


def _entity(record: dict[str, Any]) -> Entity:
    name, *synonyms = record["names"]
    return Entity(
        id=str(record["id"]),
        name=name,
        synonyms=tuple(synonyms),
        types=tuple(record["types"]),
        definition=str(record["definition"]),
        alternatives=tuple(record["alternatives"]),
        sources=tuple(record["sources"]),
        cross_references=tuple(record[REFERENCES]),
    )


def _batches(entities: Iterable[Entity]) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, object]] = []
    for entity in entities:
        names = _sourced([entity])
        waiting.append(
            {
                "id": entity.id,
                "names": list(names),
                "types": list(entity.types),
                "definition": entity.definition,
                "alternatives": list(entity.alternatives),
                "sources": list(names.values()) if any(names.values()) else [],
                REFERENCES: list(entity.cross_references),
            }
        )
        if len(waiting) == ENTITIES_A_BATCH:
            yield pa.RecordBatch.from_pylist(waiting, schema=SCHEMA)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=SCHEMA)


def _sorted(table: pa.Table) -> pa.Table:
    """In the order of ids, entities of one id merged."""
    table = table.take(pc.sort_indices(_chunk(table["id"])))
    if pc.count_distinct(table["id"]).as_py() == len(table):
        return table
    return pa.Table.from_batches(list(_batches(_merged(_entities(table)))), schema=SCHEMA)


def _entities(table: pa.Table) -> Iterator[Entity]:
    for batch in table.to_batches(max_chunksize=ENTITIES_A_BATCH):
        yield from map(_entity, batch.to_pylist())


def _merged(entities: Iterable[Entity]) -> Iterator[Entity]:
    for id, group in groupby(entities, key=lambda entity: entity.id):
        same = list(group)
        names = _sourced(same)
        name, *synonyms = names
        yield Entity(
            id=id,
            name=name,
            synonyms=tuple(synonyms),
            types=tuple(dict.fromkeys(type for entity in same for type in entity.types)),
            definition=next((entity.definition for entity in same if entity.definition), ""),
            alternatives=tuple(dict.fromkeys(other for entity in same for other in entity.alternatives)),
            sources=tuple(names.values()) if any(names.values()) else (),
            cross_references=tuple(dict.fromkeys(other for entity in same for other in entity.cross_references)),
        )


def _sourced(entities: Sequence[Entity]) -> dict[str, str]:
    """Each name that is not blank, with the vocabularies it comes from."""
    names: dict[str, dict[str, None]] = {}
    for entity in entities:
        for name, source in zip(entity.names, entity.sources or repeat("", 1 + len(entity.synonyms)), strict=True):
            if name.strip():
                names.setdefault(name, {}).update(dict.fromkeys(filter(None, source.split(BETWEEN))))
    return {name: BETWEEN.join(sources) for name, sources in names.items()}


def _bisect(ids: pa.Array, id: str) -> int | None:
    low = _bisect_place(ids, id)
    return low if low < len(ids) and ids[low].as_py() == id else None


def _bisect_place(sorted_N: pa.Array, wanted: str, *, after: bool = False) -> int:
    """Where a string stands or would stand among sorted ones: before those that equal it, or after them.

    By code point, which for UTF-8 is the order of bytes that Arrow sorts by.
    """
    low, high = 0, len(sorted_N)
    while low < high:
        middle = (low + high) // 2
        found = sorted_N[middle].as_py()
        if found < wanted or (after and found == wanted):
            low = middle + 1
        else:
            high = middle
    return low
