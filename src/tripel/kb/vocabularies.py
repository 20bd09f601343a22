"""What other vocabularies call an entity: `OMIM:114500`. It knows the names of vocabularies, and no terminology.

An id tells its vocabulary by the prefix before the first colon, or by its form where it is bare, as ids of MeSH and UMLS are
here. What an entity is called elsewhere stands in its cross references, or among the alternative ids that lead to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tripel.knowledge import REFERENCES, Entity, KnowledgeBase

FORMS = {"UMLS": re.compile(r"C\d{7}"), "MESH": re.compile(r"[CD]\d{6}|[CD]\d{9}")}  # of ids that stand without prefix
NAME = r"(?P<vocabulary>[A-Za-z][\w.-]*):"
PREFIX = re.compile(rf"{NAME}\s*(?P<id>\S.*)", re.ASCII)
ALSO_CALLED = {  # by UMLS, by CTD, in ontologies, by people
    "MESH": "msh",
    "UMLS": "umls_cui cui",
    "OMIM": "mim",
    "SNOMEDCT": "snomedct_us snomed snomed_ct sctid",
    "HP": "hpo",
    "DOID": "do",
    "NCIT": "nci",
    "ORPHA": "orphanet ordo",
}
NAMED = {other: name for name, others in ALSO_CALLED.items() for other in (name.casefold(), *others.split())}


def called(vocabulary: str) -> str:
    """The name that a vocabulary has here: `MSH` and `mesh` are MESH; one that is not known keeps its own."""
    return NAMED.get(vocabulary.casefold(), vocabulary)


def vocabulary_of(id: str) -> str:
    """The vocabulary that an id is of; empty where it does not tell."""
    found = PREFIX.fullmatch(id)
    if found:
        return called(found["vocabulary"])
    return next((name for name, form in FORMS.items() if form.fullmatch(id)), "")


def reference(id: str, *, vocabulary: str = "") -> str:
    """An id as cross references hold it, `OMIM:114500`: its vocabulary once, by its name here. `vocabulary`: where it is bare.

    `HPO:HP:0001250` and, of HPO, `HP:0001250` are HP:0001250. Empty where there is no vocabulary or no id.
    """
    name, rest = called(vocabulary), id.strip()
    while (found := PREFIX.fullmatch(rest)) and (not name or called(found["vocabulary"]) == name):
        name, rest = called(found["vocabulary"]), found["id"].strip()
    name = name or vocabulary_of(rest)
    return f"{name}:{rest}" if name and rest else ""


def ids_in(vocabulary: str, entity: Entity) -> tuple[str, ...]:
    """What a vocabulary, by its name here, calls an entity, as ids are written here: those of MeSH and UMLS bare.

    Its own id where that is of the vocabulary, since others of it are retired ones.
    """
    if vocabulary_of(entity.id) == vocabulary:
        return (entity.id,)
    others = map(reference, (*entity.cross_references, *entity.alternatives))
    own = (other for other in others if other.partition(":")[0] == vocabulary)
    return tuple(dict.fromkeys(other.removeprefix(f"{vocabulary}:") if vocabulary in FORMS else other for other in own))


def coverage(kb: KnowledgeBase) -> dict[str, int]:
    """How many entities each vocabulary has an id for, most first."""
    own_E = np.arange(len(kb))
    told = [_told(kb.ids, own_E)]
    for column in (REFERENCES, "alternatives"):
        lists = kb.table[column].combine_chunks()
        told.append(_told(lists.flatten(), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)))
    rows: defaultdict[str, list[NDArray[np.int64]]] = defaultdict(list)
    for name, row_R in (pair for pairs in told for pair in pairs):
        rows[name].append(row_R)
    counts = {name: _distinct(its, len(kb)) for name, its in rows.items()}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def chosen(vocabulary: str, kb: KnowledgeBase) -> str:
    """The name here of a vocabulary that a user names, in any letters. Raises ValueError that lists those there are."""
    there = coverage(kb)
    found = next((name for name in there if name.casefold() == called(vocabulary).casefold()), None)
    if found is None:
        raise ValueError(f"no entity has an id of {vocabulary}; there is {listed(there)}")
    return found


def listed(covered: dict[str, int]) -> str:
    """Vocabularies with the number of entities that each has an id for."""
    return ", ".join(f"{name} {count:,}" for name, count in covered.items()) or "none"


def _told(ids: pa.Array, row_I: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each vocabulary that ids tell, with the rows they are of; the few distinct prefixes become Python objects, not each id."""
    prefix = pc.struct_field(pc.extract_regex(ids, f"^{NAME}"), "vocabulary")
    for name, form in FORMS.items():
        prefix = pc.if_else(pc.match_substring_regex(ids, f"^(?:{form.pattern})$"), name, prefix)
    encoded = prefix.dictionary_encode()
    code_I = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for code, name in enumerate(encoded.dictionary.to_pylist()):
        yield called(name), row_I[code_I == code]


def _distinct(rows: list[NDArray[np.int64]], count: int) -> int:
    there_E = np.zeros(count, np.bool_)
    for row_R in rows:
        there_E[row_R] = True
    return int(there_E.sum())
