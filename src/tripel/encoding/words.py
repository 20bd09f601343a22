"""Documents as words: each word of a text is a span for the encoder to read, so that what tags words and what links mentions
can share one pass over a text.

Short forms that a text defines are shown with their long form wherever they stand, as `views` shows those that are mentions; what
was added is no word. Shapes: W words, S short forms in the text, M mentions, D dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.views import Passages
from tripel.formats.tokens import WORD as LETTERS
from tripel.linking.abbreviations import defined, expand

GIVEN, WORD, SHORT = 0, 1, 2

Int = NDArray[np.int64]
Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Words:
    """What is read off documents, one document after the other: of each its given mentions, its words, its short forms."""

    passages: Passages
    """A passage for each document that has a word."""
    document_W: Int
    """Which document each span is of."""
    start_W: Int
    end_W: Int
    """Characters [start, end) in the document's own text."""
    kind_W: Int
    """GIVEN, WORD or SHORT; a short form is read with the long form behind it."""

    @classmethod
    def of(
        cls, documents: Sequence[Document], *, long_forms: bool, given: Sequence[Sequence[Mention]] | None = None
    ) -> Words:
        """Of some documents; of their mentions those `given` for each."""
        chosen, rows = [], []
        for number, document in enumerate(documents):
            spans = [
                *((one, GIVEN) for one in (given[number] if given else ())),
                *((one, WORD) for one in _words(document)),
                *((one, SHORT) for one in (short_forms(document) if long_forms else ())),
            ]
            if spans:
                chosen.append((document, [one for one, _ in spans]))
                rows += [(number, one.start, one.end, kind) for one, kind in spans]
        table = np.array(rows, np.int64).reshape(-1, 4)
        shown = views.passages(chosen, view="document", long_forms=long_forms)
        return cls(shown, table[:, 0], table[:, 1], table[:, 2], table[:, 3])

    def within(self, document: int) -> slice:
        """The spans of a document."""
        first, last = np.searchsorted(self.document_W, [document, document + 1])
        return slice(int(first), int(last))


def _words(document: Document) -> Iterator[Mention]:
    for found in LETTERS.finditer(document.text):
        yield Mention(start=found.start(), end=found.end(), text=found.group())


def short_forms(document: Document) -> list[Mention]:
    """Everywhere that a document says a short form which it defines, give or take a plural s, each with its long form."""
    forms = sorted(filter(None, (form.strip() for form in defined(document.text))), key=len, reverse=True)
    if not forms:
        return []
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})s?(?!\w)")
    found = (Mention(start=one.start(), end=one.end(), text=one.group()) for one in pattern.finditer(document.text))
    expanded = expand(document.having(mentions=found))
    return [mention for mention in expanded.mentions if mention.long_form]


def vectors_of(mentions: Sequence[Mention], words: Words, its: slice, vector_WD: Float, tokens_W: Int) -> Float:
    """What a pass of their own would give mentions, from the spans `its` of their document: the mean over their tokens [M, D].

    A mention that is a short form has the long form's tokens, too.
    """
    start_W, end_W, kind_W = words.start_W[its], words.end_W[its], words.kind_W[its]
    vector_WD, tokens_W = vector_WD[its], tokens_W[its]
    short = {(int(start_W[w]), int(end_W[w])): w for w in np.flatnonzero(kind_W == SHORT)}
    plain = np.flatnonzero(kind_W == WORD)
    out = np.empty((len(mentions), vector_WD.shape[1]), np.float32)
    for m, mention in enumerate(mentions):
        whole = short.get((mention.start, mention.end))
        if whole is not None:
            out[m] = vector_WD[whole]
            continue
        first = np.searchsorted(end_W[plain], mention.start, side="right")
        last = np.searchsorted(start_W[plain], mention.end, side="left")
        out[m] = np.average(vector_WD[plain[first:last]], axis=0, weights=tokens_W[plain[first:last]])
    return out
