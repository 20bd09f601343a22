"""Candidates by spelling (Le & Nguyen 2023): some by character n-grams, the rest by words.

How many of each is chosen on dev. Mentions never enter the statistics.
Shapes: M queries, Q distinct queries, K entities wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from tripel.documents import Document
from tripel.indexes.base import Hits, Queries
from tripel.indexes.ngram import Ngram
from tripel.knowledge import KnowledgeBase


@dataclass(frozen=True, kw_only=True)
class Config:
    mix: NonNegativeInt | None = None
    """How many candidates characters bring before words fill up; chosen on dev when left out."""
    names: PositiveInt = 512
    """Names searched in each view before they are folded to entities."""
    threads: PositiveInt = 2


class Candidates:
    """Both views of the names of a knowledge base."""

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        self.config = config
        self.kb = kb
        names = kb.names.to_pylist()
        self.characters = Ngram(Ngram.Config(read="characters", threads=config.threads), names)
        self.words = Ngram(Ngram.Config(read="words", threads=config.threads), names)

    def mixed(self, mix: int) -> Candidates:
        """The same with another mix."""
        other = object.__new__(Candidates)
        other.__dict__.update(self.__dict__, config=replace(self.config, mix=mix))
        return other

    def search(self, texts: Sequence[str], *, k: int) -> Hits:
        """The k closest entities of each text: `mix` by characters, the others by words, then by characters again."""
        characters, words = self.each(texts, k=k)
        return mixed(characters, words, mix=k if self.config.mix is None else self.config.mix)

    def each(self, texts: Sequence[str], *, k: int) -> tuple[Hits, Hits]:
        """The k closest entities by characters, and those by words."""
        distinct, back_M = np.unique(np.array([text.casefold() for text in texts], object), return_inverse=True)
        found = [self._folded(view, tuple(distinct.tolist()), k=k) for view in (self.characters, self.words)]
        characters, words = (Hits(h.row_MK[back_M], h.score_MK[back_M], h.name_MK[back_M]) for h in found)
        return characters, words

    def _folded(self, view: Ngram, texts: tuple[str, ...], *, k: int) -> Hits:
        score_QR, name_QR = view.nearest(Queries(texts), rows=self.config.names)
        out = Hits(
            np.full((len(texts), k), -1, np.int64),
            np.full((len(texts), k), -np.inf, np.float32),
            np.full((len(texts), k), -1, np.int64),
        )
        for q, names in enumerate(name_QR):
            rows = self.kb.row_N[names[names >= 0]]
            _, first = np.unique(rows, return_index=True)
            best = np.sort(first)[:k]
            out.row_MK[q, : len(best)] = rows[best]
            out.score_MK[q, : len(best)] = score_QR[q, best]
            out.name_MK[q, : len(best)] = names[best]
        return out


def mixed(characters: Hits, words: Hits, *, mix: int) -> Hits:
    """The first `mix` entities by characters, then by words, then what characters have left; each entity once.

    Cosines of the two are no common scale: those by words are told less 1, what characters have left less 2.
    """
    out = Hits(
        np.full_like(characters.row_MK, -1),
        np.full_like(characters.score_MK, -np.inf),
        np.full_like(characters.name_MK, -1),
    )
    k = characters.row_MK.shape[1]
    for m in range(len(characters.row_MK)):
        rows = np.concatenate([characters.row_MK[m, :mix], words.row_MK[m], characters.row_MK[m, mix:]])
        _, first = np.unique(rows, return_index=True)
        kept = np.array([i for i in np.sort(first) if rows[i] >= 0][:k], np.int64)
        out.row_MK[m, : len(kept)] = rows[kept]
        for target, a, b, less in (
            (out.score_MK, characters.score_MK, words.score_MK, 1),
            (out.name_MK, characters.name_MK, words.name_MK, 0),
        ):
            target[m, : len(kept)] = np.concatenate([a[m, :mix], b[m] - less, a[m, mix:] - 2 * less])[kept]
    return out


def choose_mix(
    index: Candidates, documents: Sequence[Document], kb: KnowledgeBase, *, k: int = 64
) -> tuple[int, list[float]]:
    """The mix with the best recall@k on these documents (dev), and the recall of each mix from 0 to k.

    Of equal ones the one that takes most from characters.
    """
    mentions = [mention for document in documents for mention in document.mentions if mention.entities]
    characters, words = index.each([mention.text for mention in mentions], k=k)
    gold = [set(kb.rows(mention.entities)) for mention in mentions]
    hit_KM = np.zeros((k + 1, len(mentions)), np.bool_)
    for m, rows in enumerate(gold):
        by_characters = min((i for i, row in enumerate(characters.row_MK[m]) if row in rows), default=k + 1)
        spelt = [row for row in characters.row_MK[m].tolist() if row >= 0]
        ahead = [row for row in words.row_MK[m].tolist() if row >= 0]
        for mix in range(k + 1):
            if by_characters < mix:
                hit_KM[mix, m] = True
                continue
            first = set(spelt[:mix])
            others = [row for row in ahead if row not in first][: k - len(first)]
            left = [row for row in spelt[mix:] if row not in others][: k - len(first) - len(others)]
            hit_KM[mix, m] = not rows.isdisjoint([*others, *left])
    recall = hit_KM.mean(axis=1).tolist() if mentions else [0.0] * (k + 1)
    return max(range(k + 1), key=lambda mix: (recall[mix], mix)), recall
