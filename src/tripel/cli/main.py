"""The `tripel` command: each command is one paragraph that calls `tasks`. Nothing is decided here.

Imports stand inside the functions so that `tripel --help` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tripel import offline
from tripel.cli.annotations import kept
from tripel.cli.bundle import bundle
from tripel.cli.convert import convert
from tripel.cli.doctor import doctor
from tripel.cli.index import index
from tripel.cli.kb import kb
from tripel.cli.link import link
from tripel.cli.serve import serve

if TYPE_CHECKING:
    from tripel.data.fetching import Progress
    from tripel.training.recipe import Role as Split

HELP = """Train, judge and use biomedical entity linkers by metric learning.

Begin with `tripel train configs/sample.yaml`, then `tripel link RUN "Relapses made [[MS]] certain."`. Every command tells more
with --help.
"""
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
app.add_typer(index, name="index")
app.add_typer(kb, name="kb")
app.add_typer(kept, name="annotations")
data = typer.Typer(no_args_is_help=True, help="Corpora: fetch, count, check, convert, and pairs of synonyms.")
data.command("convert")(convert)
app.add_typer(data, name="data")
app.command("link")(link)
app.command("bundle")(bundle)
app.command("doctor")(doctor)
app.command("serve")(serve)


@app.callback()
def everywhere(
    closed: Annotated[
        bool,
        typer.Option("--offline", help="Let nothing reach a network; TRIPEL_OFFLINE=1 says the same."),
    ] = False,
) -> None:
    """What holds for every command."""
    if closed:
        offline.enforce()


class Role(StrEnum):
    """What a run can be judged on."""

    dev = "dev"
    test = "test"


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML file, as in configs/.")],
    settings: Annotated[list[str] | None, typer.Argument(help="section.key=value, such as trainer.epochs=4")] = None,
    output: Annotated[Path | None, typer.Option(help="The run folder; runs/<config>-<time> when left out.")] = None,
) -> None:
    """Train a linker, judge it on dev and test, and say where everything is.

    Example: tripel train configs/bc5cdr_fast.yaml trainer.lr=2e-5
    """
    from tripel import tasks

    print(tasks.told(tasks.train(config, settings or [], output=output)))


@app.command()
def resume(run: Annotated[Path, typer.Argument(help="A run folder that `tripel train` began.")]) -> None:
    """Go on with a run that was stopped, from its last checkpoint; nothing that was written down is lost."""
    from tripel import tasks

    print(tasks.told(tasks.resume(run)))


@app.command()
def rerank(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder, whole.weigh true.")],
    settings: Annotated[
        list[str] | None, typer.Argument(help="section.key=value, such as trainer.epochs=3 or objective.wrong=8")
    ] = None,
) -> None:
    """Train a re-ranker that reads each mention together with its candidates, and judge the run with it.

    It begins with the run's encoder and learns from what that confuses; from then on `tripel link RUN` asks it, too. Called
    again it goes on where it stopped.
    """
    from tripel import tasks

    print(tasks.rerank(run, settings or []))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder.")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="Other runs, or predictions of any software: JSON Lines or PubTator.")
    ] = None,
    on: Annotated[
        list[Role] | None,
        typer.Option(help="dev or test. Left out: what the run says; with others, --found or --recognizer test alone."),
    ] = None,
    found: Annotated[bool, typer.Option("--found", help="The others found the mentions themselves.")] = False,
    recognizer: Annotated[
        str, typer.Option(help="Judge the whole pipeline: a tagger's folder, `dictionary`, ..., or `own`.")
    ] = "",
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the pipeline: the probability below which a mention is NIL.")
    ] = None,
) -> None:
    """Judge a run: within candidates and over the full knowledge base, overall and by slices.

    Train with "data.judged=\\[dev]" while choosing; then, once: tripel evaluate RUN --on test

    With others, compare what was said of the same mentions, with paired tests: tripel evaluate RUN OTHER theirs.jsonl

    Mentions that others found themselves: precision, recall, F1 and what was lost: tripel evaluate RUN theirs.pubtator --found

    The whole pipeline on plain texts: tripel evaluate RUN --recognizer runs/tagger, or `own` of a run that finds mentions itself
    """
    from tripel import tasks

    if recognizer and (others or found):
        raise ValueError("--recognizer judges one run, without others and --found")
    if threshold is not None and not recognizer:
        raise ValueError("--threshold goes with --recognizer")
    roles: list[Split] = [role.value for role in on or []]
    if recognizer:
        print(tasks.pipeline(run, "" if recognizer == "own" else recognizer, on=roles, threshold=threshold))
    elif found:
        print(tasks.found(run, others or [run], on=roles))
    else:
        print(tasks.compare(run, others, on=roles) if others else tasks.evaluate(run, on=roles))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A judged run.")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="Other runs, or predictions of any software: JSON Lines or PubTator.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder of page, tables and pictures.")] = Path("runs/report"),
    on: Annotated[Role, typer.Option(help="dev while choosing; test once, at the end.")] = Role.test,
    texts: Annotated[bool, typer.Option(help="Show errors with the text around them.")] = True,
    note: Annotated[str, typer.Option(help="A sentence for its readers, above all figures.")] = "",
    wandb: Annotated[
        bool,
        typer.Option(
            "--wandb", help="Send tables and pictures to a wandb run, too; offline where you are not logged in."
        ),
    ] = False,
) -> None:
    """Write one self-contained page: tables with intervals and paired tests, pictures, and the errors to look through.

    Beside it lie the same as Markdown, each table as LaTeX, each picture as PNG with its numbers as CSV.

    Example: tripel report runs/fast runs/faithful theirs.jsonl --output runs/report
    """
    from tripel import tasks

    made = tasks.report(run, others or [], folder=output, on=on.value, texts=texts, note=note, wandb=wandb)
    print(f"the report is {made}")


@app.command()
def separation(
    models: Annotated[list[str], typer.Argument(help="Runs, folders, names on the hub, or `embedded`.")],
    pairs: Annotated[Path, typer.Option(help="A file of synonym pairs, such as RUN/held_out.tsv.")],
    output: Annotated[Path, typer.Option(help="Folder for the table and the pictures.")] = Path("runs/separation"),
) -> None:
    """Compare how well encoders part synonyms from other names: means, DIFF, overlap, distributions and heatmaps.

    Example: tripel separation embedded runs/mnr runs/triplet --pairs runs/mnr/held_out.tsv
    """
    from tripel import tasks

    print(tasks.separation(models, pairs, output=output))
    print(f"\ntable and pictures in {output}")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run with a trained encoder.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
) -> None:
    """Write a run's encoder of names as a Sentence Transformers model, which gives the same vectors."""
    from tripel import tasks

    tasks.export_names(run, folder)
    print(f'{folder}: load it with SentenceTransformer("{folder}")')


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="bc5cdr, medmentions_st21pv, ncbi_disease, ... or umls")],
    local: Annotated[
        Path | None, typer.Option("--from", help="A folder with copies, instead of the publisher.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to; the data folder when left out.")] = None,
) -> None:
    """Bring a corpus or terminology from its publisher, or say what to do where a licence is needed."""
    from tripel.data.fetching import fetch, source_of
    from tripel.files import data_folder

    source = source_of(name)
    output = output or data_folder() / name
    _watch(fetch(source, output=output, local=local))
    print(f"{name} is in {output} ({source.terms})")


