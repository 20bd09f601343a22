"""NCBI Disease: diseases in 793 abstracts, with MeSH and OMIM ids (Doğan et al. 2014).

The files as published, or {train,dev,test}.pubtator.
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
    "train": ("NCBItrainset_corpus.txt", "train.pubtator"),
    "dev": ("NCBIdevelopset_corpus.txt", "dev.pubtator"),
    "test": ("NCBItestset_corpus.txt", "test.pubtator"),
}
KNOWN_REPEATS = ("8528200",)  # stands twice, with equal mentions, in the training file as published


class NcbiDisease(Corpus):
    """The NCBI disease corpus; the document that its training file repeats is read once."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """The folder of the three files; `ncbi_disease` in the data folder when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.path) if config.path else data_folder() / "ncbi_disease"
        super().__init__(folder=folder, drop_overlaps=config.drop_overlaps)

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        return parse(self.file(FILES[split]), known_repeats=KNOWN_REPEATS, skipped=skipped)
