"""Documents drawn for people: who gets which, what is kept of it, and what a strategy gained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from annotating import Work, mark
from sqlalchemy import select, update

from tripel.annotations import embeddings, ledger, presence, sampled, schema
from tripel.annotations.database import Database
from tripel.annotations.events import Mark
from tripel.annotations.projects import get
from tripel.documents import Candidate

RECORDS = [{"id": str(n), "text": f"Fever and cough of case {n}."} for n in range(12)]


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    """Twelve documents; of the first the model is least sure, of the last surest."""
    made = Work.begin(database, tmp_path, records=RECORDS)
    for n in range(12):
        predict(made, n, lead=n / 20)
    return made


def predict(work: Work, document: int, *, lead: float, user: int = 0) -> None:
    candidates = (Candidate("D005334", 0.9), Candidate("D003371", 0.9 - lead))
    marks = [Mark(id="p", start=0, end=5, label="PRED", entities=("D005334",), confidence=0.7, candidates=candidates)]
    sheet = work.sheet_id(document=document, user=user)
    ledger.predict(work.database, sheet, marks, key=f"predict-0-{sheet}", model="m")


def page(
    work: Work, files: Path, *, user: int = 0, n: int = 3, control: float = 0.0, strategy: str = "margin"
) -> list[int]:
    drawn = sampled.page(
        work.database, files, work.project, user=work.users[user], n=n, control=control, strategy=strategy, seed=1
    )
    return [work.documents.index(document) for document in drawn]


def test_the_least_sure_come_first_and_a_page_of_n_is_n(work: Work, tmp_path: Path) -> None:
    assert page(work, tmp_path, n=4) == [0, 1, 2, 3]
    assert page(work, tmp_path, n=12) == list(range(12))
    assert page(work, tmp_path, n=99) == list(range(12))


def test_what_was_drawn_stays_until_it_is_done(work: Work, tmp_path: Path) -> None:
    assert page(work, tmp_path) == [0, 1, 2]
    work.do("done", document=1)
    assert page(work, tmp_path) == [0, 2, 3]
    assert page(work, tmp_path, n=1) == [0]


def test_two_people_get_different_documents(work: Work, tmp_path: Path) -> None:
    assert page(work, tmp_path) == [0, 1, 2]
    assert page(work, tmp_path, user=1) == [3, 4, 5]


def test_what_was_drawn_long_ago_is_free_again(work: Work, tmp_path: Path) -> None:
    page(work, tmp_path)
    with work.database.begin() as connection:
        connection.execute(update(schema.samples).values(drawn_at=schema.now() - 2 * sampled.HELD))
    assert page(work, tmp_path, user=1) == [0, 1, 2]
    assert page(work, tmp_path) == [3, 4, 5], "what somebody else has now is not waiting any more"


def test_where_somebody_else_is_nobody_is_sent(work: Work, tmp_path: Path) -> None:
    presence.here(work.database, work.documents[0], work.users[1])
    presence.here(work.database, work.documents[1], work.users[0])
    assert page(work, tmp_path) == [1, 2, 3]


def test_done_documents_are_not_drawn(work: Work, tmp_path: Path) -> None:
    work.do("done", document=0)
    assert page(work, tmp_path) == [1, 2, 3]
    work.do("reopen", document=0)
    assert page(work, tmp_path, user=1) == [0, 4, 5]


def test_of_what_people_decided_the_model_is_not_asked(work: Work, tmp_path: Path) -> None:
    """The only mark of the first is a person's now, so nothing tells how sure the model is of it."""
    work.do("accept", document=0, after=mark(0, 5, "p", entities=("D005334",)))
    assert page(work, tmp_path) == [1, 2, 3]


def test_blind_annotators_all_get_the_same(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, records=RECORDS[:4], mode="blind", people=3)
    for user in (1, 2):
        for n in range(4):
            predict(work, n, lead=n / 20, user=user)
    assert page(work, tmp_path, user=1) == [0, 1, 2]
    assert page(work, tmp_path, user=2) == [0, 1, 2]
    work.do("done", document=0, user=1)
    assert page(work, tmp_path, user=1) == [1, 2, 3]
    assert page(work, tmp_path, user=2) == [0, 1, 2]


