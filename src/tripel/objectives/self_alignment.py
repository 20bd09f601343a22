"""Self-alignment of synonyms (SapBERT, Liu et al. 2021; NeMo): names of one concept together, those of others apart.

Shapes: E names of a batch, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.random import Generator
from pytorch_metric_learning.losses import MultiSimilarityLoss
from pytorch_metric_learning.miners import MultiSimilarityMiner
from torch import Tensor

from tripel.names.batches import NameBatch, NameLesson, name_batches
from tripel.objectives.base import Loss, Objective


class SelfAlignment(Objective[NameLesson, NameBatch]):
    """mean over names a of log(1 + sum exp(-A (s(a, p) - o))) / A + log(1 + sum exp(B (s(a, n) - o))) / B.

    p and n are a's hard positives and negatives in the batch: s(a, p) < max s(a, n) + m, s(a, n) > min s(a, p) - m, s the
    cosine (Wang et al. 2019, equations 7, 8 and 11; the settings are NeMo's). A name that two concepts share is negative to
    neither. A batch without a hard pair costs nothing and leaves the encoder as it is; such steps are counted.
    """

    learns = "names"

    @dataclass(frozen=True, kw_only=True)
    class Config:
        scale_positive: float = 2.0
        """A."""
        scale_negative: float = 40.0
        """B."""
        offset: float = 0.5
        """o."""
        margin: float = 0.1
        """m: how far from the border a pair is still hard."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.miner = MultiSimilarityMiner(epsilon=config.margin)
        self.loss = MultiSimilarityLoss(alpha=config.scale_positive, beta=config.scale_negative, base=config.offset)

    def batches(self, lesson: NameLesson, *, size: int, rng: Generator) -> Iterator[NameBatch]:
        """Pairs; what is wrong comes out of the batch itself."""
        return name_batches(lesson, size=size, wrong=0, rng=rng)

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: NameBatch) -> Loss:
        """The loss over the hard pairs."""
        row_E = torch.from_numpy(batch.row_E).to(entity_ED.device)
        known_EE = torch.from_numpy(batch.known_EE).to(entity_ED.device)
        anchor_P, positive_P, anchor_N, negative_N = self.miner(entity_ED, row_E)
        apart_N = ~known_EE[anchor_N, negative_N]
        anchor_N, negative_N = anchor_N[apart_N], negative_N[apart_N]
        value = self.loss(entity_ED, row_E, (anchor_P, positive_P, anchor_N, negative_N))
        # the library's loss leaves out a single pair of each kind, too
        empty = len(anchor_P) <= 1 and len(anchor_N) <= 1
        return Loss(
            value,
            {
                "hard_positives": len(anchor_P) / len(row_E),
                "hard_negatives": len(anchor_N) / len(row_E),
                "without_hard_pair": float(empty),
            },
        )
