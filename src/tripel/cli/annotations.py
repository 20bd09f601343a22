"""`tripel annotations`: each command is one paragraph that calls `annotations.console`. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

kept = typer.Typer(
    no_args_is_help=True, help="What experts annotated: list, export as of any date, the log itself, agreement."
)
PROJECT = Annotated[int, typer.Argument(help="Its number, as `tripel annotations list` shows it.")]
FOLDER = Annotated[Path, typer.Option(help="The folder of `tripel serve`.")]
DATABASE = Annotated[
    str, typer.Option(envvar="TRIPEL_DATABASE", help="Of PostgreSQL, where `tripel serve` was given one.")
]
UNTIL = Annotated[str, typer.Option(help="As it stood then: 2026-03-01 (to its end), 2026-03-01T09:30; in UTC.")]
HIDDEN = Annotated[
    bool, typer.Option("--without-text", help="An x for each letter and digit; offsets, types and ids stay.")
]
HERE = Path("annotations")


@kept.command("list")
def list_projects(folder: FOLDER = HERE, database: DATABASE = "") -> None:
    """Every project, a line each: number, mode, last data set, title.

    Example: tripel annotations list --folder annotations
    """
    console = _console()
    with console.opened(folder, database) as found:
        print(console.table(found))


@kept.command("export")
def export(
    project: PROJECT,
    output: Annotated[Path, typer.Argument(help="A new file; a zip where the format is a folder of files.")],
    write_as: Annotated[
        str, typer.Option("--to", help="The format; `tripel data convert --help` lists them.")
    ] = "jsonl",
    until: UNTIL = "",
    dataset: Annotated[
        int, typer.Option(help="A version of the documents; when left out the last, or that of --until.")
    ] = 0,
    silver: Annotated[bool, typer.Option("--silver", help="With SILVER marks, those spread to equal strings.")] = False,
    only_done: Annotated[bool, typer.Option("--done", help="Only documents that are marked done.")] = False,
    hidden: HIDDEN = False,
    folder: FOLDER = HERE,
    database: DATABASE = "",
) -> None:
    """Write what people said of a project's documents (GOLD and USER), as it stands or stood at a moment.

    Example: tripel annotations export 1 marks.jsonl --until 2026-03-01

    What a model predicted and what was deleted is not among it. In a blind project the reviewer's sheet counts.
    """
    console = _console()
    with console.opened(folder, database) as found:
        said = console.export(
            found,
            project,
            output,
            write_as=write_as,
            until=until,
            dataset=dataset,
            silver=silver,
            text=not hidden,
            only_done=only_done,
        )
    print(said)


@kept.command("log")
def log(
    project: PROJECT,
    output: Annotated[Path, typer.Argument(help="A new file.")],
    until: UNTIL = "",
    hidden: HIDDEN = False,
    folder: FOLDER = HERE,
    database: DATABASE = "",
) -> None:
    """Write every event as JSON Lines: who, when, what, before and after, the candidates shown.

    Example: tripel annotations log 1 log.jsonl
    """
    console = _console()
    with console.opened(folder, database) as found:
        print(console.log(found, project, output, until=until, text=not hidden))


@kept.command("check")
def check(project: PROJECT, folder: FOLDER = HERE, database: DATABASE = "") -> None:
    """Replay the whole log of a project: every sheet is what its events say, and no event was changed or taken out.

    Example: tripel annotations check 1

    The exit code is 1 where something is wrong.
    """
    console = _console()
    with console.opened(folder, database) as found:
        wrong = console.check(found, project)
    print("\n".join(wrong) or "the log holds: every sheet is the replay of its events")
    if wrong:
        raise typer.Exit(code=1)


@kept.command("agreement")
def agreement(
    project: PROJECT,
    hierarchy: Annotated[
        Path | None, typer.Option(help="A table with id and tree_numbers, or MeSH XML, for agreement by hierarchy.")
    ] = None,
    folder: FOLDER = HERE,
    database: DATABASE = "",
) -> None:
    """How far the annotators of a blind project agree, over the documents that two or more marked done.

    Example: tripel annotations agreement 1 --hierarchy data/kb/mesh.tsv.gz
    """
    console = _console()
    with console.opened(folder, database) as found:
        print(console.agreement(found, project, hierarchy=hierarchy))


def _console() -> ModuleType:
    try:
        from tripel.annotations import console
    except ImportError as error:
        raise ValueError(f"annotations need {error.name}; pip install 'tripel[serve]'") from None
    return console
