"""`tripel kb`: each command is one paragraph that calls `knowing`. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tripel.cli.index import SOURCE

kb = typer.Typer(no_args_is_help=True, help="Knowledge bases: build, stats, diff, update, and single concepts.")


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
    from tripel.config import words
    from tripel.kb import knowing

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
    from tripel.config import words
    from tripel.kb import knowing

    print(knowing.update(folder, source, words(settings or []), annotations=annotations))


@kb.command("stats")
def kb_stats(
    source: SOURCE, output: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("runs/stats")
) -> None:
    """Count concepts, names, types, vocabularies and the ids that these have, and draw how many names concepts have."""
    from tripel.kb import knowing

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
    from tripel.kb import knowing

    print(knowing.diff(old, new, annotations=annotations))


@kb.command("put")
def kb_put(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel kb build`.")],
    id: Annotated[str, typer.Argument(help="A new id, or that of a concept to change.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Its names, the preferred one first; they replace those it has.")
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the names as synonyms; those it has stay.")] = False,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A semantic type; may come again. They replace those it has.")
    ] = None,
    definition: Annotated[str, typer.Option(help="What it is, in the place of what is said now.")] = "",
) -> None:
    """Add a concept, or change one: what is not given stays. Every call writes the whole base anew, as a version.

    Example: tripel kb put kb/mesh X1 dostarlimab TSR-042 && tripel index update runs/names kb/mesh

    One more synonym: tripel kb put kb/mesh X1 Jemperli --add
    """
    from tripel.kb import knowing

    print(knowing.put(folder, id, names or [], types=types or [], definition=definition, add=add))


@kb.command("remove")
def kb_remove(
    folder: Annotated[Path, typer.Argument(help="A folder of `tripel kb build`.")],
    ids: Annotated[list[str], typer.Argument(help="Ids of concepts.")],
) -> None:
    """Take concepts out."""
    from tripel.kb import knowing

    print(knowing.remove(folder, ids))


@kb.command("export")
def kb_export(
    source: SOURCE,
    file: Annotated[Path, typer.Argument(help="A new file of id||name lines; called .tsv, a table.")],
) -> None:
    """Write a dictionary for other software; names that a licence restricts are left out, and how many is said.

    A table has synonyms, types, retired ids and cross references, too, and is read back as a dictionary.
    """
    from tripel.kb import knowing

    print(knowing.export(source, file))
