"""What corpora kept as PubTator files share: splits, where their files are, what is left out. It knows no corpus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from tripel.corpora.overlaps import overlapping, without_overlaps
from tripel.corpora.pubtator import whole
from tripel.documents import Document
from tripel.find import near
from tripel.problems import BadInput, Problem


class Corpus(ABC):
    """Annotated documents in splits: `read("train")`, or `read("train+dev")` for both in that order."""

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "dev", "test")

    def __init__(self, *, folder: Path, drop_overlaps: bool) -> None:
        self.folder = folder
        self.drop_overlaps = drop_overlaps
        self.skipped: dict[str, Counter[str]] = {}
        """For each split that was read, what was left out on purpose, and how often."""

    @abstractmethod
    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""

    def read(self, split: str) -> list[Document]:
        """The documents of a split, or of several joined by `+`. Raises BadInput with all problems of the files."""
        names = split.split("+")
        for name in names:
            if name not in self.SPLITS:
                raise ValueError(f"there is no split {name!r}; {near(name, list(self.SPLITS))}")
        parts = [self._one(name) for name in names]
        _refuse_repeats(parts, names)
        return [document for part in parts for document in part]

    def file(self, names: Sequence[str]) -> Path:
        """The first of `names`, as it is or gzipped, that is in the folder."""
        if not self.folder.is_dir():
            found = "a file" if self.folder.exists() else "no such folder"
            raise BadInput([Problem(str(self.folder), 0, found, f"a folder with {names[0]}; {self._remedy()}")])
        for name in (form for plain in names for form in (plain, f"{plain}.gz")):
            if (self.folder / name).exists():
                return self.folder / name
        expected = f"{' or '.join(names)}, plain or .gz; {self._remedy()}"
        raise BadInput([Problem(str(self.folder), 0, "a folder without that split", expected)])

    def _one(self, split: str) -> list[Document]:
        skipped = self.skipped[split] = Counter[str]()
        documents = whole(self.parse(split, skipped))
        if not self.drop_overlaps:
            return documents
        skipped["overlapping mentions"] = sum(map(overlapping, documents))
        return list(map(without_overlaps, documents))

    def _remedy(self) -> str:
        return "run `tripel data fetch`, or say where it is with path="


def _refuse_repeats(parts: list[list[Document]], names: list[str]) -> None:
    split_of: dict[str, str] = {}
    for documents, split in zip(parts, names, strict=True):
        for document in documents:
            other = split_of.setdefault(document.id, split)
            if other != split:
                raise ValueError(f"document {document.id} is in {other} and in {split}; expected each in one split")
        if names.count(split) > 1:
            raise ValueError(f"split {split} is named twice in {'+'.join(names)}; name it once")
