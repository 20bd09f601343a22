"""The bi-encoder of TrainX: each mention against the entities of its batch, by cross-entropy. A baseline: it knows no clusters.

Shapes: M mentions, E entities, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn.functional import cross_entropy

from tripel.encoding.similarity import BY_NAME, Name
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_contrastive import NOTHING
from tripel.training.batches import Batch, Lesson, cluster_batches


class BiEncoder(Objective[Lesson, Batch]):
    """mean over mentions of -log(exp(s(m, gold)) / sum over entities e of the batch of exp(s(m, e))).

    Cross-entropy over in-batch entities (Humeau et al. 2020, section 4.2, there the inner product). An entity that the mention
    names besides is left out of its sum, and each entity stands in the batch once. Say `data.clusters=mention`: of larger
    clusters one mention at a time is learnt from.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        similarity: Name = "dot"
        """s, as the encoder's."""
        documents: int = 200
        """Documents of an entity in an epoch; more are drawn at random."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Batch]:
        """Mentions with their entities."""
        its = self.config
        return cluster_batches(lesson, size=size, members=1, documents=its.documents, wrong=0, rng=rng)

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Batch) -> Loss:
        """Each gold entity against the others of the batch."""
        gold_M, known_ME = (torch.from_numpy(its).to(mention_MD.device) for its in (batch.gold_G, batch.known_GE))
        besides_ME = known_ME.scatter(1, gold_M[:, None], value=False)
        logits_ME = BY_NAME[self.config.similarity](mention_MD, entity_ED).masked_fill(besides_ME, NOTHING)
        right_M = logits_ME.argmax(dim=1) == gold_M
        return Loss(cross_entropy(logits_ME, gold_M), {"batch_accuracy": right_M.float().mean().item()})
