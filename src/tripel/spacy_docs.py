"""spaCy's documents and ours: spans become mentions, and links are written into the spans. Nothing is linked here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from tripel.documents import Document, Link, Linked, Mention
from tripel.linking.records import link_record


@dataclass(frozen=True)
class Spans:
    """Which spans of a document are linked."""

    labels: tuple[str, ...] | None
    """Those with one of these; None is all."""
    key: str | None
    """The group of `doc.spans` that they are taken from besides `doc.ents`."""

    def document(self, doc: Doc, *, id: str) -> Document:
        """Its text, with one mention for all spans of the same characters."""
        text, spans = doc.text, self._wanted([*doc.ents, *self._group(doc)])
        label_of = {(span.start_char, span.end_char): span.label_ for span in spans}
        mentions = [Mention(start=a, end=b, text=text[a:b], type=label) for (a, b), label in label_of.items()]
        return Document(id=id, text=text).having(mentions=mentions)

    def write(self, doc: Doc, linked: Linked) -> None:
        """Put the links of that document into the spans. Labels and ids of spans, and spans that are not linked, stay."""
        links = {(link.mention.start, link.mention.end): link for link in linked.links}
        for span in self._wanted(doc.ents):
            entity = _noted(span, links)
            for token in span:  # that is where spaCy keeps it: `doc.ents` is made from tokens whenever it is asked for
                token.ent_kb_id_ = entity
        for place, span in enumerate(self._group(doc)):
            if self._wanted([span]):
                span.kb_id_ = _noted(span, links)
                doc.spans[self.key][place] = span  # a group gives copies

    def _wanted(self, spans: Iterable[Span]) -> list[Span]:
        """Blank spans name nothing."""
        labelled = (span for span in spans if self.labels is None or span.label_ in self.labels)
        return [span for span in labelled if span.text.strip()]

    def _group(self, doc: Doc) -> list[Span]:
        return list(doc.spans[self.key]) if self.key in doc.spans else []


def register() -> None:
    """Make `span._.tripel` and `span._.kb_ents` known. Needed where documents are read back and no linker was made."""
    Span.set_extension("tripel", default=None, force=True)
    Span.set_extension("kb_ents", getter=kb_ents, force=True)


def kb_ents(span: Span) -> list[tuple[str, float]]:
    """The candidates of a span and their scores, best first; none where it was not linked.

    By their first id in the wanted vocabulary, or by their own id where none is wanted or none known.
    """
    record = span._.tripel
    return [((one["ids"] or [one["entity"]])[0], one["score"]) for one in record["candidates"]] if record else []


def _noted(span: Span, links: dict[tuple[int, int], Link]) -> str:
    """The first id of what a span is linked to, after all that was said of it is put down in plain data."""
    link = links[span.start_char, span.end_char]
    span._.tripel = link_record(link, text=False)
    return next(iter(link.ids), "")  # spaCy has room for one; the others are among the data
