"""The names of a knowledge base that a dictionary looks for, and where they stand in a text.

A MARISA trie (Yata 2011) holds them, some 17 bytes a name, and gives all names that begin at a place in one call. Beside it, by
the key of a name in the trie: whether its case plays a part, and its type.

Shapes: N names of the knowledge base, K names in the trie, E entities, V types of all entities.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import marisa_trie
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from tripel.knowledge import KnowledgeBase
from tripel.recognizers.reading import Folded, cased, folded

NAMES_A_BATCH = 65_536  # Python strings at a time
WORD = 4  # characters from which on a short name is a word, such as `pain` or `Gout`
UNSEEN, MIXED = -2, -1


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which names are looked for, and how they must be written. The defaults were chosen on BC5CDR's train (docs/log.md)."""

    types: tuple[str, ...] = ()
    """Only names of entities that have one of these types."""
    shortest: int = 2
    """Characters that a name has at least; one without a letter is never looked for."""
    short: int = 5
    """Characters up to which the case counts, of names with a capital behind the first letter, `ALL` or `pH`, or fewer than 4
    characters: they must be written as the knowledge base does; `ms` may also be `MS`."""
    stop: tuple[str, ...] = ()
    """Names that are not looked for, besides English stop words; but in capitals, if the knowledge base has them so: `IT`."""


class Names:
    """What is looked for. `names.within(fold(text))` gives all that stands there, overlaps included."""

    def __init__(self, kb: KnowledgeBase, rule: Rule) -> None:
        """Raises ValueError where no name is left, or a type is unknown."""
        self.rule = rule
        self.stop = ENGLISH_STOP_WORDS | set(map(folded, rule.stop))
        self.types, type_E = _types(kb, rule.types)
        keep_N = kb.allowed(types=rule.types)[kb.row_N]
        chosen = kb.names if keep_N.all() else kb.names.filter(pa.array(keep_N))
        type_N = type_E[kb.row_N[keep_N]]
        self.trie = marisa_trie.Trie(its for its in map(folded, _each(chosen)) if self._wanted(its))
        if not len(self.trie):
            raise ValueError(f"the dictionary is empty: of {len(chosen)} names its settings leave none")
        self.longest = 0
        """Characters of the longest name."""
        self.loose_K = bytearray(len(self.trie))
        """1 where the case plays no part."""
        self.forms: set[str] = set()
        """How the others must be written."""
        self.type_K = array("i", [UNSEEN]) * len(self.trie)
        self._describe(chosen, type_N)

    def _describe(self, chosen: pa.StringArray, type_N: NDArray[np.int32]) -> None:
        for name, type in zip(_each(chosen), type_N.data, strict=True):
            its = folded(name)
            if not self._wanted(its):
                continue
            key, self.longest = self.trie[its], max(self.longest, len(its))
            self.type_K[key] = type if self.type_K[key] in (UNSEEN, type) else MIXED
            if len(its) > self.rule.short and its not in self.stop:
                self.loose_K[key] = 1
            else:
                self._mind(key, its, cased(name))

    def _mind(self, key: int, its: str, written: str) -> None:
        """How a short name or a stop word must be written, if that plays a part."""
        if its in self.stop:
            self.forms.update([written] if written.isupper() else [])
        elif len(its) >= WORD and not any(map(str.isupper, written[1:])):
            self.loose_K[key] = 1
        else:
            self.forms.update([written, written.upper()] if written.islower() else [written])

    def _wanted(self, its: str) -> bool:
        return len(its) >= self.rule.shortest and (its.isalpha() or any(map(str.isalpha, its)))

    def __len__(self) -> int:
        return len(self.trie)

    def within(self, text: Folded) -> Iterator[tuple[int, int, int]]:
        """Where a name stands, folded, and its key; shorter ones within longer ones, too."""
        for first in text.starts:
            for name, key in self.trie.iter_prefixes_with_ids(text.text[first : first + self.longest]):
                if text.edge_P[first + len(name)]:
                    yield first, first + len(name), key

    def counts(self, key: int, written: str) -> bool:
        """Whether a name that was found counts as a text writes it."""
        return bool(self.loose_K[key]) or cased(written) in self.forms

    def begins(self, start: str) -> bool:
        """Whether any name begins so."""
        return next(self.trie.iterkeys(start), None) is not None

    def type(self, key: int) -> str:
        """The type of a name; empty where its entities have several or none."""
        code = self.type_K[key]
        return self.types[code] if code >= 0 else ""


def _each(names: pa.StringArray) -> Iterator[str]:
    for begin in range(0, len(names), NAMES_A_BATCH):
        yield from names.slice(begin, NAMES_A_BATCH).to_pylist()


def _types(kb: KnowledgeBase, wanted: Collection[str]) -> tuple[list[str], NDArray[np.int32]]:
    """All types, and which is the first of each entity, of those wanted where some are; MIXED where it has none [E]."""
    column = kb.table["types"].combine_chunks()
    encoded = column.flatten().dictionary_encode()
    types = [str(value) for value in encoded.dictionary.to_pylist()]
    type_V = encoded.indices.to_numpy(zero_copy_only=False)
    entity_V = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    if wanted:
        keep_V = np.isin(type_V, [code for code, value in enumerate(types) if value in wanted])
        type_V, entity_V = type_V[keep_V], entity_V[keep_V]
    first_E = np.full(len(kb), MIXED, np.int32)
    first_E[entity_V[::-1]] = type_V[::-1]  # the first is written last, and stays
    return types, first_E
