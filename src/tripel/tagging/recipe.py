"""A run that learns where mentions stand, as one checked value. Read from YAML, written back equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tripel.config import Choice, build, choose, dump
from tripel.encoding.encoder import Encoder
from tripel.find import near
from tripel.training import journal, trainer
from tripel.training.recipe import Data


@dataclass(frozen=True, kw_only=True)
class TaggerRecipe:
    """All settings of a run that learns a tagger."""

    corpus: Choice
    objective: Choice
    data: Data = field(default_factory=Data)
    encoder: Encoder.Config = field(default_factory=Encoder.Config)
    trainer: trainer.Config = field(default_factory=trainer.Config)
    journal: journal.Config = field(default_factory=journal.Config)

    def __post_init__(self) -> None:
        if self.encoder.view != "document":
            raise ValueError(f"encoder.view is {self.encoder.view}: a tagger reads whole texts, so say document")

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> TaggerRecipe:
        """Check a mapping as it stands in YAML. Raises ValueError in one sentence."""
        for key in values:
            if key not in cls.__dataclass_fields__:
                raise ValueError(
                    f"{key} is not a section of a tagger; {near(str(key), list(cls.__dataclass_fields__))}"
                )
        for key in ("corpus", "objective"):
            if key not in values:
                raise ValueError(f"{key} is missing; say which, as in configs/bc5cdr_tagger.yaml")
        return cls(
            corpus=choose("corpora", values["corpus"], where="corpus"),
            objective=choose("objectives", values["objective"], where="objective"),
            **{name: build(kind, values.get(name), where=name) for name, kind in _PLAIN.items()},
        )

    def dump(self) -> dict[str, Any]:
        """Plain values; `read` reads them back equal."""
        return {name: dump(getattr(self, name)) for name in self.__dataclass_fields__}


_PLAIN: dict[str, type[Any]] = {
    "data": Data,
    "encoder": Encoder.Config,
    "trainer": trainer.Config,
    "journal": journal.Config,
}
