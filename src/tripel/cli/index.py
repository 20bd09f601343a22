"""`tripel index`: each command is one paragraph that calls `asking`. Nothing is decided here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

index = typer.Typer(no_args_is_help=True, help="Indexes: plan, build, update, learn, query.")
MODEL = Annotated[str, typer.Argument(help="A run, a folder, a name on the hub, or `embedded`.")]
SOURCE = Annotated[
    str,
    typer.Argument(
        help="mesh, mesh+ctd, a dictionary file, a folder of `tripel kb build` (FOLDER@2), or an .arrow file."
    ),
]
SETTINGS = Annotated[
    list[str] | None,
    typer.Argument(
        help="index.search.name=exact, hnsw (with m, ef_construction, ef_search, stored=int8, threads), ivf (cells, pq, pca,"
        " probe, recall, overfetch), bm25 or ngram; index.rows=[names] and whole, centroids; encoder.precision=bf16, ..."
    ),
]
SHOWN = Annotated[list[str] | None, typer.Argument(help="Of the encoder alone: encoder.precision=bf16, ...")]


@index.command("plan")
def index_plan(
    model: MODEL,
    source: SOURCE,
    settings: SHOWN = None,
    ram: Annotated[str, typer.Option(help="What searching may take, such as 8GB.")] = "8GB",
) -> None:
    """Print what each index would take, measured on a sample, and which one to choose.

    Example: tripel index plan embedded mesh+ctd --ram 2GB
    """
    from tripel.config import words
    from tripel.searching import asking

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
    from tripel.config import words
    from tripel.searching import asking

    print(asking.build_index(model, source, output, words(settings or []), max_ram=max_ram))


@index.command("update")
def index_update(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel index build`, or a run.")],
    source: SOURCE,
    output: Annotated[Path | None, typer.Option(help="Of a run: where its linker goes on.")] = None,
) -> None:
    """Carry an index over to another version of its knowledge base: only new names are encoded, removed ones buried.

    A trained linker learns a concept without training: tripel kb put kb/mesh X1 dostarlimab, then
    tripel index update runs/fast kb/mesh --output linkers/fast, then tripel link linkers/fast "..."
    """
    from tripel.searching import asking

    print(asking.update(folder, source, output))


@index.command("learn")
def index_learn(
    folder: Annotated[Path, typer.Argument(help="A run, or a folder of `tripel index build`.")],
    files: Annotated[list[Path], typer.Argument(help="Annotated documents, in any format of `tripel data convert`.")],
) -> None:
    """Let new annotations help at once: their mentions join the index, without training.

    Example: tripel index learn runs/fast corrected.pubtator
    """
    from tripel.searching import asking

    print(asking.learn(folder, files))


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
    from tripel.linking.ranker import Ranker
    from tripel.searching import asking

    linker = Ranker.load(folder)
    wanted = _text(ids).split() if ids else []
    if ids and not wanted:
        raise ValueError(f"{ids}: no ids in it; one on each line is expected")
    for asked in _asked(names or [], file):
        found = asking.ask(linker, asked, k=k, types=types or [], sources=sources or [], ids=wanted)
        print(asking.words(asked, found, as_json=as_json))


def _text(file: Path) -> str:
    if not file.is_file():
        raise ValueError(f"{file}: no such file; expected one with a line for each")
    return file.read_text(encoding="utf-8")


def _asked(names: list[str], file: Path | None) -> Iterator[list[str]]:
    """All names of the command line and of a file at once; at a prompt, one after the other until `exit`."""
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else _text(file)
        names = [*names, *(line.strip() for line in text.splitlines() if line.strip())]
        if not names:
            raise ValueError(f"{file}: no names in it; one on each line is expected")
    if names:
        if not all(name.strip() for name in names):
            raise ValueError("a blank name: nothing to look up")
        yield names
        return
    while True:
        print("name (exit to leave): ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        name = line.strip()
        if name in ("exit", "quit"):
            return
        if name:
            yield [name]
