"""One run as one checked value: which corpus, knowledge, encoder, objective, and how. Read from YAML, written back equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt

from tripel.config import Choice, build, choose, dump
from tripel.encoding.encoder import Encoder
from tripel.find import near
from tripel.linking import weighing
from tripel.searching import candidates, indexing
from tripel.terminologies.mentions import Mentions
from tripel.training import journal, negatives, trainer
from tripel.training.clusters import By

Role = Literal["dev", "test"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which splits serve for what."""

    train: str = "train"
    """Learnt from; `train+dev` for comparison with work that merges them."""
    dev: str = "dev"
    """Everything is chosen on it."""
    test: str = "test"
    """Judged once, at the end."""
    judged: tuple[Role, ...] = ("dev", "test")
    """Which of them are judged: `[dev]` while choosing, so that test is not looked at."""
    clusters: By = "document"
    """All mentions of an entity in a document are one cluster, or each mention is its own, for comparison."""
    watched: NonNegativeInt = 50
    """Documents of dev that are judged after an epoch, each candidate shown by one name; 0 is none."""
    compare_untrained: bool = False
    """Judge the encoder as it came, too."""
    examples: tuple[str, ...] = ()
    """Texts with mentions in [[double brackets]] that are linked at the end."""

    def __post_init__(self) -> None:
        learnt = set(self.train.split("+"))
        if self.watched and self.dev in learnt:
            raise ValueError(f"watched is {self.watched}, and {self.dev} is learnt from: say data.watched=0")
        split_of = {"dev": self.dev, "test": self.test}
        if not any(split_of[role] not in learnt for role in self.judged):
            raise ValueError(f"judged is {list(self.judged)} and train is {self.train}: nothing would be left to judge")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a run."""

    corpus: Choice
    terminologies: tuple[Choice, ...]
    """Knowledge bases; entities of one id are merged."""
    objective: Choice
    data: Data = field(default_factory=Data)
    candidates: candidates.Config = field(default_factory=candidates.Config)
    encoder: Encoder.Config = field(default_factory=Encoder.Config)
    negatives: negatives.Config = field(default_factory=negatives.Config)
    trainer: trainer.Config = field(default_factory=trainer.Config)
    index: indexing.Config = field(default_factory=indexing.Config)
    whole: weighing.Config = field(default_factory=weighing.Config)
    journal: journal.Config = field(default_factory=journal.Config)

    def __post_init__(self) -> None:
        if self.whole.weigh and not self.whole.like and self.data.dev in self.data.train.split("+"):
            raise ValueError(
                f"whole.weigh chooses weights on {self.data.dev}, which is learnt from: say whole.like=RUN, a run that learnt"
                " from train alone, or whole.weigh=false"
            )
        settings = self.objective.settings
        learnt = getattr(settings, "similarity", None) or getattr(settings, "distance", self.encoder.similarity)
        if self.trainer.epochs and learnt != self.encoder.similarity:
            raise ValueError(
                f"objective learns by {learnt} and encoder.similarity is {self.encoder.similarity}, by which entities are found:"
                " say the same of both"
            )
        for i, one in enumerate(self.terminologies):
            if one.name == "mentions":
                _refuse_leak(i, one.settings, self.corpus, learnt=self.data.train)

    @property
    def learns(self) -> bool:
        """Whether it shows documents of training to an encoder, or keeps them in the index."""
        return bool(self.trainer.epochs) or "mentions" in self.index.rows

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Recipe:
        """Check a mapping as it stands in YAML. Raises ValueError in one sentence."""
        for key in values:
            if key not in cls.__dataclass_fields__:
                raise ValueError(f"{key} is not a section; {near(str(key), list(cls.__dataclass_fields__))}")
        for key in ("corpus", "terminologies", "objective"):
            if key not in values:
                raise ValueError(f"{key} is missing; say which, as in configs/sample.yaml")
        listed = values["terminologies"]
        if not isinstance(listed, list) or not listed:
            raise ValueError(f"terminologies: expected a list of `name: ...`, found {listed!r}")
        return cls(
            corpus=choose("corpora", values["corpus"], where="corpus"),
            terminologies=tuple(
                choose("terminologies", one, where=f"terminologies.{i}") for i, one in enumerate(listed)
            ),
            objective=choose("objectives", values["objective"], where="objective"),
            index=indexing.Config.read(values.get("index"), where="index"),
            **{name: build(kind, values.get(name), where=name) for name, kind in _PLAIN.items()},
        )

    def dump(self) -> dict[str, Any]:
        """Plain values; `read` reads them back equal."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: dump(value) for name, value in named.items()}


def _refuse_leak(i: int, derived: Mentions.Config, corpus: Choice, *, learnt: str) -> None:
    """A dictionary of what mentions say, of documents that are judged or chosen on, would hold the answers."""
    source = choose("corpora", derived.corpus, where=f"terminologies.{i}.corpus")
    if source.name != corpus.name or _folder(source) != _folder(corpus):
        return
    for split in derived.split.split("+"):
        if split not in learnt.split("+"):
            raise ValueError(
                f"terminologies.{i} has the names that the mentions of {split} say, and the run learns from {learnt}: what it"
                f" is judged by, or chosen on, would stand in its dictionary; say terminologies.{i}.split={learnt}"
            )


def _folder(corpus: Choice) -> Path:
    folder: Path = corpus.make().folder
    return folder.resolve()


_PLAIN: dict[str, type[Any]] = {
    "data": Data,
    "candidates": candidates.Config,
    "encoder": Encoder.Config,
    "negatives": negatives.Config,
    "trainer": trainer.Config,
    "whole": weighing.Config,
    "journal": journal.Config,
}
