"""What the doors call: train, resume, evaluate, link. The only module that wires layers together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tripel import cards, checkpoint, config, reporting, reranker_training, tables
from tripel.asking import encoder_of
from tripel.comparing import compared, named, said
from tripel.encoder import Encoder
from tripel.end_to_end import end_to_end
from tripel.environment import describe
from tripel.exporting import export
from tripel.files import read_json, write_json, write_text
from tripel.find import component
from tripel.journal import METRICS, Journal
from tripel.judging import PICTURES, TABLES, judge, right
from tripel.link_files import JSON, WORDS, Goal, link_texts
from tripel.linker import Linker
from tripel.model_card import card
from tripel.name_judging import judge_names, quick
from tripel.name_preparing import name_ground, name_lesson
from tripel.name_recipe import NameRecipe
from tripel.pair_files import read as read_pairs
from tripel.preparing import Ground, ground, lesson
from tripel.ranker import INDEX
from tripel.recipe import Recipe, Role
from tripel.reranker import RERANKER
from tripel.separating import separate
from tripel.training import agreed, begun, processes, steps
from tripel.watching import Lessons, watched
from tripel.whole import WEIGHTS

CONFIG, ENVIRONMENT = "config.yaml", "environment.json"
EXAMPLES = "examples.txt"
SHOWN = 3  # candidates of an example
MEAN = {"entity_pooling": "mean"}  # how encoders that were not trained here are mostly used


def train(path: Path, overrides: Sequence[str] = (), *, output: Path | None = None) -> Path:
    """Train from a YAML file. Gives the run folder, which holds all that `resume`, `evaluate` and `link` need."""
    recipe = recipe_of(config.load(path, overrides))
    run = agreed(output or Path("runs") / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    if processes().is_main_process:
        if (run / METRICS).exists() or (run / checkpoint.ENCODER).exists():
            raise ValueError(f"{run} is a run already; go on with `tripel resume {run}`, or choose another --output")
        config.save(run / CONFIG, recipe.dump())
        write_json(run / ENVIRONMENT, describe())
    return _train_any(recipe, run, resumed=False)


def resume(run: Path) -> Path:
    """Go on with a run that was stopped, from its last checkpoint."""
    return _train_any(read_recipe(run), run, resumed=True)


def read_recipe(run: Path) -> Recipe | NameRecipe:
    """The recipe of a run folder."""
    if not (run / CONFIG).is_file():
        raise ValueError(f"{run}: not a run folder (no {CONFIG}); `tripel train` makes one")
    return recipe_of(config.load(run / CONFIG))


def evaluate(run: Path, *, on: Sequence[Role] = ()) -> str:
    """Judge a run again, on dev or test where one is named. Gives the tables as Markdown."""
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        return judge_names(run, recipe, name_ground(recipe, run), Journal.silent())
    if on:
        recipe = replace(recipe, data=replace(recipe.data, judged=tuple(on)))
    found = _ground(recipe, run)
    return judge(run, recipe, found, Journal.silent())


def rerank(run: Path, overrides: Sequence[str] = ()) -> str:
    """Train a re-ranker for a judged run, from its encoder and on what that confuses, then judge the run with it.

    Called again it goes on where it stopped. Gives the tables as Markdown.
    """
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        raise ValueError(f"{run}: learnt from names alone; a re-ranker reads mentions")
    found, folder = _ground(recipe, run), run / RERANKER
    resumed = (folder / CONFIG).exists()
    its = (
        reranker_training.recipe(recipe, run, overrides)
        if not resumed
        else Recipe.read(config.load(folder / CONFIG, overrides))
    )
    if processes().is_main_process:
        config.save(folder / CONFIG, its.dump())
    for journal in reranker_training.trained(its, found, folder, resumed=resumed):
        judged = judge(run, recipe, found, journal)
        finish(run, recipe, found)
        return judged
    return ""


def compare(run: Path, others: Sequence[Path], *, on: Sequence[Role] = ()) -> str:
    """A judged run against other runs, or files of predictions, on the same mentions. Gives the tables as Markdown."""
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        raise ValueError(f"{run}: learnt from names alone; compare encoders of names with `tripel separation`")
    found = _ground(recipe, run)
    return "\n\n".join(str(compared([run, *others], found, role, seed=recipe.trainer.seed)) for role in on or ("test",))


def found(run: Path, others: Sequence[Path], *, on: Sequence[Role] = ()) -> str:
    """Files of mentions that other systems found and linked, against what is annotated. Gives the tables as Markdown."""
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        raise ValueError(f"{run}: learnt from names alone; it says nothing of what documents hold")
    its = _ground(recipe, run)
    parts = []
    for role in on or ("test",):
        answers, truth = {name: said(path, role) for name, path in named(others).items()}, right(its, role)
        ids = [document.id for document in its.documents[role]]
        judged = [
            end_to_end(made, truth, documents=ids, kb=its.kb, system=name, seed=recipe.trainer.seed)
            for name, made in answers.items()
        ]
        parts.append(f"## {role}\n\n{tables.found(judged)}")
    return "\n\n".join(parts)


def report(run: Path, others: Sequence[Path], *, folder: Path, texts: bool = True) -> Path:
    """A judged run, other runs and files of predictions beside it, as one page with tables and pictures; gives the page."""
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        raise ValueError(f"{run}: learnt from names alone; its tables are in {run / TABLES}")
    found = _ground(recipe, run)
    return reporting.report([run, *others], recipe, found, folder=folder, texts=texts)


def link(linker: Linker, texts: Iterable[str], *, as_json: bool = False) -> Iterator[str]:
    """Link texts, whose mentions stand in [[double brackets]] or are found, and say of each what came out."""
    return link_texts(linker, texts, Goal(form=JSON if as_json else WORDS))


def linker_of(run: Path, **settings: Any) -> Linker:
    """Of a run, or of a folder that links without one; `settings` as of `Linker.load`."""
    linker_alone = (run / INDEX).is_dir() and not (run / CONFIG).exists()
    if not linker_alone and isinstance(read_recipe(run), NameRecipe):
        raise ValueError(
            f"{run}: learnt from names alone; ask it with `tripel index query {run}`, or train a linker from it"
        )
    return Linker.load(run, **settings)


def separation(models: Sequence[str], pairs: Path, *, output: Path) -> str:
    """Score separation of encoders, each a run, a folder, a name on the hub, or `embedded`. Gives the table as Markdown."""
    its = read_pairs(pairs)
    encoders = {
        Path(model).name: encoder_of(model, {} if Path(model, "encoder").is_dir() else MEAN) for model in models
    }
    if len(encoders) < len(models):
        raise ValueError(f"{', '.join(models)}: two of them have the same name; the pictures need different ones")
    return separate(encoders, its, output)


def export_names(run: Path, folder: Path) -> None:
    """A run's encoder as a Sentence Transformers model."""
    export(Encoder.load(checkpoint.published(run)), folder)


