"""Passages -> token windows with spans to pool, and windows -> padded groups of like length.

It knows a tokenizer and nothing of vectors. No mention is ever dropped for being late in a long text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from tripel.characters import whole
from tripel.encoding.views import Passages


@dataclass(frozen=True, eq=False)
class Windows:
    """W sequences of token ids, and for each of M mentions the tokens to read it from."""

    tokens: tuple[NDArray[np.int64], ...]
    """Ids of each window, with the tokenizer's own tokens around them."""
    window_M: NDArray[np.int64]
    first_M: NDArray[np.int64]
    last_M: NDArray[np.int64]
    """Tokens [first, last) of each mention in its window, never empty [M]."""


def windows(passages: Passages, tokenizer: PreTrainedTokenizerFast, *, length: int) -> Windows:
    """Cut each text into as few windows of at most `length` tokens as show every mention with context on both sides.

    A mention longer than a window keeps its first tokens.
    """
    tokens: list[NDArray[np.int64]] = []
    found = np.zeros((len(passages), 3), np.int64)
    if not len(passages):
        return Windows((), found[:, 0], found[:, 1], found[:, 2])
    encoded = tokenizer(
        list(map(whole, passages.texts)), add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    room = length - 2
    for passage, mentions in _by_passage(passages):
        ids = np.array(encoded["input_ids"][passage], np.int64)
        spans = _token_spans(encoded["offset_mapping"][passage], passages, mentions)
        for start, inside in _cut(spans, total=len(ids), room=room):
            for m in inside:
                first, last = spans[m] - start
                found[mentions[m]] = len(tokens), first + 1, min(last, room) + 1
            tokens.append(_framed(ids[start : start + room], tokenizer))
    return Windows(tuple(tokens), found[:, 0], found[:, 1], found[:, 2])


def heads(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, *, length: int) -> tuple[NDArray[np.int64], ...]:
    """The first `length` tokens of each text, the tokenizer's own included."""
    if not texts:
        return ()
    encoded = tokenizer(list(map(whole, texts)), truncation=True, max_length=length, verbose=False)
    return tuple(np.array(ids, np.int64) for ids in encoded["input_ids"])


def groups(tokens: Sequence[NDArray[np.int64]], *, budget: int) -> Iterator[NDArray[np.int64]]:
    """Indices of sequences of like length, longest first, at most `budget` tokens a group with their padding."""
    order = np.argsort([-len(ids) for ids in tokens], kind="stable")
    first = 0
    while first < len(order):
        count = max(1, budget // max(1, len(tokens[order[first]])))
        yield order[first : first + count]
        first += count


def _by_passage(passages: Passages) -> Iterator[tuple[int, NDArray[np.int64]]]:
    order = np.argsort(passages.passage_M, kind="stable")
    places = np.flatnonzero(np.diff(passages.passage_M[order], prepend=-1))
    for mentions in np.split(order, places[1:]):
        if len(mentions):
            yield int(passages.passage_M[mentions[0]]), mentions


def _token_spans(
    offsets: Sequence[tuple[int, int]], passages: Passages, mentions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Tokens [first, last) that share a character with each mention; the nearest token where none does."""
    table = np.array(offsets, np.int64).reshape(-1, 2)
    if not len(table):  # a text of blanks has no tokens; its window holds the tokenizer's own
        return np.tile(np.array([[0, 1]]), (len(mentions), 1))
    first = np.searchsorted(table[:, 1], passages.start_M[mentions], side="right")
    last = np.searchsorted(table[:, 0], passages.end_M[mentions], side="left")
    first = np.minimum(first, len(table) - 1)
    return np.stack([first, np.maximum(last, first + 1)], axis=1)


def _cut(spans: NDArray[np.int64], *, total: int, room: int) -> Iterator[tuple[int, list[int]]]:
    """Windows as (first token, mentions read from it); a quarter of the window is kept as context on either side."""
    if total <= room:
        yield 0, list(range(len(spans)))
        return
    margin = room // 4
    order = np.argsort(spans[:, 0], kind="stable")
    first_M, ordered = spans[order, 0], order.tolist()
    place, over = 0, list[int]()  # the next mention, and those before it that are not in a window yet
    while over or place < len(ordered):
        lead = over[0] if over else ordered[place]
        start = min(max(0, int(spans[lead, 0]) - margin), total - room)
        limit = total if start == total - room else start + room - margin
        beyond = max(int(np.searchsorted(first_M, limit)), place if over else place + 1)
        seen = over + ordered[place:beyond]
        inside = [m for m in seen if m == lead or spans[m, 1] <= limit]
        yield start, inside
        taken = set(inside)
        place, over = beyond, [m for m in seen if m not in taken]


def _framed(ids: NDArray[np.int64], tokenizer: PreTrainedTokenizerFast) -> NDArray[np.int64]:
    return np.concatenate([[tokenizer.cls_token_id], ids, [tokenizer.sep_token_id]]).astype(np.int64)
