"""Tagging: which words of a text are mentions, and of what type.

Shapes: W words of the documents of a batch, L labels, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.encoding.views import Passages
from tripel.encoding.words import WORD, Int, Words
from tripel.objectives.base import Loss, Objective
from tripel.tagging.tags import Scheme, Tags


@dataclass(frozen=True, eq=False)
class Texts:
    """What a tagger learns from: documents with all their mentions."""

    documents: tuple[Document, ...]
    long_forms: bool

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True, eq=False)
class Labelled:
    """The words of some documents with their labels."""

    mentions: Passages
    """A span for each word."""
    label_W: Int
    count: int
    """Documents."""
    entities: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.count


class Head(nn.Module):
    """logits(w) = W v_w + b, of the vector of a word: the mean over its tokens."""

    def __init__(self, dimensions: int, labels: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(dimensions, labels)
        nn.init.zeros_(self.linear.weight)  # every run begins alike; labels tell words apart from the first step on
        nn.init.zeros_(self.linear.bias)

    def forward(self, vector_WD: Tensor) -> Tensor:
        """Logits [W, L]."""
        logits: Tensor = self.linear(self.dropout(vector_WD))
        return logits


class Tagging(Objective[Texts, Labelled]):
    """mean over words of -log p(label), p the softmax of the head's logits."""

    learns: Literal["mentions", "names", "spans"] = "spans"

    @dataclass(frozen=True, kw_only=True)
    class Config:
        scheme: Scheme = "bioes"
        """Labels of words: begin, inside, end, single and outside, or begin, inside and outside alone."""
        typed: bool = True
        """Types of mentions are told apart."""
        types: tuple[str, ...] = ()
        """Those that are; all of the training documents when left out."""
        dimensions: PositiveInt = 384
        """Of the encoder's vectors."""
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
        lr: PositiveFloat | None = 1e-3
        """Learning rate of the head; None is the encoder's."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.lr = config.lr
        self.tags, self.head = headed(config)

    @property
    def counted(self) -> str:
        """What is shown at once."""
        return "documents"

    def batches(self, lesson: Texts, *, size: int, rng: Generator) -> Iterator[Labelled]:
        """Documents in random order."""
        order = rng.permutation(len(lesson.documents))
        for first in range(0, len(order), size):
            some = [lesson.documents[i] for i in order[first : first + size]]
            made = labelled(some, self.tags, long_forms=lesson.long_forms)
            if len(made.label_W):
                yield made

    def encode(self, encoder: Encoder, batch: Labelled) -> tuple[Tensor, Tensor]:
        """Words; there are no entities."""
        read_WD = encoder.mentions(batch.mentions)
        return read_WD, read_WD[:0]

    def forward(self, mention_MD: Tensor, entity_ED: Tensor, batch: Labelled) -> Loss:
        """Cross-entropy of the labels."""
        return tagged(self.head(mention_MD), batch.label_W)


def headed(config: Tagging.Config) -> tuple[Tags, Head]:
    """The labels of a configuration, and a head that tells them apart."""
    tags = Tags(config.scheme, config.types or ("",))
    return tags, Head(config.dimensions, len(tags.labels), dropout=config.dropout)


def labelled(documents: Sequence[Document], tags: Tags, *, long_forms: bool) -> Labelled:
    """The words of documents with their labels."""
    words = Words.of(documents, long_forms=long_forms)
    return Labelled(words.passages[words.kind_W == WORD], labels(documents, words, tags), len(documents))


def labels(documents: Sequence[Document], words: Words, tags: Tags) -> Int:
    """The label of each word, by all mentions of its document."""
    found = [np.zeros(0, np.int64)]
    for number, document in enumerate(documents):
        its = words.within(number)
        plain_W = words.kind_W[its] == WORD
        found.append(tags.of(document, words.start_W[its][plain_W], words.end_W[its][plain_W]))
    return np.concatenate(found)


def tagged(logits_WL: Tensor, label_W: Int) -> Loss:
    """The loss, and how many of the words in mentions have the right label."""
    wanted_W = torch.from_numpy(label_W).to(logits_WL.device)
    inside_W = wanted_W > 0
    right_W = (logits_WL.argmax(dim=1) == wanted_W)[inside_W]
    return Loss(
        cross_entropy(logits_WL, wanted_W), {"label_accuracy": right_W.float().mean().item() if len(right_W) else 1.0}
    )
