"""How near two concepts are in a hierarchy of tree numbers, as MeSH and the diseases of CTD have them.

Knowledge bases here keep no hierarchy, so it is read from the file that they were built from. A concept may stand at several
places: `C14.280.647` is below `C14.280`, and both are below `C14`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tripel.problems import BadInput, Problem
from tripel.terminologies import mesh
from tripel.terminologies.tables import rows

COLUMN = "tree_numbers"
Place = tuple[str, ...]


class Hierarchy:
    """The places of concepts by their ids."""

    def __init__(self, trees: Mapping[str, Iterable[str]]) -> None:
        """`trees`: tree numbers by id; an id without one has no place."""
        self._places = {id: tuple(tuple(one.split(".")) for one in numbers) for id, numbers in trees.items()}

    @classmethod
    def read(cls, path: Path) -> Hierarchy:
        """Of a table with the columns id and tree_numbers, or of MeSH XML, plain or gzipped. Raises BadInput."""
        if mesh.is_xml(path):
            return cls(mesh.trees(path))
        trees: dict[str, tuple[str, ...]] = {}
        problems = []
        for row in rows(path, needed=("id",)):
            if isinstance(row, Problem):
                problems.append(row)
            elif COLUMN not in row.cells:
                raise BadInput([Problem(str(path), 1, f"a header without {COLUMN}", f"columns id and {COLUMN}")])
            else:
                trees[row.cells["id"].strip()] = row.list(COLUMN)
        if problems:
            raise BadInput(problems)
        return cls(trees)

    def __contains__(self, id: str) -> bool:
        """Whether a concept has a place."""
        return bool(self._places.get(id))

    def nearness(self, a: str, b: str) -> float:
        """Of two concepts, from 0 to 1: 1 for the same; else the largest, over their places, of
        2 * common / (depth of one + depth of the other), common counting the steps they share (Wu and Palmer 1994)."""
        if a == b:
            return 1.0
        ours, theirs = self._places.get(a, ()), self._places.get(b, ())
        return max((_near(one, other) for one in ours for other in theirs), default=0.0)

    def likeness(self, ours: Iterable[str], theirs: Iterable[str]) -> float:
        """Of two sets of concepts: the mean, over the concepts of both, of the nearness of each to the nearest of the other."""
        one, other = set(ours), set(theirs)
        best = [max((self.nearness(a, b) for b in other), default=0.0) for a in one]
        best += [max((self.nearness(a, b) for a in one), default=0.0) for b in other]
        return sum(best) / len(best) if best else 1.0


def _near(one: Place, other: Place) -> float:
    common = 0
    for ours, theirs in zip(one, other, strict=False):
        if ours != theirs:
            break
        common += 1
    return 2 * common / (len(one) + len(other))
