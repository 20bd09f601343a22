"""What training a tagger takes, alone or together with a linker: its labels, its lesson, and the look at dev after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tripel import config
from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.objectives.tagging import Tagging, Texts
from tripel.recognizers.tagger import Reader, keep_tags
from tripel.tagging.judging import quick
from tripel.tagging.recipe import TaggerRecipe
from tripel.tagging.tags import Tags
from tripel.training.checkpoint import CONFIG
from tripel.training.recipe import Recipe
from tripel.training.trainer import Trainer

RecipeT = TypeVar("RecipeT", Recipe, TaggerRecipe)


def told(recipe: RecipeT, train: Sequence[Document], run: Path) -> RecipeT:
    """The recipe with the types that training documents have and the encoder's dimensions, kept in the run folder."""
    its = recipe.objective.settings
    if its.typed and not its.types:
        types = sorted({mention.type for document in train for mention in document.mentions} - {""})
        its = replace(its, types=tuple(types), dimensions=Encoder(recipe.encoder).dimensions)
        recipe = replace(recipe, objective=replace(recipe.objective, settings=its))
        config.save(run / CONFIG, recipe.dump())
    keep_tags(run, Tags(its.scheme, its.types or ("",)))
    return recipe


def lesson(recipe: TaggerRecipe, documents: dict[str, tuple[Document, ...]]) -> Texts:
    """The training documents with all their mentions. Raises ValueError where they have none."""
    train = documents["train"]
    if not any(document.mentions for document in train):
        raise ValueError("no training document has a mention: is this the right corpus?")
    return Texts(train, recipe.encoder.long_forms)


def look(trainer: Trainer, gold: Sequence[Document]) -> Callable[[Encoder], float]:
    """Strong F1 on some documents of dev with what is being trained."""
    objective = trainer.student.objective
    assert isinstance(objective, Tagging)
    return lambda encoder: quick(Reader(encoder, objective.head, objective.tags), gold)
