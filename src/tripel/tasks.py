"""What the doors call: train, resume, evaluate, link. The only module that wires layers together."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from tripel import __version__, checkpoint, config
from tripel.abbreviations import expand
from tripel.asking import encoder_of
from tripel.batches import Near
from tripel.documents import Document, Link, Mention
from tripel.encoder import Encoder
from tripel.environment import describe
from tripel.evaluation import Scores
from tripel.exporting import export
from tripel.files import read_json, write_json, write_text
from tripel.find import component
from tripel.journal import Journal
from tripel.judging import PICTURES, TABLES, TRAINED, judge
from tripel.knowledge import KnowledgeBase
from tripel.linker import Linker
from tripel.model_card import Facts, card
from tripel.name_judging import judge_names, quick
from tripel.name_preparing import NameGround, name_ground, name_lesson
from tripel.name_recipe import NameRecipe
from tripel.pair_files import read as read_pairs
from tripel.preparing import Ground, ground, lesson
from tripel.recipe import Recipe
from tripel.separating import separate
from tripel.trainer import Place, Trainer
from tripel.watching import Lessons, Watcher, watched

CONFIG = "config.yaml"
EXAMPLES = "examples.txt"
HUB_BASE = "sentence-transformers/all-MiniLM-L6-v2"  # what is embedded
MEAN = {"entity_pooling": "mean"}  # how encoders that were not trained here are mostly used
BRACKETS = re.compile(r"\[\[(.+?)\]\]")


def train(path: Path, overrides: Sequence[str] = (), *, output: Path | None = None) -> Path:
    """Train from a YAML file. Gives the run folder, which holds all that `resume`, `evaluate` and `link` need."""
    recipe = _read(config.load(path, overrides))
    run = _agreed(output or Path("runs") / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    if _processes().is_main_process:
        if (run / CONFIG).exists():
            raise ValueError(f"{run} is a run already; go on with `tripel resume {run}`, or choose another --output")
        config.save(run / CONFIG, recipe.dump())
        write_json(run / "environment.json", describe())
    return _train_any(recipe, run, resumed=False)


def resume(run: Path) -> Path:
    """Go on with a run that was stopped, from its last checkpoint."""
    return _train_any(read_recipe(run), run, resumed=True)


def read_recipe(run: Path) -> Recipe | NameRecipe:
    """The recipe of a run folder."""
    if not (run / CONFIG).is_file():
        raise ValueError(f"{run}: not a run folder (no {CONFIG}); `tripel train` makes one")
    return _read(config.load(run / CONFIG))


def evaluate(run: Path) -> str:
    """Judge a run again. Gives the tables as Markdown."""
    recipe = read_recipe(run)
    if isinstance(recipe, NameRecipe):
        return judge_names(run, recipe, name_ground(recipe, run), Journal.silent())
    return judge(run, recipe, ground(recipe, run), Journal.silent())


def link(run: Path, texts: Sequence[str], *, k: int = 3, as_json: bool = False) -> str:
    """Link texts whose mentions stand in [[double brackets]]; a line for each mention, and one for each candidate."""
    if isinstance(read_recipe(run), NameRecipe):
        raise ValueError(
            f"{run}: learnt from names alone; ask it with `tripel index query {run}`, or train a linker from it"
        )
    linker = Linker.load(run)
    documents = [expand(bracketed(text, id=str(number))) for number, text in enumerate(texts, 1)]
    found = ((document, link) for document in documents for link in linker.link(document, k=k))
    return "\n".join(_json(document, one) if as_json else _words(one, linker.kb) for document, one in found)


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


def bracketed(text: str, *, id: str) -> Document:
    """`The [[MS]] lesions` -> a document with its mention. Raises ValueError where there is none."""
    pieces = BRACKETS.split(text)
    if len(pieces) < 3:
        raise ValueError("no mention in the text: put each in double brackets, as in 'The [[MS]] lesions'")
    plain, mentions = "", []
    for number, piece in enumerate(pieces):
        if number % 2:
            mentions.append(Mention(start=len(plain), end=len(plain) + len(piece), text=piece))
        plain += piece
    return Document(id=id, text=plain, mentions=tuple(mentions))


def told(run: Path) -> str:
    """Where everything of a finished run is; of several processes the first says it."""
    if not _processes().is_main_process:
        return ""
    lines = [(run / TABLES).read_text(encoding="utf-8")]
    if (run / EXAMPLES).exists():
        lines.append((run / EXAMPLES).read_text(encoding="utf-8"))
    places = {"run folder": run, "tables": run / TABLES, "pictures": run / PICTURES, "model card": run / "README.md"}
    return "\n".join([*lines, *(f"{what:<12}{path}" for what, path in places.items())])


def finish(run: Path, recipe: Recipe, found: Ground) -> None:
    """The examples linked, and the model card."""
    if recipe.data.examples:
        write_text(run / EXAMPLES, link(run, recipe.data.examples) + "\n")
    write_text(run / "README.md", card(_facts(run, recipe, found)))


def _facts(run: Path, recipe: Recipe, found: Ground) -> Facts:
    counts = {role: sum(len(document.mentions) for document in its) for role, its in found.documents.items()}
    said = {
        role: f"{recipe.corpus.name}, split {split}: {len(found.documents[role]):,} documents, {counts[role]:,} mentions"
        for role, split in (("train", recipe.data.train), ("test", recipe.data.test))
    }
    terminologies = [one.name for one in recipe.terminologies]
    scores = Scores.from_json(read_json(run / "scores" / "test-trained-full.json"))
    first = scores.linkable
    figure = (
        f"{100 * first.accuracy[1].value:.1f} [{100 * first.accuracy[1].low:.1f}, {100 * first.accuracy[1].high:.1f}]"
    )
    return Facts(
        name=run.name,
        base=recipe.encoder.model,
        hub_base=HUB_BASE if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name,
        trained_on=said["train"],
        judged_on=said["test"],
        terminology=terminologies[0],
        knowledge_base=f"{' + '.join(terminologies)}: {len(found.kb):,} concepts, {len(found.kb.names):,} names",
        scores=((f"test accuracy@1, full knowledge base, N = {first.n:,}", figure),),
        fingerprints={
            "knowledge base": found.kb.fingerprint,
            "encoder": checkpoint.encoder_fingerprint(checkpoint.published(run)),
        },
        version=__version__,
    )


def _name_facts(run: Path, recipe: NameRecipe, found: NameGround) -> Facts:
    exam = run / "scores" / "names.json"
    first = read_json(exam)[TRAINED]["1"] if exam.exists() else None
    figure = (
        f"{100 * first['value']:.1f} [{100 * first['low']:.1f}, {100 * first['high']:.1f}]" if first else "not judged"
    )
    asked = 0 if found.exam is None else len(found.exam.texts)
    source = recipe.pairs.file or " + ".join(one.name for one in recipe.terminologies)
    return Facts(
        name=run.name,
        base=recipe.encoder.model,
        hub_base=HUB_BASE if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name,
        trained_on=f"{source}: {len(found.pairs):,} pairs of synonyms",
        judged_on=f"{asked:,} names that were not learnt from",
        terminology=source,
        knowledge_base=f"{len(found.kb):,} concepts, {len(found.kb.names):,} names",
        scores=((f"names held out, accuracy@1, N = {asked:,}", figure),),
        fingerprints={
            "knowledge base": found.kb.fingerprint,
            "encoder": checkpoint.encoder_fingerprint(checkpoint.published(run)),
        },
        version=__version__,
    )


def _words(found: Link, kb: KnowledgeBase) -> str:
    said = [f"{found.mention.text} [{found.mention.start}, {found.mention.end})"]
    for one in found.candidates:
        row = kb.row(one.entity)
        preferred = kb[row].name if row is not None else ""
        matched = f" (as {one.name!r})" if one.name != preferred else ""
        said.append(f"    {one.score:.3f}  {one.entity:<14}{preferred}{matched}")
    return "\n".join(said)


def _json(document: Document, found: Link) -> str:
    record = {
        "document": document.id,
        "start": found.mention.start,
        "end": found.mention.end,
        "entity": found.entity,
        "candidates": [[one.entity, round(one.score, 6), one.name] for one in found.candidates],
    }
    return json.dumps(record, ensure_ascii=False)


def _processes() -> PartialState:
    """The processes of this run: those of `accelerate launch` or `torchrun`, on CPUs where there is no GPU."""
    return PartialState(cpu=int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.cuda.is_available())


def _agreed(run: Path) -> Path:
    """Of several processes, the first one's folder."""
    _processes()
    names = [str(run)]
    broadcast_object_list(names)
    return Path(names[0])


