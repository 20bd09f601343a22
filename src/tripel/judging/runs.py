"""Judging a trained run, its baselines beside it: predictions in files, scores, tables and pictures in the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.files import read_lines, write_json, write_text
from tripel.indexes.base import Bool, Hits
from tripel.judging import predictions
from tripel.judging.choosing import Looked, said_of, weighed
from tripel.judging.evaluation import Scores, compare, evaluate
from tripel.judging.gold import Gold, gold
from tripel.judging.kept import (
    BEST,
    CANDIDATES,
    FULL,
    LEXICAL,
    PICTURES,
    PREDICTIONS,
    ROLE_TABLES,
    SCORES,
    SPEEDS,
    TABLES,
    TRAINED,
    TRUST,
    UNTRAINED,
    UNTRAINED_INDEX,
    made_by,
    tables_of,
)
from tripel.judging.metrics import Paired
from tripel.judging.predictions import Origin, Prediction
from tripel.judging.splits import judged
from tripel.judging.trust import trust
from tripel.kb import library
from tripel.knowledge import KnowledgeBase
from tripel.linking.deciding import CALIBRATION, Calibration
from tripel.linking.ranker import INDEX, Ranker
from tripel.linking.reranker import mark
from tripel.linking.weighing import right_rows
from tripel.linking.whole import WEIGHTS, Weights
from tripel.progress import bar
from tripel.reports import maps, plots, tables
from tripel.searching import indexing
from tripel.searching.indexing import Stamp
from tripel.training import checkpoint
from tripel.training.journal import METRICS, Journal
from tripel.training.preparing import Ground, lesson
from tripel.training.recipe import Recipe

WITHOUT, OUTSIDE = (
    "without an id",
    "outside the knowledge base",
)  # why a mention is NIL: the annotators' vocabulary, or ours

Answers = dict[tuple[str, str], list[Prediction]]
"""Predictions by system and protocol."""


def judge(run: Path, recipe: Recipe, found: Ground, journal: Journal) -> str:
    """Rank the mentions of dev and test by every system, and write down what came out. Gives the tables as Markdown.

    A split all of which was learned from (dev, where `data.train` is `train+dev`) is not judged.
    """
    systems: dict[str, Ranker] = {}
    if recipe.data.compare_untrained:
        systems[UNTRAINED] = untrained(run, recipe, found)
    looked: dict[str, Looked] = {}
    ranker, roles = trained(run, recipe, found), judged(run, recipe, found)
    systems[TRAINED] = weighed(run, recipe, found, ranker, looked)
    said = [_judge_role(run, recipe, found, role, systems, looked, journal) for role in roles]
    shutil.rmtree(run / UNTRAINED_INDEX, ignore_errors=True)
    draw_learning(run, journal)
    for role, text in zip(roles, said, strict=True):
        write_text(run / ROLE_TABLES.format(role), text)
    chosen = said_of(systems[TRAINED])
    write_text(run / TABLES, "\n\n".join([*chosen, *tables_of(run)]) + "\n")
    return "\n\n".join([*chosen, *said])


def draw_learning(run: Path, journal: Journal) -> None:
    """The learning curves of a run, where it learnt something."""
    records = list(read_lines(run / METRICS)) if (run / METRICS).exists() else []
    if records:
        curves = plots.learning_curves(records, title=run.name, path=run / PICTURES / "learning.png")
        journal.pictures({"learning curves": curves})


def trained(run: Path, recipe: Recipe, found: Ground) -> Ranker:
    """The ranker of a run; its index is built where it is not there, or was built for another encoder."""
    folder = checkpoint.published(run)
    stamp = Stamp(checkpoint.encoder_fingerprint(folder), found.kb.fingerprint)
    if not indexing.made_by(run / INDEX, stamp):
        _index(run / INDEX, Encoder.load(folder), recipe, found, stamp)
    serve = (run / WEIGHTS).exists() and Weights.load(run / WEIGHTS).serve(stamp.encoder, mark(run))
    if recipe.whole.weigh != serve:
        (run / WEIGHTS).unlink(missing_ok=True)  # of another encoder, which was trained on, or another re-ranker
        (run / CALIBRATION).unlink(missing_ok=True)  # fitted to what those weights made of candidates
    if (run / CALIBRATION).exists() and not Calibration.load(run / CALIBRATION).serve(stamp.encoder, mark(run)):
        (run / CALIBRATION).unlink()
    return Ranker.load(run)


def untrained(run: Path, recipe: Recipe, found: Ground) -> Ranker:
    """The encoder as it came, as such encoders are used: a mention is shown as a name is, alone, and the index holds no texts."""
    kept = tuple(kind for kind in recipe.index.rows if kind not in ("mentions", "descriptions"))
    its = replace(recipe, index=replace(recipe.index, rows=kept or ("names",)))
    encoder, stamp = Encoder(replace(recipe.encoder, view="bare")), Stamp(UNTRAINED, found.kb.fingerprint)
    _index(run / UNTRAINED_INDEX, encoder, its, found, stamp)
    index = indexing.opened(run / UNTRAINED_INDEX, found.kb, stamp=stamp, rebuild=f"tripel evaluate {run}")
    return Ranker(encoder, found.kb, index)


def _index(folder: Path, encoder: Encoder, recipe: Recipe, found: Ground, stamp: Stamp) -> None:
    taught, _ = lesson(recipe, found, encoder)
    with bar("encoding the knowledge base") as progress:
        indexing.make(folder, encoder, found.kb, taught, recipe.index, stamp=stamp, progress=progress)


def _judge_role(
    run: Path,
    recipe: Recipe,
    found: Ground,
    role: str,
    systems: Mapping[str, Ranker],
    looked: dict[str, Looked],
    journal: Journal,
) -> str:
    answers = _answers(run, found, role, systems, looked)
    truth = right(found, role)
    own = made_by(run)
    for (system, protocol), made in answers.items():
        by = own if system in (TRAINED, BEST) else {"encoder": ""}
        origin = Origin(protocol=protocol, system=system, knowledge_base=found.kb.fingerprint, **by)
        predictions.write(run / PREDICTIONS.format(role, system, protocol), origin, made)
    scores = [
        evaluate(made, truth, kb=found.kb, system=system, protocol=protocol, seed=recipe.trainer.seed)
        for (system, protocol), made in answers.items()
    ]
    for one in scores:
        write_json(run / SCORES.format(role, one.system, one.protocol), one.to_json())
    full = [one for one in scores if one.protocol == FULL]
    drawn = _map(run, recipe, found, role, systems[TRAINED])
    named = drawn if library.all_shareable(found.kb) else {}  # its legend names entities
    journal.pictures(_pictures(run / PICTURES, role, full) | named)
    figures: list[list[float | int | str]] = [
        [f"{one.system}, {one.protocol}", one.linkable.accuracy[1].value] for one in scores
    ]
    journal.tables(role, ["system", "accuracy@1"], figures)
    gained = tables.gains(_gains(answers, truth, found, seed=recipe.trainer.seed))
    parts = [f"## {role}", tables.main(scores), gained, tables.slices(full)]
    trusted = _trusted(run, found, role, systems[TRAINED], looked[role], seed=recipe.trainer.seed)
    return "\n\n".join(map(str, [*parts, *trusted]))


def _trusted(run: Path, found: Ground, role: str, ranker: Ranker, look: Looked, *, seed: int) -> list[str]:
    """How far the probabilities of the trained system can be trusted; nothing where it was not calibrated."""
    path = run / TRUST.format(role)
    if ranker.calibration is None:
        path.unlink(missing_ok=True)  # of a calibration that there no longer is
        return []
    documents = found.documents[role]
    ranked = ranker.judged(look.asked, look.hits, look.evidence)
    assert ranked.probability_MK is not None
    right_MK = right_rows(documents, found.kb, ranked.hits)
    kinds = nil(documents, found.kb)
    its = trust(
        ranked.probability_MK[:, 0],
        right_MK[:, 0],
        np.any(list(kinds.values()), axis=0),
        look.asked.document_M,
        thresholds=ranker.calibration.thresholds(),
        kinds=kinds,
        seed=seed,
    )
    its.save(path)
    return [tables.trust(its)]


def nil(documents: Sequence[Document], kb: KnowledgeBase) -> dict[str, Bool]:
    """Which mentions no entity of the knowledge base is right for, by the reason [M]."""
    mentions = [mention for document in documents for mention in document.mentions]
    without_M = np.array([not mention.entities for mention in mentions], np.bool_)
    unknown_M = np.array([not kb.rows(mention.entities) for mention in mentions], np.bool_)
    return {WITHOUT: without_M, OUTSIDE: unknown_M & ~without_M}


def right(found: Ground, role: str) -> Gold:
    """What is right of the mentions of dev or test, with the slices they are in."""
    documents, hits = found.documents[role], found.candidates[role]
    said = predictions.of(documents, hits.row_MK, hits.score_MK, found.kb)
    lexical = {(one.document, one.start, one.end): one.ids for one in said}
    return gold(documents, kb=found.kb, train=found.documents["train"], retrieved=lexical.__getitem__)


def _answers(run: Path, found: Ground, role: str, systems: Mapping[str, Ranker], looked: dict[str, Looked]) -> Answers:
    """What every system says; spelling first, whose candidates the others rank, too. How fast each was is written down:
    mentions a second, encoded and searched for among all entities."""
    documents, candidates = found.documents[role], found.candidates[role]
    ranked: dict[tuple[str, str], Hits] = {(LEXICAL, FULL): candidates}
    speeds: dict[str, float] = {}
    for name, ranker in systems.items():
        if name == TRAINED and role in looked:
            look = looked[role]
        else:
            look = Looked.by(ranker, documents, said=f"{role}, {name}", whole=ranker.weights is not None)
        if name == TRAINED:
            looked[role] = look
        full = look.hits
        if ranker.weights is not None and look.evidence is not None:
            full = ranker.weights.ranked(look.hits, look.evidence, look.asked)
        speeds[name] = len(look.asked) / (look.seconds + look.weighing)
        with bar(f"judging lexical candidates of {role}, {name}") as progress:
            within = ranker.within(look.asked, candidates.row_MK, progress=progress)
        ranked |= {(name, CANDIDATES): within, (name, FULL): full}
        if ranker.weights is not None:
            speeds[BEST] = len(look.asked) / look.seconds
            ranked[BEST, FULL] = look.hits
    write_json(run / SPEEDS / f"{role}.json", speeds)
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


def _map(run: Path, recipe: Recipe, found: Ground, role: str, ranker: Ranker) -> dict[str, Path]:
    """Mentions and names of a few entities as the encoder had them before training and has them now; drawn once."""
    its, path = maps.chosen(found.documents[role], found.kb), run / PICTURES / f"{role}-map.png"
    if path.exists() or not ranker.index.dense or not recipe.trainer.epochs or not maps.worth(its):
        return {}
    encoders = {**_before(recipe), "after": ranker.encoder}
    seed = recipe.trainer.seed
    laid = [maps.cloud(encoder, its, title=name, seed=seed) for name, encoder in encoders.items()]
    return {f"{role} map": plots.clouds(laid, *maps.labels(its, found.kb), path=path)}


def _before(recipe: Recipe) -> dict[str, Encoder]:
    """The encoder as it came; nothing where this machine does not have it, as when a run was copied here."""
    try:
        return {"before": Encoder(recipe.encoder)}
    except (OSError, ValueError):
        return {}


def _bucketed(full: Sequence[Scores]) -> Iterator[tuple[str, str]]:
    labels = {
        "training clusters": "training clusters of the gold entity",
        "short form": "short forms, by how many entities they stand for",
    }
    return ((heading, label) for heading, label in labels.items() if heading in full[0].slices)
