"""Documents of files, standard input or the command, linked, to where they are wanted, and what became of them.

    for line in link_file(linker, Path("notes/"), Goal.of(Path("linked.html")), say=print): ...

What goes to standard output is given as strings; a file appears whole, or not at all. Nothing is linked before the whole input
was looked at, and nothing at all where it is not sound, unless that is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tripel import formats
from tripel.data.converting import Account, refuse
from tripel.data.inputs import Survey, opened
from tripel.documents import Document, Linked
from tripel.files import write_lines, write_text
from tripel.linking.linker import Linker
from tripel.linking.page import Page
from tripel.linking.records import Tally, as_line, as_record, documents_of, in_words
from tripel.problems import BadInput
from tripel.progress import bar

SHOWN = 200  # documents of a page; of BC5CDR, with five candidates a mention, they are 7 MB
WORDS, JSON, HTML = "words", "jsonl", "html"
PARQUET = "bigbio_parquet"  # the one format of a file that is no text
HTML_ENDINGS = (".html", ".htm")
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Where links go, and in which form."""

    path: Path | None = None
    """Standard output where there is none."""
    form: str = WORDS
    """Words, a page, or a format of documents."""
    whole: bool = False
    """Whether a page shows every document."""

    @classmethod
    def of(
        cls,
        path: Path | None = None,
        *,
        write_as: str = "",
        as_json: bool = False,
        whole: bool = False,
        overwrite: bool = False,
    ) -> Goal:
        """As a user says it. Raises ValueError where it cannot be, or where something is in the way."""
        if as_json and write_as not in ("", JSON):
            raise ValueError(f"say --json or --to {write_as}, not both")
        form = write_as or (JSON if as_json else _form(path))
        folder = "" if form in (WORDS, HTML) else formats.writer(form).FOLDER
        if path is None and (folder or form == PARQUET):
            raise ValueError(f"{form} is written to a {'folder' if folder else 'file'}; name it with --output")
        if path is not None:
            refuse(path, overwrite=overwrite, folder=folder)
        return cls(path=path, form=form, whole=whole)

    @property
    def most(self) -> int | None:
        """How many documents are linked; all where it says nothing."""
        return SHOWN if self.form == HTML and not self.whole else None

    def beyond(self, documents: int) -> int:
        """How many of so many are not linked."""
        return 0 if self.most is None else max(0, documents - self.most)


def link_texts(linker: Linker, texts: Iterable[str], goal: Goal, *, say: Say = lambda said: None) -> Iterator[str]:
    """Link texts, whose mentions stand in [[double brackets]] or are found. `say` is told what was written to a file."""
    asked, beyond = documents_of(texts), 0
    if goal.most is not None:  # a page, which holds all that it shows
        every = list(asked)
        asked, beyond = iter(every), goal.beyond(len(every))
    linked = (linker.link(document) if given else next(linker.stream([document])) for document, given in asked)
    account, tally = Account(source="texts", target=goal.form), Tally(linker.vocabulary)
    yield from _put(tally.count(islice(linked, goal.most)), goal, account, Page("Linked texts", tally, beyond=beyond))
    if goal.path is not None:
        say(_told(goal, account, tally, beyond=beyond))


def link_file(
    linker: Linker,
    source: Path,
    goal: Goal,
    *,
    say: Say,
    read_as: str = "",
    find: bool = False,
    keep_going: bool = False,
) -> Iterator[str]:
    """Link the mentions that documents have, or those found where they have none or `find` is true; `say` is told what became.

    Raises BadInput with every problem of the source; with `keep_going` `say` is told them, and what is sound is linked. Raises
    ValueError where there is no mention and nothing finds any.
    """
    with opened(source, read_as=read_as, keep_going=keep_going) as found:
        there = found.survey()
        if found.problems:
            if not there.documents:
                raise BadInput(found.problems)
            say("\n".join(map(str, found.problems)))
            say(f"{len(found.problems):,} problems; what they are in is left out")
        given = _given(linker, there, name=found.name, find=find)
        if there.mentions and not given:
            say(f"{there.mentions:,} mentions that the documents have are ignored: others are found")
        if given and there.bare:
            found_there = ", so theirs are found" if linker.recognizer is not None else ""
            say(f"{there.bare:,} documents have no mentions{found_there}")
        account = Account(source=found.format, target=goal.form, skipped=+found.skipped)
        tally = Tally(linker.vocabulary)
        with bar("linking documents") as progress:
            some = islice(found.documents(), goal.most)
            linked = linker.stream_or_find(some) if given else linker.stream(some)
            shown = _watched(tally.count(linked), min(there.documents, goal.most or there.documents), progress)
            page = Page(f"Linked: {found.name}", tally, beyond=goal.beyond(there.documents))
            yield from _put(shown, goal, account, page)
        say(_told(goal, account, tally, beyond=page.beyond))


def _form(path: Path | None) -> str:
    """What a name tells; words where there is none."""
    if path is None:
        return WORDS
    return HTML if path.name.casefold().endswith(HTML_ENDINGS) else formats.detect(path)


def _given(linker: Linker, there: Survey, *, name: str, find: bool) -> bool:
    """Whether the mentions that documents have are linked. Raises ValueError where there are none and nothing finds any."""
    given = bool(there.mentions) and not find
    if not given and linker.recognizer is None:
        raise ValueError(
            f"{name}: {there.documents:,} documents, none of which has a mention, and nothing finds any; give --recognizer,"
            " such as the folder of a trained tagger, or `dictionary`"
        )
    return given


def _put(linked: Iterable[Linked], goal: Goal, account: Account, page: Page) -> Iterator[str]:
    """Write a file, or give what is to be printed."""
    if goal.form == HTML:
        for one in linked:
            page.show(one)
        if goal.path is None:
            yield page.html()
        else:
            write_text(goal.path, page.html())
    elif goal.path is None and goal.form in (WORDS, JSON):
        for one in linked:
            yield as_line(one) if goal.form == JSON else in_words(one, headed=account.source != "texts")
    elif goal.form == JSON and goal.path is not None:
        write_lines(goal.path, map(as_record, linked))
        account.lost = Counter()
    else:
        untold: Counter[str] = Counter()
        with TemporaryDirectory() as folder:
            path = goal.path or Path(folder) / "linked"
            account.lost = formats.writer(goal.form).write(path, _decided(linked, untold)) + untold
            if goal.path is None:
                yield path.read_text(encoding="utf-8").removesuffix("\n")


def _decided(linked: Iterable[Linked], untold: Counter[str]) -> Iterator[Document]:
    """Documents with what was decided; what was said of their mentions besides, which no format but ours has a place for, is
    counted by kind."""
    for one in linked:
        for link in one.links:
            untold["candidates and scores"] += len(link.candidates)
            untold["confidences of spans"] += link.confidence < 1
            untold["decisions and reasons"] += 1
        yield one.decided


def _watched(linked: Iterable[Linked], total: int, progress: Callable[[int, int], None]) -> Iterator[Linked]:
    for done, one in enumerate(linked, 1):
        yield one
        progress(done, total)


def _told(goal: Goal, account: Account, tally: Tally, *, beyond: int) -> str:
    account.documents, account.mentions = tally.documents, tally.decisions.total()
    more = f"\n{beyond:,} more documents are not on the page; --all shows every one" if beyond else ""
    return f"{goal.path}: {account}\n{tally}{more}" if goal.path else f"{account}\n{tally}{more}"
