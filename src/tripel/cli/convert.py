"""The command `tripel data convert`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A file, plain or .gz, a folder of files, or - for standard input.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The file or folder to write.")],
    read_as: Annotated[
        str, typer.Option("--from", help="The format of INPUT; told by what is in it when left out.")
    ] = "",
    write_as: Annotated[str, typer.Option("--to", help="The format of OUTPUT; told by its name when left out.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT where it is there already.")] = False,
) -> None:
    """Convert annotated documents from one format into another, and say what the other could not hold.

    Formats: jsonl (holds everything), pubtator, bioc_xml, bioc_json, brat, bigbio_json, bigbio_parquet, conll, biosyn, texoo,
    context; only to be read, since they hold no mentions: text (a document a file), lines (a document a line).

    Examples:

    tripel data convert train.pubtator train.jsonl

    tripel data convert notes_of_brat/ notes.bioc.xml

    tripel data convert test.pubtator.gz test_brat --to brat

    tripel data convert cases.json cases.jsonl --from texoo

    tripel data convert folder_of_texts/ notes.jsonl

    Every problem of INPUT is named as file:line, found, expected; then nothing is written, and the exit code is 1.
    """
    from tripel.data.converting import convert
    from tripel.problems import BadInput
    from tripel.progress import bar

    try:
        with bar("documents") as progress:
            account = convert(
                source, target, read_as=read_as, write_as=write_as, overwrite=overwrite, progress=progress
            )
    except BadInput as bad:
        print(bad.whole(source))
        raise typer.Exit(code=1) from None
    print(f"{target}: {account}")
