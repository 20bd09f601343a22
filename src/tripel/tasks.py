"""What the doors call: train, resume, evaluate, link. The only module that wires layers together."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tripel import config
from tripel.bulk.jobs import SIZE, Account, link_files
from tripel.bulk.ledger import To
from tripel.documents import Document
from tripel.encoding.encoder import Encoder
from tripel.environment import describe
from tripel.files import read_json, write_json, write_text
from tripel.find import component
from tripel.judging.comparing import compared, named, said
from tripel.judging.end_to_end import compare_f1, end_to_end
from tripel.judging.kept import PICTURES, TABLES
from tripel.judging.pipelines import judge_pipeline
from tripel.judging.runs import draw_learning, judge, right
from tripel.judging.splits import fresh, learnt_from, left
from tripel.kb import library
from tripel.linking import finding, reranker_training
from tripel.linking.link_files import JSON, WORDS, Goal, link_texts
from tripel.linking.linker import Linker
from tripel.linking.ranker import INDEX
from tripel.linking.reranker import RERANKER
from tripel.linking.whole import WEIGHTS
from tripel.names.exporting import export
from tripel.names.judging import judge_names, quick
from tripel.names.pair_files import read as read_pairs
from tripel.names.preparing import name_ground, name_lesson
from tripel.names.recipe import NameRecipe
from tripel.names.separating import separate
from tripel.objectives.tagging_and_linking import TaggingAndLinking
from tripel.recognizers.base import TAGGER
from tripel.reports import cards, reporting, tables
from tripel.reports.model_card import card
from tripel.reports.page import PAGE
from tripel.searching.asking import encoder_of
from tripel.tagging import training as tagger_training
from tripel.tagging.judging import judge_tagger
from tripel.tagging.recipe import TaggerRecipe
from tripel.training import checkpoint
from tripel.training.checkpoint import CONFIG
from tripel.training.journal import METRICS, Journal
from tripel.training.preparing import Ground, forget, ground, lesson, read_documents
from tripel.training.recipe import Data, Recipe, Role
from tripel.training.watching import Lessons, watched
from tripel.training.wiring import AnyRecipe, agreed, begun, processes, public, steps

ENVIRONMENT = "environment.json"
EXAMPLES = "examples.txt"
CARD = "README.md"
SHOWN = 3  # candidates of an example
MEAN = {"entity_pooling": "mean"}  # how encoders that were not trained here are mostly used


def train(path: Path | str, overrides: Sequence[str] = (), *, output: Path | str | None = None) -> Path:
    """Train from a YAML file, with `section.key=value` words laid over it. Gives the run folder, which holds all that `resume`,
    `evaluate` and `Linker.load` need.

    Raises ValueError in one sentence for settings that cannot work, and where the folder is a run already.
    """
    path = Path(path)
    recipe = recipe_of(config.load(path, overrides))
    run = agreed(Path(output) if output else Path("runs") / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    if processes().is_main_process:
        if (run / METRICS).exists() or (run / checkpoint.ENCODER).exists():
            raise ValueError(f"{run} is a run already; go on with `tripel resume {run}`, or choose another --output")
        if (run / CONFIG).exists():  # of an attempt that never began to train
            forget(run)
        config.save(run / CONFIG, recipe.dump())
        write_json(run / ENVIRONMENT, describe())
    return _train_any(recipe, run, resumed=False)


def resume(run: Path | str) -> Path:
    """Go on with a run that was stopped, from its last checkpoint; a finished one is judged again. Gives its folder."""
    run = Path(run)
    return _train_any(read_recipe(run), run, resumed=True)


def read_recipe(run: Path) -> AnyRecipe:
    """The recipe of a run folder."""
    if not (run / CONFIG).is_file():
        raise ValueError(f"{run}: not a run folder (no {CONFIG}); `tripel train` makes one")
    return recipe_of(config.load(run / CONFIG))


def evaluate(run: Path | str, *, on: Sequence[Role] = ()) -> str:
    """Judge a run again, on dev or test where one is named. Gives the tables as Markdown."""
    run = Path(run)
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        return judge_names(run, recipe, name_ground(recipe, run), Journal.silent())
    if isinstance(recipe, TaggerRecipe):
        its = replace(recipe, data=_judging(recipe.data, on))
        return _judge_tagger(run, its, read_documents(its), Journal.silent())
    recipe = replace(recipe, data=_judging(recipe.data, on))
    found = _ground(recipe, run)
    text = _judge(run, recipe, found, Journal.silent())
    write_text(run / CARD, card(cards.of_linker(run, recipe, found)))
    return text


def _judging(data: Data, on: Sequence[Role]) -> Data:
    """The same splits, others of them judged where some are named."""
    return replace(data, judged=tuple(on)) if on else data


def rerank(run: Path | str, overrides: Sequence[str] = ()) -> str:
    """Train a re-ranker for a judged run, from its encoder and on what that confuses, then judge the run with it.

    Called again it goes on where it stopped. Gives the tables as Markdown.
    """
    run = Path(run)
    recipe = _linking(run, "a re-ranker reads mentions and entities")
    found, folder = _ground(recipe, run), run / RERANKER
    resumed = (folder / CONFIG).exists()
    reranker_training.said(overrides)
    its = (
        reranker_training.recipe(recipe, run, overrides)
        if not resumed
        else Recipe.read(config.load(folder / CONFIG, overrides))
    )
    if processes().is_main_process:
        config.save(folder / CONFIG, its.dump())
    for journal in reranker_training.trained(its, found, folder, resumed=resumed):
        text = _judge(run, recipe, found, journal)
        finish(run, recipe, found)
        return text
    return ""


def compare(run: Path | str, others: Sequence[Path | str], *, on: Sequence[Role] = ()) -> str:
    """A judged run against other runs, or files of predictions, on the same mentions. Gives the tables as Markdown."""
    run, theirs = Path(run), [Path(other) for other in others]
    recipe = _linking(run, "compare encoders of names with `tripel separation`, and what taggers find with --found")
    found = _ground(recipe, run)
    return "\n\n".join(str(compared([run, *theirs], found, role, seed=recipe.trainer.seed)) for role in on or ("test",))


def found(run: Path, others: Sequence[Path], *, on: Sequence[Role] = ()) -> str:
    """Files of mentions that other systems found and linked, against what is annotated. Gives the tables as Markdown."""
    recipe = _linking(run, "it says nothing of the entities that documents name")
    its = _ground(recipe, run)
    parts = []
    for role in on or ("test",):
        answers, truth = {name: said(path, role, kb=its.kb) for name, path in named(others).items()}, right(its, role)
        ids = [document.id for document in its.documents[role]]
        scores = [
            end_to_end(made, truth, documents=ids, kb=its.kb, system=name, seed=recipe.trainer.seed)
            for name, made in answers.items()
        ]
        first, *rest = answers
        gained = {
            f"{match}, {first} over {name}": gain
            for name in rest
            for match, gain in compare_f1(
                answers[first], answers[name], truth, documents=ids, kb=its.kb, seed=recipe.trainer.seed
            ).items()
        }
        parts += [f"## {role}", tables.found(scores), *([str(tables.gains(gained, of="F1"))] if gained else [])]
    return "\n\n".join(parts)


def pipeline(run: Path, recognizer: str, *, on: Sequence[Role] = (), threshold: float | None = None) -> str:
    """A run and a recognizer on plain texts, against what is annotated. Gives the tables as Markdown."""
    recipe = _linking(run, "a pipeline needs a linker; give a tagger as --recognizer")
    its, roles = _ground(recipe, run), on or ("test",)
    for role in roles:
        fresh(run, its, role)
        if learnt_from(its, role):
            raise ValueError(f"{run} learnt from {role}, so it is not judged on it")
        _refuse_taught(recognizer, recipe, role)
    linker = Linker.load(run, recognizer=recognizer, threshold=threshold)
    return "\n\n".join(
        judge_pipeline(linker, its, role, run=run, recognizer=recognizer, threshold=threshold, seed=recipe.trainer.seed)
        for role in roles
    )


def _refuse_taught(recognizer: str, recipe: Recipe, role: Role) -> None:
    """Raises ValueError where the recognizer is a run that learnt from documents which it would be judged on."""
    path = Path(finding.parts(recognizer)[0] if recognizer else "", CONFIG)
    if not recognizer or not path.is_file():
        return
    its = read_recipe(path.parent)
    split = {"dev": recipe.data.dev, "test": recipe.data.test}[role]
    if not isinstance(its, NameRecipe) and its.corpus == recipe.corpus and split in its.data.train.split("+"):
        raise ValueError(f"{path.parent} learnt from {its.data.train}, so it is not judged on {split}")


def report(
    run: Path,
    others: Sequence[Path],
    *,
    folder: Path,
    on: Role = "test",
    texts: bool = True,
    note: str = "",
    wandb: bool = False,
) -> Path:
    """A judged run, other runs and files of predictions beside it, as one page with tables and pictures; gives the page.

    note: a sentence for its readers, above all figures.
    wandb: tables and pictures go to a wandb run in the folder, too, as training's do; without it nothing leaves the machine.
    """
    recipe = _linking(run, f"its tables are in {run / TABLES}")
    found = _ground(recipe, run)
    made = reporting.report([run, *others], recipe, found, role=on, folder=folder, texts=texts, note=note)
    if wandb:
        wanted = replace(recipe.journal, wandb=True)
        with Journal.at_wandb(folder, wanted, settings=public(recipe.dump())) as journal:
            reporting.tell(made, journal, shareable=library.all_shareable(found.kb))
    return folder / PAGE


def link(linker: Linker, texts: Iterable[str], *, as_json: bool = False) -> Iterator[str]:
    """Link texts, whose mentions stand in [[double brackets]] or are found, and say of each what came out."""
    return link_texts(linker, texts, Goal(form=JSON if as_json else WORDS))


def link_bulk(
    run: Path,
    source: Path,
    output: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    size: int = SIZE,
    to: To = "jsonl",
    address: str = "",
    workers: int = 0,
) -> Account:
    """Link files of millions of documents in shards, here or on a cluster; everything as of `bulk.link_files`."""
    _can_link(run)
    return link_files(run, source, output, settings=settings or {}, size=size, to=to, address=address, workers=workers)


def linker_of(run: Path, **settings: Any) -> Linker:
    """Of a run, or of a folder that links without one; `settings` as of `Linker.load`."""
    _can_link(run)
    return Linker.load(run, **settings)


def _can_link(run: Path) -> None:
    """Raises ValueError for a run of another kind."""
    linker_alone = (run / INDEX).is_dir() and not (run / CONFIG).exists()
    if not linker_alone:
        _linking(
            run, f"ask names with `tripel index query {run}`, give a tagger as --recognizer, or train a linker from it"
        )


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
    places = {"run folder": run, "tables": run / TABLES, "pictures": run / PICTURES, "model card": run / CARD}
    return "\n".join([*lines, *(f"{what:<12}{path}" for what, path in places.items())])


def finish(run: Path, recipe: Recipe, found: Ground) -> None:
    """The examples linked, and the model card."""
    if recipe.data.examples:
        write_text(
            run / EXAMPLES, "\n".join(link(linker_of(run, k=SHOWN, threshold=-math.inf), recipe.data.examples)) + "\n"
        )
    write_text(run / CARD, card(cards.of_linker(run, recipe, found)))


def recipe_of(values: dict[str, Any]) -> AnyRecipe:
    """A linker learns from a corpus; what learns from names has pairs, and a tagger has no terminologies."""
    said = values.get("objective")
    if isinstance(said, dict) and isinstance(said.get("name"), str) and _learns(said["name"]) == "spans":
        return TaggerRecipe.read(values)
    recipe: Recipe | NameRecipe = (NameRecipe if "pairs" in values else Recipe).read(values)
    wanted = "names" if isinstance(recipe, NameRecipe) else "mentions"
    learns = _learns(recipe.objective.name)
    if learns != wanted:
        instead = "give `pairs` and no corpus" if learns == "names" else "give a corpus and no `pairs`"
        raise ValueError(f"objective.name: {recipe.objective.name} learns from {learns}, not from {wanted}; {instead}")
    return recipe


def _learns(objective: str) -> str:
    return str(component("objectives", objective).learns)


def _linking(run: Path, instead: str) -> Recipe:
    """The recipe of a linker's run. Raises ValueError for another one, with what to do instead."""
    recipe = read_recipe(run)
    if not isinstance(recipe, Recipe):
        learnt = "learnt from names alone" if isinstance(recipe, NameRecipe) else "learnt where mentions stand"
        raise ValueError(f"{run}: {learnt}; {instead}")
    return recipe


