"""Names of the knowledge base wherever a text has them, longest first; with `fuzzy=true`, nearly has them.

It knows nothing of what the words around them say: "cold" is found in "a cold day". What a name means is the ranker's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tripel.documents import Document
from tripel.knowledge import KnowledgeBase
from tripel.recognizers.base import Found, Recognizer, Span
from tripel.recognizers.lexicon import Names, Rule
from tripel.recognizers.misspelling import Close, Misspelt
from tripel.recognizers.reading import fold

SURE = 1.0


class Dictionary(Recognizer):
    """Looks names up, apart from case, accents, and the kind of blank, hyphen or apostrophe; at the edges of words alone."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Rule):
        fuzzy: bool = False
        """Names with a few letters changed, too."""
        similarity: float = 0.9
        """Of a fuzzy name, 1 - changed letters / letters, which is its confidence: at 0.9 one letter in ten."""

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        if not 0.5 <= config.similarity < 1:
            raise ValueError(f"recognizer.similarity: {config.similarity}; expected 0.5 or more, and less than 1")
        self.names = Names(kb, config)
        self.misspelt = Misspelt(self.names, similarity=config.similarity) if config.fuzzy else None

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """The longest names first; none overlaps another."""
        # remembered for these documents alone: what people write is not kept
        close = cache(self.misspelt.close) if self.misspelt else None
        return [Found.of(document, longest(self._spans(document.text, close))) for document in documents]

    def _spans(self, text: str, close: Callable[[str], Close] | None) -> Iterator[Span]:
        """All that is found, overlaps included."""
        its = fold(text)
        for first, end, key in self.names.within(its):
            begin, last = its.span(first, end)
            if self.names.counts(key, text[begin:last]):
                yield Span(begin, last, self.names.type(key), SURE)
        for first, end, key, likeness in self.misspelt.within(its, close) if self.misspelt and close else ():
            yield Span(*its.span(first, end), self.names.type(key), likeness)


def longest(spans: Iterable[Span]) -> list[Span]:
    """Spans without overlap: longer ones before shorter ones, then surer ones, then earlier ones."""
    kept: list[Span] = []
    taken: set[int] = set()
    for span in sorted(spans, key=lambda span: (span.start - span.end, -span.confidence, span.start)):
        if span.start not in taken and span.end - 1 not in taken:  # no kept one lies within a longer one
            taken.update(range(span.start, span.end))
            kept.append(span)
    return kept
