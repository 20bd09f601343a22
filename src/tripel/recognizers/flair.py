"""A sequence tagger of Flair (Akbik et al. 2018), kept as files without code: see `flair_files`.

Needs Flair: pip install 'tripel[flair]', which asks for a version of transformers below 5. Flair logs to standard output, and
whole sentences where a tokenizer surprises it, so its log is off while it works here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripel.documents import Document
from tripel.knowledge import KnowledgeBase
from tripel.recognizers.base import Found, Recognizer, Span
from tripel.recognizers.labelling import Labels
from tripel.recognizers.optional import imported

# What Flair leaves out of texts, and so moves all that follows, and what it cannot read: each becomes a blank
MOVED = re.compile("[\u200b\u200c\ufe0f\ufeff\u2028\u2029\x80-\x9f\r\ud800-\udfff]")


class Flair(Recognizer):
    """Splits texts into sentences as Flair does, and takes the spans that the tagger marks, with its scores as confidence."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Labels):
        model: str
        """The folder of a tagger that `flair_files.keep` wrote."""
        label: str = ""
        """What the tagger must call its spans, such as `ner`; left open when empty."""

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        del kb
        self.config = config
        self.tagger, self.splitter = _loaded(config.model)
        if config.label not in ("", self.tagger.label_type):
            raise ValueError(f"{config.model}: its label is {self.tagger.label_type!r}, not {config.label!r}")
        if not self.tagger.predict_spans:
            raise ValueError(f"{config.model}: a tagger of single words, not of spans")
        items = self.tagger.label_dictionary.get_items()
        config.check({re.sub("^[BIES]-", "", item) for item in items} - {"O", "<unk>", "<START>", "<STOP>"})

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """Sentences of one document are each other's context where the tagger uses one."""
        with _silent():
            sentences = list(map(self._sentences, documents))
            self.tagger.predict([one for its in sentences for one in its])
        return [Found.of(document, self._spans(its)) for document, its in zip(documents, sentences, strict=True)]

    def _sentences(self, document: Document) -> list[Any]:
        text = MOVED.sub(" ", document.text)
        try:
            return list(self.splitter.split(text)) if text.strip() else []
        except (AssertionError, ValueError):  # which say the sentence
            raise ValueError(f"document {document.id}: Flair cannot split its text into sentences") from None

    def _spans(self, sentences: Sequence[Any]) -> Iterator[Span]:
        for sentence in sentences:
            for span in sentence.get_spans(self.tagger.label_type):
                label = span.get_label(self.tagger.label_type)
                if self.config.wanted(label.value):
                    start, end = (sentence.start_position + place for place in (span.start_position, span.end_position))
                    yield Span(start, end, self.config.type(label.value), min(max(float(label.score), 0.0), 1.0))


def _loaded(model: str) -> tuple[Any, Any]:
    """A tagger and what splits texts for it."""
    imported("flair")
    from flair.splitter import SegtokSentenceSplitter

    from tripel.recognizers.flair_files import read

    with _silent():
        return read(Path(model)), SegtokSentenceSplitter()


@contextmanager
def _silent() -> Iterator[None]:
    log = logging.getLogger("flair")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
