"""What of a document is not in another that was made of it, counted by kind. It knows no format."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator

from tripel.documents import Document, Mention

REBUILT = "texts (rebuilt from tokens, with other offsets)"


def difference(document: Document, kept: Document | None, *, rebuilt: bool) -> Counter[str]:
    """How much was lost of a document, by kind; empty where the two are equal up to the order of mentions.

    Mentions are told by their offsets or, if the text was rebuilt, by their letters and order.
    """
    lost: Counter[str] = Counter()
    if kept is None:
        lost["documents"] += 1
        lost["mentions"] += len(document.mentions)
        return +lost
    lost["document ids"] += document.id != kept.id
    lost["titles"] += document.title_end != kept.title_end
    if rebuilt:
        lost[REBUILT] += document.text != kept.text
    else:
        lost["characters"] += sum(ours != theirs for ours, theirs in zip(document.text, kept.text, strict=True))
    matched = 0
    for ours, theirs in _pairs(document, kept, by_place=not rebuilt):
        matched += 1
        lost["types"] += ours.type != theirs.type
        lost["entity ids"] += len({*ours.entities} - {*theirs.entities}) or ours.entities != theirs.entities
        lost["long forms"] += ours.long_form != theirs.long_form
        lost["pieces of discontinuous mentions"] += ours.parts != theirs.parts
    lost["mentions"] += len(document.mentions) - matched
    return +lost


def _pairs(document: Document, kept: Document, *, by_place: bool) -> Iterator[tuple[Mention, Mention]]:
    """Each kept mention with the one it was made of: at the same place or, in a rebuilt text, the next of the same letters."""

    def key(mention: Mention) -> object:
        return (mention.start, mention.end) if by_place else "".join(mention.text.split())

    waiting: defaultdict[object, deque[Mention]] = defaultdict(deque)
    for mention in kept.mentions:
        waiting[key(mention)].append(mention)
    for mention in document.having(mentions=document.mentions).mentions:
        if waiting[key(mention)]:
            yield mention, waiting[key(mention)].popleft()
