"""A tagger trained here: labels of words, by the encoder's vector of each word and a linear head.

Where a linker was trained together with it, both share one encoder, and a text is read once: what tagged the words of a mention
gives the mention's vector, too. Shapes: W words, L labels, M mentions, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file

from tripel.documents import Document, Mention, batched
from tripel.encoding.encode import arithmetic
from tripel.encoding.encoder import Encoder
from tripel.encoding.words import WORD, Words, vectors_of
from tripel.files import read_json, write_json
from tripel.indexes.base import Int
from tripel.knowledge import KnowledgeBase
from tripel.objectives.tagging import Head
from tripel.recognizers.base import TAGGER, Found, Recognizer
from tripel.tagging.tags import Tags
from tripel.training import checkpoint

Real = NDArray[np.float64]

HEAD = "head."  # its tensors, among those of the objective
AT_ONCE = 100_000  # characters of documents whose words' vectors are held: some 16,000 words


class Reader:
    """An encoder and the head that labels what it reads; they may be in training."""

    def __init__(self, encoder: Encoder, head: Head, tags: Tags) -> None:
        self.encoder = encoder
        self.head = head
        self.tags = tags

    def read(self, documents: Sequence[Document], *, vectors: bool = False, least: float = 0.0) -> list[Found]:
        """Label all words of the texts, some documents at a time; with the `vectors` of mentions where they are wanted."""
        return [
            found
            for some in batched(documents, characters=AT_ONCE)
            for found in self._some(some, vectors=vectors, least=least)
        ]

    @torch.inference_mode()
    def _some(self, documents: Sequence[Document], *, vectors: bool, least: float) -> list[Found]:
        words = Words.of(documents, long_forms=self.encoder.config.long_forms)
        self.encoder.eval()
        self.head.eval()
        with arithmetic(self.encoder):
            vector_WD, tokens_W = self.encoder.read(words.passages)
        chance_WL = self.head(vector_WD.float()).softmax(dim=1).double().cpu().numpy()
        read_WD = vector_WD.float().cpu().numpy()
        found = []
        for number, document in enumerate(documents):
            its = words.within(number)
            plain_W = words.kind_W[its] == WORD
            start_W, end_W = words.start_W[its][plain_W], words.end_W[its][plain_W]
            mentions, confidence = self._mentions(document, start_W, end_W, chance_WL[its][plain_W], least)
            shown = vectors_of(mentions, words, its, read_WD, tokens_W) if vectors else None
            found.append(Found(document.having(mentions=mentions), confidence, shown))
        return found

    def _mentions(
        self, document: Document, start_W: Int, end_W: Int, chance_WL: Real, least: float
    ) -> tuple[list[Mention], tuple[float, ...]]:
        """The mentions of one document in their order, and how sure each is."""
        spans = [span for span in self.tags.spans(chance_WL) if span.confidence >= least]
        places = [(int(start_W[span.first]), int(end_W[span.last - 1])) for span in spans]
        mentions = [
            Mention(start=start, end=end, text=document.text[start:end], type=span.type)
            for span, (start, end) in zip(spans, places, strict=True)
        ]
        return mentions, tuple(span.confidence for span in spans)


class Tagger(Recognizer):
    """Finds what it learnt to find."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        run: str
        """The folder of a trained tagger, or of a linker that was trained together with one."""
        least: Annotated[float, Field(ge=0, le=1)] = 0.0
        """The confidence of a span below which it is left out."""

    def __init__(self, config: Config, kb: KnowledgeBase | None = None, *, shared: Encoder | None = None) -> None:
        """`shared`: the linker's encoder, where it is the tagger's own. Raises ValueError where there is no tagger."""
        del kb
        folder = Path(config.run)
        tags = tags_of(folder)
        encoder = shared or Encoder.load(checkpoint.published(folder))
        head = Head(encoder.dimensions, len(tags.labels), dropout=0.0)
        tensors = load_file(folder / checkpoint.OBJECTIVE)
        head.load_state_dict({key.removeprefix(HEAD): its for key, its in tensors.items() if key.startswith(HEAD)})
        self.config = config
        self.shares = shared is not None
        self.reader = Reader(encoder, head.to(encoder.device), tags)

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """Label all words of the texts."""
        return self.reader.read(documents, vectors=self.shares, least=self.config.least)


def tags_of(folder: Path) -> Tags:
    """The labels of a folder's tagger. Raises ValueError where there is none."""
    if not (folder / TAGGER).is_file():
        raise ValueError(
            f"{folder}: no trained tagger here (no {TAGGER}); `tripel train configs/bc5cdr_tagger.yaml` makes one"
        )
    said = read_json(folder / TAGGER)
    return Tags(said["scheme"], tuple(said["types"]))


def keep_tags(folder: Path, tags: Tags) -> None:
    """Write the labels beside the head."""
    write_json(folder / TAGGER, {"scheme": tags.scheme, "types": list(tags.types)})