def _train_any(recipe: AnyRecipe, run: Path, *, resumed: bool) -> Path:
    if isinstance(recipe, NameRecipe):
        return _train_names(recipe, run, resumed)
    if isinstance(recipe, TaggerRecipe):
        return _train_tagger(recipe, run, resumed)
    return _train(recipe, run, resumed)


def _train_tagger(recipe: TaggerRecipe, run: Path, resumed: bool) -> Path:
    with processes().main_process_first():
        documents = read_documents(recipe)
        recipe = tagger_training.told(recipe, documents["train"], run)
    trainer, start, _ = begun(recipe, run)
    lesson = tagger_training.lesson(recipe, documents)
    look = tagger_training.look(trainer, documents["dev"][: recipe.data.watched]) if recipe.data.watched else None
    for journal in steps(recipe, run, resumed, trainer, lambda epoch: lesson, start, look=look):
        _judge_tagger(run, recipe, documents, journal)
        write_text(run / CARD, card(cards.of_tagger(run, recipe, documents)))
    return run


def _train(recipe: Recipe, run: Path, resumed: bool) -> Path:
    weights = Path(recipe.whole.like) / WEIGHTS
    if recipe.whole.weigh and recipe.whole.like and not weights.is_file():
        raise ValueError(
            f"{weights}: no weights there; first train that run, from train alone and with whole.weigh=true"
        )
    with processes().main_process_first():  # the others read what it wrote
        found = _ground(recipe, run)
        left(run, recipe, found)  # raises now what would be raised after training
        if isinstance(recipe.objective.settings, TaggingAndLinking.Config):
            recipe = tagger_training.told(recipe, found.documents["train"], run)
    trainer, start, near = begun(recipe, run)
    made, pool = lesson(recipe, found, trainer.student.encoder)
    lessons = Lessons(recipe.negatives, trainer, replace(made, near=near or made.near), pool, start=start)
    look = None
    if recipe.data.watched > 0:
        look = partial(watched, found=found, documents=recipe.data.watched)
    for journal in steps(recipe, run, resumed, trainer, lessons.of, start, near=lambda: lessons.now.near, look=look):
        _judge(run, recipe, found, journal)
        finish(run, recipe, found)
    return run


