"""The command `tripel link`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Texts = Annotated[list[str] | None, typer.Argument(help="Texts, their mentions in [[double brackets]] or to be found.")]


def link(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder, or another folder that links.")],
    texts: Texts = None,
    recognizer: Annotated[
        str,
        typer.Option(
            help="What finds mentions: a trained tagger's folder, or `dictionary`, `gold`; with its settings."
        ),
    ] = "",
    k: Annotated[int, typer.Option("-k", help="Candidates shown for each mention.")] = 3,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The probability below which a mention is NIL; 0.5 when left out."),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="In its place: the share of links that are to be right, as on dev."),
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only entities of this type; can be said again.")
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="Only entities that this vocabulary names.")
    ] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this entity; can be said again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, a document a line.")] = False,
    file: Annotated[Path | None, typer.Option(help="Documents, in any format of `tripel data convert`.")] = None,
    output: Annotated[Path | None, typer.Option(help="Where they go with the entity of each mention.")] = None,
    read_as: Annotated[
        str, typer.Option("--from", help="The format of --file, where its content leaves it open.")
    ] = "",
    write_as: Annotated[str, typer.Option("--to", help="The format of --output, where its name leaves it open.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --output where it is there.")] = False,
) -> None:
    """Link texts, or files of documents: which entity each mention means, how sure that is, and why.

    Example: tripel link runs/sample "The [[MS]] lesions were periventricular."

    Mentions that are to be found: tripel link runs/fast --recognizer runs/tagger "The lesions of MS were periventricular."

    Only links of which 97 % were right on dev: tripel link runs/fast --precision 0.97 "..."

    Files: tripel link runs/fast --file notes.pubtator --output linked.bioc.xml
    """
    from tripel import tasks

    if bool(texts) == bool(file) or bool(file) != bool(output):
        raise ValueError("give texts, or --file and --output")
    linker = tasks.linker_of(
        run,
        recognizer=recognizer,
        k=k,
        threshold=threshold,
        precision=precision,
        types=types or (),
        sources=sources or (),
        ids=ids or (),
    )
    if file and output:
        given = linker.recognizer is None
        print(
            tasks.link_file(linker, file, output, given=given, read_as=read_as, write_as=write_as, overwrite=overwrite)
        )
    else:
        for line in tasks.link(linker, texts or [], as_json=as_json):
            print(line)
