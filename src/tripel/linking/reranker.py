"""Documents and the candidates of their mentions -> what reading both together says. It changes no index and no candidate.

Mentions of a document that say the same are read once, at the first of them, with the candidates of all.
Shapes: M mentions, K candidates, A names read beside a mention.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.encode import arithmetic
from tripel.encoding.encoder import Encoder
from tripel.files import fingerprint
from tripel.indexes.base import Float, Hits, Int
from tripel.knowledge import KnowledgeBase
from tripel.objectives.reranking import Reranking
from tripel.training import checkpoint

RERANKER = "reranker"  # in a run folder, itself the folder of what was trained
DEPTH = 4  # candidates of a mention that are read: 8 or 16 gained no more on dev of BC5CDR


def mark(run: Path) -> str:
    """Fingerprint of a run's re-ranker; empty where none was trained."""
    folder = run / RERANKER
    if not (folder / checkpoint.OBJECTIVE).exists():
        return ""
    encoder = checkpoint.encoder_fingerprint(checkpoint.published(folder))
    return f"{encoder}-{fingerprint(folder / checkpoint.OBJECTIVE)[:16]}"


class Reranker:
    """A cross-encoder and the weights of its scores."""

    def __init__(self, encoder: Encoder, objective: Reranking) -> None:
        self.encoder = encoder
        self.objective = objective

    @classmethod
    def of(cls, run: Path) -> Reranker | None:
        """The re-ranker of a run; None where none was trained."""
        return cls.load(run / RERANKER) if (run / RERANKER / checkpoint.OBJECTIVE).exists() else None

    @classmethod
    def load(cls, folder: Path) -> Reranker:
        """What training left."""
        tensors = load_file(folder / checkpoint.OBJECTIVE)
        objective = Reranking(Reranking.Config(dimensions=len(tensors["weight_D"])))
        objective.load_state_dict(tensors)
        encoder = Encoder.load(checkpoint.published(folder))
        return cls(encoder, objective.to(encoder.device))

    def scores(self, documents: Sequence[Document], kb: KnowledgeBase, hits: Hits, name_MK: Int) -> Float:
        """How well each candidate fits, read beside its mention [M, K]; those that come later than DEPTH, and -1, as the lowest.

        `name_MK`: the names that matched, by position in `kb.names`; -1 is the preferred one.
        """
        out = np.full(hits.row_MK.shape, np.nan, np.float32)
        first = 0
        for document in documents:
            here = slice(first, first + len(document.mentions))
            first = here.stop
            out[here] = self._of(document, kb, hits.row_MK[here], name_MK[here])
        lowest_M = np.nan_to_num(np.nanmin(out, axis=1, initial=np.inf, where=~np.isnan(out)), posinf=0.0)
        return np.where(np.isnan(out), lowest_M[:, None], out).astype(np.float32)

    @torch.inference_mode()
    def _of(self, document: Document, kb: KnowledgeBase, row_MK: Int, name_MK: Int) -> Float:
        """Of one document's mentions; nan is not read."""
        out = np.full(row_MK.shape, np.nan, np.float32)
        said = list(_alike(document.mentions))
        names = [_candidates(row_MK[its], name_MK[its], kb) for its in said]
        texts = [views.aside(kb, name) for its in names for name in its.values()]
        if not texts:
            return out
        shown = views.passages(
            [(document, [document.mentions[its[0]] for its in said])],
            view=self.encoder.config.view,
            long_forms=self.encoder.config.long_forms,
        )
        mention_A = np.repeat(np.arange(len(said)), [len(its) for its in names])
        self.encoder.eval()
        with arithmetic(self.encoder):
            aside_AD, mention_AD = self.encoder.beside(shown, texts, mention_A)
        score_A: Tensor = self.objective.scores(mention_AD.float(), aside_AD.float())
        ends = np.cumsum([len(its) for its in names])[:-1]
        for its, named, found in zip(said, names, np.split(score_A.cpu().numpy(), ends), strict=True):
            of = dict(zip(named, found.tolist(), strict=True))
            out[its] = [[of.get(row, np.nan) for row in row_K] for row_K in row_MK[its].tolist()]
        return out


def _alike(mentions: Sequence[Mention]) -> Iterator[list[int]]:
    """Mentions that say the same, apart from case."""
    groups: dict[str, list[int]] = {}
    for number, mention in enumerate(mentions):
        groups.setdefault(mention.text.casefold(), []).append(number)
    yield from groups.values()


def _candidates(row_MK: Int, name_MK: Int, kb: KnowledgeBase) -> dict[int, int]:
    """The first entities of some mentions, each with the name that it is shown by."""
    found: dict[int, int] = {}
    for row, name in zip(row_MK[:, :DEPTH].ravel().tolist(), name_MK[:, :DEPTH].ravel().tolist(), strict=True):
        if row >= 0:
            found.setdefault(row, name if name >= 0 else int(kb.first_E[row]))
    return found
