"""The command `tripel serve`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder, or another folder that links.")],
    folder: Annotated[
        Path, typer.Option(help="Where annotations, trained models and uploads are kept; made where it is not there.")
    ] = Path("annotations"),
    database: Annotated[
        str,
        typer.Option(
            envvar="TRIPEL_DATABASE",
            help="Of PostgreSQL: postgresql://USER:PASSWORD@HOST/NAME. A file of SQLite in the folder when left out.",
        ),
    ] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--database-password-file",
            envvar="TRIPEL_DATABASE_PASSWORD_FILE",
            help="A file with the password of the database, which the URL then leaves out.",
        ),
    ] = None,
    recognizer: Annotated[
        str,
        typer.Option(
            envvar="TRIPEL_RECOGNIZER",
            help="What finds mentions: a trained tagger's folder, or `dictionary`; the run's own if any.",
        ),
    ] = "",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER",
            help="Another folder that links, under a name: new projects may begin with it; can be said again.",
        ),
    ] = None,
    hierarchy: Annotated[
        Path | None, typer.Option(help="A table with id and tree_numbers, or MeSH XML, for agreement by hierarchy.")
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(help="A strategy of sampling of your own, such as my_package.crowded; can be said again."),
    ] = None,
    iri: Annotated[
        str, typer.Option(help="For INCEpTION: what stands before an id, such as http://id.nlm.nih.gov/mesh/")
    ] = "",
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any that is free.")] = 8000,
    host_name: Annotated[
        list[str] | None,
        typer.Option(help="A name by which browsers reach it, such as annotate.example.org; can be said again."),
    ] = None,
    https: Annotated[
        bool,
        typer.Option("--https", envvar="TRIPEL_HTTPS", help="It stands behind TLS: cookies are never sent without."),
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            envvar="TRIPEL_PROXY", help="Address of a proxy whose X-Forwarded headers are believed; can be said again."
        ),
    ] = None,
) -> None:
    """Open the pages where experts annotate and teach the linker, on this machine alone unless told otherwise.

    Example: tripel serve runs/sample

    The first start prints a password for `admin`, which is for once.

    With a tagger: tripel serve runs/fast --recognizer runs/tagger

    With a choice for new projects: tripel serve runs/fast --also "Chemicals=runs/chemicals"

    Behind a proxy with TLS: tripel serve runs/fast --host-name annotate.example.org --https --proxy 10.0.0.2
    """
    try:
        from tripel.web import serving
    except ImportError as error:
        raise ValueError(f"the server needs {error.name}; pip install 'tripel[serve]'") from None
    serving.serve(
        run,
        folder=folder,
        database=database,
        password_file=password_file,
        recognizer=recognizer,
        iri=iri,
        also=also or (),
        hierarchy=hierarchy,
        strategies=strategy or (),
        host=host,
        port=port,
        hosts=host_name or (),
        https=https,
        proxies=proxy or (),
    )
