"""Documents of your own in any format that `tripel data convert` knows: a file or a folder for each split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel import formats
from tripel.corpora.base import Corpus
from tripel.documents import Document
from tripel.problems import BadInput, Problem

BESIDE = ".offsets.jsonl"  # offsets of a CoNLL file are no split


class Files(Corpus):
    """Files of documents."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str
        """The folder that holds, for each split, one file or folder called like it: train.jsonl, dev.bioc.xml, test/."""
        format: str = ""
        """What they are; each is told by what is in it when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        super().__init__(folder=Path(config.path), drop_overlaps=config.drop_overlaps)
        self.format = config.format

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        path = self._place(split)
        return formats.of(self.format or formats.detect(path)).read(path, skipped=skipped)

    def _place(self, split: str) -> Path:
        """The one file or folder of a split."""
        there = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        found = [path for path in there if path.name.partition(".")[0] == split and not path.name.endswith(BESIDE)]
        if len(found) != 1:
            said = f"{len(found)} files called {split}" if self.folder.is_dir() else "no such folder"
            expected = f"one file or folder called {split}, such as {split}.jsonl; say where with path="
            raise BadInput([Problem(str(self.folder), 0, said, expected)])
        return found[0]