def told(run: Path) -> str:
    """Where everything of a finished run is; of several processes the first says it."""
    if not processes().is_main_process:
        return ""
    lines = [(run / TABLES).read_text(encoding="utf-8")]
    if (run / EXAMPLES).exists():
        lines.append((run / EXAMPLES).read_text(encoding="utf-8"))
    places = {"run folder": run, "tables": run / TABLES, "pictures": run / PICTURES, "model card": run / "README.md"}
    return "\n".join([*lines, *(f"{what:<12}{path}" for what, path in places.items())])


def finish(run: Path, recipe: Recipe, found: Ground) -> None:
    """The examples linked, and the model card."""
    if recipe.data.examples:
        write_text(run / EXAMPLES, "\n".join(link(linker_of(run, k=SHOWN), recipe.data.examples)) + "\n")
    write_text(run / "README.md", card(cards.of_linker(run, recipe, found)))


def recipe_of(values: dict[str, Any]) -> Recipe | NameRecipe:
    """A linker learns from a corpus; what learns from names has pairs."""
    recipe: Recipe | NameRecipe = (NameRecipe if "pairs" in values else Recipe).read(values)
    wanted = "names" if isinstance(recipe, NameRecipe) else "mentions"
    learns = component("objectives", recipe.objective.name).learns
    if learns != wanted:
        instead = "give `pairs` and no corpus" if learns == "names" else "give a corpus and no `pairs`"
        raise ValueError(f"objective.name: {recipe.objective.name} learns from {learns}, not from {wanted}; {instead}")
    return recipe


def _train_any(recipe: Recipe | NameRecipe, run: Path, *, resumed: bool) -> Path:
    return _train_names(recipe, run, resumed) if isinstance(recipe, NameRecipe) else _train(recipe, run, resumed)


def _train(recipe: Recipe, run: Path, resumed: bool) -> Path:
    weights = Path(recipe.whole.like) / WEIGHTS
    if recipe.whole.weigh and recipe.whole.like and not weights.is_file():
        raise ValueError(
            f"{weights}: no weights there; first train that run, from train alone and with whole.weigh=true"
        )
    with processes().main_process_first():  # the others read what it wrote
        found = _ground(recipe, run)
    trainer, start, near = begun(recipe, run)
    made, pool = lesson(recipe, found, trainer.student.encoder)
    lessons = Lessons(recipe.negatives, trainer, replace(made, near=near or made.near), pool, start=start)
    look = None
    if recipe.data.watched > 0:
        look = partial(watched, found=found, documents=recipe.data.watched)
    for journal in steps(recipe, run, resumed, trainer, lessons.of, start, near=lambda: lessons.now.near, look=look):
        judge(run, recipe, found, journal)
        finish(run, recipe, found)
    return run


def _train_names(recipe: NameRecipe, run: Path, resumed: bool) -> Path:
    with processes().main_process_first():
        found = name_ground(recipe, run)
        made = name_lesson(recipe, found, run)
    trainer, start, _ = begun(recipe, run)
    look = None if found.watched is None else partial(quick, asked=found.watched)
    for journal in steps(recipe, run, resumed, trainer, lambda epoch: made, start, look=look):
        judge_names(run, recipe, found, journal)
        write_text(run / "README.md", card(cards.of_names(run, recipe, found)))
    return run


def _ground(recipe: Recipe, run: Path) -> Ground:
    """What a run stands on, written down. Raises ValueError where that is no longer what the run began with."""
    found = ground(recipe, run)
    said = read_json(run / ENVIRONMENT) if (run / ENVIRONMENT).exists() else {}
    if not said.keys() >= found.fingerprints.keys():
        write_json(run / ENVIRONMENT, {**said, **found.fingerprints})
        return found
    for what, ours in found.fingerprints.items():
        if said[what] != ours:
            raise ValueError(
                f"{run}: the {what} changed since the run began; put back what it was, or train in another folder"
            )
    return found
