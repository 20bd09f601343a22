"""Closeness of vectors: higher is closer. The only place that normalises and that knows a direction.

Shapes: N and E vectors of D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

Name = Literal["cosine", "dot", "euclidean"]


def cosine(a_ND: Tensor, b_ED: Tensor) -> Tensor:
    """Cosine of each pair [N, E], in [-1, 1]."""
    return normalize(a_ND, dim=-1) @ normalize(b_ED, dim=-1).mT


def dot(a_ND: Tensor, b_ED: Tensor) -> Tensor:
    """Inner product of each pair [N, E]."""
    return a_ND @ b_ED.mT


def euclidean(a_ND: Tensor, b_ED: Tensor) -> Tensor:
    """Euclidean distance of each pair [N, E], turned round: 0 is closest.

    Differences are squared one by one (no matrix product), so a vector is at distance 0 from itself.
    """
    return -torch.cdist(a_ND, b_ED, compute_mode="donot_use_mm_for_euclid_dist")


BY_NAME: dict[Name, Callable[[Tensor, Tensor], Tensor]] = {"cosine": cosine, "dot": dot, "euclidean": euclidean}


def searchable(vectors_ND: Tensor, *, similarity: Name) -> Tensor:
    """Vectors whose plain inner product (or distance, for euclidean) ranks as the similarity does [N, D].

    What is averaged is averaged in this form: of all-MiniLM-L6-v2 a short form's vector is a tenth as long as a full name's,
    and a mean of plain vectors is the full name's alone.
    """
    return normalize(vectors_ND, dim=-1) if similarity == "cosine" else vectors_ND
