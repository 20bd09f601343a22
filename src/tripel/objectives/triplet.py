"""Triplets of names (Schroff et al. 2015): a name is closer to its synonym than to each mined wrong name, by a margin.

Shapes: B pairs, K wrong names of each, T triplets, E names of a batch, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.random import Generator
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor

from tripel.encoding.similarity import Name
from tripel.names.batches import NameBatch, NameLesson, name_batches
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_triplet import distance


class Triplet(Objective[NameLesson, NameBatch]):
    """mean over triplets (a, p, n) of max(0, d(a, p) - d(a, n) + margin): equation 1 of the paper, d not squared."""

    learns = "names"

    @dataclass(frozen=True, kw_only=True)
    class Config:
        wrong: int = 1
        """Mined wrong names of each pair: k."""
        margin: float = 5.0
        """How much closer the synonym must be; 5 is for Euclidean distance, a cosine needs about 0.2."""
        distance: Name = "euclidean"

    def __init__(self, config: Config) -> None:
        super().__init__()
        if config.wrong < 1:
            raise ValueError(f"objective.wrong is {config.wrong}: a triplet needs a wrong name, so at least 1")
        self.config = config
        self.loss = TripletMarginLoss(margin=config.margin, distance=distance(config.distance), reducer=MeanReducer())

    def batches(self, lesson: NameLesson, *, size: int, rng: Generator) -> Iterator[NameBatch]:
        """Pairs, each with its mined wrong names."""
        return name_batches(lesson, size=size, wrong=self.config.wrong, rng=rng)

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: NameBatch) -> Loss:
        """The margin on each pair and each of its wrong names."""
        pair_T, place_T = (batch.wrong_BK >= 0).nonzero()
        if not len(pair_T):  # of a file in which some pairs have no negative
            return Loss(0.0 * entity_ED.sum(), {})
        anchor_T, positive_T, wrong_T = (
            torch.from_numpy(it).to(entity_ED.device)
            for it in (batch.anchor_B[pair_T], batch.positive_B[pair_T], batch.wrong_BK[pair_T, place_T])
        )
        apart = self.loss.distance(entity_ED)
        value = self.loss(entity_ED, indices_tuple=(anchor_T, positive_T, wrong_T), ref_emb=entity_ED)
        right, wrong = apart[anchor_T, positive_T], apart[anchor_T, wrong_T]
        sign = -1.0 if self.loss.distance.is_inverted else 1.0
        return Loss(
            value,
            {
                "positive_dist": sign * right.mean().item(),
                "negative_dist": sign * wrong.mean().item(),
                "triplet_accuracy": (sign * (wrong - right) > 0).float().mean().item(),
            },
        )
