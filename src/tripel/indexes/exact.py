"""Every entity scored against every mention, exactly: an entity is the best of its rows.

Rows are vectors of names, of whole entities, or of clusters of training mentions; each knows its entity.
Shapes: M mentions, N rows, E entities that have rows, K entities wanted, D dimensions.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tripel.indexes.base import Hits
from tripel.similarity import BY_NAME, Name

Int = NDArray[np.int64]
Float = NDArray[np.float32]
CELLS_AT_ONCE = 40_000_000  # scores held at a time: 160 MB


class Exact:
    """score(m, e) = max over rows r of e of s(m, r) - discount of r."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        pass

    def __init__(
        self, config: Config, vectors_ND: Float, entity_N: Int, *, similarity: Name, discount_N: Float | None = None
    ) -> None:
        """Rows go by entity: `entity_N` must not fall."""
        if np.any(np.diff(entity_N) < 0):
            raise ValueError("rows of an exact index must be sorted by entity")
        self.config = config
        self.similarity = BY_NAME[similarity]
        self.vectors_ND = torch.from_numpy(vectors_ND)
        self.discount_N = np.zeros(len(vectors_ND), np.float32) if discount_N is None else discount_N
        self.entity_E, self.first_E = np.unique(entity_N, return_index=True)

    def search(self, mention_MD: Float, *, k: int) -> Hits:
        """The k closest entities of each mention, and which row of each was closest.

        Ties go to the entity that comes first in the knowledge base.
        """
        k_found = min(k, len(self.entity_E))
        row_MK = np.full((len(mention_MD), k), -1, np.int64)
        score_MK = np.full((len(mention_MD), k), -np.inf, np.float32)
        name_MK = np.full((len(mention_MD), k), -1, np.int64)
        step = max(1, CELLS_AT_ONCE // max(1, len(self.vectors_ND)))
        for first in range(0, len(mention_MD), step):
            here = slice(first, first + step)
            mentions = torch.from_numpy(mention_MD[here])
            closeness_mN = self.similarity(mentions, self.vectors_ND).numpy()
            closeness_mN -= self.discount_N
            score_mE = np.maximum.reduceat(closeness_mN, self.first_E, axis=1)
            top_mK = _top(score_mE, k_found)
            row_MK[here, :k_found] = self.entity_E[top_mK]
            score_MK[here, :k_found] = np.take_along_axis(score_mE, top_mK, axis=1)
            name_MK[here, :k_found] = self._closest_rows(closeness_mN, top_mK)
        return Hits(row_MK, score_MK, name_MK)

    def rank(self, mention_MD: Float, row_MK: Int) -> Hits:
        """Only the given entities of each mention (-1 pads), closest first; ties keep the given order.

        An entity without rows is left out.
        """
        column_of = np.full(max(int(self.entity_E.max(initial=-1)), int(row_MK.max(initial=-1))) + 2, -1, np.int64)
        column_of[self.entity_E] = np.arange(len(self.entity_E))
        out = Hits(np.full_like(row_MK, -1), np.full(row_MK.shape, -np.inf, np.float32), np.full_like(row_MK, -1))
        ends_E = np.append(self.first_E[1:], len(self.vectors_ND))
        for m in range(len(row_MK)):
            columns = column_of[row_MK[m]]
            columns = columns[columns >= 0]
            if not len(columns):
                continue
            places = np.concatenate([np.arange(self.first_E[c], ends_E[c]) for c in columns])
            mention = torch.from_numpy(mention_MD[m : m + 1])
            closeness_n = self.similarity(mention, self.vectors_ND[torch.from_numpy(places)]).numpy()[0]
            closeness_n = closeness_n - self.discount_N[places]
            firsts = np.concatenate([[0], np.cumsum(ends_E[columns] - self.first_E[columns])])
            best = [int(f + closeness_n[f:e].argmax()) for f, e in itertools.pairwise(firsts)]
            score = closeness_n[best]
            order = np.argsort(-score, kind="stable")
            out.row_MK[m, : len(order)] = self.entity_E[columns[order]]
            out.score_MK[m, : len(order)] = score[order]
            out.name_MK[m, : len(order)] = places[np.array(best)[order]]
        return out

    def _closest_rows(self, closeness_mN: Float, top_mK: Int) -> Int:
        ends_E = np.append(self.first_E[1:], closeness_mN.shape[1])
        found = np.empty_like(top_mK)
        for m, columns in enumerate(top_mK):
            for i, column in enumerate(columns):
                first = self.first_E[column]
                found[m, i] = first + closeness_mN[m, first : ends_E[column]].argmax()
        return found


def _top(score_mE: Float, k: int) -> Int:
    """Columns of the k highest scores of each row, highest first, ties by column [m, k]."""
    if k < score_mE.shape[1]:
        edge_m = np.partition(score_mE, -k, axis=1)[:, -k]
        chosen = [np.flatnonzero(score >= edge) for score, edge in zip(score_mE, edge_m, strict=True)]
    else:
        chosen = [np.arange(score_mE.shape[1])] * len(score_mE)
    return np.stack([c[np.argsort(-s[c], kind="stable")[:k]] for c, s in zip(chosen, score_mE, strict=True)])
