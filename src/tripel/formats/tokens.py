"""Texts as tokens and sentences, for formats that have labels of tokens. A token never crosses the end of a mention.

It knows no language: a token is a run of letters and digits, or one other character that is not white space.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tripel.documents import Mention

WORD = re.compile(r"\w+|[^\w\s\ufeff]")
NO_TOKEN = re.compile(r"[\s\ufeff]")  # a byte order mark, too: at the beginning of a file it would vanish
CLOSING = frozenset(".?!")
SHORT = re.compile(
    r"\w"
)  # before a full stop it is an initial or part of a number, more likely than the end of a sentence


@dataclass(frozen=True, slots=True)
class Token:
    """Characters [start, end) of a text."""

    start: int
    end: int
    text: str


def tokens(text: str, mentions: Iterable[Mention]) -> list[Token]:
    """The tokens of a text, cut where mentions begin and end."""
    cuts = {end for mention in mentions for end in (mention.start, mention.end)}
    return [
        Token(start, end, text[start:end]) for word in WORD.finditer(text) for start, end in _pieces(*word.span(), cuts)
    ]


def _pieces(start: int, end: int, cuts: Collection[int]) -> Iterator[tuple[int, int]]:
    for cut in range(start + 1, end):
        if cut in cuts:
            yield start, cut
            start = cut
    yield start, end


def of_tokens(mention: Mention) -> bool:
    """Whether a mention is tokens from end to end: it neither begins nor ends between them."""
    return not NO_TOKEN.fullmatch(mention.text[0]) and not NO_TOKEN.fullmatch(mention.text[-1])


def sentences(text: str, found: Sequence[Token], mentions: Iterable[Mention]) -> Iterator[range]:
    """Ranges of tokens: a sentence ends at a line end, or at . ? ! before a word with no small letter first.

    It never ends within a mention. White space plays no part but for line ends, so that tokens joined by blanks end as they did.
    """
    waiting = deque(sorted(mentions, key=lambda mention: mention.start))
    first = reach = 0
    before = ""
    for at, (token, following) in enumerate(pairwise(found), 1):
        while waiting and waiting[0].start < token.end:
            reach = max(reach, waiting.popleft().end)
        closed = token.text in CLOSING and not SHORT.fullmatch(before) and _may_begin(following.text)
        if (closed or "\n" in text[token.end : following.start]) and reach <= token.end:
            yield range(first, at)
            first = at
        before = token.text
    if found:
        yield range(first, len(found))


def _may_begin(word: str) -> bool:
    return word[0].isalpha() and not word[0].islower()
