"""The command `tripel doctor`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    run: Annotated[Path | None, typer.Argument(help="A run, a bundle, or another folder that links.")] = None,
    network: Annotated[bool, typer.Option("--network", help="Ask the hub for an answer, too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a list of objects: mark, what, found, do.")] = False,
) -> None:
    """Look at the machine, the installation and a run, and say of each what was found and what to do; exit code 1 for a problem.

    Example: tripel doctor runs/fast
    """
    from tripel.doctor import examine
    from tripel.findings import as_json, in_words

    findings = list(examine(run, network=network))
    print(as_json(findings) if json else in_words(findings))
    raise typer.Exit(code=1 if any(one.mark == "problem" for one in findings) else 0)
