"""The command `tripel link`: one paragraph. Nothing is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

Texts = Annotated[
    list[str] | None, typer.Argument(help="Texts, their mentions in double square brackets or to be found.")
]


def link(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained encoder, or another folder that links.")],
    texts: Texts = None,
    recognizer: Annotated[
        str,
        typer.Option(
            help="What finds mentions: a trained tagger's folder, `dictionary`, `token_classifier model=FOLDER`,"
            " `spacy_pipeline model=NAME`, `flair model=FILE` or `gold`, with its settings."
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
    vocabulary: Annotated[
        str, typer.Option(help="Ids of this vocabulary, such as OMIM, where the knowledge base knows them.")
    ] = "",
    best_rows: Annotated[
        bool,
        typer.Option(
            "--best-rows",
            help="Faster, and less often right: an entity counts as its best row alone. No probabilities then: --threshold is"
            " one of scores.",
        ),
    ] = False,
    arithmetic: Annotated[
        str,
        typer.Option(
            help="`bf16`, `int8` (on a CPU) or `no`, single precision, in place of the run's own: faster or exacter."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, a document a line.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(help="Documents in any format, or plain text: a file, a folder, or - for standard input."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="A file or folder to write; printed when left out. A page where it ends in .html."),
    ] = None,
    read_as: Annotated[
        str,
        typer.Option("--from", help="The format of --file, where its content leaves it open; `lines`: a text a line."),
    ] = "",
    write_as: Annotated[
        str,
        typer.Option(
            "--to", help="The format of --output where its name leaves it open, or of what is printed; `html`, a page."
        ),
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --output where it is there.")] = False,
    whole: Annotated[bool, typer.Option("--all", help="Every document on the page, not the first 200 alone.")] = False,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Link what is sound of --file where other parts are not; exit code 0."),
    ] = False,
    bulk: Annotated[
        bool,
        typer.Option(
            "--bulk", help="Millions of documents: a file, folder or pattern of JSON Lines or Parquet, in shards."
        ),
    ] = False,
    shard: Annotated[int, typer.Option(min=1, help="With --bulk: documents of a shard.")] = 1000,
    address: Annotated[
        str, typer.Option(help="With --bulk: a Ray cluster, `auto` or ray://...; this machine alone when left out.")
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="With --bulk: at most so many; 0 for one on each core, or GPU.")
    ] = 0,
) -> None:
    """Link texts, or files of documents: which entity each mention means, how sure that is, and why.

    Example: tripel link runs/sample "The [[MS]] lesions were periventricular."

    Mentions that are to be found: tripel link runs/fast --recognizer runs/tagger "The lesions of MS were periventricular."

    Only links of which 97 % were right on dev: tripel link runs/fast --precision 0.97 "..."

    Files: tripel link runs/fast --file notes.pubtator --output linked.bioc.xml

    A page to look at: tripel link runs/fast --file notes.pubtator --output linked.html

    In a pipe: cat notes.txt | tripel link runs/fast --recognizer runs/tagger --file - --json, or --to bioc_xml

    Ids as another vocabulary has them: tripel link runs/fast --vocabulary OMIM --file notes.pubtator --output linked.jsonl

    As fast as it gets on a CPU: tripel link runs/fast --best-rows --arithmetic int8 --file notes.pubtator --output linked.jsonl

    Mentions that documents have are linked; with --recognizer these are ignored, and others found.

    Millions of documents; stopped or killed, the same goes on: tripel link runs/fast --bulk --file notes/ --output linked/

    JSON Lines hold all candidates, the decision and why; other formats hold the id of the entity decided on.

    Every problem of the input is named as file:line, found, expected; then nothing is written, and the exit code is 1. With
    --keep-going what is sound is linked all the same.
    """
    import sys
    from functools import partial

    from tripel import tasks
    from tripel.faults import kind, quotes_nothing
    from tripel.linking import link_files
    from tripel.problems import BadInput

    if bool(texts) == bool(file):
        raise ValueError("give texts, or --file")
    settings = {
        "recognizer": recognizer,
        "k": k,
        "threshold": threshold,
        "precision": precision,
        "types": types or (),
        "sources": sources or (),
        "ids": ids or (),
        "vocabulary": vocabulary,
        "arithmetic": arithmetic,
        **({"best_rows": True} if best_rows else {}),  # an option left out leaves a big job what it was begun as
    }
    if bulk:
        if texts or as_json or read_as or overwrite or whole:
            raise ValueError(
                "--bulk goes with no texts, --json, --from, --overwrite or --all; it goes on where it stopped"
            )
        _bulk(run, file, output, settings, write_as, keep_going, size=shard, address=address, workers=workers)
    if address or workers:
        raise ValueError("--address and --workers go with --bulk")
    if keep_going and not file:
        raise ValueError("--keep-going goes with --file")
    goal = link_files.Goal.of(output, write_as=write_as, as_json=as_json, whole=whole, overwrite=overwrite)
    linker = tasks.linker_of(run, **settings)
    say = partial(print, file=None if output else sys.stderr)
    if linker.point is not None and linker.allowed_E is None:
        say(f"{linker.point} of given mentions, on dev")
    try:
        if file:
            lines = link_files.link_file(
                linker, file, goal, say=say, read_as=read_as, find=bool(recognizer), keep_going=keep_going
            )
        else:
            lines = link_files.link_texts(linker, texts or [], goal, say=say)
        for line in lines:
            print(line)
    except BadInput as bad:
        print(bad.whole(file), file=sys.stderr)
        raise typer.Exit(code=1) from None
    except Exception as error:
        if quotes_nothing(error):
            raise
        raise ValueError(f"{kind(error)}; what it says is not shown, since it may quote a text") from None


def _bulk(
    run: Path,
    file: Path | None,
    output: Path | None,
    settings: dict[str, Any],
    to: str,
    keep_going: bool,
    **how: Any,
) -> NoReturn:
    """Link and exit, with code 1 where a document was not linked, or, keeping going, a whole shard."""
    from tripel import tasks

    if file is None or output is None or to not in ("", "jsonl", "parquet"):
        raise ValueError("--bulk needs --file and --output, and writes --to jsonl or parquet")
    account = tasks.link_bulk(run, file, output, settings=settings, to="parquet" if to == "parquet" else "jsonl", **how)
    print(account)
    raise typer.Exit(code=0 if account.whole or (keep_going and not account.given_up) else 1)
