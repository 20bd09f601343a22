"""The method of Le & Nguyen (2023): a cluster's prototype against its entity and its hardest wrong one, with a margin.

Members far from the anchor, beyond a radius that is itself learned, do not count towards the prototype.
Shapes: M mentions, G clusters, E entities, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator
from pytorch_metric_learning.distances import BaseDistance, CosineSimilarity, DotProductSimilarity, LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor, nn

from tripel.encoding.encoder import Encoder
from tripel.encoding.similarity import Name
from tripel.objectives.base import Loss, Objective
from tripel.training.batches import Batch, Lesson, cluster_batches

SPREADS = 1.5  # members within mean + 1.5 spreads of the anchor count, as published


class PrototypeTriplet(Objective[Lesson, Batch]):
    """mean over clusters of max(0, d(p, gold) - d(p, wrong) + margin), p the mean of the members within the radius."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        margin: float = 1.15
        """How much closer the gold entity must be than the hardest wrong one."""
        distance: Name = "euclidean"
        """The encoder's similarity, turned round."""
        members: int = 20
        """Mentions of a cluster shown at a time."""
        documents: int = 200
        """Documents of an entity in an epoch; more are drawn at random."""
        wrong: int = 64
        """Wrong entities that each cluster brings."""
        mean_radius: float = 10.0
        """Where the learned mean distance to the anchor begins."""
        radius_spread: float = 1.0
        """Where its learned spread begins."""
        radius_lr: float = 1e-2

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.lr = config.radius_lr
        self.mean_radius = nn.Parameter(torch.tensor(config.mean_radius))
        self.radius_spread = nn.Parameter(torch.tensor(config.radius_spread))
        self.triplet = TripletMarginLoss(
            margin=config.margin, distance=distance(config.distance), reducer=MeanReducer()
        )

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Batch]:
        """Clusters, each with its lexical or mined wrong entities."""
        its = self.config
        return cluster_batches(
            lesson, size=size, members=its.members, documents=its.documents, wrong=its.wrong, rng=rng
        )

    def select(self, encoder: Encoder, batch: Batch) -> Batch:
        """Keep each cluster's entity and the wrong one nearest to its anchor, among those of the whole batch; -1 for none."""
        anchor_GD = encoder.mentions(batch.mentions[batch.anchor_G])
        entity_ED = encoder.entities(batch.entities)
        closeness_GE = encoder.similarity(anchor_GD, entity_ED).float().cpu().numpy()
        closeness_GE[batch.known_GE] = -np.inf
        wrong_G = np.where(batch.known_GE.all(axis=1), -1, closeness_GE.argmax(axis=1))
        keep = np.unique(np.concatenate([batch.gold_G, wrong_G[wrong_G >= 0]]))
        return replace(
            batch,
            entities=tuple(batch.entities[i] for i in keep),
            row_E=batch.row_E[keep],
            gold_G=np.searchsorted(keep, batch.gold_G),
            wrong_G=np.where(wrong_G < 0, -1, np.searchsorted(keep, wrong_G)),
            known_GE=batch.known_GE[:, keep],
        )

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Batch) -> Loss:
        """The triplet loss of the prototypes, and the radius following the distances it sees."""
        if batch.wrong_G is None:
            raise ValueError("prototype_triplet needs a batch that went through its `select`")
        cluster_M = torch.from_numpy(batch.cluster_M).to(mention_MD.device)
        anchor_MD = mention_MD[torch.from_numpy(batch.anchor_G).to(mention_MD.device)][cluster_M]
        distance_M = (mention_MD - anchor_MD).norm(dim=1).detach()
        others_M = torch.from_numpy(~np.isin(np.arange(len(batch.mentions)), batch.anchor_G)).to(mention_MD.device)
        inside_M = ~others_M | (distance_M < (self.mean_radius + SPREADS * self.radius_spread).detach())
        prototype_GD = prototypes(mention_MD, cluster_M, inside_M, clusters=len(batch))

        parted = np.flatnonzero(batch.wrong_G >= 0)  # a batch may hold no entity that is wrong for a cluster
        cluster_T, gold_T, wrong_T = (
            torch.from_numpy(column).to(mention_MD.device)
            for column in (parted, batch.gold_G[parted], batch.wrong_G[parted])
        )
        radius, parts = self._radius(distance_M[others_M])
        parts["inside_radius"] = inside_M.float().mean().item()
        if not len(parted):
            return Loss(0.0 * prototype_GD.sum() + radius, {"triplet": 0.0, **parts})
        value = self.triplet(prototype_GD, indices_tuple=(cluster_T, gold_T, wrong_T), ref_emb=entity_ED)
        value = value * (len(parted) / len(batch))
        parts["positive_dist"] = (prototype_GD[cluster_T] - entity_ED[gold_T]).norm(dim=1).mean().item()
        parts["negative_dist"] = (prototype_GD[cluster_T] - entity_ED[wrong_T]).norm(dim=1).mean().item()
        return Loss(value + radius, {"triplet": value.item(), **parts})

    def _radius(self, distance_M: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Half the squared error of the learned mean and spread against this batch's; nothing where it has no pairs."""
        parts = {"mean_radius": self.mean_radius.item(), "std_radius": self.radius_spread.item()}
        if len(distance_M) < 2:  # a spread needs two
            return 0.0 * (self.mean_radius + self.radius_spread), parts
        mean, spread = distance_M.mean(), distance_M.std()
        loss = ((self.mean_radius - mean) ** 2 + (self.radius_spread - spread) ** 2) / 2
        return loss, {**parts, "real_mean_radius": mean.item(), "real_std_radius": spread.item()}


def prototypes(mention_MD: Tensor, cluster_M: Tensor, inside_M: Tensor, *, clusters: int) -> Tensor:
    """Mean of the members of each cluster that are inside [G, D]."""
    weight_M = inside_M.to(mention_MD.dtype)
    total_GD = mention_MD.new_zeros(clusters, mention_MD.shape[1]).index_add(
        0, cluster_M, mention_MD * weight_M[:, None]
    )
    return total_GD / mention_MD.new_zeros(clusters).index_add(0, cluster_M, weight_M)[:, None]


def distance(name: Name) -> BaseDistance:
    """The library's distance that ranks as our similarity of that name does."""
    if name == "euclidean":
        return LpDistance(normalize_embeddings=False)
    return CosineSimilarity() if name == "cosine" else DotProductSimilarity(normalize_embeddings=False)
