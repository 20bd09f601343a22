"""What pages list and count of documents, versions and people: right, and asked of the database without its texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotating import FIRST, RECORDS, SECOND, Work, mark, upload
from sqlalchemy import event, insert

from tripel.annotations import listing, overview, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.listing import Progress
from tripel.annotations.overview import Worked

LONG = [{"id": f"long {n}", "text": f"Fever {n} " * 200} for n in range(5)]


@contextmanager
def asked_of(database: Database) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    said: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(" ".join(statement.split()))

    event.listen(database.engine, "before_cursor_execute", listen)
    yield said
    event.remove(database.engine, "before_cursor_execute", listen)


def reads_texts(statements: list[str]) -> list[str]:
    """Those that ask for whole texts, or how long they are, which reads them."""
    return [one for one in statements if re.search(r"(?<!substr\()documents\.text", one)]


def test_progress_is_of_the_last_data_set_and_of_ones_own_sheets(database: Database, tmp_path: Path) -> None:
    shared = Work.begin(database, tmp_path)
    blind = Work.begin(database, tmp_path, mode="blind")
    empty = projects.new(database, title="Empty", by=shared.users[0]).id
    shared.do("done", user=1)
    blind.do("done", user=1, document=0)
    blind.do("done", user=1, document=1)
    everywhere = [shared.project, blind.project, empty]
    found = listing.progress_of(database, everywhere, blind.users[1])
    assert list(found.values()) == [
        Progress(documents=2, done=1),
        Progress(documents=2, done=2),
        Progress(documents=0, done=0),
    ]
    assert listing.progress(database, blind.project, blind.users[0]) == Progress(documents=2, done=0)
    upload(database, shared.project, tmp_path, [*RECORDS[1:], *LONG], by=shared.users[0])
    assert listing.progress(database, shared.project, shared.users[0]) == Progress(documents=6, done=0)


def test_progress_of_many_projects_is_one_question(database: Database, tmp_path: Path) -> None:
    its = [Work.begin(database, tmp_path).project for _ in range(4)]
    with asked_of(database) as said:
        listing.progress_of(database, its, 1)
    assert len([one for one in said if one.startswith("SELECT")]) == 1 and "count(" in said[-1]


def test_lists_and_ways_onward_read_no_text(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, records=LONG)
    first, second, third, *_ = work.documents
    with asked_of(database) as said:
        assert listing.neighbours(database, work.project, work.users[0], second) == (first, third)
        assert listing.onward(database, work.project, work.users[0], second) == third
        found, total = listing.named(database, work.project, work.users[0], first=1, n=2)
        assert ([(one.id, one.name, one.done) for one in found], total) == (
            [(second, "long 1", False), (third, "long 2", False)],
            5,
        )
        assert listing.names(database, [third, first]) == {first: "long 0", third: "long 2"}
        assert listing.beginnings(database, [first], characters=12) == {first: "Fever 0 Feve"}
        assert listing.ready(database, work.project) == 0
    assert said and reads_texts(said) == []
    (one,), many = listing.listed(database, work.project, work.users[0], containing="LONG 3")
    assert (one.name, one.characters, many) == ("long 3", 1600, 1)


def test_neighbours_of_a_sample_are_samples(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, records=LONG)
    rows = [
        {"project": work.project, "document": work.documents[n], "user": work.users[0], "strategy": "margin", "arm": "strategy",
         "seed": 1, "model": "", "drawn_at": schema.now()}
        for n in (4, 0, 2)
    ]  # fmt: skip
    with database.begin() as connection:
        connection.execute(insert(schema.samples), rows)
    a, _, c, d, e = work.documents
    assert listing.neighbours(database, work.project, work.users[0], a) == (e, c)
    assert listing.neighbours(database, work.project, work.users[0], d) == (c, e), "not a sample: as they were uploaded"
    assert listing.neighbours(database, work.project, work.users[0], 10**6) == (None, None)


def test_what_is_done_or_came_with_gold_may_teach(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path)
    assert listing.ready(database, work.project) == 1, "the first came with gold"
    work.do("done", document=0)
    assert listing.ready(database, work.project) == 1
    work.do("done", document=1)
    assert listing.ready(database, work.project) == 2


def test_time_and_decisions_of_everybody_and_of_one(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind")
    assert overview.worked(database, work.project) == []
    for document, milliseconds in ((0, 60_000), (1, 30_000), (0, 5)):
        work.do("time", document=document, milliseconds=milliseconds)
    made = mark(10, 15, entities=("D003371",))
    work.do("add", after=made)
    work.do("delete", mark=made.id)
    work.do("comment", text="why?")
    work.do("add", user=1, after=mark(10, 15))
    sheets = [work.sheet(document=document).milliseconds for document in (0, 1)]
    names = [listed.name for listed in projects.members_of(database, work.project)]
    a, b = (
        Worked(user=user, name=name, milliseconds=spent, decisions=count)
        for user, name, spent, count in zip(work.users, names, (90_005, 0), (2, 1), strict=True)
    )
    assert overview.worked(database, work.project) == [a, b]
    assert a.milliseconds == sum(its[work.users[0]] for its in sheets)
    assert overview.worked(database, work.project, user=work.users[1]) == [b]


def test_what_is_spread_is_decided_once(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, records=({"id": "1", "text": FIRST}, {"id": "2", "text": SECOND}))
    made = mark(0, 5, type="Disease", entities=("D005334",))
    work.do("add", after=made)
    work.do("spread", mark=made.id)
    assert any(one.label == "SILVER" for one in work.sheet(document=1).marks)
    assert [one.decisions for one in overview.worked(database, work.project)] == [2]
