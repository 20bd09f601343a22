"""The whole-entity idea in contrastive form: softmax over all entities of the batch, prototype against entity.

Shapes: M mentions, G clusters, E entities, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn.functional import cross_entropy

from tripel.batches import Batch, Lesson, cluster_batches
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_triplet import prototypes
from tripel.similarity import cosine


class PrototypeContrastive(Objective):
    """mean over clusters of -log(exp(s(p, gold) / t) / sum over gold and wrong e of exp(s(p, e) / t)), s the cosine.

    InfoNCE (van den Oord et al. 2018, equation 4) with a cluster's prototype p as the query. Entities that a member of
    the cluster names are left out of the sum. Written here and not taken from a library, whose form holds one row for each
    pair of clusters and wrong entities: G * E * G numbers where G * E do.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        temperature: float = 0.05
        members: int = 20
        """Mentions of a cluster shown at a time."""
        documents: int = 200
        """Documents of an entity in an epoch; more are drawn at random."""
        wrong: int = 4
        """Wrong entities that each cluster brings, besides those that others bring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Batch]:
        """Clusters, each with its hardest wrong entities."""
        its = self.config
        return cluster_batches(
            lesson, size=size, members=its.members, documents=its.documents, wrong=its.wrong, rng=rng
        )

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Batch) -> Loss:
        """Cross-entropy of each cluster's entity among all entities of the batch."""
        device = mention_MD.device
        cluster_M = torch.from_numpy(batch.cluster_M).to(device)
        gold_G = torch.from_numpy(batch.gold_G).to(device)
        prototype_GD = prototypes(
            mention_MD, cluster_M, torch.ones_like(cluster_M, dtype=torch.bool), clusters=len(batch)
        )
        closeness_GE = cosine(prototype_GD, entity_ED)
        others_GE = torch.from_numpy(batch.known_GE).to(device).clone()
        others_GE[torch.arange(len(batch), device=device), gold_G] = False
        logits_GE = (closeness_GE / self.config.temperature).masked_fill(others_GE, -torch.inf)
        value = cross_entropy(logits_GE, gold_G)
        right = (logits_GE.argmax(dim=1) == gold_G).float().mean().item()
        return Loss(
            value,
            {"batch_accuracy": right, "positive_similarity": closeness_GE.gather(1, gold_G[:, None]).mean().item()},
        )
