"""A vector for each document of a project: the mean of its words, as the encoder of the model in use reads them.

Shapes: P documents, W words, D dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tripel.annotations import projects
from tripel.documents import Document
from tripel.files import replacing

if TYPE_CHECKING:
    from tripel.encoding.encoder import Encoder

Float = NDArray[np.float32]
FILE = "documents.safetensors"  # in the folder of a project


def of_documents(encoder: Encoder, documents: Sequence[Document]) -> list[Float]:
    """The vector of each document, of length 1; of one without words all zeros."""
    import torch

    from tripel.encoding.encode import arithmetic
    from tripel.encoding.words import Words

    words = Words.of([document.having(mentions=()) for document in documents], long_forms=False)
    encoder.eval()
    with torch.inference_mode(), arithmetic(encoder):
        vector_WD = encoder.mentions(words.passages).float().cpu().numpy()
    means = [vector_WD[words.within(place)].sum(axis=0) for place in range(len(documents))]
    return [(mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32) for mean in means]


def save(files: Path, project: int, vectors: Mapping[int, Float]) -> None:
    """Keep the vectors of documents by their numbers, in the place of earlier ones."""
    arrays: dict[str, NDArray[Any]] = {
        "document": np.array(list(vectors), np.int64),
        "vector": np.stack(list(vectors.values())).astype(np.float16) if vectors else np.zeros((0, 0), np.float16),
    }
    with replacing(_path(files, project)) as part:
        save_file(arrays, part)


def load(files: Path, project: int) -> dict[int, Float]:
    """What `save` kept; nothing where it never did."""
    path = _path(files, project)
    if not path.is_file():
        return {}
    arrays = load_file(path)
    rows = arrays["vector"].astype(np.float32)
    return dict(zip(arrays["document"].tolist(), rows, strict=True))


def _path(files: Path, project: int) -> Path:
    return projects.place(files, project) / FILE
