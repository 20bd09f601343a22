"""An entity judged as a whole: its best row, its clusters of training mentions, its names, and what the text says elsewhere.

A first search finds candidates by their best row. Here the clusters of each candidate speak together, and mentions that say the
same in one document are heard together, as the method hears them in training. The weights are chosen on dev (`weighing`).
Shapes: M mentions, K candidates, F kinds of evidence, R clusters of the candidates of one mention.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tripel.documents import Document, Mention
from tripel.files import read_json, write_json
from tripel.indexes.base import Float, Hits, Int, Queries
from tripel.knowledge import KnowledgeBase
from tripel.linking.reranker import Reranker
from tripel.progress import Progress, silent
from tripel.searching.folding import Entities, some

Real = NDArray[np.float64]

WEIGHTS = "whole.json"  # in a run folder
EVIDENCE = ("best row", "mentions", "seen", "clusters", "exact", "description", "reread")
DESCRIPTION, REREAD = EVIDENCE.index("description"), EVIDENCE.index("reread")
SEVERAL = 3  # clusters whose mean closeness is looked at
AT_ONCE = 256  # mentions whose candidates are looked at together


@dataclass(frozen=True, eq=False)
class Asked:
    """Mentions of documents, in order, as an index is asked for them, with what they say and where."""

    queries: Queries
    forms_M: tuple[tuple[str, ...], ...]
    """How each mention says it, apart from case: its text, and its long form where it has one."""
    document_M: Int
    documents: tuple[Document, ...] = ()

    @classmethod
    def of(cls, documents: Sequence[Document], queries: Queries) -> Asked:
        """Of all mentions of the documents."""
        placed = [(number, mention) for number, document in enumerate(documents) for mention in document.mentions]
        forms_M = tuple(_forms(mention) for _, mention in placed)
        return cls(queries, forms_M, np.array([n for n, _ in placed], np.int64), tuple(documents))

    def __len__(self) -> int:
        return len(self.forms_M)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each kind of evidence counts."""

    weights: dict[str, float]
    """By EVIDENCE; what is not named counts nothing."""
    agreement: float = 0.0
    """Share of a mention's probabilities that it takes from the mean over all mentions of its document that say the same."""
    encoder: str = ""
    """Fingerprint of the encoder that they serve."""
    reranker: str = ""
    """And of the re-ranker; empty where there is none."""
    chosen_on: dict[str, Any] = field(default_factory=dict)
    """The documents they were chosen on, and what came of it there."""

    def __post_init__(self) -> None:
        unknown = self.weights.keys() - set(EVIDENCE)
        if unknown or not 0 <= self.agreement <= 1:
            found = ", ".join(sorted(unknown)) or f"an agreement of {self.agreement}"
            raise ValueError(f"{found}; expected {', '.join(EVIDENCE)}, and an agreement from 0 to 1")

    def serve(self, encoder: str, reranker: str) -> bool:
        """Whether they were chosen for these."""
        return (self.encoder, self.reranker) == (encoder, reranker)

    def save(self, path: Path) -> None:
        """Write JSON."""
        write_json(path, TypeAdapter(Weights).dump_python(self))

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read what `save` wrote. Raises ValueError where it is something else."""
        try:
            return TypeAdapter(cls).validate_python(read_json(path))
        except ValueError as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise ValueError(
                f"{path}: not the weights of a linker ({first}); delete it and run `tripel evaluate`"
            ) from None

    def chances(self, hits: Hits, evidence_MKF: Float, asked: Asked) -> Real:
        """The probability of each candidate among those of its mention [M, K]."""
        weight_F = np.array([self.weights.get(kind, 0.0) for kind in EVIDENCE])
        return agreed(chances(evidence_MKF @ weight_F, hits.row_MK), hits.row_MK, asked, share=self.agreement)

    def order(self, hits: Hits, evidence_MKF: Float, asked: Asked) -> tuple[Hits, Int]:
        """The same candidates by their probability among each other, the new score, and where each stood; -1 stays last."""
        chance_MK = self.chances(hits, evidence_MKF, asked)
        order_MK = np.argsort(-chance_MK, axis=1, kind="stable")
        row_MK, name_MK = (np.take_along_axis(column, order_MK, 1) for column in (hits.row_MK, hits.name_MK))
        score_MK = np.where(row_MK < 0, -np.inf, np.take_along_axis(chance_MK, order_MK, 1))
        return Hits(row_MK, score_MK.astype(np.float32), name_MK), order_MK

    def ranked(self, hits: Hits, evidence_MKF: Float, asked: Asked) -> Hits:
        """The same candidates in their new order."""
        return self.order(hits, evidence_MKF, asked)[0]


def evidence(
    index: Entities,
    kb: KnowledgeBase,
    asked: Asked,
    hits: Hits,
    *,
    reranker: Reranker | None = None,
    progress: Progress = silent,
) -> Float:
    """What speaks for each candidate [M, K, F], in the order of EVIDENCE; 0 where a candidate is -1.

    best row: the score it was found by. mentions: mean closeness of its three closest clusters of training mentions, 0 where it
    has none. seen: whether it has one. clusters: log(1 + their number). exact: whether the mention, or its long form, is one of
    its names. description: how much closer than its best row it is as it stands before its definition; 0 where it has none.
    reread: of one without such a cluster, how far it stays below the candidate that fits best where they are read together with
    the text; 0 for the others, whose clusters tell more, and without a re-ranker.
    """
    out = np.zeros((*hits.row_MK.shape, len(EVIDENCE)), np.float32)
    for first in range(0, len(asked), AT_ONCE):
        progress(first, len(asked))
        chunk = slice(first, first + AT_ONCE)
        row_MK = hits.row_MK[chunk]
        out[chunk, :, 0] = np.where(row_MK < 0, 0, hits.score_MK[chunk])
        out[chunk, :, 4] = exact(kb, asked.forms_M[chunk], row_MK)
        queries = some(asked.queries, np.arange(len(asked))[chunk])
        for m, (owner_R, score_R) in enumerate(index.rows_like("mentions", queries, row_MK), first):
            has_K = np.bincount(owner_R, minlength=row_MK.shape[1])
            out[m, :, 1] = _closest(score_R, owner_R, has_K)
            out[m, :, 2] = has_K > 0
            out[m, :, 3] = np.log1p(has_K)
        for m, (owner_R, score_R) in enumerate(index.rows_like("descriptions", queries, row_MK), first):
            out[m, owner_R, DESCRIPTION] = score_R - hits.score_MK[m, owner_R]
    if reranker is not None:
        name_MK = np.where(hits.name_MK >= 0, index.name_N[hits.name_MK], -1)
        score_MK = reranker.scores(asked.documents, kb, hits, name_MK)
        below_MK = score_MK - score_MK.max(axis=1, keepdims=True)
        out[:, :, REREAD] = np.where((hits.row_MK < 0) | (out[:, :, 2] > 0), 0, below_MK)
    return out


def chances(logit_MK: Real, row_MK: Int) -> Real:
    """Probabilities of candidates [M, K]; 0 where a candidate is -1."""
    logit_MK = np.where(row_MK < 0, -np.inf, logit_MK)
    power_MK = np.exp(logit_MK - np.maximum(logit_MK.max(axis=1, keepdims=True), np.finfo(np.float64).min))
    return np.asarray(power_MK / np.maximum(power_MK.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny))


def agreed(chance_MK: Real, row_MK: Int, asked: Asked, *, share: float) -> Real:
    """Each mention's probabilities with a share of their mean over the mentions of its document that say the same [M, K].

    A candidate that another of them does not have has probability 0 there.
    """
    said = [(document, forms[0]) for document, forms in zip(asked.document_M.tolist(), asked.forms_M, strict=True)]
    number = {key: i for i, key in enumerate(dict.fromkeys(said))}
    group_M = np.array([number[key] for key in said], np.int64)
    keys_MK = group_M[:, None] * (1 + int(row_MK.max(initial=0))) + np.maximum(row_MK, 0)
    _, key_MK = np.unique(keys_MK, return_inverse=True)
    total = np.bincount(key_MK.ravel(), weights=chance_MK.ravel())
    mean_MK = total[key_MK.reshape(row_MK.shape)] / np.bincount(group_M)[group_M][:, None]
    return np.asarray((1 - share) * chance_MK + share * np.where(row_MK < 0, 0, mean_MK))


def _forms(mention: Mention) -> tuple[str, ...]:
    return tuple(form.casefold() for form in (mention.text, mention.long_form) if form)


def exact(kb: KnowledgeBase, forms_M: Sequence[tuple[str, ...]], row_MK: Int) -> Float:
    """Whether each candidate has a name that the mention says [M, K], by `Asked.forms_M`."""
    rows = np.unique(row_MK[row_MK >= 0])
    places, _ = kb.places(rows)
    said = set().union(*forms_M)
    named: dict[str, set[int]] = defaultdict(set)
    for name, row in zip(map(str.casefold, kb.names.take(places).to_pylist()), kb.row_N[places].tolist(), strict=True):
        if name in said:  # few of so many are
            named[name].add(row)
    found = [set().union(*(named.get(form, ()) for form in forms)) for forms in forms_M]
    return np.array(
        [[row in its for row in row_K] for its, row_K in zip(found, row_MK.tolist(), strict=True)], np.float32
    ).reshape(row_MK.shape)


def _closest(score_R: Float, owner_R: Int, has_K: Int) -> Real:
    """The mean of the highest scores of each owner; 0 where it has none [K]."""
    order = np.lexsort((-score_R, owner_R))
    owner_R, score_R = owner_R[order], score_R[order]
    first_K = np.cumsum(has_K) - has_K
    among_R = np.arange(len(owner_R)) - first_K[owner_R] < SEVERAL
    total_K = np.bincount(owner_R[among_R], weights=score_R[among_R], minlength=len(has_K))
    return np.asarray(total_K / np.clip(has_K, 1, SEVERAL))
