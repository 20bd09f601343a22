"""What is held out to judge by teaches nothing: not while it is half annotated, not when it is reopened, not at another time."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotating import Work, mark

from tripel.annotations.database import Database
from tripel.annotations.lessons import HELD_OUT, Lessons, drawn, gathered

MENTION = {"start": 0, "end": 5, "type": "Disease", "entities": ["D005334"]}
NAMES = [f"case-{number}" for number in range(40)]


def begun(database: Database, folder: Path, wanted: list[str]) -> Work:
    records = [{"id": name, "text": f"Fever and cough of {name}."} for name in wanted]
    work = Work.begin(database, folder, records=records)
    for document in range(len(wanted)):
        work.do("add", document=document, after=mark(0, 5, entities=("D005334",)))
    return work


def learnt(found: Lessons) -> set[str]:
    return {document.id for document in (*found.whole, *found.partly)}


def held(found: Lessons) -> set[str]:
    return {document.id for document in found.held_out}


def names_of_first_project() -> tuple[list[str], list[str]]:
    """Of the project that has number 1: those to be held out, and the others."""
    below = [name for name in NAMES if drawn(1, name) < HELD_OUT]
    above = [name for name in NAMES if drawn(1, name) >= HELD_OUT]
    return below, above


def test_no_version_learns_what_a_later_one_is_judged_by(database: Database, tmp_path: Path) -> None:
    """Documents are marked done in any order, some again and again: what was ever learnt is never held out."""
    below, above = names_of_first_project()
    wanted = [*below[:4], *above[:6]]
    work = begun(database, tmp_path, wanted)
    ever_learnt, ever_held = set[str](), set[str]()
    for document in (9, 0, 4, 1, 5, 2, 3, 6):
        work.do("done", document=document)
        if document in (9,):  # one is too little
            continue
        found = gathered(database, work.project, silver=False)
        ever_learnt |= learnt(found)
        ever_held |= held(found)
        if document in (1, 5):
            work.do("reopen", document=document)
            found = gathered(database, work.project, silver=False)
            ever_learnt |= learnt(found)
            ever_held |= held(found)
            assert wanted[document] in (learnt(found) if document == 5 else {*below})
            work.do("done", document=document)
    assert not ever_learnt & ever_held
    assert ever_held == {*below[:4]} and ever_learnt == {*above[:6]}, "those that are half annotated teach, too"


def test_where_none_is_to_be_held_out_the_first_stands_in(database: Database, tmp_path: Path) -> None:
    _, above = names_of_first_project()
    wanted = sorted(above[:5], key=lambda name: drawn(1, name))
    work = begun(database, tmp_path, wanted)
    for document in (1, 3):
        work.do("done", document=document)
    found = gathered(database, work.project, silver=False)
    assert held(found) == {wanted[1]}
    assert [document.id for document in found.whole] == [wanted[3]]
    assert {document.id for document in found.partly} == {wanted[2], wanted[4]}, "not the one that may stand in later"


def test_none_is_learnt_because_all_are_held_out(database: Database, tmp_path: Path) -> None:
    below, above = names_of_first_project()
    work = begun(database, tmp_path, [*below[:3], above[0]])
    for document in range(3):
        work.do("done", document=document)
    with pytest.raises(
        ValueError, match="the 3 documents that are done are all held out to judge by; mark one more done"
    ):
        gathered(database, work.project, silver=False)
    work.do("done", document=3)
    found = gathered(database, work.project, silver=False)
    assert (learnt(found), held(found)) == ({above[0]}, {*below[:3]})
