"""Judging a trained run, its baselines beside it: predictions in files, scores, tables and pictures in the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tripel import checkpoint, indexing, plots, predictions, tables
from tripel.encoder import Encoder
from tripel.evaluation import Scores, compare, evaluate
from tripel.files import read_lines, write_json, write_text
from tripel.gold import Gold, gold
from tripel.indexes.base import Hits
from tripel.indexing import Stamp
from tripel.journal import METRICS, Journal
from tripel.linker import INDEX, Linker
from tripel.metrics import Paired
from tripel.predictions import Origin, Prediction
from tripel.preparing import Ground, lesson
from tripel.progress import bar
from tripel.recipe import Recipe

UNTRAINED_INDEX = "index-untrained"
PICTURES = "pictures"
TABLES = "tables.md"
LEXICAL, UNTRAINED, TRAINED = "lexical", "untrained", "trained"
CANDIDATES, FULL = "candidates", "full"

Answers = dict[tuple[str, str], list[Prediction]]
"""Predictions by system and protocol."""


def judge(run: Path, recipe: Recipe, found: Ground, journal: Journal) -> str:
    """Rank the mentions of dev and test by every system, and write down what came out. Gives the tables as Markdown.

    A split all of which was learned from (dev, where `data.train` is `train+dev`) is not judged.
    """
    systems: dict[str, Linker] = {}
    if recipe.data.compare_untrained:
        systems[UNTRAINED] = untrained(run, recipe, found)
    systems[TRAINED] = trained(run, recipe, found)
    said = [_judge_role(run, recipe, found, role, systems, journal) for role in _judged(recipe, found)]
    shutil.rmtree(run / UNTRAINED_INDEX, ignore_errors=True)
    records = list(read_lines(run / METRICS)) if (run / METRICS).exists() else []
    if records:
        curves = plots.learning_curves(records, title=run.name, path=run / PICTURES / "learning.png")
        journal.pictures({"learning curves": curves})
    text = "\n\n".join(said)
    write_text(run / TABLES, text + "\n")
    return text


def trained(run: Path, recipe: Recipe, found: Ground) -> Linker:
    """The linker of a run; its index is built where it is not there, or was built for another encoder."""
    folder = checkpoint.published(run)
    stamp = Stamp(checkpoint.encoder_fingerprint(folder), found.kb.fingerprint)
    if not indexing.made_by(run / INDEX, stamp):
        _index(run / INDEX, Encoder.load(folder), recipe, found, stamp)
    return Linker.load(run)


def untrained(run: Path, recipe: Recipe, found: Ground) -> Linker:
    """The encoder as it came, as such encoders are used: a mention is shown as a name is, alone, the index holds no mentions."""
    kept = tuple(kind for kind in recipe.index.rows if kind != "mentions")
    its = replace(recipe, index=replace(recipe.index, rows=kept))
    encoder, stamp = Encoder(replace(recipe.encoder, view="bare")), Stamp(UNTRAINED, found.kb.fingerprint)
    _index(run / UNTRAINED_INDEX, encoder, its, found, stamp)
    index = indexing.opened(run / UNTRAINED_INDEX, found.kb, stamp=stamp, rebuild=f"tripel evaluate {run}")
    return Linker(encoder, found.kb, index)


def _index(folder: Path, encoder: Encoder, recipe: Recipe, found: Ground, stamp: Stamp) -> None:
    taught, _ = lesson(recipe, found, encoder)
    with bar("encoding the knowledge base") as progress:
        indexing.make(folder, encoder, found.kb, taught, recipe.index, stamp=stamp, progress=progress)


def _judged(recipe: Recipe, found: Ground) -> list[str]:
    learned = {document.id for document in found.documents["train"]}
    return [
        role for role in recipe.data.judged if not learned.issuperset(document.id for document in found.documents[role])
    ]


def _judge_role(
    run: Path, recipe: Recipe, found: Ground, role: str, systems: Mapping[str, Linker], journal: Journal
) -> str:
    answers = _answers(found, role, systems)
    truth = right(found, role)
    for (system, protocol), made in answers.items():
        encoder = checkpoint.encoder_fingerprint(checkpoint.published(run)) if system == TRAINED else ""
        origin = Origin(protocol=protocol, system=system, encoder=encoder, knowledge_base=found.kb.fingerprint)
        predictions.write(run / "predictions" / f"{role}-{system}-{protocol}.jsonl", origin, made)
    scores = [
        evaluate(made, truth, kb=found.kb, system=system, protocol=protocol, seed=recipe.trainer.seed)
        for (system, protocol), made in answers.items()
    ]
    for one in scores:
        write_json(run / "scores" / f"{role}-{one.system}-{one.protocol}.json", one.to_json())
    full = [one for one in scores if one.protocol == FULL]
    journal.pictures(_pictures(run / PICTURES, role, full))
    figures: list[list[float | int | str]] = [
        [f"{one.system}, {one.protocol}", one.linkable.accuracy[1].value] for one in scores
    ]
    journal.tables(role, ["system", "accuracy@1"], figures)
    gained = tables.gains(_gains(answers, truth, found, seed=recipe.trainer.seed))
    return f"## {role}\n\n{tables.main(scores)}\n\n{gained}\n\n{tables.slices(full)}"


def right(found: Ground, role: str) -> Gold:
    """What is right of the mentions of dev or test, with the slices they are in."""
    documents, hits = found.documents[role], found.candidates[role]
    said = predictions.of(documents, hits.row_MK, hits.score_MK, found.kb)
    lexical = {(one.document, one.start, one.end): one.ids for one in said}
    return gold(documents, kb=found.kb, train=found.documents["train"], retrieved=lexical.__getitem__)


def _answers(found: Ground, role: str, systems: Mapping[str, Linker]) -> Answers:
    """What every system says; spelling first, whose candidates the others rank, too."""
    documents, candidates = found.documents[role], found.candidates[role]
    ranked: dict[tuple[str, str], Hits] = {(LEXICAL, FULL): candidates}
    for name, linker in systems.items():
        with bar(f"linking {role}, {name}") as progress:
            within, full = linker.both(documents, candidates.row_MK, progress=progress)
        ranked |= {(name, CANDIDATES): within, (name, FULL): full}
    return {key: predictions.of(documents, hits.row_MK, hits.score_MK, found.kb) for key, hits in ranked.items()}


def _gains(answers: Answers, truth: Gold, found: Ground, *, seed: int) -> dict[str, Paired]:
    best = answers[TRAINED, FULL]
    others = {name: made for (name, protocol), made in answers.items() if protocol == FULL and name != TRAINED}
    return {
        f"{TRAINED} over {name}": compare(best, made, truth, kb=found.kb, seed=seed) for name, made in others.items()
    }


def _pictures(folder: Path, role: str, full: Sequence[Scores]) -> dict[str, Path]:
    n = full[0].linkable.n
    curves = {one.system: {k: figure.value for k, figure in one.linkable.accuracy.items()} for one in full}
    drawn = {
        f"{role} accuracy at k": plots.accuracy_curves(
            curves, n=n, title=f"{role}, full knowledge base", path=folder / f"{role}-accuracy.png"
        )
    }
    for heading, xlabel in _bucketed(full):
        buckets = {one.system: one.slices[heading] for one in full}
        name = heading.replace(" ", "-")
        drawn[f"{role} by {heading}"] = plots.by_bucket(
            buckets, title=f"{role}, full knowledge base", xlabel=xlabel, path=folder / f"{role}-{name}.png"
        )
    return drawn


def _bucketed(full: Sequence[Scores]) -> Iterator[tuple[str, str]]:
    labels = {
        "training clusters": "training clusters of the gold entity",
        "short form": "short forms, by how many entities they stand for",
    }
    return ((heading, label) for heading, label in labels.items() if heading in full[0].slices)
