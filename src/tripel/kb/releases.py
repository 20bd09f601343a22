"""One knowledge base against a later one: what came, what went, what was merged, and what became of ids that were used.

It compares; it keeps nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tripel.knowledge import Entity, KnowledgeBase

SHOWN = 5  # examples of each kind


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one knowledge base to another."""

    added: tuple[str, ...]
    """Ids of new concepts."""
    merged: tuple[tuple[str, str], ...]
    """Ids that now lead to another concept, and to which."""
    removed: tuple[str, ...]
    """Ids that lead nowhere any more."""
    changed: tuple[str, ...]
    """Ids whose names, types, definition or cross references are other ones."""
    names_added: int
    names_removed: int

    def __str__(self) -> str:
        rows = {
            "new concepts": self.added,
            "merged or retired": [f"{old} -> {new}" for old, new in self.merged],
            "removed": self.removed,
            "changed": self.changed,
        }
        lines = [f"{what}: {len(ids):,}{_examples(ids)}" for what, ids in rows.items()]
        return "\n".join([*lines, f"names: {self.names_added:,} new, {self.names_removed:,} gone"])


Fate = Literal["kept", "moved", "gone", "never known"]


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of ids that annotations use."""

    counts: dict[Fate, int]
    """Annotations by fate."""
    moved: dict[str, str]
    gone: tuple[str, ...]

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} {fate}" for fate, count in self.counts.items() if count)
        moved = _examples([f"{old} -> {new}" for old, new in self.moved.items()])
        return f"annotations: {said or 'none'}{moved}{_examples(self.gone)}"


def difference(old: KnowledgeBase, new: KnowledgeBase) -> Difference:
    """Concept by concept, both in the order of their ids; a name counts with its concept."""
    added: list[str] = []
    lost: list[str] = []
    changed: list[str] = []
    came, went = 0, 0
    for before, after in _side_by_side(old, new):
        names_before, names_after = (set(one.names) if one else set() for one in (before, after))
        came, went = came + len(names_after - names_before), went + len(names_before - names_after)
        if before is None and after is not None:
            added.append(after.id)
        elif after is None and before is not None:
            lost.append(before.id)
        elif before is not None and after is not None and _content(before) != _content(after):
            changed.append(before.id)
    merged = tuple((id, new.id(row)) for id in lost if (row := new.row(id)) is not None)
    gone = {id for id, _ in merged}
    return Difference(
        added=tuple(added),
        merged=merged,
        removed=tuple(id for id in lost if id not in gone),
        changed=tuple(changed),
        names_added=came,
        names_removed=went,
    )


def fates(ids: Iterable[str], old: KnowledgeBase, new: KnowledgeBase) -> Fates:
    """Follow each use of an id from one knowledge base into another; retired ids lead to their concept."""
    used = Counter(ids)
    counts: dict[Fate, int] = {"kept": 0, "moved": 0, "gone": 0, "never known": 0}
    moved: dict[str, str] = {}
    gone: list[str] = []
    for id, count in used.items():
        was, row = old.row(id), new.row(id)
        fate: Fate = "gone"
        if was is None and row is None:
            fate = "never known"
        elif row is not None:
            stays = was is None or new.id(row) == old.id(was)
            fate = "kept" if stays else "moved"
            if not stays:
                moved[id] = new.id(row)
        else:
            gone.append(id)
        counts[fate] += count
    return Fates(counts, moved, tuple(sorted(gone)))


def _side_by_side(old: KnowledgeBase, new: KnowledgeBase) -> Iterator[tuple[Entity | None, Entity | None]]:
    """Concepts of one id beside each other, None where one of the two has none; only one pair is held at a time."""
    olds, news = iter(old), iter(new)
    before, after = next(olds, None), next(news, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.id < after.id):
            yield before, None
            before = next(olds, None)
        elif before is None or after.id < before.id:
            yield None, after
            after = next(news, None)
        else:
            yield before, after
            before, after = next(olds, None), next(news, None)


def _content(one: Entity) -> tuple[tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]:
    return one.names, one.types, one.definition, one.cross_references


def _examples(ids: Iterable[str]) -> str:
    its = list(ids)
    more = ", ..." if len(its) > SHOWN else ""
    return f" ({', '.join(its[:SHOWN])}{more})" if its else ""
