"""What every index answers with.

Shapes: M queries, K entities wanted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Hits:
    """The closest entities of each query, closest first. Ties go by score, then name, then id."""

    row_MK: NDArray[np.int64]
    """Rows of the knowledge base; -1 pads."""
    score_MK: NDArray[np.float32]
    """Higher is closer; -inf pads."""
    name_MK: NDArray[np.int64]
    """Which name (or row of the index) matched; -1 where none is known."""
