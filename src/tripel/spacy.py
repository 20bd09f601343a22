"""A linker as a component of spaCy: `nlp.add_pipe("tripel_linker", config={"run": "runs/fast"})`.

It links what a recogniser before it left in `doc.ents`, and in a group of spans where one is named; it finds nothing itself.
spaCy imports this file for whatever pipeline it makes, so what is heavy is imported where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch, raise_error

from tripel.files import read_json, write_json
from tripel.spacy_docs import Spans, register

if TYPE_CHECKING:
    from tripel.linking.linker import Linker

SAVED = "run.json"  # in the folder of the component: where the run was, and its fingerprints
ErrorHandler = Callable[..., Any]


@Language.factory(
    "tripel_linker",
    requires=["doc.ents"],
    assigns=["token.ent_kb_id", "span._.kb_ents", "span._.tripel"],
    default_config={
        "k": 5,
        "threshold": None,
        "precision": None,
        "types": [],
        "sources": [],
        "ids": [],
        "vocabulary": "",
        "best_rows": False,
        "arithmetic": "",
        "labels": None,
        "spans_key": None,
    },
    # shown, but of no weight: a pipeline that is trained cannot change them
    default_score_weights={"nel_micro_f": None, "nel_micro_p": None, "nel_micro_r": None},
)
def make_linker(
    nlp: Language,
    name: str,
    run: str,
    k: int,
    threshold: float | None,
    precision: float | None,
    types: list[str],
    sources: list[str],
    ids: list[str],
    vocabulary: str,
    best_rows: bool,
    arithmetic: str,
    labels: list[str] | None,
    spans_key: str | None,
) -> TripelLinker:
    """run: a folder of `tripel train`, or another that links. labels: only spans with one of these are linked; null is all.

    spans_key: the name of a group in `doc.spans` that is linked besides `doc.ents`. The rest is as `Linker.load` has it.
    """
    settings = {
        "k": k,
        "threshold": threshold,
        "precision": precision,
        "types": types,
        "sources": sources,
        "ids": ids,
        "vocabulary": vocabulary,
        "best_rows": best_rows,
        "arithmetic": arithmetic,
    }
    return TripelLinker(name, run, labels=labels, spans_key=spans_key, **settings)


class TripelLinker:
    """Says which entity each span means: its id in `kb_id_`, candidates and reasons in `span._.tripel`."""

    def __init__(
        self, name: str, run: str, *, labels: Sequence[str] | None, spans_key: str | None, **settings: Any
    ) -> None:
        """`settings` as of `Linker.load`. Nothing is read before the run is first asked, or `nlp.initialize`."""
        from tripel.linking.opening import Opener  # here, so that processes forked later share what it loads

        if labels is not None and not labels:
            raise ValueError(f"{name}: labels is empty, so nothing would be linked; leave it out to link every label")
        self.name = name
        self.spans = Spans(None if labels is None else tuple(labels), spans_key)
        self.opener = Opener(Path(run), **settings)
        self.error_handler: ErrorHandler = raise_error
        register()

    @property
    def linker(self) -> Linker:
        """The run, opened. Raises ValueError where something of it is missing, or where settings do not suit it."""
        return self.opener.open()

    def __call__(self, doc: Doc) -> Doc:
        """Link the spans of a document, which is changed and given back."""
        self._link([doc], self.opener.open())
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Link documents in their order; those of a batch are read together."""
        linker = self.opener.open()  # where it cannot be opened no batch can be helped, whatever handles errors
        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]  # spaCy gives it no types
            try:
                self._link(docs, linker)
            except Exception as error:
                self.error_handler(self.name, self, docs, error)
            else:
                yield from docs

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Language | None = None) -> None:
        """Open the run, so that what is missing is said now. There is nothing to learn from examples."""
        del get_examples, nlp
        self.opener.open()

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """As spaCy scores links, over spans that are in both; one that has no id counts as NIL."""
        scores: dict[str, Any] = Scorer.score_links(examples, negative_labels=["NIL", ""], **settings)
        return scores

    def set_error_handler(self, error_handler: ErrorHandler) -> None:
        """What is to be done with a batch that failed; it is called with our name, the component, the batch, the error."""
        self.error_handler = error_handler

    def get_error_handler(self) -> ErrorHandler:
        """What is done with a batch that failed."""
        return self.error_handler

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Write where the run is and what it is; nothing of it is copied. Raises ValueError where it is not there."""
        del exclude
        write_json(Path(path) / SAVED, self._saved())

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> TripelLinker:
        """Make sure that our run is the one that was saved. Raises ValueError that names it otherwise."""
        del exclude
        return self._checked(read_json(Path(path) / SAVED))

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """As `to_disk`."""
        del exclude
        return json.dumps(self._saved()).encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> TripelLinker:
        """As `from_disk`."""
        del exclude
        return self._checked(json.loads(data))

    def _saved(self) -> dict[str, str]:
        return {"run": str(self.opener.run), **asdict(self.opener.stamp)}

    def _checked(self, saved: dict[str, str]) -> TripelLinker:
        needed = (
            f"the pipeline was saved with {_told(saved)}, then at {saved['run']}. Where that is now is said by"
            f" spacy.load(..., config={{'components': {{'{self.name}': {{'run': 'FOLDER'}}}}}}); to link with something else,"
            f" load with exclude=['{self.name}'] and add the component anew"
        )
        try:
            found = self._saved()
        except ValueError as error:
            raise ValueError(f"{error}; {needed}") from None
        if _told(found) != _told(saved):
            raise ValueError(f"{found['run']} has {_told(found)}; {needed}")
        return self

    def _link(self, docs: Sequence[Doc], linker: Linker) -> None:
        documents = [self.spans.document(doc, id=str(number)) for number, doc in enumerate(docs, 1)]
        for doc, linked in zip(docs, linker.stream(documents, given=True), strict=True):
            self.spans.write(doc, linked)


def _told(saved: dict[str, str]) -> str:
    return f"encoder {saved['encoder']} and knowledge base {saved['knowledge_base'][:16]}"
