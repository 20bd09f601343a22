"""Multiple negatives ranking (Henderson et al. 2017): of all second names in the batch, each first name's own comes first.

Shapes: B pairs, E names of a batch, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn.functional import cross_entropy

from tripel.encoding.similarity import cosine
from tripel.names.batches import NameBatch, NameLesson, name_batches
from tripel.objectives.base import Loss, Objective

NOTHING = -1e4  # a logit that adds nothing to a sum


class Ranking(Objective[NameLesson, NameBatch]):
    """mean over pairs (a, p) of -log(exp(z s(a, p)) / (exp(z s(a, p)) + sum over wrong names n of exp(z s(a, n)))).

    s is the cosine. Wrong are the second names of the batch's other pairs and the mined ones, its own and others', unless
    some concept has both names (Henderson et al. 2017, equation 6, with a scaled cosine as the score).
    """

    learns = "names"

    @dataclass(frozen=True, kw_only=True)
    class Config:
        scale: float = 20.0
        """z, one over the temperature."""
        wrong: int = 0
        """Mined wrong names that each pair brings."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def batches(self, lesson: NameLesson, *, size: int, rng: Generator) -> Iterator[NameBatch]:
        """Pairs, each with its mined wrong names."""
        return name_batches(lesson, size=size, wrong=self.config.wrong, rng=rng)

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: NameBatch) -> Loss:
        """Cross-entropy of the right name among the columns."""
        device = entity_ED.device
        anchor_B, positive_B, wrong_BK, known_EE = (
            torch.from_numpy(it).to(device) for it in (batch.anchor_B, batch.positive_B, batch.wrong_BK, batch.known_EE)
        )
        column_C = torch.unique(torch.cat([positive_B, wrong_BK[wrong_BK >= 0]]))
        gold_B = torch.searchsorted(column_C, positive_B)
        closeness_BC = cosine(entity_ED[anchor_B], entity_ED[column_C])
        known_BC = known_EE[anchor_B][:, column_C].scatter(1, gold_B[:, None], False)
        logits_BC = (self.config.scale * closeness_BC).masked_fill(known_BC, NOTHING)
        first_B = logits_BC.argmax(dim=1) == gold_B
        return Loss(
            cross_entropy(logits_BC, gold_B),
            {
                "batch_accuracy": first_B.float().mean().item(),
                "positive_similarity": closeness_BC.gather(1, gold_B[:, None]).mean().item(),
            },
        )
