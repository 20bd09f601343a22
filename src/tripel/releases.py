"""One knowledge base against a later one: what came, what went, what was merged, and what became of ids that were used.

It compares; it keeps nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tripel.knowledge import KnowledgeBase

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
    """Ids whose names, types or definition are other ones."""
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
    """Concept by concept; a name counts with its concept."""
    before, after = _contents(old), _contents(new)
    lost = [id for id in before if id not in after]
    merged = tuple((id, new.id(row)) for id in lost if (row := new.row(id)) is not None)
    gone = {id for id, _ in merged}
    both = [id for id in before if id in after]
    names_before = {(id, name) for id, its in before.items() for name in its[0]}
    names_after = {(id, name) for id, its in after.items() for name in its[0]}
    return Difference(
        added=tuple(id for id in after if id not in before),
        merged=merged,
        removed=tuple(id for id in lost if id not in gone),
        changed=tuple(id for id in both if before[id] != after[id]),
        names_added=len(names_after - names_before),
        names_removed=len(names_before - names_after),
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


def _contents(kb: KnowledgeBase) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], str]]:
    return {one.id: (one.names, one.types, one.definition) for one in kb}


def _examples(ids: Iterable[str]) -> str:
    its = list(ids)
    more = ", ..." if len(its) > SHOWN else ""
    return f" ({', '.join(its[:SHOWN])}{more})" if its else ""
