"""MedMentions: UMLS concepts in 4,392 abstracts (Mohan and Li 2019), whole or the subset ST21pv.

As published (one file and three lists of PMIDs), or {train,dev,test}.pubtator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tripel.corpora.base import Corpus
from tripel.corpora.lines import is_id, numbered
from tripel.corpora.pubtator import parse
from tripel.documents import Document
from tripel.files import data_folder
from tripel.problems import Problem

WHOLE = ("corpus_pubtator.txt",)
PMIDS = {
    "train": ("corpus_pubtator_pmids_trng.txt",),
    "dev": ("corpus_pubtator_pmids_dev.txt",),
    "test": ("corpus_pubtator_pmids_test.txt",),
}


class Medmentions(Corpus):
    """MedMentions, in one of its two versions."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        subset: Literal["st21pv", "full"] = "st21pv"
        """The 21 semantic types meant for retrieval, or everything annotated."""
        path: str = ""
        """The folder of its files; `medmentions_<subset>` in the data folder when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.path) if config.path else data_folder() / f"medmentions_{config.subset}"
        super().__init__(folder=folder, drop_overlaps=config.drop_overlaps)

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        if any((self.folder / name).exists() for name in (*WHOLE, f"{WHOLE[0]}.gz")):
            return self._published(split, skipped)
        return parse(self.file((f"{split}.pubtator", *WHOLE)), skipped=skipped)

    def _published(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """The documents of the one file that the split's list names; problems of the whole file."""
        path = self.file(PMIDS[split])
        line_of: dict[str, int] = {}
        for line in numbered(path):
            if isinstance(line, Problem):
                yield line
            elif line.text.strip():
                line_of[line.text.strip()] = line.number
        whole = self.file(WHOLE)
        for found in parse(whole, skipped=skipped):
            if isinstance(found, Problem) or line_of.pop(found.id, 0):
                yield found
        for id, number in line_of.items():
            said = f"id {id}" if is_id(id) else f"an id of {len(id)} characters"
            yield Problem(str(path), number, f"{said} of no document", f"ids of documents in {whole}")
