"""What the encoder is shown: passages with mentions in them, and entities as text.

It knows characters, not tokens: the encoder tokenises. Long forms of abbreviations are written behind the mention in what
is shown; documents and their offsets stay as they are. Training and linking have no other way to show a mention.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tripel.documents import Document, Mention
from tripel.knowledge import Entity, KnowledgeBase

START, END = "[START]", "[END]"
View = Literal["document", "marked", "bare"]
EntityView = Literal["names", "whole", "described"]


@dataclass(frozen=True, eq=False)
class Passages:
    """P texts shown to the encoder, and the M mentions in them."""

    texts: tuple[str, ...]
    passage_M: NDArray[np.int64]
    """Which text a mention stands in [M]."""
    start_M: NDArray[np.int64]
    end_M: NDArray[np.int64]
    """Characters [start, end) of each mention in its text, with markers and long form where they are shown [M]."""

    def __len__(self) -> int:
        return len(self.passage_M)

    def __getitem__(self, keep_M: NDArray[np.int64] | NDArray[np.bool_]) -> Passages:
        """Only some of the mentions; texts without one are left out."""
        passage_M = self.passage_M[keep_M]
        used, renumbered_M = np.unique(passage_M, return_inverse=True)
        texts = tuple(self.texts[passage] for passage in used)
        return Passages(texts, renumbered_M.astype(np.int64), self.start_M[keep_M], self.end_M[keep_M])


def passages(chosen: Sequence[tuple[Document, Sequence[Mention]]], *, view: View, long_forms: bool) -> Passages:
    """Show mentions of documents, in the order given.

    `document`: each text once, with all its mentions in it. `marked`: one text for each mention, with [START] and [END]
    around it (Le & Nguyen 2023). `bare`: the mention alone, as names are shown.
    """
    show = {"document": _document, "marked": _marked, "bare": _bare}[view]
    return _gather(shown for document, mentions in chosen for shown in show(document.text, mentions, long_forms))


def bare(names: Iterable[str]) -> Passages:
    """Names as passages that are all mention."""
    return _gather((name, [(0, len(name))]) for name in names)


def whole(entity: Entity, *, separator: str) -> str:
    """An entity as `type [SEP] name [SEP] synonym ...` (Le & Nguyen 2023), its first type; the encoder cuts it at its length."""
    return f" {separator} ".join((*entity.types[:1], *entity.names))


def described(entity: Entity, *, separator: str) -> str:
    """An entity as `longest name [SEP] definition` (TrainX), the name alone where it has no definition."""
    return f" {separator} ".join(filter(None, (max(entity.names, key=len), entity.definition)))


def in_its_definition(entity: Entity) -> tuple[Document, tuple[Mention, ...]]:
    """An entity as its name stands before its definition, to be read like a mention in a document."""
    name = Mention(start=0, end=len(entity.name), text=entity.name)
    return Document(id=entity.id, text=f"{entity.name}: {entity.definition}", mentions=(name,)), (name,)


def aside(kb: KnowledgeBase, name: int) -> str:
    """A candidate as it is read beside a mention: the name of it that matched, by position, and its preferred name."""
    matched, preferred = (str(kb.names[i].as_py()) for i in (name, int(kb.first_E[kb.row_N[name]])))
    return f"({matched})" if matched.casefold() == preferred.casefold() else f"({matched}; {preferred})"


_Shown = tuple[str, list[tuple[int, int]]]


def _gather(shown: Iterable[_Shown]) -> Passages:
    texts: list[str] = []
    rows: list[tuple[int, int, int]] = []
    for text, spans in shown:
        rows.extend((len(texts), start, end) for start, end in spans)
        texts.append(text)
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Passages(tuple(texts), table[:, 0], table[:, 1], table[:, 2])


def _document(text: str, mentions: Sequence[Mention], long_forms: bool) -> Iterable[_Shown]:
    added = {mention.end: f" ({mention.long_form})" for mention in mentions if long_forms and mention.long_form}
    pieces, last = [], 0
    for place in sorted(added):
        pieces += [text[last:place], added[place]]
        last = place
    places = np.array(sorted(added), np.int64)
    grown = np.concatenate([[0], np.cumsum([len(added[place]) for place in sorted(added)])]).astype(np.int64)

    def start(offset: int) -> int:
        return offset + int(grown[np.searchsorted(places, offset, side="right")])

    def end(mention: Mention) -> int:
        side: Literal["left", "right"] = "right" if long_forms and mention.long_form else "left"
        return mention.end + int(grown[np.searchsorted(places, mention.end, side=side)])

    yield "".join([*pieces, text[last:]]), [(start(mention.start), end(mention)) for mention in mentions]


def _marked(text: str, mentions: Sequence[Mention], long_forms: bool) -> Iterable[_Shown]:
    for mention in mentions:
        shown = f"{START} {_surface(mention, long_forms)} {END}"
        before, after = text[: mention.start], text[mention.end :]
        yield f"{before}{shown}{after}", [(mention.start, mention.start + len(shown))]


def _bare(text: str, mentions: Sequence[Mention], long_forms: bool) -> Iterable[_Shown]:
    for mention in mentions:
        shown = _surface(mention, long_forms)
        yield shown, [(0, len(shown))]


def _surface(mention: Mention, long_forms: bool) -> str:
    return f"{mention.text} ({mention.long_form})" if long_forms and mention.long_form else mention.text
