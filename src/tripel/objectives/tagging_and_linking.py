"""Tagging and linking by one encoder, of one pass over each text: words are labelled and clusters of mentions compared.

Shapes: S spans read (M mentions, W words, short forms), G clusters, E entities, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from pydantic import PositiveFloat
from torch import Tensor

from tripel.documents import Mention
from tripel.encoding.encoder import Encoder
from tripel.encoding.views import Passages
from tripel.encoding.words import GIVEN, WORD, Int, Words
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_contrastive import PrototypeContrastive
from tripel.objectives.tagging import Tagging, headed, labels, tagged
from tripel.training.batches import Batch, Lesson


@dataclass(frozen=True, eq=False)
class Both:
    """Clusters to link, and all words of their documents."""

    linking: Batch
    mentions: Passages
    """All spans that are read [S]."""
    kind_S: Int
    label_W: Int

    @property
    def entities(self) -> tuple[str, ...]:
        """Of the clusters."""
        return self.linking.entities

    def __len__(self) -> int:
        return len(self.linking)


class TaggingAndLinking(Objective[Lesson, Both]):
    """The loss of `prototype_contrastive` on mentions, and `tagging` times the loss of `tagging` on all words of their texts."""

    @dataclass(frozen=True, kw_only=True)
    class Config(PrototypeContrastive.Config, Tagging.Config):
        tagging: PositiveFloat = 2.0
        """How much the words count beside the clusters."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.lr = config.lr
        self.tags, self.head = headed(config)
        self.linking = PrototypeContrastive(config)

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Both]:
        """Clusters with their wrong entities, and with the words of their documents. Raises ValueError for another view."""
        if lesson.view != "document":
            raise ValueError(f"encoder.view is {lesson.view}: one pass over a text needs document")
        for batch in self.linking.batches(lesson, size=size, rng=rng):
            by_document: dict[int, list[Mention]] = {}
            for place, mention in batch.placed_M:
                by_document.setdefault(place, []).append(mention)
            documents, given = [lesson.documents[place] for place in by_document], list(by_document.values())
            words = Words.of(documents, long_forms=lesson.long_forms, given=given)
            yield Both(batch, words.passages, words.kind_W, labels(documents, words, self.tags))

    def encode(self, encoder: Encoder, batch: Both) -> tuple[Tensor, Tensor]:
        """All spans, and the entities."""
        return encoder.mentions(batch.mentions), encoder.entities(batch.entities)

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Both) -> Loss:
        """Both losses; `mention_MD` are all spans."""
        given, word = (
            torch.from_numpy(np.flatnonzero(batch.kind_S == kind)).to(mention_MD.device) for kind in (GIVEN, WORD)
        )
        linked = self.linking(mention_MD[given], entity_ED, batch.linking)
        words = tagged(self.head(mention_MD[word]), batch.label_W)
        parts = {**linked.parts, **words.parts, "linking": linked.value.item(), "tagging": words.value.item()}
        return Loss(linked.value + self.config.tagging * words.value, parts)
