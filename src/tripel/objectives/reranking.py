"""Re-ranking: each mention, in its text, read together with the names of what it may be; the right one is to come first.

Shapes: G mentions, A names read beside them, C names of a mention, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tripel.encoding import views
from tripel.encoding.encoder import Encoder
from tripel.encoding.views import Passages
from tripel.objectives.base import Loss, Objective
from tripel.objectives.prototype_contrastive import NOTHING
from tripel.training.batches import Int, Lesson, drawn_units, filled, shown_mentions
from tripel.training.clusters import Cluster, capped


@dataclass(frozen=True, eq=False)
class Choices:
    """G mentions, each with a right name and wrong ones."""

    mentions: Passages
    entities: tuple[str, ...]
    """What is read beside them; those of a mention side by side, the right one first [A]."""
    mention_A: Int

    def __len__(self) -> int:
        return len(self.mentions)


class Reranking(Objective[Lesson, Choices]):
    """mean over mentions of -log(exp(f(m, right)) / sum over its candidates c of exp(f(m, c))).

    f(m, c) = scale * cos(c, m) + w . c, of the vectors of m in its text and of c read beside it by a cross-encoder (Wu et al.
    2020, section 4.2) whose attention keeps candidates apart. Wrong are what the retriever itself confuses with m.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        wrong: PositiveInt = 12
        """Wrong entities read beside each mention, hardest first."""
        documents: int = 200
        """Documents of an entity in an epoch; more are drawn at random."""
        dimensions: PositiveInt = 384
        """Of the encoder's vectors."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.scale = nn.Parameter(torch.tensor(20.0))
        self.weight_D = nn.Parameter(torch.zeros(config.dimensions))

    @property
    def counted(self) -> str:
        """One of each cluster."""
        return "mentions"

    def batches(self, lesson: Lesson, *, size: int, rng: Generator) -> Iterator[Choices]:
        """A mention of each cluster, those of a document together."""
        clusters = capped(lesson.grouped.clusters, documents=self.config.documents, rng=rng)
        for chosen in filled(drawn_units(clusters, by_document=True, rng=rng), size=size):
            yield self._choices(lesson, sorted(chosen, key=lambda cluster: cluster.document), rng)

    def encode(self, encoder: Encoder, batch: Choices) -> tuple[Tensor, Tensor]:
        """Mentions, one for each name read beside it, and those names [A, D] each."""
        aside_AD, mention_AD = encoder.beside(batch.mentions, batch.entities, batch.mention_A)
        return mention_AD, aside_AD

    def scores(self, mention_AD: Tensor, aside_AD: Tensor) -> Tensor:
        """f [A]."""
        closeness_A = (nn.functional.normalize(mention_AD) * nn.functional.normalize(aside_AD)).sum(dim=1)
        return self.scale * closeness_A + aside_AD @ self.weight_D

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Choices) -> Loss:
        """Cross-entropy of the first candidate of each mention."""
        place_A = np.arange(len(batch.mention_A)) - np.searchsorted(batch.mention_A, batch.mention_A)
        logits_GC = torch.full((len(batch), 1 + int(place_A.max())), NOTHING, device=mention_MD.device)
        where = (torch.from_numpy(batch.mention_A), torch.from_numpy(place_A))
        logits_GC = logits_GC.index_put(where, self.scores(mention_MD, entity_ED))
        right_G = torch.zeros(len(batch), dtype=torch.long, device=logits_GC.device)
        first_G = logits_GC.argmax(dim=1) == 0
        return Loss(cross_entropy(logits_GC, right_G), {"batch_accuracy": first_G.float().mean().item()})

    def _choices(self, lesson: Lesson, chosen: Sequence[Cluster], rng: Generator) -> Choices:
        mention_G = [int(rng.choice(cluster.mentions)) for cluster in chosen]
        texts, mention_A = [], []
        for g, (cluster, mention) in enumerate(zip(chosen, mention_G, strict=True)):
            near = lesson.near
            right = int(near.right_MR[mention, lesson.grouped.gold[mention].index(cluster.entity)])
            names = [right if right >= 0 else int(rng.integers(*lesson.kb.first_E[cluster.entity :][:2]))]
            names += [name for name in near.name_MK[mention, : self.config.wrong].tolist() if name >= 0]
            texts += [views.aside(lesson.kb, name) for name in names]
            mention_A += [g] * len(names)
        return Choices(shown_mentions(lesson, mention_G), tuple(texts), np.array(mention_A, np.int64))
