"""The command `tripel bundle`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bundle(
    run: Annotated[Path | None, typer.Argument(help="A run, or another folder that links.")] = None,
    output: Annotated[Path | None, typer.Argument(help="A new folder.")] = None,
    recognizer: Annotated[
        str,
        typer.Option(
            help="What finds mentions in it: a trained tagger's folder, which is copied, or a name with its settings."
        ),
    ] = "",
    check: Annotated[
        Path | None, typer.Option(help="A bundle: name each file that is missing, changed or new; exit code 1 if any.")
    ] = None,
) -> None:
    """Make one folder of all that links, for a machine without a network; and see later that it arrived whole.

    Example: tripel bundle runs/fast linkers/fast --recognizer runs/tagger

    There: tripel bundle --check linkers/fast, then tripel --offline link linkers/fast "Relapses made MS certain."
    """
    if check is not None and run is None:
        _check(check)
    elif check is None and run is not None and output is not None:
        from tripel.linking import bundling

        print(bundling.make_bundle(run, output, finds=recognizer))
    else:
        raise ValueError("give a run and a new folder, or --check and a bundle")


def _check(folder: Path) -> None:
    from tripel.linking.bundle import checked
    from tripel.progress import bar

    with bar("reading every file") as progress:
        told, whole = checked(folder, progress)
    print(told)
    raise typer.Exit(code=0 if whole else 1)
