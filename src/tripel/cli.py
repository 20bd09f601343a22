"""The `tripel` command: each command is one paragraph that calls `tasks`. Nothing is decided here.

Imports stand inside the functions so that `tripel --help` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from tripel.fetching import Progress

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
index = typer.Typer(no_args_is_help=True, help="Indexes: plan, build, update, query.")
kb = typer.Typer(no_args_is_help=True, help="Knowledge bases: build, stats, diff, update, and single concepts.")
app.add_typer(index, name="index")
app.add_typer(kb, name="kb")
data = typer.Typer(no_args_is_help=True, help="Corpora: fetch, count, check.")
app.add_typer(data, name="data")


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
def evaluate(run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder.")]) -> None:
    """Judge a run on dev and test: within candidates and over the full knowledge base, overall and by slices."""
    from tripel import tasks

    print(tasks.evaluate(run))


@app.command()
def link(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder.")],
    texts: Annotated[list[str], typer.Argument(help="Texts with their mentions in [[double brackets]].")],
    k: Annotated[int, typer.Option("-k", help="Candidates shown for each mention.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, a mention a line.")] = False,
) -> None:
    """Link the mentions of texts.

    Example: tripel link runs/sample "The [[MS]] lesions were periventricular."
    """
    from tripel import tasks

    print(tasks.link(run, texts, k=k, as_json=as_json))


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


MODEL = Annotated[str, typer.Argument(help="A run, a folder, a name on the hub, or `embedded`.")]
SOURCE = Annotated[
    str,
    typer.Argument(
        help="mesh, mesh+ctd, a dictionary file, a folder of `tripel kb build` (FOLDER@2), or an .arrow file."
    ),
]
SETTINGS = Annotated[list[str] | None, typer.Argument(help="index.search.name=hnsw, encoder.precision=bf16, ...")]


@index.command("plan")
def index_plan(
    model: MODEL,
    source: SOURCE,
    settings: SETTINGS = None,
    ram: Annotated[str, typer.Option(help="What searching may take, such as 8GB.")] = "8GB",
) -> None:
    """Print what each index would take, measured on a sample, and which one to choose.

    Example: tripel index plan embedded mesh+ctd --ram 2GB
    """
    from tripel import asking
    from tripel.config import words

    print(asking.plan(model, source, words(settings or []), ram=ram))


@index.command("build")
def index_build(
    model: MODEL,
    source: SOURCE,
    settings: SETTINGS = None,
    output: Annotated[Path, typer.Option(help="The folder; called again after a kill, the build goes on.")] = Path(
        "runs/index"
    ),
    max_ram: Annotated[str, typer.Option(help="Refuse at once what would take more, such as 8GB.")] = "",
) -> None:
    """Encode a knowledge base into a folder that can be asked.

    Example: tripel index build runs/self_alignment mesh+ctd index.search.name=hnsw --output runs/names
    """
    from tripel import asking
    from tripel.config import words

    print(asking.build(model, source, output, words(settings or []), max_ram=max_ram))


@index.command("update")
def index_update(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel index build`, or a run.")], source: SOURCE
) -> None:
    """Carry an index over to another version of its knowledge base: only new names are encoded, removed ones buried."""
    from tripel import asking

    print(asking.update(folder, source))


@index.command("query")
def index_query(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel index build`, or a run.")],
    names: Annotated[list[str] | None, typer.Argument(help="What is looked up; without any, a prompt.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with a name on each line; - is standard input.")] = None,
    k: Annotated[int, typer.Option("-k", help="Entities shown for each.")] = 5,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only entities of this semantic type; may come again.")
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="Only entities with a name of this vocabulary.")
    ] = None,
    ids: Annotated[Path | None, typer.Option(help="Only entities of this file, an id on each line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, an entity a line.")] = False,
) -> None:
    """Look names up: id, name, the name that matched, its vocabulary, and the cosine. Filters act before ranking.

    Example: tripel index query runs/names "high blood sugar" "head pain" --type C23
    """
    from tripel import asking
    from tripel.linker import Linker

    linker = Linker.load(folder)
    wanted = ids.read_text(encoding="utf-8").split() if ids else []
    for asked in _asked(names or [], file):
        found = asking.ask(linker, asked, k=k, types=types or [], sources=sources or [], ids=wanted)
        print(asking.words(found, as_json=as_json))


def _asked(names: list[str], file: Path | None) -> Iterator[list[str]]:
    """All names of the command line and of a file at once; at a prompt, one after the other until `exit`."""
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        names = [*names, *(line.strip() for line in text.splitlines() if line.strip())]
        if not names:
            raise ValueError(f"{file}: no names in it; one on each line is expected")
    if names:
        yield names
        return
    while True:
        try:
            name = input("name (exit to leave): ").strip()
        except EOFError:
            return
        if name in ("exit", "quit"):
            return
        if name:
            yield [name]


@kb.command("build")
def kb_build(
    source: SOURCE,
    settings: Annotated[
        list[str] | None, typer.Argument(help="path=FOLDER and other settings of a single terminology.")
    ] = None,
    output: Annotated[Path, typer.Option(help="A folder of versions; what is there already stays.")] = Path("kb"),
) -> None:
    """Read a terminology and keep it as a version, named by its content.

    Example: tripel kb build umls path=2026AA/META --output kb/umls
    """
    from tripel import knowing
    from tripel.config import words

    print(knowing.build(source, words(settings or []), output))


@kb.command("update")
def kb_update(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel kb build`.")],
    source: SOURCE,
    settings: Annotated[
        list[str] | None, typer.Argument(help="path=FOLDER and other settings of a single terminology.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="PubTator, or a file of ids: what became of them is said.")
    ] = None,
) -> None:
    """Keep a new release as the latest version, and say what changed: new, merged, retired, removed.

    Then `tripel index update FOLDER KB` carries an index over.
    """
    from tripel import knowing
    from tripel.config import words

    print(knowing.update(folder, source, words(settings or []), annotations=annotations))


@kb.command("stats")
def kb_stats(
    source: SOURCE, output: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("runs/stats")
) -> None:
    """Count concepts, names, types and vocabularies, and draw how many names concepts have."""
    from tripel import knowing

    print(knowing.stats(source, output))


@kb.command("diff")
def kb_diff(
    old: Annotated[str, typer.Argument(help="As for build; FOLDER@1 is a version.")],
    new: Annotated[str, typer.Argument(help="As for build.")],
    annotations: Annotated[
        Path | None, typer.Option(help="PubTator, or a file of ids: what became of them is said.")
    ] = None,
) -> None:
    """Say what changed between two knowledge bases."""
    from tripel import knowing

    print(knowing.diff(old, new, annotations=annotations))


@kb.command("put")
def kb_put(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel kb build`.")],
    id: Annotated[str, typer.Argument(help="A new id, or that of a concept to change.")],
    names: Annotated[list[str], typer.Argument(help="Its names, the preferred one first.")],
    types: Annotated[list[str] | None, typer.Option("--type", help="A semantic type; may come again.")] = None,
    definition: Annotated[str, typer.Option(help="What it is.")] = "",
) -> None:
    """Add a concept, or change one; `tripel index update` makes the next query see it.

    Example: tripel kb put kb/mesh X1 dostarlimab TSR-042 && tripel index update runs/names kb/mesh
    """
    from tripel import knowing

    print(knowing.put(folder, id, names, types=types or [], definition=definition))


@kb.command("remove")
def kb_remove(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel kb build`.")],
    ids: Annotated[list[str], typer.Argument(help="Ids of concepts.")],
) -> None:
    """Take concepts out."""
    from tripel import knowing

    print(knowing.remove(folder, ids))


@kb.command("export")
def kb_export(source: SOURCE, file: Annotated[Path, typer.Argument(help="A new file of id||name lines.")]) -> None:
    """Write a dictionary for other software; names that a licence restricts are left out, and how many is said."""
    from tripel import knowing

    print(knowing.export(source, file))


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="bc5cdr, medmentions_st21pv, ncbi_disease, ... or umls")],
    local: Annotated[
        Path | None, typer.Option("--from", help="A folder with copies, instead of the publisher.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to; the data folder when left out.")] = None,
) -> None:
    """Bring a corpus or terminology from its publisher, or say what to do where a licence is needed."""
    from tripel.fetching import fetch, source_of
    from tripel.files import data_folder

    source = source_of(name)
    output = output or data_folder() / name
    _watch(fetch(source, output=output, local=local))
    print(f"{name} is in {output} ({source.terms})")


@data.command("stats")
def data_stats(
    name: Annotated[str, typer.Argument(help="A corpus: sample, bc5cdr, medmentions, ncbi_disease, biored.")],
    settings: Annotated[list[str] | None, typer.Argument(help="key=value, such as path=FOLDER or subset=full")] = None,
    output: Annotated[Path, typer.Option(help="Folder for the picture and its numbers.")] = Path("runs/stats"),
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Count what is in a corpus, and draw how many mentions its entities have."""
    import json
    from dataclasses import asdict

    from tripel.config import choose, words
    from tripel.corpus_plots import draw
    from tripel.counts import survey, table

    counts = survey(choose("corpora", {"name": name} | words(settings or []), where="corpus").make())
    picture, numbers = draw(counts.splits, name=name, folder=output)
    print(json.dumps(asdict(counts), indent=2) if as_json else f"{table(counts)}\n\n{picture}\n{numbers}")


@data.command("check")
def data_check(
    files: Annotated[list[Path], typer.Argument(help="PubTator, dictionaries, RRF, ..., plain or .gz")],
) -> None:
    """Name every problem of files as file:line, what was found, what was expected; exit code 1 if there is one."""
    from tripel.checking import check

    faulty, total = 0, 0
    for file in files:
        before = total
        for problem in check(file):
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


def main() -> None:
    """Run the command; a fault of the input is one sentence on standard error and exit code 1, never a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        print(f"tripel: {error}", file=sys.stderr)
        raise SystemExit(1) from None
