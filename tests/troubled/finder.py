"""A recognizer for tests that finds one word, and does to its process what texts tell it to do."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tripel.documents import Document, Mention
from tripel.knowledge import KnowledgeBase
from tripel.recognizers.base import Found, Recognizer


class Finder(Recognizer):
    """DIES: the process ends at once, where `folder` holds no file DIED; POISON: always; FAULT: an error that quotes the text."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        folder: str
        word: str = "fever"

    def __init__(self, config: Config, kb: KnowledgeBase) -> None:
        self.config = config

    def recognize(self, documents: Sequence[Document]) -> list[Found]:
        """Obey, then find the word."""
        for document in documents:
            self._obey(document.text)
        return [self._found(document) for document in documents]

    def _obey(self, text: str) -> None:
        died = Path(self.config.folder, "DIED")
        if "DIES" in text and not died.exists():
            died.touch()
            os._exit(1)
        if "POISON" in text and not Path(self.config.folder, "CURED").exists():
            os._exit(1)
        if "FAULT" in text and not Path(self.config.folder, "CURED").exists():
            raise ValueError(f"what is this: {text}")
        if "SLOW" in text:
            time.sleep(0.5)

    def _found(self, document: Document) -> Found:
        word, starts = self.config.word, []
        while (start := document.text.find(word, (starts or [-1])[-1] + 1)) >= 0:
            starts.append(start)
        mentions = tuple(Mention(start=start, end=start + len(word), text=word) for start in starts)
        return Found(Document(id=document.id, text=document.text, mentions=mentions), (0.5,) * len(mentions))
