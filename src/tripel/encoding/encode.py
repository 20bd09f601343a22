"""Many mentions or many texts -> vectors, without gradients, in pieces that fit, with a progress callback.

Shapes: M mentions, E texts, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.encoder import Encoder
from tripel.encoding.similarity import searchable
from tripel.progress import Progress, silent

Float = NDArray[np.float32]

DOCUMENTS_AT_ONCE = 32
TEXTS_AT_ONCE = 2048


@torch.inference_mode()
def mention_vectors(
    encoder: Encoder, chosen: Sequence[tuple[Document, Sequence[Mention]]], *, progress: Progress = silent
) -> Float:
    """Vectors of the mentions of each document, in the order given [M, D]."""
    encoder.eval()
    parts = [np.zeros((0, encoder.dimensions), np.float32)]
    for first in range(0, len(chosen), DOCUMENTS_AT_ONCE):
        shown = views.passages(
            chosen[first : first + DOCUMENTS_AT_ONCE], view=encoder.config.view, long_forms=encoder.config.long_forms
        )
        with arithmetic(encoder):
            parts.append(encoder.mentions(shown).float().cpu().numpy())
        progress(min(first + DOCUMENTS_AT_ONCE, len(chosen)), len(chosen))
    return np.concatenate(parts)


@torch.inference_mode()
def entity_vectors(encoder: Encoder, texts: Sequence[str], *, progress: Progress = silent) -> Float:
    """Vectors of entity texts, encoded in the order of their length [E, D]."""
    encoder.eval()
    out = np.empty((len(texts), encoder.dimensions), np.float32)
    order = np.argsort([len(text) for text in texts], kind="stable")
    for first in range(0, len(order), TEXTS_AT_ONCE):
        here = order[first : first + TEXTS_AT_ONCE]
        with arithmetic(encoder):
            out[here] = encoder.entities([texts[i] for i in here]).float().cpu().numpy()
        progress(min(first + TEXTS_AT_ONCE, len(order)), len(order))
    return out


def unit_vectors(encoder: Encoder, vectors_ND: Float) -> Float:
    """In the form that is searched: of length 1 where the similarity is the cosine."""
    searched: Float = searchable(torch.from_numpy(vectors_ND), similarity=encoder.config.similarity).numpy()
    return searched


def arithmetic(encoder: Encoder) -> torch.autocast:
    """The precision in which vectors are made."""
    return torch.autocast(encoder.device.type, torch.bfloat16, enabled=encoder.config.precision == "bf16")
