"""Texts -> links: find mentions, rank entities for each, decide. It puts a recognizer, a ranker and a threshold together.

    linker = Linker.load(Path("runs/fast"), recognizer="runs/tagger")
    for link in linker("Relapses made MS certain.").links:
        print(link.mention.text, link.entity, link.why)

Shapes: M mentions, K candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import overload

import numpy as np

from tripel.config import choose, words
from tripel.documents import Candidate, Decision, Document, Link, Linked, batched
from tripel.encoding.encoder import Encoder
from tripel.encoding.quantizing import Arithmetic, change, known
from tripel.indexes.base import Bool
from tripel.kb.vocabularies import chosen, ids_in
from tripel.linking import bundle
from tripel.linking.abbreviations import expand
from tripel.linking.deciding import LIKELIER, Point
from tripel.linking.finding import is_folder, parts
from tripel.linking.ranker import Ranked, Ranker
from tripel.linking.whole import Asked
from tripel.recognizers.base import TAGGER, Found, Recognizer
from tripel.recognizers.gold import Gold
from tripel.recognizers.tagger import Tagger


class Linker:
    """Finds what texts mention and says which entity each mention means, which may be none."""

    def __init__(
        self,
        ranker: Ranker,
        recognizer: Recognizer | None = None,
        *,
        k: int = 5,
        threshold: float | None = None,
        allowed_E: Bool | None = None,
        vocabulary: str = "",
    ) -> None:
        """Without a recognizer only the mentions that documents have are linked.

        k: candidates kept of each mention. threshold: the probability below which a mention is NIL; where nothing was calibrated,
        the score; when left out, 0.5 where the run was calibrated, and none otherwise. allowed_E: the entities that may be
        found; the others are none of the candidates, and still count where it is told how likely these are. vocabulary: one
        of whose ids candidates are to tell, too.
        """
        if k < 1:
            raise ValueError(f"{k} candidates are asked for: at least 1")
        if threshold is None and ranker.calibration is not None:
            threshold = LIKELIER
        if allowed_E is not None and not allowed_E.any():
            raise ValueError("the filters leave no entity")
        self.ranker = ranker
        self.recognizer = recognizer
        self.k = k
        self.threshold = threshold
        self.allowed_E = allowed_E
        self.vocabulary = chosen(vocabulary, ranker.kb) if vocabulary else ""

    @classmethod
    def load(
        cls,
        run: Path | str,
        *,
        recognizer: str = "",
        k: int = 5,
        threshold: float | None = None,
        precision: float | None = None,
        types: Iterable[str] = (),
        sources: Iterable[str] = (),
        ids: Iterable[str] = (),
        vocabulary: str = "",
        best_rows: bool = False,
        arithmetic: Arithmetic = "",
    ) -> Linker:
        """A run of `tripel train`, or another folder that links.

        recognizer: the folder of a trained tagger, or a name with settings, such as `dictionary fuzzy=true`; when left out, the
        run's own, where it was trained with one, and that of a bundle. precision: the share of links that are to be right, as the
        run's dev has it, in place of a threshold. types, sources, ids: only entities of one of these, each where given.
        vocabulary: whose ids candidates are to have in `ids`, such as `OMIM`; `Linked.decided` has them in place of the knowledge
        base's own. best_rows: an entity counts as its best row alone, which is faster and less often right; where the run was
        judged on dev as wholes nothing is known of probabilities then, and a threshold is one of scores. arithmetic: of all
        encoders that are ours, in place of their own: `no` is single precision, `bf16`, or `int8`, on a CPU.

        Raises ValueError in one sentence where something is missing, for a precision that dev never reached, for a vocabulary
        of which no entity has an id, and for an arithmetic that this machine does not have.
        """
        known(arithmetic)
        ranker = Ranker.load(Path(run), best_rows=best_rows)
        if precision is not None:
            if threshold is not None:
                raise ValueError("give a threshold or a precision, not both")
            if best_rows and ranker.calibration is None:
                raise ValueError(f"no precision is known of {run} with best rows alone; give a threshold, of scores")
            if ranker.calibration is None:
                raise ValueError(f"{run} was not calibrated; judge it on dev with `tripel evaluate {run}`")
            threshold = ranker.calibration.reaching(precision).threshold
        kept = {"types": tuple(types), "sources": tuple(sources), "ids": tuple(ids)}
        allowed_E = ranker.kb.allowed(**kept) if any(kept.values()) else None
        said = recognizer or bundle.recognizer(Path(run))
        found = recognizer_of(said, ranker) if said else own(Path(run), ranker)
        for encoder in _encoders(ranker, found):
            change(encoder, arithmetic)
        return cls(ranker, found, k=k, threshold=threshold, allowed_E=allowed_E, vocabulary=vocabulary)

    @property
    def point(self) -> Point | None:
        """What the threshold gave on dev, by given mentions and all entities; None where nothing was calibrated."""
        its = self.ranker.calibration
        return None if its is None or self.threshold is None else its.at(self.threshold)

    @overload
    def __call__(self, text: str) -> Linked: ...  # type: ignore[overload-overlap]  # a text is one of texts, too
    @overload
    def __call__(self, text: list[str] | tuple[str, ...]) -> list[Linked]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Iterable[str]) -> Iterator[Linked]: ...
    def __call__(self, text: str | Iterable[str]) -> Linked | list[Linked] | Iterator[Linked]:
        """Link a text, a list of texts, or one after the other of many, of which only some are held at a time.

        Documents are numbered from 1. Raises ValueError where there is no recognizer.
        """
        if isinstance(text, str):
            return next(self.stream([Document(id="1", text=text)]))
        linked = self.stream(Document(id=str(number), text=its) for number, its in enumerate(text, 1))
        return list(linked) if isinstance(text, list | tuple) else linked

    def link(self, document: Document) -> Linked:
        """Link the mentions that a document has."""
        return self._linked([Found(document, (1.0,) * len(document.mentions))])[0]

    def stream(self, documents: Iterable[Document], *, given: bool = False) -> Iterator[Linked]:
        """Link many documents, in their order, some at a time. `given`: the mentions they have; else those that are found."""
        recognizer = Gold(Gold.Config(), self.ranker.kb) if given else self.recognizer
        if recognizer is None:
            raise ValueError(
                "nothing finds mentions here: give a recognizer, such as a trained tagger or `dictionary`, or texts with their"
                " mentions"
            )
        for some in batched(documents):
            yield from self._linked(recognizer.recognize(some))

    def stream_or_find(self, documents: Iterable[Document]) -> Iterator[Linked]:
        """The same: the mentions that documents have, and where one has none those that are found, if anything finds any."""
        if self.recognizer is None:
            yield from self.stream(documents, given=True)
            return
        for has, some in groupby(documents, key=lambda document: bool(document.mentions)):
            yield from self.stream(some, given=has)

    def _linked(self, found: Sequence[Found]) -> list[Linked]:
        documents = [one.document for one in found]
        if self.ranker.encoder.config.long_forms:
            documents = list(map(expand, documents))
        if not any(document.mentions for document in documents):
            return [Linked(one.document, ()) for one in found]
        shared = [one.vectors_MD for one in found if one.vectors_MD is not None and one.document.mentions]
        asked = self.ranker.asked(documents, vectors_MD=np.concatenate(shared) if shared else None)
        links = self._decided(asked, [confidence for one in found for confidence in one.confidence])
        return [Linked(one.document, tuple(next(links) for _ in one.document.mentions)) for one in found]

    def _decided(self, asked: Asked, confidence: Sequence[float]) -> Iterator[Link]:
        """A link for each mention, in order."""
        if self.allowed_E is None:
            ranked, beyond = self.ranker.ranked(asked, k=self.k), None
        else:
            ranked, best = self.ranker.among(asked, k=self.k, allowed_E=self.allowed_E)
            beyond = self._candidates(best)
        mentions = (mention for document in asked.documents for mention in document.mentions)
        for m, (mention, candidates) in enumerate(zip(mentions, self._candidates(ranked), strict=True)):
            decision, why = self._decision(candidates, () if beyond is None else beyond[m])
            entity = candidates[0].entity if decision == "linked" else None
            yield Link(mention, candidates, entity, decision, why, confidence[m])

    def _decision(self, candidates: Sequence[Candidate], beyond: Sequence[Candidate]) -> tuple[Decision, str]:
        """What to make of the best candidate; `beyond` is the best of all entities, where not all are allowed."""
        best = _sureness(candidates)
        if candidates and (self.threshold is None or best >= self.threshold):
            return "linked", self._said(best, "at least") or "the closest entity"
        other, ours = _sureness(beyond), [one.entity for one in candidates[:1]]
        if beyond and beyond[0].entity not in ours and (self.threshold is None or other >= self.threshold):
            one = beyond[0]
            return "filtered", f"{one.entity} ({one.name}) has {_kind(one)} {other:.2f} and is not allowed"
        return "nil", self._said(best, "below") if candidates else "no candidate"

    def _said(self, value: float, compared: str) -> str:
        if self.threshold is None:
            return ""
        kind = "score" if self.ranker.calibration is None else "probability"
        return f"{kind} {value:.2f}, {compared} {self.threshold:.2f}"

    def _candidates(self, ranked: Ranked) -> list[tuple[Candidate, ...]]:
        """The candidates of each mention, best first."""
        hits, name_MK, chance_MK = ranked.hits, self.ranker.names(ranked.hits), ranked.probability_MK
        return [
            tuple(
                self._candidate(int(row), float(hits.score_MK[m, k]), int(name_MK[m, k]), _at(chance_MK, m, k))
                for k, row in enumerate(row_K)
                if row >= 0
            )
            for m, row_K in enumerate(hits.row_MK)
        ]

    def _candidate(self, row: int, score: float, name: int, probability: float | None) -> Candidate:
        kb = self.ranker.kb
        first = int(kb.first_E[row])
        matched = name if name >= 0 else first
        sources = kb.sources(row)
        return Candidate(
            entity=kb.id(row),
            score=score,
            name=str(kb.names[first].as_py()),
            matched=str(kb.names[matched].as_py()),
            source=sources[matched - first] if sources else "",
            probability=probability,
            ids=ids_in(self.vocabulary, kb[row]) if self.vocabulary else (),
            types=kb.types(row),
        )


def recognizer_of(said: str, ranker: Ranker) -> Recognizer:
    """A recognizer by its name and settings, as in `dictionary fuzzy=true`, or by the folder of a trained tagger."""
    name, *settings = parts(said)
    given = {"name": "tagger", "run": name} if is_folder(name) else {"name": name}
    made: Recognizer = choose("recognizers", {**given, **words(settings)}, where="recognizer").make(ranker.kb)
    return made


def own(run: Path, ranker: Ranker) -> Recognizer | None:
    """The tagger that a linker was trained together with, which shares its encoder; None where there is none."""
    if not (run / TAGGER).exists():
        return None
    return Tagger(Tagger.Config(run=str(run)), ranker.kb, shared=ranker.encoder)


def _encoders(ranker: Ranker, recognizer: Recognizer | None) -> set[Encoder]:
    """All of ours that read texts; a tagger may share the linker's."""
    found = {ranker.encoder}
    if ranker.reranker is not None:
        found.add(ranker.reranker.encoder)
    if isinstance(recognizer, Tagger):
        found.add(recognizer.reader.encoder)
    return found


def _sureness(candidates: Sequence[Candidate]) -> float:
    """The probability of the best candidate, or its score where nothing was calibrated; 0 where there is none."""
    if not candidates:
        return 0.0
    best = candidates[0]
    return best.score if best.probability is None else best.probability


def _kind(candidate: Candidate) -> str:
    return "score" if candidate.probability is None else "probability"


def _at(chance_MK: np.ndarray | None, m: int, k: int) -> float | None:
    return None if chance_MK is None else float(chance_MK[m, k])
