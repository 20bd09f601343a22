"""What the doors call: train, resume, evaluate, link. The only module that wires layers together."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from tripel import __version__, checkpoint, config
from tripel.abbreviations import expand
from tripel.documents import Document, Link, Mention
from tripel.encoder import Encoder
from tripel.environment import describe
from tripel.evaluation import Scores
from tripel.files import read_json, write_json, write_text
from tripel.journal import Journal
from tripel.judging import PICTURES, TABLES, encoder_fingerprint, judge, opened
from tripel.knowledge import KnowledgeBase
from tripel.model_card import Facts, card
from tripel.preparing import Ground, ground, lesson
from tripel.recipe import Recipe
from tripel.trainer import Place, Trainer
from tripel.watching import Lessons, Watcher

CONFIG = "config.yaml"
EXAMPLES = "examples.txt"
BRACKETS = re.compile(r"\[\[(.+?)\]\]")


def train(path: Path, overrides: Sequence[str] = (), *, output: Path | None = None) -> Path:
    """Train from a YAML file. Gives the run folder, which holds all that `resume`, `evaluate` and `link` need."""
    recipe = Recipe.read(config.load(path, overrides))
    run = _agreed(output or Path("runs") / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    if _processes().is_main_process:
        if (run / CONFIG).exists():
            raise ValueError(f"{run} is a run already; go on with `tripel resume {run}`, or choose another --output")
        config.save(run / CONFIG, recipe.dump())
        write_json(run / "environment.json", describe())
    return _train(recipe, run, resumed=False)


def resume(run: Path) -> Path:
    """Go on with a run that was stopped, from its last checkpoint."""
    return _train(read_recipe(run), run, resumed=True)


def read_recipe(run: Path) -> Recipe:
    """The recipe of a run folder."""
    if not (run / CONFIG).is_file():
        raise ValueError(f"{run}: not a run folder (no {CONFIG}); `tripel train` makes one")
    return Recipe.read(config.load(run / CONFIG))


def evaluate(run: Path) -> str:
    """Judge a run again. Gives the tables as Markdown."""
    recipe = read_recipe(run)
    return judge(run, recipe, ground(recipe, run), Journal.silent())


def link(run: Path, texts: Sequence[str], *, k: int = 3, as_json: bool = False) -> str:
    """Link texts whose mentions stand in [[double brackets]]; a line for each mention, and one for each candidate."""
    read_recipe(run)
    linker = opened(run)
    documents = [expand(bracketed(text, id=str(number))) for number, text in enumerate(texts, 1)]
    found = ((document, link) for document in documents for link in linker.link(document, k=k))
    return "\n".join(_json(document, one) if as_json else _words(one, linker.kb) for document, one in found)


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
        hub_base="sentence-transformers/all-MiniLM-L6-v2" if recipe.encoder.model == "embedded" else "",
        objective=recipe.objective.name,
        trained_on=said["train"],
        judged_on=said["test"],
        terminology=terminologies[0],
        knowledge_base=f"{' + '.join(terminologies)}: {len(found.kb):,} concepts, {len(found.kb.names):,} names",
        scores=((f"test accuracy@1, full knowledge base, N = {first.n:,}", figure),),
        fingerprints={
            "knowledge base": found.kb.fingerprint,
            "encoder": encoder_fingerprint(checkpoint.published(run)),
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


def _train(recipe: Recipe, run: Path, *, resumed: bool) -> Path:
    with _processes().main_process_first():  # the others read what it wrote
        found = ground(recipe, run)
    folder = checkpoint.latest(run)
    encoder = Encoder.load(folder / checkpoint.ENCODER) if folder else Encoder(recipe.encoder)
    trainer = Trainer(encoder, recipe.objective.make(), recipe.trainer)
    made, pool = lesson(recipe, found, encoder)
    start = checkpoint.place(folder) if folder else Place()
    if folder:
        made = replace(made, near=checkpoint.restore(folder, trainer))
    lessons = Lessons(recipe.negatives, trainer, made, pool, start=start)
    if trainer.accelerator.is_main_process:
        with Journal.open(
            run, recipe.journal, settings=recipe.dump(), resume_step=start.step if resumed else None
        ) as journal:
            watcher = Watcher(run, recipe, found, trainer, lessons, journal)
            for step in trainer.steps(lessons.of, start=start):
                watcher.see(step)
            watcher.finish()
            judge(run, recipe, found, journal)
            finish(run, recipe, found)
    else:
        for _ in trainer.steps(lessons.of, start=start):
            pass
    return run
