"""Judging an encoder of names: names it never learnt from, looked up among all others, before training and after.

Shapes: Q questions, N names.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from tripel.encoding.encode import entity_vectors, unit_vectors
from tripel.encoding.encoder import Encoder
from tripel.files import read_lines, write_json, write_text
from tripel.indexes.base import Queries
from tripel.indexes.exact import Exact
from tripel.judging import metrics
from tripel.judging.kept import TABLES, TRAINED, UNTRAINED, UNTRAINED_INDEX
from tripel.judging.metrics import Float
from tripel.judging.runs import draw_learning
from tripel.linking.ranker import INDEX
from tripel.names import pair_files
from tripel.names.preparing import NameGround, Questions
from tripel.names.recipe import NameRecipe
from tripel.progress import bar
from tripel.reports import tables
from tripel.searching import indexing
from tripel.searching.folding import Entities, Part
from tripel.searching.indexing import Stamp
from tripel.searching.vectors import Vectors
from tripel.training import checkpoint
from tripel.training.journal import METRICS, Journal

AT = (1, 5)
HELD_OUT = "held_out.tsv"


def judge_names(run: Path, recipe: NameRecipe, found: NameGround, journal: Journal) -> str:
    """Index the trained encoder's names, ask both encoders, and write down what came out. Gives the table as Markdown."""
    trained = Encoder.load(checkpoint.published(run))
    stamp = Stamp(checkpoint.encoder_fingerprint(checkpoint.published(run)), found.kb.fingerprint)
    index = _index(run / INDEX, trained, found, recipe, stamp)
    said = [_steps(run)]
    if found.exam is not None:
        asked = found.exam
        before = _before(run, recipe, found, asked)
        after = _ranks(trained, index if asked.kb is found.kb else _own(trained, asked), asked)
        said.insert(0, _table(run, recipe, asked, {UNTRAINED: before, TRAINED: after}, journal))
    draw_learning(run, journal)
    if found.apart:
        pair_files.write(run / HELD_OUT, found.apart)
    text = "\n\n".join(said)
    write_text(run / TABLES, text + "\n")
    return text


def quick(encoder: Encoder, asked: Questions) -> float:
    """accuracy@1 on questions over few names."""
    return round(float(metrics.hits(_ranks(encoder, _own(encoder, asked), asked), k=1).mean()), 6)


def _before(run: Path, recipe: NameRecipe, found: NameGround, asked: Questions) -> metrics.Int:
    encoder = Encoder(recipe.encoder)
    if asked.kb is not found.kb:
        return _ranks(encoder, _own(encoder, asked), asked)
    index = _index(run / UNTRAINED_INDEX, encoder, found, recipe, Stamp(UNTRAINED, found.kb.fingerprint))
    ranks_Q = _ranks(encoder, index, asked)
    shutil.rmtree(run / UNTRAINED_INDEX)
    return ranks_Q


def _index(folder: Path, encoder: Encoder, found: NameGround, recipe: NameRecipe, stamp: Stamp) -> Entities:
    if not indexing.made_by(folder, stamp):
        with bar("encoding the knowledge base") as progress:
            indexing.make(folder, encoder, found.kb, None, recipe.index, stamp=stamp, progress=progress)
    return indexing.opened(folder, found.kb, stamp=stamp, rebuild=f"tripel evaluate {folder.parent}")


def _own(encoder: Encoder, asked: Questions) -> Entities:
    """An index in memory of the names of the questions."""
    unit_ND = unit_vectors(encoder, entity_vectors(encoder, asked.kb.names.to_pylist()))
    exact = Exact(Exact.Config(), Vectors([unit_ND]), similarity=encoder.config.similarity)
    return Entities([Part(exact, asked.kb.row_N, np.arange(len(unit_ND)), "names")])


def _ranks(encoder: Encoder, index: Entities, asked: Questions) -> metrics.Int:
    """The place of the right concept among the first 5 of each question [Q]; 0 where it is none of them."""
    open_parts = [
        replace(part, entity_N=np.where(np.isin(part.name_N, asked.hidden), -1, part.entity_N)) for part in index.parts
    ]
    query_QD = unit_vectors(encoder, entity_vectors(encoder, asked.texts))
    hits = Entities(open_parts).search(Queries(vectors_MD=query_QD), k=max(AT))
    ids = [[asked.kb.id(int(row)) for row in rows if row >= 0] for rows in hits.row_MK]
    return np.array([metrics.rank(gold, its) for gold, its in zip(asked.gold, ids, strict=True)], np.int64)


def _table(run: Path, recipe: NameRecipe, asked: Questions, ranks: dict[str, metrics.Int], journal: Journal) -> str:
    each_Q, seed = np.arange(len(asked.texts)), recipe.trainer.seed
    figures = {
        name: {k: metrics.mean(metrics.hits(rank_Q, k=k), each_Q, seed=seed) for k in AT}
        for name, rank_Q in ranks.items()
    }
    gained = metrics.paired(_first(ranks[TRAINED]), _first(ranks[UNTRAINED]), each_Q, seed=seed)
    write_json(
        run / "scores" / "names.json",
        {name: {str(k): asdict(one) for k, one in its.items()} for name, its in figures.items()},
    )
    rows: Sequence[Sequence[str]] = [
        [name, *(tables.with_interval(its[k]) for k in AT)] for name, its in figures.items()
    ]
    journal.tables(
        "names", ["encoder", *(f"@{k}" for k in AT)], [[n, *(i[k].value for k in AT)] for n, i in figures.items()]
    )
    names = len(asked.kb.names) - len(asked.hidden)
    return (
        f"accuracy in % over {len(asked.texts):,} names that were not learnt from, looked up among {names:,} names of"
        f" {len(asked.kb):,} concepts; 95 % interval by bootstrap\n\n"
        f"{tables.Table(['encoder', *(f'@{k}' for k in AT)], rows)}\n\n"
        f"{tables.gains({f'{TRAINED} over {UNTRAINED}': gained})}"
    )


def _first(rank_Q: metrics.Int) -> Float:
    return metrics.hits(rank_Q, k=1)


def _steps(run: Path) -> str:
    """How many steps there were, and in how many nothing was hard."""
    steps = [record for record in read_lines(run / METRICS) if "loss" in record]
    without = sum(record.get("without_hard_pair", 0) for record in steps)
    said = f"{len(steps):,} steps"
    if not steps:
        return said
    return f"{said}, {without:,.0f} of them without a hard pair, skipped" if "without_hard_pair" in steps[-1] else said
