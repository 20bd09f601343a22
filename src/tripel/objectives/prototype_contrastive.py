"""The whole-entity idea in contrastive form: prototypes against names, and against each other.

Shapes: M mentions, G clusters, E entities, C = E + G columns, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from numpy.random import Generator
from pydantic import PositiveInt
from torch import Tensor

from tripel.encoding.similarity import cosine, searchable
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_triplet import prototypes
from tripel.training.batches import Batch, Lesson, cluster_batches

NOTHING = -1e4  # a logit that adds nothing to a sum; the gradient of a sum of infinities alone would be no number


class PrototypeContrastive(Objective[Lesson, Batch]):
    """mean over clusters and their right columns r of -log(exp(s(p, r) / t) / sum over r and wrong c of exp(s(p, c) / t)).

    s is the cosine, p the cluster's prototype, the mean of unit vectors. Columns are the entities of the batch and the
    prototypes of its other clusters, since an entity is found by its names and by its mentions: right are those of the
    cluster's entity, wrong those of entities that no member of the cluster names. With names alone this is InfoNCE (van den
    Oord et al. 2018, equation 4); several right columns are taken each as in Khosla et al. (2020, equation 2), or together, their
    exponentials added within the logarithm, as BioSyn marginalises over synonyms (Sung et al. 2020, equation 7). Written here and
    not taken from a library, whose forms hold one row for each pair of clusters and wrong columns: G * C * G numbers where
    G * C do.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        temperature: float = 0.05
        members: int = 20
        """Mentions of a cluster shown at a time."""
        documents: int = 200
        """Documents of an entity in an epoch; more are drawn at random."""
        names: PositiveInt = 1
        """Names that show a right entity, where it has so many."""
        right: Literal["each", "together"] = "each"
        """Each right column is to be likely, or only all of them together."""
        edges: bool = True
        """Clusters are held against each other, too (mention-mention edges), and not against names alone."""
        wrong: int = 4
        """Wrong entities that each cluster brings, besides those that others bring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Batch]:
        """Clusters, each with its hardest wrong entities."""
        its = self.config
        return cluster_batches(
            lesson, size=size, members=its.members, documents=its.documents, wrong=its.wrong, rng=rng, names=its.names
        )

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Batch) -> Loss:
        """Each right column against all wrong ones."""
        device = mention_MD.device
        cluster_M, gold_G, known_GE = (
            torch.from_numpy(column).to(device) for column in (batch.cluster_M, batch.gold_G, batch.known_GE)
        )
        every_M = torch.ones_like(cluster_M, dtype=torch.bool)
        unit_MD = searchable(mention_MD, similarity="cosine")
        prototype_GD = prototypes(unit_MD, cluster_M, every_M, clusters=len(batch))
        closeness_GC = cosine(prototype_GD, torch.cat([entity_ED, prototype_GD]))
        column_C = torch.cat([torch.arange(len(entity_ED), device=device), gold_G])
        row_E = torch.from_numpy(batch.row_E).to(device)
        right_GC = row_E[column_C] == row_E[gold_G][:, None]
        right_GC[:, len(entity_ED) :].fill_diagonal_(False)  # no cluster is compared with itself
        wrong_GC = ~known_GE[:, column_C]
        if not self.config.edges:
            right_GC[:, len(entity_ED) :] = wrong_GC[:, len(entity_ED) :] = False
        logits_GC = closeness_GC / self.config.temperature
        against_GC = logits_GC.masked_fill(~wrong_GC, NOTHING)
        wrong_G = against_GC.logsumexp(dim=1)
        if self.config.right == "together":
            right_G = logits_GC.masked_fill(~right_GC, NOTHING).logsumexp(dim=1)
            value = (torch.logaddexp(right_G, wrong_G) - right_G).mean()
        else:
            cost_GC = torch.logaddexp(logits_GC, wrong_G[:, None]) - logits_GC
            value = (cost_GC.masked_fill(~right_GC, 0).sum(dim=1) / right_GC.sum(dim=1)).mean()
        closeness_G = closeness_GC.gather(1, gold_G[:, None])[:, 0]
        first_G = logits_GC.gather(1, gold_G[:, None])[:, 0] >= against_GC.amax(dim=1)
        return Loss(
            value,
            {"batch_accuracy": first_G.float().mean().item(), "positive_similarity": closeness_G.mean().item()},
        )
