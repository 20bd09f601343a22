"""Linked documents as one page to look at: texts with their mentions marked, and of each mention what was decided and why.

It reads and links nothing. Mentions may nest, overlap and come in pieces: a text is cut where one begins or ends, and each
mention has a line of its own under the text, in a lane that no other has at that place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tripel.documents import Document, Link, Linked, Mention
from tripel.formats.tokens import tokens
from tripel.linking.records import Tally
from tripel.reports.pages import allowing, rendered

LETTERS = {"linked": "L", "nil": "N", "filtered": "F"}
LANES = 6  # lines under a text that stand apart; deeper ones share the last
TINTS = 8  # types of mentions that have a colour of their own; the others have none


@dataclass(frozen=True, slots=True)
class Row:
    """What the page says of one mention."""

    number: int
    link: Link
    lane: int
    tint: int
    tokens: tuple[int, int]
    """[first, end) among the tokens of the text."""

    @property
    def letter(self) -> str:
        """Of its decision."""
        return LETTERS[self.link.decision]

    @property
    def called(self) -> str:
        """Its ids, or that it has none."""
        return " ".join(self.link.ids) or {"nil": "NIL", "filtered": "filtered"}[self.link.decision]

    @property
    def name(self) -> str:
        """The preferred name of the entity decided on."""
        return next((one.name for one in self.link.candidates if one.entity == self.link.entity), "")

    @property
    def sureness(self) -> float | None:
        """The probability of the best candidate, or its score where nothing was calibrated."""
        if not self.link.candidates:
            return None
        best = self.link.candidates[0]
        return best.score if best.probability is None else best.probability


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text in which no mention begins or ends."""

    text: str
    title: bool
    rows: tuple[Row, ...]
    """Of the mentions that it is part of."""
    ending: tuple[Row, ...]
    """Of those that end with it."""
    through: tuple[Row, ...]
    """Of those that go on after it."""


@dataclass
class Page:
    """A page in the making: documents are shown one at a time, and counted."""

    title: str
    tally: Tally
    """Of the documents, which whoever gives them counts."""
    beyond: int = 0
    """Documents that are not shown, since they are too many."""
    types: dict[str, Counter[str]] = field(default_factory=dict)
    """How mentions of each type were decided, in the order in which types came."""
    parts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Ids of the documents."""

    def show(self, linked: Linked) -> None:
        """Add a document."""
        for link in linked.links:
            self.types.setdefault(link.mention.type, Counter())[link.decision] += 1
        tints = {type: min(place, TINTS) for place, type in enumerate(filter(None, self.types))}
        rows = rows_of(linked, tints)
        self.names.append(linked.document.id)
        self.parts.append(
            rendered(
                "linked_document.html",
                at=len(self.parts) + 1,
                document=linked.document,
                pieces=list(pieces(linked.document, rows)),
                rows=rows,
                lanes=1 + max((row.lane for row in rows), default=0),
                unsure=any(row.link.confidence < 1 for row in rows),
                calibrated=any(one.probability is not None for row in rows for one in row.link.candidates),
                vocabulary=self.tally.vocabulary,
            )
        )

    def html(self) -> str:
        """The whole page."""
        style = rendered("linked.css")
        tints = {type: min(place, TINTS) for place, type in enumerate(filter(None, self.types))}
        return rendered(
            "linked.html",
            title=self.title,
            style=style,
            policy=allowing(style),
            tally=self.tally,
            types=[(type, tints.get(type, TINTS), counts) for type, counts in self.types.items()],
            names=self.names,
            parts=self.parts,
            beyond=self.beyond,
            vocabulary=self.tally.vocabulary,
        )


def rows_of(linked: Linked, tints: Mapping[str, int]) -> list[Row]:
    """A row for each mention, in their order."""
    mentions = linked.document.mentions
    starts = [token.start for token in tokens(linked.document.text, mentions)]
    return [
        Row(
            number=number,
            link=link,
            lane=min(lane, LANES - 1),
            tint=tints.get(link.mention.type, TINTS),
            tokens=(bisect_left(starts, link.mention.start), bisect_left(starts, link.mention.end)),
        )
        for number, (link, lane) in enumerate(zip(linked.links, lanes(mentions), strict=True), 1)
    ]


def lanes(mentions: Sequence[Mention]) -> list[int]:
    """The lowest lane for each mention that none has that it overlaps; inner mentions lie above those around them."""
    found = [0] * len(mentions)
    for group in _groups(mentions):
        taken: list[list[Mention]] = []
        for m in sorted(group, key=lambda m: (mentions[m].end - mentions[m].start, mentions[m].start)):
            one = mentions[m]
            free = (lane for lane, its in enumerate(taken) if not any(_overlap(one, other) for other in its))
            found[m] = next(free, len(taken))
            taken += [[]] if found[m] == len(taken) else []
            taken[found[m]].append(one)
    return found


def _groups(mentions: Sequence[Mention]) -> Iterator[list[int]]:
    """Places of mentions that hang together by overlaps."""
    group, reach = list[int](), 0
    for m in sorted(range(len(mentions)), key=lambda m: mentions[m].start):
        if group and mentions[m].start >= reach:
            yield group
            group = []
        group.append(m)
        reach = max(reach, mentions[m].end)
    if group:
        yield group


def pieces(document: Document, rows: Iterable[Row]) -> Iterator[Piece]:
    """The text from end to end, cut wherever something begins or ends."""
    spans = [(start, end, row) for row in rows for start, end in _spans(row.link.mention)]
    cuts = sorted(
        {0, document.title_end, len(document.text), *(cut for start, end, _ in spans for cut in (start, end))}
    )
    waiting, active = sorted(spans, key=lambda span: span[0], reverse=True), list[tuple[int, int, Row]]()
    for start, end in pairwise(cuts):
        while waiting and waiting[-1][0] == start:
            active.append(waiting.pop())
        its = tuple(row for _, _, row in active)
        ending = tuple(row for _, _, row in active if row.link.mention.end == end)
        active = [span for span in active if span[1] > end]
        through = tuple(row for _, _, row in active)
        yield Piece(document.text[start:end], end <= document.title_end, its, ending, through)


def _spans(mention: Mention) -> Sequence[tuple[int, int]]:
    return mention.parts or ((mention.start, mention.end),)


def _overlap(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end