def _judge(run: Path, recipe: Recipe, found: Ground, journal: Journal) -> str:
    """A linker, and the tagger that it was trained together with, where there is one."""
    text = judge(run, recipe, found, journal)
    if (run / TAGGER).exists():
        finds = judge_tagger(run, recipe.data, found.documents, journal, seed=recipe.trainer.seed)
        write_text(run / TABLES, (run / TABLES).read_text(encoding="utf-8") + f"\n{finds}\n")
        text += f"\n\n{finds}"
    return text


def _judge_tagger(run: Path, recipe: TaggerRecipe, documents: dict[str, tuple[Document, ...]], journal: Journal) -> str:
    text = judge_tagger(run, recipe.data, documents, journal, seed=recipe.trainer.seed)
    draw_learning(run, journal)
    write_text(run / TABLES, text + "\n")
    return text


def _train_names(recipe: NameRecipe, run: Path, resumed: bool) -> Path:
    with processes().main_process_first():
        found = name_ground(recipe, run)
        made = name_lesson(recipe, found, run)
    trainer, start, _ = begun(recipe, run)
    look = None if found.watched is None else partial(quick, asked=found.watched)
    for journal in steps(recipe, run, resumed, trainer, lambda epoch: made, start, look=look):
        judge_names(run, recipe, found, journal)
        write_text(run / CARD, card(cards.of_names(run, recipe, found)))
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
