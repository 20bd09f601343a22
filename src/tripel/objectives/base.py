"""The hole that every objective fills: what to put in front of the encoder, and how wrong it was.

Shapes: M mentions, G clusters, E entities, D dimensions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from numpy.random import Generator
from torch import Tensor, nn

from tripel.encoding.encoder import Encoder
from tripel.encoding.views import Passages


class Shown(Protocol):
    """A batch, as far as the trainer knows it: how many examples, and what the encoder is shown of them."""

    @property
    def mentions(self) -> Passages: ...
    @property
    def entities(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...


LessonT = TypeVar("LessonT", bound=Sized, contravariant=True)
BatchT = TypeVar("BatchT", bound=Shown)


@dataclass(frozen=True, slots=True)
class Loss:
    """How wrong a batch was."""

    value: Tensor
    """A scalar to descend."""
    parts: Mapping[str, float]
    """What else is worth a curve."""


class Objective(nn.Module, ABC, Generic[LessonT, BatchT]):
    """One file each in `objectives/`; `Config` holds its settings, its parameters join the optimizer."""

    Config: type[Any]
    learns: Literal["mentions", "names", "spans"] = "mentions"
    """What its lessons hold: mentions with their entities, names alone, or where mentions stand in texts."""

    @property
    def counted(self) -> str:
        """What an example is called in the journal."""
        return "clusters" if self.learns == "mentions" else "pairs"

    lr: float | None = None
    """Learning rate of the objective's own parameters; None is the encoder's."""

    @abstractmethod
    def batches(self, lesson: LessonT, *, size: int, rng: Generator) -> Iterator[BatchT]:
        """One epoch of examples."""

    def select(self, encoder: Encoder, batch: BatchT) -> BatchT:
        """Drop what need not be learnt from. Called without gradients, before the batch is encoded."""
        return batch

    def encode(self, encoder: Encoder, batch: BatchT) -> tuple[Tensor, Tensor]:
        """Vectors of the mentions and of the entities of a batch, as `forward` reads them."""
        return encoder.mentions(batch.mentions), encoder.entities(batch.entities)

    @abstractmethod
    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: BatchT) -> Loss:
        """A pure function of tensors."""
