"""From a recipe of names to what training and judging need: a knowledge base, pairs, mined wrong names, questions.

Shapes: P pairs, K wrong names of each, Q questions, N names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tripel.config import choose
from tripel.encoding.encoder import Encoder
from tripel.files import located, replacing
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.ranker import KNOWLEDGE
from tripel.names import negatives as name_negatives
from tripel.names import pair_files
from tripel.names.batches import NameLesson
from tripel.names.pair_files import NamePair
from tripel.names.recipe import NameRecipe
from tripel.names.synonyms import Drawn, Int, Pairs, ambiguous, candidates, held_out
from tripel.progress import bar
from tripel.terminologies.dictionary import read_names
from tripel.training import checkpoint
from tripel.training.preparing import knowledge_base

MINED = "mined.safetensors"
ASKED = 10_000  # concepts of which a name is asked for, at most


@dataclass(frozen=True, eq=False)
class Questions:
    """Names whose concept is asked for, and the names among which it is to be found."""

    kb: KnowledgeBase
    hidden: Int
    """Names of `kb` that are not to be found: those that are asked for."""
    texts: tuple[str, ...]
    gold: tuple[frozenset[str], ...]
    """The right ids of each question."""


@dataclass(frozen=True, eq=False)
class NameGround:
    """What a run stands on."""

    kb: KnowledgeBase
    pairs: Pairs
    wrong_PK: Int | None
    """The negatives of a pair file, where it has some."""
    watched: Questions | None
    """Looked at after each epoch."""
    exam: Questions | None
    """Asked before and after training."""
    apart: tuple[NamePair, ...]
    """A pair of each concept held out, for `tripel separation`."""


def name_ground(recipe: NameRecipe, run: Path) -> NameGround:
    """Read pairs or draw them; the knowledge base is kept in the run folder."""
    kb, pairs, wrong_PK, watched, exam = _from_file(recipe) if recipe.pairs.file else _from_terminologies(recipe, run)
    if not (run / KNOWLEDGE).exists():
        kb.save(run / KNOWLEDGE)
    if recipe.exam.queries:
        exam = _asked(located(recipe.exam.dictionary), located(recipe.exam.queries))
    return NameGround(kb, pairs, wrong_PK, watched, exam, _pairs_of(watched))


def name_lesson(recipe: NameRecipe, found: NameGround, run: Path) -> NameLesson:
    """What the objective learns from; wrong names are mined once and kept in the run folder."""
    shared = ambiguous(found.kb)
    lesson = NameLesson(found.kb, found.pairs, found.wrong_PK, shared)
    wanted = int(getattr(recipe.objective.settings, "wrong", 0))
    there = recipe.negatives.k or (0 if found.wrong_PK is None else found.wrong_PK.shape[1])
    if wanted > there:
        raise ValueError(
            f"objective.wrong is {wanted}, and {there} wrong names of each pair are there: say negatives.k={wanted}, so that so"
            " many are mined"
        )
    if not recipe.negatives.k:
        return lesson
    if not (run / MINED).exists():
        its = recipe.negatives.model
        if its and (Path(its) / checkpoint.ENCODER).is_dir():
            encoder = Encoder.load(checkpoint.published(Path(its)))  # as it was trained
        else:
            encoder = Encoder(replace(recipe.encoder, model=its or recipe.encoder.model))
        with bar("mining wrong names") as progress:
            wrong_PK = name_negatives.mine(encoder, lesson, recipe.negatives, folder=run, progress=progress)
        with replacing(run / MINED) as part:
            save_file({"wrong": wrong_PK}, part)
    return replace(lesson, wrong_PK=load_file(run / MINED)["wrong"])


def _from_terminologies(
    recipe: NameRecipe, run: Path
) -> tuple[KnowledgeBase, Pairs, None, Questions | None, Questions | None]:
    kb = knowledge_base(recipe.terminologies, run / KNOWLEDGE)
    seed = recipe.trainer.seed
    rows = candidates(kb, recipe.pairs, seed=seed)
    learnt, apart = held_out(rows, share=recipe.pairs.held_out, seed=seed)
    exam = _held_out_names(kb, apart, seed=seed)
    watched = None
    if exam is not None:
        small = KnowledgeBase.of(kb[int(row)] for row in apart)
        watched = _held_out_names(small, np.arange(len(small)), seed=seed)
    return kb, Drawn(kb, learnt, recipe.pairs, seed=seed), None, watched, exam


def _from_file(recipe: NameRecipe) -> tuple[KnowledgeBase, Pairs, Int | None, Questions | None, None]:
    kb, pairs, negative_P = pair_files.grounded(pair_files.read(located(recipe.pairs.file)))
    wrong_PK = negative_P[:, None] if (negative_P >= 0).any() else None
    watched = None
    if recipe.pairs.validation:
        watched = _of_pairs(pair_files.read(located(recipe.pairs.validation)))
    return kb, pairs, wrong_PK, watched, None


def _held_out_names(kb: KnowledgeBase, rows: Int, *, seed: int) -> Questions | None:
    """Of each concept one name that no other concept has, drawn at random from those after the first."""
    rng = np.random.default_rng([seed, 5])
    shared = ambiguous(kb)
    hidden = []
    for row in rng.permutation(rows)[:ASKED]:
        its = [
            n for n in range(kb.first_E[row] + 1, kb.first_E[row + 1]) if kb.names[n].as_py().casefold() not in shared
        ]
        if its:
            hidden.append(its[int(rng.integers(len(its)))])
    if not hidden:
        return None
    names = np.sort(np.array(hidden, np.int64))
    gold = tuple(frozenset([kb.id(int(row))]) for row in kb.row_N[names])
    return Questions(kb, names, tuple(kb.names.take(names).to_pylist()), gold)


def _pairs_of(asked: Questions | None) -> tuple[NamePair, ...]:
    """Each question with the preferred name of its concept."""
    if asked is None or not len(asked.hidden):
        return ()
    rows = asked.kb.row_N[asked.hidden]
    first = asked.kb.names.take(asked.kb.first_E[rows]).to_pylist()
    return tuple(
        NamePair(asked.kb.id(int(row)), anchor, text)
        for row, anchor, text in zip(rows, first, asked.texts, strict=True)
    )


def _of_pairs(pairs: Sequence[NamePair]) -> Questions:
    kb = KnowledgeBase.of(Entity(id=pair.entity, name=pair.anchor) for pair in pairs)
    return Questions(
        kb, np.array([], np.int64), tuple(p.positive for p in pairs), tuple(frozenset([p.entity]) for p in pairs)
    )


def _asked(dictionary: Path, queries: Path) -> Questions:
    kb = KnowledgeBase.of(
        choose("terminologies", {"name": "dictionary", "path": str(dictionary)}, where="exam").make().entities()
    )
    asked = read_names(queries)
    unknown = sorted({id for id, _ in asked} - {entity.id for entity in kb})
    if unknown:
        raise ValueError(f"{queries}: asks for {', '.join(unknown[:5])}, which {dictionary} does not have")
    return Questions(
        kb, np.array([], np.int64), tuple(name for _, name in asked), tuple(frozenset([id]) for id, _ in asked)
    )
