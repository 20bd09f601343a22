"""BC5CDR: chemicals and diseases in 1,500 abstracts, with MeSH ids (Li et al. 2016).

The files as published, or {train,dev,test}.pubtator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tripel.corpora.base import Corpus
from tripel.corpora.pubtator import parse
from tripel.documents import Document
from tripel.files import data_folder
from tripel.problems import Problem

FILES = {
    "train": ("CDR_TrainingSet.PubTator.txt", "train.pubtator"),
    "dev": ("CDR_DevelopmentSet.PubTator.txt", "dev.pubtator"),
    "test": ("CDR_TestSet.PubTator.txt", "test.pubtator"),
}


class Bc5cdr(Corpus):
    """The BioCreative V chemical-disease corpus."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """The folder of the three files; `bc5cdr` in the data folder when empty."""
        types: tuple[Literal["Disease", "Chemical"], ...] = ()
        """Mentions of these types alone; all when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.path) if config.path else data_folder() / "bc5cdr"
        super().__init__(folder=folder, drop_overlaps=config.drop_overlaps)
        self.types = config.types

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        for one in parse(self.file(FILES[split]), skipped=skipped):
            if self.types and isinstance(one, Document):
                kept = tuple(mention for mention in one.mentions if mention.type in self.types)
                skipped["mentions of other types"] += len(one.mentions) - len(kept)
                yield replace(one, mentions=kept)
            else:
                yield one
