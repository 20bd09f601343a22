"""A run that learns from names alone, as one checked value. Read from YAML, written back equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from tripel.config import Choice, build, choose, dump
from tripel.encoding.encoder import Encoder
from tripel.find import near
from tripel.names import negatives as name_negatives
from tripel.names.synonyms import Drawing
from tripel.searching import indexing
from tripel.searching.indexing import dense
from tripel.searching.rows import EVIDENCE_ALONE
from tripel.training import journal, trainer


@dataclass(frozen=True, kw_only=True)
class Pairs(Drawing):
    """Where pairs of synonyms come from: the knowledge base, or a file."""

    file: str = ""
    """SapBERT's, NeMo's, KGNEL's or our pairs; then no terminologies are needed, and all its pairs are learnt from. It is looked
    for here, then in the data folder, as the files that follow are."""
    validation: str = ""
    """Another such file: its first names are a dictionary that its second names are looked up in after each epoch."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the concepts that are kept from training and asked for afterwards, where no file says what to ask."""


@dataclass(frozen=True, kw_only=True)
class Exam:
    """What is asked before and after training, where names held out are not."""

    dictionary: str = ""
    """A file of ids and names."""
    queries: str = ""
    """A file of ids and names that are looked up in it."""

    def __post_init__(self) -> None:
        if bool(self.dictionary) != bool(self.queries):
            raise ValueError("exam: give both dictionary and queries, or neither")


@dataclass(frozen=True, kw_only=True)
class NameRecipe:
    """All settings of a run that learns from names."""

    terminologies: tuple[Choice, ...]
    objective: Choice
    pairs: Pairs = field(default_factory=Pairs)
    exam: Exam = field(default_factory=Exam)
    encoder: Encoder.Config = field(default_factory=Encoder.Config)
    negatives: name_negatives.Config = field(default_factory=name_negatives.Config)
    trainer: trainer.Config = field(default_factory=trainer.Config)
    index: indexing.Config = field(default_factory=lambda: indexing.Config(rows=("names",)))
    journal: journal.Config = field(default_factory=journal.Config)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> NameRecipe:
        """Check a mapping as it stands in YAML. Raises ValueError in one sentence."""
        for key in values:
            if key not in cls.__dataclass_fields__:
                raise ValueError(f"{key} is not a section; {near(str(key), list(cls.__dataclass_fields__))}")
        pairs = build(Pairs, values.get("pairs"), where="pairs")
        listed = values.get("terminologies") or []
        if bool(listed) == bool(pairs.file):
            raise ValueError("pairs come from `terminologies` or from `pairs.file`: give one of the two")
        if "objective" not in values:
            raise ValueError("objective is missing; say which, as in configs/mesh_self_alignment.yaml")
        return cls(
            terminologies=tuple(
                choose("terminologies", one, where=f"terminologies.{i}") for i, one in enumerate(listed)
            ),
            objective=choose("objectives", values["objective"], where="objective"),
            pairs=pairs,
            exam=build(Exam, values.get("exam"), where="exam"),
            encoder=build(Encoder.Config, values.get("encoder"), where="encoder"),
            negatives=_negatives(values.get("negatives")),
            trainer=build(trainer.Config, values.get("trainer"), where="trainer"),
            index=_index(values),
            journal=build(journal.Config, values.get("journal"), where="journal"),
        )

    def dump(self) -> dict[str, Any]:
        """Plain values; `read` reads them back equal."""
        return {name: dump(getattr(self, name)) for name in self.__dataclass_fields__}


def _index(values: Mapping[str, Any]) -> indexing.Config:
    made = indexing.Config.read({"rows": ["names"], **(values.get("index") or {})}, where="index")
    if EVIDENCE_ALONE in made.rows:
        raise ValueError("index.rows: descriptions are evidence of wholes, which names alone are not weighed by")
    return made


def _negatives(values: Mapping[str, Any] | None) -> name_negatives.Config:
    plain = dict(values or {})
    search = plain.pop("search", None)
    made = build(name_negatives.Config, plain, where="negatives")
    if search is None:
        return made
    return replace(made, search=dense(search, where="negatives.search"))
