"""Mentions without overlap, for methods that want each character in one mention at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tripel.documents import Document, Mention


def without_overlaps(document: Document) -> Document:
    """The document with the longer of mentions that start together, and none that begins within one kept before it."""
    kept = list(_kept(document.mentions))
    return document if len(kept) == len(document.mentions) else replace(document, mentions=tuple(kept))


def overlapping(document: Document) -> int:
    """How many mentions `without_overlaps` drops."""
    return len(document.mentions) - sum(1 for _ in _kept(document.mentions))


def _kept(mentions: Iterable[Mention]) -> Iterator[Mention]:
    covered = 0
    for mention in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if mention.start >= covered:
            covered = mention.end
            yield mention
