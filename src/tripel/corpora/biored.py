"""BioRED: six kinds of entities in 600 abstracts (Luo et al. 2022). As published, or {train,dev,test}.pubtator.

204 of its documents are also in BC5CDR: look for shared ids before training on one and testing on the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.base import Corpus
from tripel.corpora.pubtator import parse
from tripel.documents import Document
from tripel.files import data_folder
from tripel.problems import Problem

FILES = {
    "train": ("Train.PubTator", "train.pubtator"),
    "dev": ("Dev.PubTator", "dev.pubtator"),
    "test": ("Test.PubTator", "test.pubtator"),
}
SEPARATORS = ","  # its ids of variants hold | themselves: c|SUB|G|1763|A


class Biored(Corpus):
    """The BioRED corpus; of several ids, parted by commas, any one names the mention."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """The folder of the three files; `biored` in the data folder when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.path) if config.path else data_folder() / "biored"
        super().__init__(folder=folder, drop_overlaps=config.drop_overlaps)

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        return parse(self.file(FILES[split]), separators=SEPARATORS, skipped=skipped)
