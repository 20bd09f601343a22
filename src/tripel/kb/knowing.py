"""What `tripel kb` does: build and keep versions, count, compare, change single concepts, export."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tripel.corpora import pubtator
from tripel.documents import Document
from tripel.files import replacing
from tripel.formats.pubtator import is_pubtator
from tripel.kb import library
from tripel.kb.releases import difference, fates
from tripel.kb.vocabularies import coverage, listed
from tripel.knowledge import BETWEEN, KnowledgeBase
from tripel.names.separation_plots import names_a_concept
from tripel.problems import BadInput, Problem
from tripel.searching.asking import knowledge
from tripel.terminologies.tables import HEADER, row

UNFIT = re.compile(r"[|\n\r\t]")  # in a name of a dictionary
TABLE = ".tsv"
COMMON = 12  # types and vocabularies that are listed


def build(source: str, settings: Mapping[str, Any], folder: Path) -> str:
    """Read and keep as the latest version of a folder."""
    made = library.add(folder, knowledge(source, settings), made_from=source)
    return f"{folder}@{made.number}: {made.concepts:,} concepts, {made.names:,} names ({made.fingerprint[:16]})"


def update(folder: Path, source: str, settings: Mapping[str, Any], *, annotations: Path | None = None) -> str:
    """Keep a new release, and say what changed since the version before. Concepts that were put or removed by hand stay so."""
    old, new = library.opened(folder), knowledge(source, settings)
    put, removed = library.by_hand(folder)
    new = library.kept_by_hand(old, new, put=put, removed=removed)
    changed = _compared(old, new, annotations)
    if put or removed:
        changed += f"\nas they were by hand: {', '.join(sorted(put | removed))}"
    made = library.add(folder, new, made_from=f"{library.RELEASE}{source}")
    return (
        f"{changed}\n{folder}@{made.number}: {made.concepts:,} concepts, {made.names:,} names ({made.fingerprint[:16]})"
    )


def diff(old: str, new: str, *, annotations: Path | None = None) -> str:
    """What changed from one to the other."""
    return _compared(knowledge(old), knowledge(new), annotations)


def stats(source: str, folder: Path) -> str:
    """Counts, and a picture of how many names concepts have."""
    kb = knowledge(source)
    names_E = np.diff(kb.first_E)
    sizes, concepts = np.unique(names_E, return_counts=True)
    counted = dict(zip(sizes.tolist(), concepts.tolist(), strict=True))
    title = f"{len(kb):,} concepts, {len(kb.names):,} names"
    picture = names_a_concept(counted, title=title, path=folder / "names.png")
    most = int(names_E.argmax())
    return "\n".join(
        [
            f"{title}, {len(kb.names) / max(1, len(kb)):.1f} a concept; most: {kb.id(most)} with {names_E[most]:,}",
            f"semantic types: {_common(_counts(kb.table['types']))}",
            f"vocabularies: {_common(_counts(kb.table['sources']))}",
            f"concepts with an id of: {listed(coverage(kb))}",
            f"content: {kb.fingerprint}",
            f"{picture}",
        ]
    )


def put(folder: Path, id: str, names: Sequence[str], *, types: Sequence[str], definition: str, add: bool) -> str:
    """Add or change one concept, as a new version."""
    kb = library.opened(folder)
    entity = library.changed(kb, id, names, types=types, definition=definition, add=add)
    made = library.add(folder, library.put(kb, entity), made_from=f"{library.PUT}{id}")
    return f"{folder}@{made.number}: {made.concepts:,} concepts, {made.names:,} names"


def remove(folder: Path, ids: Sequence[str]) -> str:
    """Take concepts out, as a new version."""
    made = library.add(
        folder, library.without(library.opened(folder), ids), made_from=f"{library.REMOVE}{' '.join(ids)}"
    )
    return f"{folder}@{made.number}: {made.concepts:,} concepts, {made.names:,} names"


def export(source: str, file: Path) -> str:
    """Every name that may be shared, as `id||name` lines or, in a file called .tsv, as a table with types and other ids."""
    if file.exists():
        raise ValueError(f"{file} is there already; choose another name")
    kb = knowledge(source)
    free = library.shareable(kb)
    counts: Counter[str] = Counter()
    with replacing(file) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(_exported(free, counts, table=file.suffix == TABLE))
    dropped, unfit = len(kb.names) - len(free.names), len(free.names) - counts["names"]
    left = f"; {dropped:,} names were left out: {library.UNSHARED}" if dropped else ""
    left += (
        f"; {unfit:,} names with a bar, a tab or a line break were left out, which dictionaries cannot hold"
        if unfit
        else ""
    )
    return f"{file}: {counts['names']:,} names of {counts['concepts']:,} concepts{left}"


def _exported(kb: KnowledgeBase, counts: Counter[str], *, table: bool) -> Iterator[str]:
    """Lines of a dictionary; `counts` the names and concepts in them."""
    if table:
        yield HEADER
    for one in kb:
        names = [name for name in one.names if not UNFIT.search(name)]
        if names and not UNFIT.search(one.id):
            counts.update(names=len(names), concepts=1)
            yield from [row(one, names)] if table else (f"{one.id}||{name}\n" for name in names)


def _compared(old: KnowledgeBase, new: KnowledgeBase, annotations: Path | None) -> str:
    said = str(difference(old, new))
    return f"{said}\n{fates(_ids(annotations), old, new)}" if annotations else said


def _ids(path: Path) -> Iterable[str]:
    """The ids that a PubTator file uses, each as often as it does, or those of a file with one on each line."""
    if not is_pubtator(path):
        return path.read_text(encoding="utf-8").split()
    found = list(pubtator.parse(path))
    problems = [one for one in found if isinstance(one, Problem)]
    if problems:
        raise BadInput(problems)
    documents = (one for one in found if isinstance(one, Document))
    return [id for document in documents for mention in document.mentions for id in mention.entities]


def _counts(column: pa.ChunkedArray) -> Counter[str]:
    """How often each type or vocabulary stands in a column of lists; only the distinct values become Python objects."""
    counts: Counter[str] = Counter()
    for found in pc.value_counts(pc.list_flatten(column)).to_pylist():
        counts.update({one: found["counts"] for one in found["values"].split(BETWEEN) if one})
    return counts


def _common(counts: Counter[str]) -> str:
    said = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(COMMON))
    return f"{said or 'none'}{', ...' if len(counts) > COMMON else ''}"
