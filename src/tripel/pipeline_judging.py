"""Judging a whole pipeline: mentions found, linked and decided in plain texts, against what people marked there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tripel import checkpoint, predictions, tables
from tripel.documents import Document, Linked
from tripel.end_to_end import EndToEnd, end_to_end
from tripel.gold import Gold
from tripel.judging import FULL, right
from tripel.linker import Linker
from tripel.metrics import Estimate
from tripel.predictions import Origin, Prediction
from tripel.preparing import Ground
from tripel.progress import bar
from tripel.recipe import Role

EVERY = "all types"
MOST_TYPES = 5  # that have a row of their own
UNSEEN = {"entity": "unseen in training"}


def judge_pipeline(linker: Linker, found: Ground, role: Role, *, run: Path, name: str, seed: int) -> str:
    """Link the texts of dev or test, keep what was said, and tell how well as Markdown."""
    documents = found.documents[role]
    bare = [replace(document, mentions=()) for document in documents]
    linked: list[Linked] = []
    began = time.monotonic()
    with bar(f"reading {role}") as progress:
        for one in linker.stream(bare):
            linked.append(one)
            progress(len(linked), len(bare))
    speed = len(bare) / (time.monotonic() - began)
    encoder = checkpoint.encoder_fingerprint(checkpoint.published(run))
    origin = Origin(protocol=FULL, system=name, encoder=encoder, knowledge_base=found.kb.fingerprint)
    said = [prediction for one in linked for prediction in _predictions(one)]
    predictions.write(run / "predictions" / f"{role}-{name}.jsonl", origin, said)
    truth = right(found, role)
    judged = [
        _of_type(linked, truth, documents, found, type, seed=seed) for type in (EVERY, *_types(linked, documents))
    ]
    unseen = _recall(said, truth, documents, found, seed=seed)
    links = sum(link.decision == "linked" for one in linked for link in one.links)
    head = (
        f"{len(said):,} mentions found in {len(bare):,} texts, {links:,} linked, {speed:.1f} texts a second. Of {unseen.n:,}"
        f" mentions whose entity training never showed {tables.with_interval(unseen)} % are found as they are marked and linked"
        " right."
    )
    return f"## {role}, {name}: mentions found and linked\n\n{head}\n\n{tables.found(judged)}"


def _predictions(linked: Linked) -> list[Prediction]:
    """Of each mention its candidates, or none where it was not linked."""
    return [
        Prediction(
            linked.document.id,
            link.mention.start,
            link.mention.end,
            tuple((one.entity, round(one.score, 6)) for one in link.candidates) if link.decision == "linked" else (),
        )
        for link in linked.links
    ]


def _types(linked: Sequence[Linked], documents: Sequence[Document]) -> list[str]:
    """The types of mentions, where there are several and the recognizer tells the same ones apart."""
    types = {mention.type for document in documents for mention in document.mentions}
    told = {mention.type for one in linked for mention in one.document.mentions}
    return sorted(types) if 1 < len(types) <= MOST_TYPES and types & told else []


def _of_type(
    linked: Sequence[Linked], truth: Gold, documents: Sequence[Document], found: Ground, type: str, *, seed: int
) -> EndToEnd:
    """What was found as one type against what is marked as it."""
    kept = [
        replace(one, links=tuple(link for link in one.links if type in (EVERY, link.mention.type))) for one in linked
    ]
    gold = replace(truth, mentions=tuple(one for one in truth.mentions if type in (EVERY, one.slices["type"])))
    if type != EVERY:  # what stands on a mention of another type is an error, not a mention without an id
        others = {one.key for one in truth.mentions} - {one.key for one in gold.mentions}
        gold = replace(gold, places=gold.places - others)
    return end_to_end(
        [prediction for one in kept for prediction in _predictions(one)],
        gold,
        documents=[document.id for document in documents],
        kb=found.kb,
        system=type,
        seed=seed,
    )


def _recall(
    said: Sequence[Prediction], truth: Gold, documents: Sequence[Document], found: Ground, *, seed: int
) -> Estimate:
    """Strong recall of the mentions of entities that training never showed."""
    unseen = tuple(one for one in truth.mentions if UNSEEN.items() <= dict(one.slices).items())
    ids = [document.id for document in documents]
    return end_to_end(
        said, replace(truth, mentions=unseen), documents=ids, kb=found.kb, system="unseen", seed=seed
    ).strong.recall
