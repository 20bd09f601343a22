"""The hole that every objective fills: what to put in front of the encoder, and how wrong it was.

Shapes: M mentions, G clusters, E entities, D dimensions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator
from torch import Tensor, nn

from tripel.batches import Batch, Lesson
from tripel.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Loss:
    """How wrong a batch was."""

    value: Tensor
    """A scalar to descend."""
    parts: Mapping[str, float]
    """What else is worth a curve."""


class Objective(nn.Module, ABC):
    """One file each in `objectives/`; `Config` holds its settings, its parameters join the optimizer."""

    Config: type[Any]
    lr: float | None = None
    """Learning rate of the objective's own parameters; None is the encoder's."""

    @abstractmethod
    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Batch]:
        """One epoch of examples."""

    def select(self, encoder: Encoder, batch: Batch) -> Batch:
        """Drop what need not be learnt from. Called without gradients, before the batch is encoded."""
        return batch

    @abstractmethod
    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Batch) -> Loss:
        """A pure function of tensors."""
