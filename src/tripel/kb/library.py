"""A folder of versions of one knowledge base, each named by its content; the latest is the one in use.

    FOLDER/versions.jsonl            one line a version: number, fingerprint, what it was made from, counts
    FOLDER/<fingerprint>.arrow       the knowledge base itself

A version is written before its line is; a kill between the two leaves a file that no line names, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

from tripel.files import read_lines, write_lines
from tripel.kb.vocabularies import called
from tripel.knowledge import BETWEEN, Entity, KnowledgeBase
from tripel.terminologies import ctd, mesh

VERSIONS = "versions.jsonl"
PUBLIC = {mesh.SOURCE: 0, ctd.SOURCE: 0}  # levels that hold where a knowledge base tells none
PUT, REMOVE, RELEASE = "put ", "remove ", "release "  # how a version tells what it was made from
UNSHARED = "their vocabularies are restricted, or how far is not known (of UMLS MRSAB.RRF tells it)"


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a knowledge base."""

    number: int
    fingerprint: str
    made_from: str
    concepts: int
    names: int


def versions(folder: Path) -> list[Version]:
    """All versions, oldest first; none where the folder is not there."""
    path = folder / VERSIONS
    return [Version(**record) for record in read_lines(path)] if path.exists() else []


def add(folder: Path, kb: KnowledgeBase, *, made_from: str) -> Version:
    """Keep a version as the latest; nothing is written where it is what the latest is."""
    if re.search(r"@\d+$", folder.name):
        raise ValueError(f"{folder}: a version is not written to; name the folder without @")
    known = versions(folder)
    if known and known[-1].fingerprint == kb.fingerprint:
        return known[-1]
    path = _path(folder, kb.fingerprint)
    if not path.exists():
        kb.save(path)
    made = Version(len(known) + 1, kb.fingerprint, made_from, len(kb), len(kb.names))
    write_lines(folder / VERSIONS, [asdict(one) for one in [*known, made]])
    return made


def opened(source: Path) -> KnowledgeBase:
    """A file; the latest version of a folder; with `FOLDER@2` the second one. Raises ValueError that says what there is."""
    if source.is_file():
        return KnowledgeBase.open(source)
    folder, at, number = str(source).rpartition("@") if not (source / VERSIONS).exists() else ("", "", "")
    folder_path = Path(folder) if at else source
    known = versions(folder_path)
    if not known:
        raise ValueError(f"{folder_path}: no knowledge base here; make one with `tripel kb build`")
    if not at:
        return KnowledgeBase.open(_path(folder_path, known[-1].fingerprint))
    chosen = next((one for one in known if str(one.number) == number), None)
    if chosen is None:
        raise ValueError(f"{folder_path} has versions 1 to {len(known)}, and no {number}")
    return KnowledgeBase.open(_path(folder_path, chosen.fingerprint))


def changed(
    kb: KnowledgeBase, id: str, names: Sequence[str], *, types: Sequence[str], definition: str, add: bool
) -> Entity:
    """The concept of an id with other names, types or definition where they are given; what is not given stays.

    `add` adds the names as synonyms. A new id makes a new concept. Raises ValueError where that has no names, or is added to.
    """
    if re.search(r"[\s|]", id) or any("|" in name for name in names):
        raise ValueError(
            f"{id}: ids without blanks and bars, names without bars, which part the columns of dictionaries"
        )
    row = kb.row(id)
    if row is None or kb.id(row) != id:
        if add or not names:
            raise ValueError(f"{id}: no concept has this id; give names, without --add, to make one")
        return Entity(id=id, name=names[0], synonyms=tuple(names[1:]), types=tuple(types), definition=definition)
    old = kb[row]
    name, *synonyms = dict.fromkeys([*old.names, *names] if add or not names else names)
    known = dict(zip(old.names, old.sources, strict=False))
    sources = tuple(known.get(one, "") for one in (name, *synonyms))
    return replace(
        old,
        name=name,
        synonyms=tuple(synonyms),
        types=tuple(types) or old.types,
        definition=definition or old.definition,
        sources=sources if any(sources) else (),
    )