def test_embeddings_are_those_that_were_kept(work: Work, tmp_path: Path) -> None:
    vectors = {
        document: np.array([1.0, 0.0] if n < 8 else [0.0, 1.0], np.float32) for n, document in enumerate(work.documents)
    }
    embeddings.save(tmp_path, work.project, vectors)
    drawn = page(work, tmp_path, n=6, strategy="diversity")
    assert sum(n >= 8 for n in drawn) == 3, "the two kinds take turns"


def test_what_is_annotated_is_known(work: Work, tmp_path: Path) -> None:
    work.do("add", document=3, after=mark(10, 15, entities=("D003371",)))
    work.do("done", document=3)
    known = sampled.free(work.database, tmp_path, get(work.database, work.project), user=work.users[0]).known
    assert known.entities == {"D003371"} and known.forms == {"cough"}


def test_how_it_was_drawn_is_kept(work: Work, tmp_path: Path) -> None:
    page(work, tmp_path, n=12, control=0.5)
    with work.database.connect() as connection:
        rows = connection.execute(select(schema.samples).order_by(schema.samples.c.id)).all()
    assert {row.arm for row in rows} == {"strategy", "control"}
    assert {(row.strategy, row.user, row.seed) for row in rows} == {("margin", work.users[0], 1)}
    strategy = [work.documents.index(row.document) for row in rows if row.arm == "strategy"]
    assert strategy == sorted(strategy)


def test_the_gain_is_what_was_corrected_in_each_arm(work: Work, tmp_path: Path) -> None:
    page(work, tmp_path, n=12, control=0.5)
    with work.database.connect() as connection:
        arms = dict(connection.execute(select(schema.samples.c.document, schema.samples.c.arm)).all())
    by_arm = {
        arm: [n for n, document in enumerate(work.documents) if arms[document] == arm] for arm in set(arms.values())
    }
    for n in by_arm["strategy"][:2]:
        work.do("add", document=n, after=mark(10, 15))
        work.do("add", document=n, after=mark(0, 9))
        work.do("done", document=n)
    work.do("done", document=by_arm["control"][0])
    work.do("add", document=by_arm["control"][1], after=mark(10, 15))
    found = sampled.gain(work.database, work.project)
    assert found == {
        "strategy": sampled.Worth(documents=2, corrections=4),
        "control": sampled.Worth(documents=1, corrections=0),
    }


def test_what_was_taken_back_is_no_gain(work: Work, tmp_path: Path) -> None:
    (first, *_) = page(work, tmp_path, n=1)
    for _ in range(3):
        work.do("add", document=first, after=mark(10, 15, "m"))
        work.do("undo", document=first)
    work.do("redo", document=first)
    work.do("link", document=first, after=mark(10, 15, "m", entities=("D003371",)))
    work.do("done", document=first)
    assert sampled.gain(work.database, work.project)["strategy"] == sampled.Worth(documents=1, corrections=1)


def test_what_came_with_gold_is_drawn_last(database: Database, tmp_path: Path) -> None:
    gold = {"start": 0, "end": 5, "type": "Disease", "entities": ["D005334"]}
    records = [{**record, "mentions": [gold] if n < 4 else []} for n, record in enumerate(RECORDS[:6])]
    work = Work.begin(database, tmp_path, records=records)
    work.do("delete", document=3, mark=work.sheet(document=3).marks[0].id)
    work.do("comment", document=2, text="look again")
    assert sorted(page(work, tmp_path, n=3)) == [3, 4, 5]
    assert set(page(work, tmp_path, n=5)[3:]) < {0, 1, 2}, "a comment changes no gold"
    assert len(page(work, tmp_path, n=9)) == 6


def test_an_unknown_strategy_is_told(work: Work, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean novelty"):
        page(work, tmp_path, strategy="novel")
