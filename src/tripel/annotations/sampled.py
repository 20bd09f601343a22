"""Documents drawn for a person: from those that are free, kept with how each was drawn, and what the strategy gained.

Free is a document that is not done and that nobody else holds: who has drawn it and is not done with it, or is on it just now.
Where annotators work blind everybody gets every document, and nobody holds any. One that came with gold which nobody changed is
drawn where no other is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from tripel.annotations import datasets, embeddings, models, projects, schema
from tripel.annotations.appending import in_parts, sheet_of
from tripel.annotations.beginning import FINAL, whose
from tripel.annotations.database import Database
from tripel.annotations.drawing import CONTROL, Arm, Drawn, draw
from tripel.annotations.presence import PRESENT
from tripel.annotations.projects import Project
from tripel.annotations.sampling.base import Known, Predicted, Sample
from tripel.annotations.sampling.mix import SAMPLING
from tripel.annotations.schema import documents, events, presence, samples, sheets
from tripel.annotations.settled import GIVEN
from tripel.annotations.sheet import Sheet
from tripel.config import choose

HELD = timedelta(hours=2)  # by who has drawn a document, after which it is free again
CORRECTIONS = ("add", "link", "span", "delete")  # events that say that the model was wrong


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What the documents of one arm came to, of those that are done."""

    documents: int
    corrections: int
    """Marks added, linked otherwise, moved or deleted by people, and not taken back: what the model had wrong."""


@dataclass(frozen=True, kw_only=True)
class Free:
    """What a user may be given, with what the model said of it."""

    open: list[Sample]
    as_uploaded: list[Sample]
    """With gold that nobody changed."""
    known: Known
    """What is annotated already."""


def page(
    database: Database,
    files: Path,
    project: int,
    *,
    user: int,
    n: int,
    strategy: str = "margin",
    seed: int | None = None,
    control: float = CONTROL,
) -> list[int]:
    """n documents for a user: those drawn before that are not done, then new ones; fewer where no more are free.

    Equal for equal seeds; without one each page has its own. Raises ValueError for an unknown strategy, LookupError where there
    is no such project.
    """
    chosen = choose(SAMPLING, {"name": strategy}, where="strategy").make()
    its = projects.get(database, project)
    waiting = _waiting(database, its, user)[:n]
    if len(waiting) == n:
        return waiting
    pool = free(database, files, its, user=user, without=waiting)
    model = next((one.fingerprint for one in models.of(database, project) if one.in_use), "")
    with database.begin() as connection:
        connection.execute(select(schema.projects).where(schema.projects.c.id == project).with_for_update())
        taken = set(_held(connection, its, user))  # who drew meanwhile has theirs
        chance = _drawn(connection, project) if seed is None else seed
        drawn = list[Drawn]()
        for some in (pool.open, pool.as_uploaded):
            left, wanted = [one for one in some if int(one.document) not in taken], n - len(waiting) - len(drawn)
            drawn += draw(left, chosen, name=strategy, n=wanted, known=pool.known, seed=chance, control=control)
        _keep(connection, its, drawn, user=user, seed=chance, model=model)
    return [*waiting, *(int(one.document) for one in drawn)]


def free(database: Database, files: Path, project: Project, *, user: int, without: Collection[int] = ()) -> Free:
    """What a user may be given now."""
    dataset = datasets.latest(database, project.id)
    ids = [] if dataset is None else datasets.document_ids(database, dataset.id)
    vectors = embeddings.load(files, project.id)
    with database.connect() as connection:
        held = {*without, *_held(connection, project, user)}
        rows = in_parts(connection, select(sheets).order_by(sheets.c.id), sheets.c.document, ids)
        its = [(row.kind, row.owner, sheet_of(row)) for row in rows]
    mine = {sheet.document: sheet for kind, owner, sheet in its if (kind, owner) == whose(project.mode, user)}
    closed = {sheet.document for kind, _, sheet in its if sheet.done and kind == FINAL}
    closed |= {document for document, sheet in mine.items() if sheet.done}
    complete = {document for document, sheet in mine.items() if sheet.as_uploaded}
    left = [id for id in ids if id not in held and id not in closed]
    return Free(
        open=[_sample(id, mine.get(id), vectors) for id in left if id not in complete],
        as_uploaded=[_sample(id, mine.get(id), vectors) for id in left if id in complete],
        known=_known(sheet for _, _, sheet in its if sheet.done),
    )