def put(kb: KnowledgeBase, entity: Entity) -> KnowledgeBase:
    """With a concept added, or in the place of the one with its id."""
    return KnowledgeBase.of(chain((one for one in kb if one.id != entity.id), [entity]), restrictions=kb.restrictions)


def without(kb: KnowledgeBase, ids: Iterable[str]) -> KnowledgeBase:
    """With concepts taken out. Raises ValueError that names an unknown id."""
    gone = set(ids)
    unknown = sorted(id for id in gone if kb.row(id) is None)
    if unknown:
        raise ValueError(f"unknown ids: {', '.join(unknown)}")
    rows = set(kb.rows(gone))
    retired = sorted(id for id in gone if kb.id(kb.rows([id])[0]) != id)
    if retired:
        raise ValueError(f"retired ids, which lead to other concepts: {', '.join(retired)}; nothing was removed")
    if len(rows) == len(kb):
        raise ValueError("nothing would be left of the knowledge base; nothing was removed")
    return KnowledgeBase.of((one for row, one in enumerate(kb) if row not in rows), restrictions=kb.restrictions)


def by_hand(folder: Path) -> tuple[set[str], set[str]]:
    """Ids of the concepts that were put, and of those that were removed, since a folder was built; the last word counts."""
    put: set[str] = set()
    removed: set[str] = set()
    for version in versions(folder):
        if version.made_from.startswith(PUT):
            id = version.made_from.removeprefix(PUT)
            put, removed = put | {id}, removed - {id}
        elif version.made_from.startswith(REMOVE):
            ids = set(version.made_from.removeprefix(REMOVE).split())
            put, removed = put - ids, removed | ids
        elif not version.made_from.startswith(RELEASE):  # built anew
            put, removed = set(), set()
    return put, removed


def kept_by_hand(old: KnowledgeBase, new: KnowledgeBase, *, put: set[str], removed: set[str]) -> KnowledgeBase:
    """A new release with what was put as it is in the version before, and without what was removed."""
    own = [old[row] for row in old.rows(sorted(put)) if old.id(row) in put]
    if not own and not removed:
        return new
    rest = (one for one in new if one.id not in put | removed)
    return KnowledgeBase.of(chain(rest, own), restrictions=old.restrictions | new.restrictions)


def shareable(kb: KnowledgeBase) -> KnowledgeBase:
    """Without names of whose vocabularies none is known to be free; those without a vocabulary are one's own and stay.

    Where a concept loses names it loses the cross references, too, whose vocabulary is not known to be free.
    """
    return KnowledgeBase.of(_shareable(kb, PUBLIC | kb.restrictions), restrictions=kb.restrictions)


def all_shareable(kb: KnowledgeBase) -> bool:
    """Whether `shareable` would keep every name."""
    return not restricted(kb)


def restricted(kb: KnowledgeBase) -> dict[str, int | None]:
    """The vocabularies whose names `shareable` would leave out, and how far each is restricted; None where it is not known."""
    levels = PUBLIC | kb.restrictions
    sources = kb.table["sources"].combine_chunks().flatten().unique().to_pylist()
    kept_back = {one for source in sources if not _free(source, levels) for one in source.split(BETWEEN)}
    return {one: levels.get(one) for one in sorted(kept_back)}


def _shareable(kb: KnowledgeBase, levels: Mapping[str, int]) -> Iterator[Entity]:
    free = {called(source) for source, level in levels.items() if level == 0}
    for one in kb:
        pairs = list(zip(one.names, one.sources or ("",) * len(one.names), strict=True))
        kept = [(name, source) for name, source in pairs if _free(source, levels)]
        if kept:
            sources = tuple(source for _, source in kept) if one.sources else ()
            others = [id for id in one.cross_references if kept == pairs or id.partition(":")[0] in free]
            yield replace(
                one,
                name=kept[0][0],
                synonyms=tuple(name for name, _ in kept[1:]),
                sources=sources,
                cross_references=tuple(others),
            )


def _free(source: str, levels: Mapping[str, int]) -> bool:
    return not source or any(levels.get(one) == 0 for one in source.split(BETWEEN))


def _path(folder: Path, fingerprint: str) -> Path:
    return folder / f"{fingerprint[:16]}.arrow"
