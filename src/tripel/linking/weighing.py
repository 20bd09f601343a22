"""How much each kind of evidence counts: weights that make the right candidates of dev likely, by a conditional logit.

Entities that dev mentions often do not drown the others: a mention of an entity with n mentions counts n ** -balance.
Shapes: M mentions, K candidates, F kinds of evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tripel.documents import Document
from tripel.indexes.base import Bool, Float, Hits, Int
from tripel.knowledge import KnowledgeBase
from tripel.linking.whole import EVIDENCE, Asked, Real, Weights, agreed, chances

RIDGE = 1e-4  # of the squares of weights, evidence scaled to a deviation of 1
FOLDS = 5
SHARES = (0.0, 0.25, 0.5, 0.75)  # agreement that is tried
FEWEST = 50  # mentions with a right candidate


@dataclass(frozen=True, kw_only=True)
class Config:
    """Whether entities are judged as wholes."""

    weigh: bool = False
    """Rank the candidates that the index finds by all their names and training mentions, with weights chosen on dev."""
    like: str = ""
    """A run whose weights are taken, for a run that learns from dev, too."""
    balance: float = 0.25
    """0: where weights are chosen every mention of dev counts the same, frequent entities most; 1: every entity does."""

    def __post_init__(self) -> None:
        if not 0 <= self.balance <= 1:
            raise ValueError(f"whole.balance {self.balance}: expected 0 to 1")


@dataclass(frozen=True, eq=False)
class Evident:
    """Candidates of dev with what speaks for each, and which are right."""

    asked: Asked
    hits: Hits
    evidence_MKF: Float
    right_MK: Bool
    linkable_M: Bool
    """Whether the annotators gave it an id."""

    @classmethod
    def of(
        cls, documents: Sequence[Document], kb: KnowledgeBase, asked: Asked, hits: Hits, evidence_MKF: Float
    ) -> Evident:
        """Right is any entity that a mention names."""
        linkable = [bool(mention.entities) for document in documents for mention in document.mentions]
        return cls(asked, hits, evidence_MKF, right_rows(documents, kb, hits), np.array(linkable, np.bool_))


def right_rows(documents: Sequence[Document], kb: KnowledgeBase, hits: Hits) -> Bool:
    """Which candidates their mentions name [M, K]."""
    gold = [kb.rows(mention.entities) for document in documents for mention in document.mentions]
    right = [[row in rows for row in its] for rows, its in zip(gold, hits.row_MK.tolist(), strict=True)]
    return np.array(right, np.bool_).reshape(hits.row_MK.shape)


def choose(its: Evident, *, balance: float, encoder: str, seed: int) -> Weights:
    """Weights of all kinds of evidence, and how far mentions that say the same agree.

    What came of it on dev is told by weights that were chosen without the documents that they judge; only the share of agreement
    is the best of four on all of them. Raises ValueError where
    dev has too few mentions with a right candidate.
    """
    count = int(its.right_MK.any(axis=1).sum())
    if count < FEWEST:
        raise ValueError(
            f"dev has {count} mentions with the right entity among its candidates, too few to weigh evidence by: say"
            " whole.weigh=false, or set whole.weigh to false in the run's config.yaml and call `tripel evaluate`"
        )
    chance_MK, share = cross_fitted(its, kinds=EVIDENCE, balance=balance, seed=seed)
    weight_F = fitted(its, np.ones(len(its.asked), np.bool_), kinds=EVIDENCE, balance=balance)
    weights = dict(zip(EVIDENCE, weight_F.tolist(), strict=True))
    told = {
        "mentions": int(its.linkable_M.sum()),
        "right by best row": round(float(its.right_MK[its.linkable_M, 0].mean()), 6),
        "right as wholes": round(float(first_right(chance_MK, its)[its.linkable_M].mean()), 6),
    }
    return Weights(weights=weights, agreement=share, encoder=encoder, chosen_on=told)


def cross_fitted(
    its: Evident, *, kinds: Sequence[str], balance: float, seed: int, shares: Sequence[float] = SHARES
) -> tuple[Real, float]:
    """Probabilities [M, K] by weights that were chosen on other documents, and the share of agreement that is best for them."""
    alone_MK = np.zeros(its.right_MK.shape)
    for kept_M, left_M in folds(its.asked.document_M, seed=seed):
        weight_F = fitted(its, kept_M, kinds=kinds, balance=balance)
        alone_MK[left_M] = chances(its.evidence_MKF[left_M] @ weight_F, its.hits.row_MK[left_M])
    tried = [(share, agreed(alone_MK, its.hits.row_MK, its.asked, share=share)) for share in shares]
    share, chance_MK = max(tried, key=lambda one: (first_right(one[1], its)[its.linkable_M].mean(), -one[0]))
    return chance_MK, share


def first_right(chance_MK: Real, its: Evident) -> Bool:
    """Whether the likeliest candidate of each mention is right [M]."""
    first_M: Bool = its.right_MK[np.arange(len(its.right_MK)), chance_MK.argmax(axis=1)]
    return first_M


def folds(document_M: Int, *, seed: int) -> Iterator[tuple[Bool, Bool]]:
    """Which mentions are learnt from and which are judged; the mentions of a document stay together."""
    place_D = np.unique(document_M, return_inverse=True)[1]
    fold_D = np.random.default_rng(seed).permutation(1 + int(place_D.max(initial=0))) % FOLDS
    for fold in range(FOLDS):
        left_M = np.asarray(fold_D[place_D] == fold)
        yield np.logical_not(left_M), left_M


def fitted(its: Evident, kept_M: Bool, *, kinds: Sequence[str], balance: float) -> Real:
    """The weights under which the right candidates of these mentions are likeliest (McFadden 1974) [F]; 0 of other kinds."""
    from scipy.optimize import minimize  # slow to import, and linking does without

    used_F = np.array([kind in kinds for kind in EVIDENCE])
    kept_M = kept_M & its.right_MK.any(axis=1)
    row_MK, right_MK = its.hits.row_MK[kept_M], its.right_MK[kept_M]
    valid_MK = row_MK >= 0
    shown_MKF = its.evidence_MKF[kept_M][:, :, used_F].astype(np.float64)
    spread_F = shown_MKF[valid_MK].std(axis=0)
    spread_F[spread_F == 0] = 1.0
    shown_MKF = np.where(valid_MK[:, :, None], shown_MKF / spread_F, 0.0)
    count_M = _counts(row_MK, right_MK, balance)

    def cost(weight_F: Real) -> tuple[float, Real]:
        chance_MK = chances(shown_MKF @ weight_F, row_MK)
        right_M = np.maximum((chance_MK * right_MK).sum(axis=1), 1e-300)
        surplus_MK = chance_MK - chance_MK * right_MK / right_M[:, None]
        value = -(count_M * np.log(right_M)).sum() + RIDGE * weight_F @ weight_F
        slope_F = np.einsum("mk,mkf->f", count_M[:, None] * surplus_MK, shown_MKF, optimize=True)
        return float(value), slope_F + 2 * RIDGE * weight_F

    found = minimize(cost, np.zeros(int(used_F.sum())), jac=True, method="L-BFGS-B")
    out = np.zeros(len(EVIDENCE))
    out[used_F] = found.x / spread_F
    return out


def _counts(row_MK: Int, right_MK: Bool, balance: float) -> Real:
    """How much each mention counts; all of them 1 together [M]."""
    entity_M = row_MK[np.arange(len(row_MK)), right_MK.argmax(axis=1)].tolist()
    often = Counter(entity_M)
    count_M = np.array([often[entity] ** -balance for entity in entity_M])
    return np.asarray(count_M / count_M.sum())