def gain(database: Database, project: int) -> dict[Arm, Worth]:
    """What people corrected on documents that are done, by the arm that drew them.

    A strategy that finds what the model has wrong comes to more corrections a document than chance does.
    """
    done = select(sheets.c.document).where(sheets.c.done).distinct().subquery()
    first = select(func.min(samples.c.id)).where(samples.c.project == project).group_by(samples.c.document)
    asked = (
        select(samples.c.document, samples.c.arm)
        .join(done, done.c.document == samples.c.document)
        .where(samples.c.id.in_(first))
    )
    with database.connect() as connection:
        arm_D = {row.document: row.arm for row in connection.execute(asked)}
        corrected = Counter(arm_D[document] for document, _, _ in _corrected(connection, sorted(arm_D)))
    documents = Counter(arm_D.values())
    arms: tuple[Arm, ...] = ("strategy", "control")
    return {arm: Worth(documents=documents[arm], corrections=corrected[arm]) for arm in arms}


def _corrected(connection: Connection, wanted: list[int]) -> set[tuple[int, int, str]]:
    """Document, sheet and id of each mark that people corrected, where that was not undone."""
    its = events.c
    asked = select(its.document, its.sheet, its.key, its.kind, its.mark, its.detail).order_by(its.seq)
    asked = asked.where(its.kind.in_([*CORRECTIONS, "undo", "redo"]))
    standing, undone = dict[str, tuple[int, int, str]](), dict[str, tuple[int, int, str]]()
    for row in in_parts(connection, asked, events.c.document, wanted):
        if row.kind in CORRECTIONS:
            standing[row.key] = (row.document, row.sheet, row.mark)
            continue
        here, there = (standing, undone) if row.kind == "undo" else (undone, standing)
        if row.detail["event"] in here:
            there[row.detail["event"]] = here.pop(row.detail["event"])
    return {*standing.values()}


def _sample(document: int, sheet: Sheet | None, vectors: Mapping[int, Any]) -> Sample:
    marks = () if sheet is None else sheet.marks
    said = [
        Predicted(
            text=mark.text,
            recognizer=1.0 if mark.confidence is None else mark.confidence,
            scores=tuple(one.score for one in mark.candidates[:2]),
            entity=mark.entities[0] if mark.entities else "",
        )
        for mark in marks
        if mark.label == "PRED"
    ]
    return Sample(document=str(document), predicted=tuple(said), vector_D=vectors.get(document))


def _known(finished: Iterator[Sheet]) -> Known:
    marks = [mark for sheet in finished for mark in sheet.marks if mark.label in GIVEN]
    return Known(
        entities=frozenset(id for mark in marks for id in mark.entities),
        forms=frozenset(mark.text.casefold() for mark in marks),
    )


def _waiting(database: Database, project: Project, user: int) -> list[int]:
    """What was drawn for a user and is not done, in the order it was drawn, of the last data set."""
    kind, owner = whose(project.mode, user)
    done = select(sheets.c.document).where(sheets.c.kind.in_([kind, FINAL]), sheets.c.done)
    done = done.where((sheets.c.owner == owner) | (sheets.c.kind == FINAL))
    asked = select(samples.c.document).where(samples.c.project == project.id, samples.c.user == user)
    dataset = datasets.latest(database, project.id)
    ids = set() if dataset is None else {*datasets.document_ids(database, dataset.id)}
    with database.connect() as connection:
        held = set(_held(connection, project, user))
        rows = connection.execute(asked.where(samples.c.document.not_in(done)).order_by(samples.c.id)).scalars()
        return [document for document in dict.fromkeys(rows) if document in ids - held]


def _held(connection: Connection, project: Project, user: int) -> list[int]:
    """What others hold."""
    if project.mode == "blind":
        return []
    now = schema.now()
    here = select(presence.c.document).select_from(presence.join(documents, presence.c.document == documents.c.id))
    here = here.where(documents.c.project == project.id, presence.c.user != user, presence.c.seen_at >= now - PRESENT)
    last = (
        select(samples.c.document, func.max(samples.c.id).label("id"))
        .where(samples.c.project == project.id)
        .group_by(samples.c.document)
        .subquery()
    )
    theirs = select(samples.c.document).join(last, samples.c.id == last.c.id)
    theirs = theirs.where(samples.c.user != user, samples.c.drawn_at >= now - HELD)
    return [*connection.execute(here).scalars(), *connection.execute(theirs).scalars()]


def _drawn(connection: Connection, project: int) -> int:
    """How many were drawn so far: a seed that no page had before."""
    return int(connection.execute(select(func.count()).where(samples.c.project == project)).scalar_one())


def _keep(connection: Connection, project: Project, drawn: list[Drawn], *, user: int, seed: int, model: str) -> None:
    values = [
        {
            "project": project.id,
            "document": int(one.document),
            "user": user,
            "strategy": one.strategy,
            "arm": one.arm,
            "seed": seed,
            "model": model,
            "drawn_at": schema.now(),
        }
        for one in drawn
    ]
    if values:
        connection.execute(insert(samples), values)
