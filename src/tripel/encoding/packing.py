"""Windows with texts laid beside their mentions: one sequence shows a text once, and what is asked about many of its mentions.

A text beside a mention (an *aside*) takes the positions behind it, as its long form would; it sees the window and itself, and
nothing sees it. So what comes out of an aside does not depend on what else is asked.
Shapes: M mentions, A asides, S sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tripel.encoding.windows import Windows

Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Packed:
    """S sequences: a window each, then asides."""

    tokens: tuple[Int, ...]
    positions: tuple[Int, ...]
    """Of each token: in the window as it stands, in an aside from the end of its mention on."""
    owner: tuple[Int, ...]
    """Which aside a token belongs to, counted from 1 within its sequence; 0 is the window."""
    sequence_A: Int
    first_A: Int
    last_A: Int
    """Tokens [first, last) of each aside in its sequence [A]."""


def pack(shown: Windows, asides: Sequence[Int], mention_A: Int, *, room: int, places: int) -> Packed:
    """Lay each aside beside its mention, at most `room` tokens of asides a sequence (one aside at least); a window whose asides
    do not fit comes again. `places`: how many positions the transformer has."""
    tokens: list[Int] = []
    positions: list[Int] = []
    owner: list[Int] = []
    found = np.zeros((len(asides), 3), np.int64)
    for window, chosen in _sequences(shown, [len(ids) for ids in asides], mention_A, room=room):
        text = shown.tokens[window]
        filled = np.cumsum([len(text), *(len(asides[a]) for a in chosen)])
        found[chosen] = np.stack([np.full(len(chosen), len(tokens)), filled[:-1], filled[1:]], axis=1)
        behind = [
            np.minimum(shown.last_M[mention_A[a]] + np.arange(len(asides[a])), places - 1) for a in chosen
        ]  # the place of the token after the mention, and on
        tokens.append(np.concatenate([text, *(asides[a] for a in chosen)]))
        positions.append(np.concatenate([np.arange(len(text)), *behind]))
        owner.append(np.repeat(np.arange(1 + len(chosen)), np.diff(filled, prepend=0)))
    return Packed(tuple(tokens), tuple(positions), tuple(owner), found[:, 0], found[:, 1], found[:, 2])


def _sequences(shown: Windows, lengths: Sequence[int], mention_A: Int, *, room: int) -> Iterator[tuple[int, list[int]]]:
    """Each window with asides that fit; asides of a mention stand together."""
    window_A = shown.window_M[mention_A]
    chosen: list[int] = []
    used, before = 0, -1
    for a in np.lexsort((mention_A, window_A)).tolist():
        if chosen and (window_A[a] != before or used + lengths[a] > room):
            yield before, chosen
            chosen, used = [], 0
        chosen.append(a)
        used, before = used + lengths[a], int(window_A[a])
    if chosen:
        yield before, chosen
