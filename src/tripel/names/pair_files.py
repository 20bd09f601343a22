"""Files of synonym pairs: SapBERT's `id||a||b`, NeMo's `id<TAB>a<TAB>b`, or a table whose header names its columns.

Tables are KGNEL's (CUI, STR_A, STR_P, perhaps STR_N) and ours (entity, anchor, positive, perhaps negative). The form is told
by the first line. A negative names something else than its row's entity; whose name it is stands nowhere.

Shapes: P pairs, N distinct names, E distinct ids, U names of an id, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tripel.corpora.lines import Line, numbered
from tripel.files import replacing
from tripel.knowledge import Entity, KnowledgeBase
from tripel.names.synonyms import Int, Listed, Pairs
from tripel.problems import BadInput, Problem

BAR = "||"
OURS = ("entity", "anchor", "positive", "negative")
KGNEL = ("CUI", "STR_A", "STR_P", "STR_N")
AT_ONCE = 200_000  # pairs that are Python objects at a time: some 80 MB


@dataclass(frozen=True, slots=True)
class NamePair:
    """Two names of one entity, and perhaps one of another."""

    entity: str
    anchor: str
    positive: str
    negative: str = ""


class NamePairs(Sequence[NamePair]):
    """Pairs as numbers of ids and names, each of which is kept once: 16 bytes a pair, and the distinct strings."""

    def __init__(self, ids: pa.StringArray, names: pa.StringArray, id_P: _Codes, name_3P: _Codes) -> None:
        self.ids, self.names = ids, names
        """Distinct ids [E] and names [N]."""
        self.id_P = id_P
        self.anchor_P, self.positive_P, self.negative_P = name_3P
        """Their positions; that of a negative is -1 where there is none."""

    @classmethod
    def of(cls, pairs: Iterable[NamePair]) -> NamePairs:
        """Gathered some at a time, so that few are Python objects at once."""
        waiting, ids, names = iter(pairs), _Distinct(), _Distinct()
        id_codes, name_codes = [np.empty(0, np.int32)], [np.empty((3, 0), np.int32)]
        while some := list(islice(waiting, AT_ONCE)):
            id_codes.append(ids.codes([pair.entity for pair in some]))
            columns = ((getattr(pair, column) or None for pair in some) for column in OURS[1:])
            name_codes.append(names.codes(list(chain.from_iterable(columns))).reshape(3, -1))
        return cls(ids.strings, names.strings, np.concatenate(id_codes), np.concatenate(name_codes, axis=1))

    def __len__(self) -> int:
        return len(self.id_P)

    @overload
    def __getitem__(self, place: int) -> NamePair: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[NamePair]: ...
    def __getitem__(self, place: int | slice) -> NamePair | Sequence[NamePair]:
        if isinstance(place, slice):
            return list(self._some(place))
        if not -len(self) <= place < len(self):
            raise IndexError(f"pair {place} of {len(self)}")
        first = place % len(self)
        return next(self._some(slice(first, first + 1)))

    def __iter__(self) -> Iterator[NamePair]:
        for first in range(0, len(self), AT_ONCE):
            yield from self._some(slice(first, first + AT_ONCE))

    def _some(self, place: slice) -> Iterator[NamePair]:
        names = (_strings(self.names, codes[place]) for codes in (self.anchor_P, self.positive_P, self.negative_P))
        return map(NamePair, _strings(self.ids, self.id_P[place]), *names)


def parse(path: Path) -> Iterator[NamePair | Problem]:
    """Pairs in the order of the file, and what is wrong between them."""
    split: Callable[[str], list[str]] | None = None
    wanted: tuple[int, ...] = (3,)
    count = 0
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
            return
        if not line.text.strip():
            continue
        if split is None:
            header = _header(line.text)
            split = _bars if BAR in line.text else _tabs
            wanted = (len(header),) if header else (3,)
            if header:
                continue
        count += 1
        yield _pair(path, line, split(line.text), wanted)
    if not count:
        yield Problem(str(path), 0, "no pairs", "lines id||name||name, or a table with a header and rows")


def read(path: Path) -> NamePairs:
    """All pairs. Raises BadInput with every problem of the file."""
    problems: list[Problem] = []
    pairs = NamePairs.of(_sound(parse(path), problems))
    if problems:
        raise BadInput(problems)
    return pairs


def is_pair(line: str) -> bool:
    """Whether the first line of a file says that it is one of pairs: a header, or an id and two names."""
    return bool(_header(line)) or len(_bars(line) if BAR in line else _tabs(line)) == 3


def grounded(pairs: NamePairs) -> tuple[KnowledgeBase, Pairs, Int]:
    """A knowledge base of the pairs' names, the pairs as positions in it, and each one's negative, -1 for none [P].

    A negative is kept as a name of an entity of its own, since whose it is is not known, or of the one that has it here.
    """
    seen = pa.array(_keys(pairs)).dictionary_encode()  # in the order in which they came
    id_U, name_U = np.divmod(seen.dictionary.to_numpy(), len(pairs.names))
    owner_N = np.full(len(pairs.names), -1, np.int64)
    np.maximum.at(owner_N, name_U, id_U)  # of several, the one that came last
    strange_S = np.flatnonzero(owner_N < 0)
    owner_N[strange_S] = len(pairs.ids) + np.arange(len(strange_S))
    ids = pa.concat_arrays([pairs.ids, pc.binary_join_element_wise("?", pairs.names.take(strange_S), "")])
    id_U, name_U = np.concatenate([id_U, owner_N[strange_S]]), np.concatenate([name_U, strange_S])
    kb = KnowledgeBase.of(_entities(ids, pairs.names, id_U, name_U))
    place_U = _places(kb, ids, pairs.names, id_U, name_U)
    place_N = _places(kb, ids, pairs.names, owner_N, np.arange(len(owner_N)))
    one_P, other_P = (place_U[seen.indices.to_numpy()[first::2]] for first in (0, 1))
    return kb, Listed(one_P, other_P), np.where(pairs.negative_P < 0, -1, place_N[pairs.negative_P])


def write(path: Path, pairs: Sequence[NamePair]) -> None:
    """Our table, atomically."""
    columns = OURS if any(pair.negative for pair in pairs) else OURS[:3]
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(columns) + "\n")
        for pair in pairs:
            out.write("\t".join(" ".join(getattr(pair, column).split()) for column in columns) + "\n")


_Codes = NDArray[np.int32]


def _sound(found: Iterable[NamePair | Problem], problems: list[Problem]) -> Iterator[NamePair]:
    """The pairs; problems are put aside."""
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        elif not problems:
            yield one


class _Distinct:
    """Distinct strings, numbered in the order in which they come."""

    def __init__(self) -> None:
        self.strings = pa.array([], pa.string())

    def codes(self, some: list[str | None]) -> _Codes:
        """The numbers of some strings, -1 for None; those not met before are added."""
        before = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self.strings)
        both = pa.chunked_array([before, pa.array(some, pa.string()).dictionary_encode()]).unify_dictionaries()
        self.strings = both.chunk(1).dictionary
        found: _Codes = pc.fill_null(both.chunk(1).indices, -1).to_numpy()
        return found


def _strings(distinct: pa.StringArray, codes: _Codes) -> list[str]:
    found: list[str] = pc.fill_null(distinct.take(pa.array(codes, mask=codes < 0)), "").to_pylist()
    return found


def _keys(pairs: NamePairs) -> Int:
    """A number for each anchor and each positive of an id, pair by pair [2P]."""
    key_2P: Int = np.repeat(pairs.id_P.astype(np.int64) * len(pairs.names), 2)
    key_2P[0::2] += pairs.anchor_P
    key_2P[1::2] += pairs.positive_P
    return key_2P


def _entities(ids: pa.StringArray, names: pa.StringArray, id_U: Int, name_U: Int) -> Iterator[Entity]:
    """The names of each id, in their order."""
    order_U = np.argsort(id_U, kind="stable")
    named = names.take(name_U[order_U])
    ends_E = np.cumsum(np.bincount(id_U, minlength=len(ids)))
    for id, first, end in zip(ids, [0, *ends_E[:-1]], ends_E, strict=True):
        name, *synonyms = named[first:end].to_pylist()
        yield Entity(id=id.as_py(), name=name, synonyms=tuple(synonyms))


def _places(kb: KnowledgeBase, ids: pa.StringArray, names: pa.StringArray, id_U: Int, name_U: Int) -> Int:
    """Where each name of an id stands in a knowledge base of them [U]."""
    row_E = pc.index_in(ids, value_set=kb.ids).to_numpy().astype(np.int64)
    key_K = kb.row_N * len(names) + pc.index_in(kb.names, value_set=names).to_numpy()
    order_K = np.argsort(key_K)
    found_U: Int = order_K[np.searchsorted(key_K, row_E[id_U] * len(names) + name_U, sorter=order_K)]
    return found_U


def _header(text: str) -> tuple[str, ...]:
    """The columns, where the line names them."""
    cells = tuple(_tabs(text))
    return next((cells for known in (OURS, KGNEL) if cells in (known[:3], known)), ())


def _pair(path: Path, line: Line, cells: list[str], wanted: tuple[int, ...]) -> NamePair | Problem:
    if line.damaged:
        return Problem(str(path), line.number, "bytes that are not UTF-8", "UTF-8 text; convert the file with iconv")
    if len(cells) not in wanted:
        columns = "one column" if len(cells) == 1 else f"{len(cells)} columns"
        return Problem(str(path), line.number, columns, f"{wanted[0]}: an id and two names, split by || or tabs")
    if not all(cells[:3]):
        empty = ("id", "first name", "second name")[[bool(cell) for cell in cells].index(False)]
        return Problem(str(path), line.number, f"an empty {empty}", "an id and two names; fill it in or drop the row")
    if cells[1] == cells[2]:
        return Problem(str(path), line.number, "a name paired with itself", "two different names; drop the row")
    return NamePair(*cells)


def _bars(text: str) -> list[str]:
    return [cell.strip() for cell in text.split(BAR)]


def _tabs(text: str) -> list[str]:
    return [cell.strip() for cell in text.split("\t")]
