"""The model behind the server: a run of `tripel train`, or another folder that links. It knows no requests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from tripel.documents import Document, Linked
from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX
from tripel.searching.indexing import stamp_of
from tripel.web.batching import Choice, Unfit

SHOWN = 12  # characters of a fingerprint
CHOICES = 32  # whose allowed entities are kept: a byte for each entity of the knowledge base


class Served:
    """A linker, asked in many ways."""

    def __init__(self, linker: Linker, *, version: str) -> None:
        """What it decides by default holds where a choice leaves it open."""
        self.linker = linker
        self.version = version
        self.finds = linker.recognizer is not None
        self._chosen = lru_cache(maxsize=CHOICES)(self._choose)

    @classmethod
    def load(cls, run: Path, *, recognizer: str = "") -> Served:
        """Raises ValueError as `Linker.load` does."""
        stamp = stamp_of(run / INDEX)
        version = f"{stamp.encoder[:SHOWN]}-{stamp.knowledge_base[:SHOWN]}"
        return cls(Linker.load(run, recognizer=recognizer), version=version)

    def __call__(self, documents: Sequence[Document], *, given: bool, choice: Choice) -> Sequence[Linked]:
        """Link documents. Raises Unfit where the choice cannot be, or where nothing finds mentions."""
        if not given and not self.finds:
            raise Unfit(
                "nothing finds mentions here: mark them, or start the server with a recogniser, such as"
                " --recognizer dictionary"
            )
        return list(self._chosen(choice).stream(documents, given=given))

    def _choose(self, choice: Choice) -> Linker:
        kept = {"types": choice.types, "sources": choice.sources, "ids": choice.ids}
        try:
            allowed_E = self.linker.ranker.kb.allowed(**kept) if any(kept.values()) else self.linker.allowed_E
        except ValueError as error:
            raise Unfit(str(error)) from None
        if allowed_E is not None and not allowed_E.any():
            raise Unfit("the filters leave no entity")
        threshold = self.linker.threshold if choice.threshold is None else choice.threshold
        return Linker(self.linker.ranker, self.linker.recognizer, k=choice.k, threshold=threshold, allowed_E=allowed_E)
