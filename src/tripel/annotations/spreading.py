"""What a person said of one mark, said of all equal strings of the data set as SILVER: counted first, then done at once.

Each sheet gets an event of its own; those beyond the sheet where it was asked for are echoes. Undoing the first undoes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from tripel.annotations import beginning, proposing
from tripel.annotations.appending import Appended, Held, event_of, held, in_parts, put, put_all
from tripel.annotations.beginning import FINAL
from tripel.annotations.database import Database
from tripel.annotations.events import Event, Mark, Proposal, candidate_record
from tripel.annotations.proposing import Conflict
from tripel.annotations.schema import datasets, documents, events, placed
from tripel.annotations.sheet import MARK, Sheet

EXAMPLES = 20  # places shown before a person agrees


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What spreading a mark would do."""

    marks: int
    """SILVER marks that would be new."""
    documents: int
    """In how many documents."""
    kept: int
    """Equal strings elsewhere that somebody has decided on already, or whose document is done; they stay as they are."""
    examples: tuple[tuple[int, int], ...]
    """The document and the offset of the first few."""


def preview(database: Database, sheet: int, mark: str) -> Spread:
    """What spreading would do, without doing it. Raises LookupError, or Conflict where the mark is gone."""
    with database.connect() as connection:
        origin = held(connection, [sheet], lock=False)[sheet]
        said = _said(origin.sheet, mark)
        texts = _texts(connection, origin, said)
        theirs = beginning.standing(connection, list(texts), kind=origin.kind, owner=origin.owner)
    made, kept = list[tuple[int, int]](), 0
    for document, text in texts.items():
        if origin.kind == FINAL and document not in theirs:
            continue
        places = proposing.occurrences(said, text)
        its = theirs.get(document) or Sheet(id=0, document=document)
        free = [] if its.done else places
        new = [value["start"] for value in proposing.spreading(its, said, free, detail={}).after.values()]
        made += [(document, start) for start in sorted(new)]
        kept += len(places) - len(new)
    return Spread(
        marks=len(made),
        documents=len({document for document, _ in made}),
        kept=kept - 1,  # the mark itself
        examples=tuple(made[:EXAMPLES]),
    )


def echoing(connection: Connection, sheet: int, proposal: Proposal) -> list[int]:
    """The other sheets that a spread may reach, begun where they were not."""
    origin = held(connection, [sheet], lock=False)[sheet]
    wanted = sorted(_texts(connection, origin, _said(origin.sheet, proposal.mark)))
    if origin.kind == FINAL:
        there = beginning.standing(connection, wanted, kind=FINAL, owner=origin.owner)
        return [one.id for one in there.values()]
    return list(beginning.begun(connection, wanted, kind=origin.kind, owner=origin.owner).values())


def spread(connection: Connection, locked: Mapping[int, Held], sheet: int, proposal: Proposal, *, by: int) -> Appended:
    """Put SILVER marks on all of the locked sheets that are not done. Raises Conflict where the mark is gone, or is not as it was
    seen."""
    said = _said(locked[sheet].sheet, proposal.mark)
    proposing.refuse_stale(locked[sheet].sheet, proposal, {MARK + proposal.mark}, by)
    changes = {}
    for id, its in locked.items():
        places = [] if its.sheet.done else proposing.occurrences(said, its.text)
        change = proposing.spreading(its.sheet, said, places, detail={"echo": proposal.key})
        if change.after and id != sheet:
            changes[id] = change
        elif id == sheet:
            first = change
    made = put(
        connection,
        locked[sheet],
        replace(first, detail={"sheets": sorted(changes)}),
        kind="spread",
        key=proposal.key,
        by=by,
        mark=proposal.mark,
        shown=[candidate_record(one) for one in proposal.shown],
        model=proposal.model,
        knowledge=proposal.knowledge,
    )
    echoes = [(locked[id], change, _echo(proposal.key, id)) for id, change in changes.items()]
    put_all(connection, echoes, kind="spread", by=by)
    return made


def reverse_echoes(connection: Connection, spread: Event, reversal: Event, *, by: int) -> None:
    """Undo or redo what a spread did on other sheets, where it stands as it was left and the document is not done."""
    keys = [_echo(spread.key, sheet) for sheet in spread.detail["sheets"]]
    echoes = {row.sheet: event_of(row) for row in in_parts(connection, select(events), events.c.key, keys)}
    again = reversal.kind == "redo"
    changes = []
    for id, its in held(connection, echoes).items():
        if its.sheet.done or proposing.reverse(its.sheet, [echoes[id]], by=by, again=again) is None:
            continue
        change = proposing.reversal(its.sheet, echoes[id], again=again)
        change = replace(change, detail={**change.detail, "echo": reversal.key})
        changes.append((its, change, _echo(reversal.key, id)))
    put_all(connection, changes, kind=reversal.kind, by=by)


def _echo(key: str, sheet: int) -> str:
    """The key of an event that another brought about on a sheet."""
    return hashlib.sha256(f"{key} {sheet}".encode()).hexdigest()[:32]


def _said(sheet: Sheet, id: str) -> Mark:
    mark = sheet.mark(id)
    if mark is None:
        raise Conflict("the mark to spread is gone", sheet)
    return mark


def _texts(connection: Connection, origin: Held, said: Mark) -> dict[int, str]:
    """Documents of the last data set whose text has the words of a mark, apart from case."""
    latest = select(func.max(datasets.c.id)).where(datasets.c.project == origin.project).scalar_subquery()
    rows = connection.execute(
        select(documents.c.id, documents.c.text)
        .select_from(placed.join(documents))
        .where(placed.c.dataset == latest, documents.c.text.contains(said.text, autoescape=True))
        .order_by(placed.c.place)
    )
    return {row.id: row.text for row in rows}
