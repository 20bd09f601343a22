"""The sample that comes with the project: short abstracts written for it, with MeSH ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.base import Corpus
from tripel.corpora.pubtator import parse
from tripel.documents import Document
from tripel.problems import Problem


class Sample(Corpus):
    """The embedded sample corpus."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str = ""
        """The folder of {train,dev,test}.pubtator; the project's own sample when empty."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        folder = Path(config.path) if config.path else sample_folder()
        super().__init__(folder=folder, drop_overlaps=config.drop_overlaps)

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents and problems of one split."""
        return parse(self.file((f"{split}.pubtator",)), skipped=skipped)


def sample_folder() -> Path:
    """Where the sample lies: in the repository, or in the package where it was installed from a wheel."""
    here = Path(__file__).resolve()
    repository = here.parents[3] / "data" / "sample"
    return repository if repository.is_dir() else here.parents[1] / "sample_data"