@data.command("stats")
def data_stats(
    name: Annotated[
        str, typer.Argument(help="A corpus: sample, bc5cdr, medmentions, ncbi_disease, biored, context, files.")
    ],
    settings: Annotated[list[str] | None, typer.Argument(help="key=value, such as path=FOLDER or subset=full")] = None,
    output: Annotated[Path, typer.Option(help="Folder for the picture and its numbers.")] = Path("runs/stats"),
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Count what is in a corpus, and draw how many mentions its entities have."""
    import json
    from dataclasses import asdict

    from tripel.config import choose, words
    from tripel.data.corpus_plots import draw
    from tripel.data.counts import survey, table

    counts = survey(choose("corpora", {"name": name} | words(settings or []), where="corpus").make())
    picture, numbers = draw(counts.splits, name=name, folder=output)
    print(json.dumps(asdict(counts), indent=2) if as_json else f"{table(counts)}\n\n{picture}\n{numbers}")


@data.command("pairs")
def data_pairs(
    source: Annotated[str, typer.Argument(help="mesh, mesh+ctd, a dictionary file, or a folder of `tripel kb build`.")],
    settings: Annotated[
        list[str] | None, typer.Argument(help="more_than=5 concepts=5000 fewest=3 most=5: names and pairs a concept.")
    ] = None,
    held_out: Annotated[float, typer.Option(help="Share of the concepts that go into another file.")] = 0.01,
    seed: Annotated[int, typer.Option(help="The same pairs whenever asked.")] = 42,
    output: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path("runs/pairs"),
) -> None:
    """Draw pairs of synonyms into files: some to learn from, some of other concepts to compare encoders on.

    Example: tripel data pairs ctd more_than=5 concepts=1000 fewest=3 most=5 --output runs/pairs
    """
    from tripel.config import build, words
    from tripel.names.drawing import draw
    from tripel.names.synonyms import Drawing

    drawing = build(Drawing, words(settings or []), where="pairs")
    print(draw(source, drawing, share=held_out, seed=seed, folder=output))


@data.command("check")
def data_check(
    files: Annotated[list[Path], typer.Argument(help="Documents of any format, dictionaries, RRF, ..., plain or .gz")],
) -> None:
    """Name every problem of files as file:line, what was found, what was expected; exit code 1 if there is one."""
    from typing import Any

    from tripel.data.checking import check

    def recipe(values: dict[str, Any]) -> object:
        from tripel import tasks

        return tasks.recipe_of(values)

    faulty, total = 0, 0
    for file in files:
        before = total
        for problem in check(file, recipe=recipe):
            total += 1
            print(problem)
        faulty += total > before
    print(f"{total} problem{'s' * (total != 1)} in {faulty} of {len(files)} files")
    raise typer.Exit(code=1 if total else 0)


def _watch(steps: Iterator[Progress]) -> None:
    """Print what happened to files, with a bar for the one that is on its way."""
    from tqdm import tqdm

    bar: tqdm[NoReturn] | None = None
    for step in steps:
        if step.said:
            if bar is not None:
                bar.close()
            bar = None
            print(f"{step.file}: {step.said}")
        else:
            if bar is None:
                bar = tqdm(total=step.total or None, desc=step.file, unit="B", unit_scale=True, leave=False)
            bar.update(step.received - bar.n)


def offline_first(words: list[str]) -> list[str]:
    """`--offline` is of every command; where it stands among the options is no matter."""
    options = words[: words.index("--")] if "--" in words else words
    if "--offline" not in options:
        return words
    return ["--offline", *(word for word in options if word != "--offline"), *words[len(options) :]]


def main() -> None:
    """Run the command; a fault of the input is one sentence on standard error and exit code 1, never a traceback.

    Offline it ends by saying what was refused, since libraries may go on where they are.
    """
    sys.argv[1:] = offline_first(sys.argv[1:])
    try:
        app()
    except (ValueError, OSError) as error:
        print(f"tripel: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        if offline.enforced():
            print(offline.account(), file=sys.stderr)