def _read(values: dict[str, Any]) -> Recipe | NameRecipe:
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
    with _processes().main_process_first():  # the others read what it wrote
        found = ground(recipe, run)
    trainer, start, near = _trainer(recipe, run)
    made, pool = lesson(recipe, found, trainer.student.encoder)
    lessons = Lessons(recipe.negatives, trainer, replace(made, near=near or made.near), pool, start=start)
    look = None
    if recipe.data.watched > 0:
        look = partial(watched, found=found, documents=recipe.data.watched)
    for journal in _steps(recipe, run, resumed, trainer, lessons.of, start, near=lambda: lessons.now.near, look=look):
        judge(run, recipe, found, journal)
        finish(run, recipe, found)
    return run


def _train_names(recipe: NameRecipe, run: Path, resumed: bool) -> Path:
    with _processes().main_process_first():
        found = name_ground(recipe, run)
        made = name_lesson(recipe, found, run)
    trainer, start, _ = _trainer(recipe, run)
    look = None if found.watched is None else partial(quick, asked=found.watched)
    for journal in _steps(recipe, run, resumed, trainer, lambda epoch: made, start, look=look):
        judge_names(run, recipe, found, journal)
        write_text(run / "README.md", card(_name_facts(run, recipe, found)))
    return run


def _trainer(recipe: Recipe | NameRecipe, run: Path) -> tuple[Trainer, Place, Near | None]:
    """A trainer, where it begins, and what its checkpoint kept of what was mined."""
    folder = checkpoint.latest(run)
    encoder = Encoder.load(folder / checkpoint.ENCODER) if folder else Encoder(recipe.encoder)
    trainer = Trainer(encoder, recipe.objective.make(), recipe.trainer)
    if folder is None:
        return trainer, Place(), None
    return trainer, checkpoint.place(folder), checkpoint.restore(folder, trainer)


def _steps(
    recipe: Recipe | NameRecipe,
    run: Path,
    resumed: bool,
    trainer: Trainer,
    lessons: Callable[[int], Sized],
    start: Place,
    *,
    near: Callable[[], Near | None] = lambda: None,
    look: Callable[[Encoder], float] | None,
) -> Iterator[Journal]:
    """Train; then, in the first process, yield the journal while it is open, to judge with."""
    if not trainer.accelerator.is_main_process:
        for _ in trainer.steps(lessons, start=start):
            pass
        return
    since = start.step if resumed else None
    with Journal.open(run, recipe.journal, settings=recipe.dump(), resume_step=since) as journal:
        watcher = Watcher(run, trainer, journal, near=near, look=look)
        for step in trainer.steps(lessons, start=start):
            watcher.see(step)
        watcher.finish()
        yield journal
