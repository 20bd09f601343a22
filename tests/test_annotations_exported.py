"""Annotations that leave the database: documents in every format, at any date, with and without text, lessons, and the log."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from annotating import FIRST, GOLD, RECORDS, SECOND, Work, key, mark, upload

from tripel import formats
from tripel.annotations import console, datasets, ledger, schema
from tripel.annotations.beginning import final_sheet
from tripel.annotations.database import Database
from tripel.annotations.events import Proposal
from tripel.annotations.exporting import events_of, export, export_events, hidden
from tripel.annotations.lessons import Lesson, lessons
from tripel.annotations.settled import agreed, annotated
from tripel.annotations.sheet import replay
from tripel.annotations.uploads import opened as uploaded
from tripel.data.inputs import opened
from tripel.documents import Document, Mention
from tripel.find import names
from tripel.formats.losses import REBUILT

WRITTEN = [name for name in names("formats") if formats.of(name).WRITES]
SECRETS = ("Fever", "cough", "aspirin", "feverish")


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    """Gold, a person's, a predicted and a spread mark."""
    made = Work.begin(database, tmp_path)
    (gold,) = made.sheet().marks
    made.do("add", after=mark(10, 15, "m", type="Symptom", entities=("D003371",)))
    ledger.predict(database, made.sheet_id(), [mark(22, 29, "p", entities=("D001241",))], key=key(), model="m")
    made.do("spread", mark=gold.id)
    made.do("comment", text="which aspirin?")
    return made


def exported(work: Work, target: Path, **wanted: Any) -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
    """What an export holds, by document: read as people would."""
    wanted = {"write_as": "jsonl", **wanted}
    export(work.database, work.project, target, **wanted)
    with opened(target, read_as=wanted["write_as"]) as found:
        return {one.id: [(its.text, its.type, its.entities) for its in one.mentions] for one in found.documents()}


PEOPLE = {"1": [("Fever", "Disease", ("D005334",)), ("cough", "Symptom", ("D003371",))], "2": []}


def test_what_people_said_is_exported(work: Work, tmp_path: Path) -> None:
    assert exported(work, tmp_path / "a.jsonl") == PEOPLE


def test_labels_are_chosen(work: Work, tmp_path: Path) -> None:
    assert exported(work, tmp_path / "a.jsonl", labels=["GOLD"])["1"] == PEOPLE["1"][:1]
    assert exported(work, tmp_path / "a.jsonl", labels=["PRED"])["1"] == [("aspirin", "", ("D001241",))]
    silver = exported(work, tmp_path / "a.jsonl", labels=["SILVER"])
    assert [len(its) for its in silver.values()] == [1, 2]


def test_only_what_is_done(work: Work, tmp_path: Path) -> None:
    work.do("done", document=1)
    assert list(exported(work, tmp_path / "a.jsonl", only_done=True)) == ["2"]


@pytest.mark.parametrize("text", [True, False])
def test_every_format_is_written(work: Work, tmp_path: Path, text: bool) -> None:
    for name in WRITTEN:
        place = tmp_path / name
        place.mkdir()
        target = place / "export"
        account = export(work.database, work.project, target, write_as=name, text=text)
        assert (account.documents, account.mentions) == (2, 2)
        assert list(place.iterdir()) == [target]
        content = target.read_bytes()
        assert account.zipped == (bool(formats.of(name).FOLDER) or name == "conll")
        if account.zipped:
            with zipfile.ZipFile(target) as packed:
                content = b"".join(map(packed.read, packed.namelist()))
        with uploaded(target, name=target.name, read_as=name) as again:
            found = list(again.documents())
        assert sum(len(one.mentions) for one in found) == 2
        if name != "bigbio_parquet":  # is packed within
            assert b"D003371" in content
            assert any(secret.encode() in content for secret in SECRETS) == text


def test_a_format_that_holds_less_says_what_is_lost(work: Work, tmp_path: Path) -> None:
    account = export(work.database, work.project, tmp_path / "a", write_as="context")
    assert account.lost == {REBUILT: 1, "documents": 1, "types": 2}
    assert export(work.database, work.project, tmp_path / "b", write_as="jsonl").lost == Counter()
    with pytest.raises(ValueError, match="holds no mentions"):
        export(work.database, work.project, tmp_path / "c", write_as="text")


def test_a_text_is_hidden_letter_by_letter() -> None:
    text = "Fever (39.5) β-b\n"
    mention = Mention(start=0, end=5, text="Fever", type="T", entities=("D1",), long_form="long")
    found = hidden(Document(id="1", text=text, title_end=3, mentions=(mention,)))
    assert (found.text, found.title_end) == ("xxxxx (xx.x) x-x\n", 3)
    assert found.mentions == (Mention(start=0, end=5, text="xxxxx", type="T", entities=("D1",)),)


# As of a date


def test_the_state_at_each_moment(work: Work, tmp_path: Path) -> None:
    """After each event of a longer history, what was exported then is exported again later."""
    then = []
    for _ in range(4):
        one = work.sheet().marks[-1]
        work.do("delete", mark=one.id)
        moment = work.sheet().at
        assert moment is not None
        then.append((moment, exported(work, tmp_path / "now.jsonl")))
    assert [len(its["1"]) for _, its in then] == [2, 2, 1, 0]
    for moment, expected in then:
        assert exported(work, tmp_path / "then.jsonl", until=moment) == expected
    dataset = datasets.latest(work.database, work.project)
    assert dataset is not None
    before = exported(work, tmp_path / "before.jsonl", until=dataset.created_at, dataset=dataset.id)
    assert before == {"1": [], "2": []}


def test_the_data_set_of_a_moment(work: Work, tmp_path: Path) -> None:
    """As of a moment: the documents that there were then, whatever was uploaded since; none before the first."""
    first = datasets.latest(work.database, work.project)
    assert first is not None
    upload(work.database, work.project, tmp_path, [{"id": "9", "text": "New."}], by=work.users[0])
    second = datasets.latest(work.database, work.project)
    assert second is not None and second.created_at > first.created_at
    instant = timedelta(microseconds=1)
    for moment, ids in (
        (second.created_at, ["9"]),
        (second.created_at - instant, ["1", "2"]),
        (first.created_at, ["1", "2"]),
    ):
        assert list(exported(work, tmp_path / "then.jsonl", until=moment)) == ids
    none = export(work.database, work.project, tmp_path / "none", write_as="jsonl", until=first.created_at - instant)
    assert none.documents == 0
    assert exported(work, tmp_path / "then.jsonl", until=second.created_at, dataset=first.id) == PEOPLE
    then = (second.created_at - instant).isoformat()
    console.export(work.database, work.project, tmp_path / "a.jsonl", write_as="jsonl", until=then)
    console.export(work.database, work.project, tmp_path / "b.jsonl", write_as="jsonl", until=then, dataset=2)
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("a.jsonl", "b.jsonl")] == [2, 1]


def test_a_moment_needs_a_time_zone(work: Work, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        export(work.database, work.project, tmp_path / "a", write_as="jsonl", until=datetime(2026, 1, 1))
    assert not (tmp_path / "a").exists()


def test_an_earlier_data_set(work: Work, tmp_path: Path) -> None:
    first = datasets.latest(work.database, work.project)
    assert first is not None
    upload(work.database, work.project, tmp_path, [{"id": "9", "text": "New."}], by=work.users[0])
    assert exported(work, tmp_path / "a.jsonl") == {"9": []}
    assert exported(work, tmp_path / "a.jsonl", dataset=first.id) == PEOPLE
    with pytest.raises(LookupError, match="no project"):
        export(work.database, 9999, tmp_path / "b", write_as="jsonl")
    other = Work.begin(work.database, tmp_path)
    with pytest.raises(LookupError, match="no data set"):
        export(work.database, other.project, tmp_path / "b", write_as="jsonl", dataset=first.id)


# What is learnt from


def learnt(work: Work, **wanted: Any) -> list[Lesson]:
    return list(lessons(work.database, work.project, **wanted))


def test_lessons_say_which_are_whole(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, records=[*RECORDS, {"id": "3", "text": SECOND, "mentions": []}])
    assert [(one.document.id, one.whole) for one in learnt(work)] == [("1", True)]
    work.do("add", after=mark(10, 15))
    work.do("add", after=mark(3, 8), document=1)
    assert [(one.document.id, one.whole) for one in learnt(work)] == [("1", False), ("2", False)]
    work.do("done")
    work.do("done", document=2)
    assert [(one.document.id, one.whole) for one in learnt(work)] == [("1", True), ("2", False), ("3", True)]


def test_of_blind_annotators_the_only_one_counts_until_a_reviewer_settles_it(
    database: Database, tmp_path: Path
) -> None:
    work = Work.begin(database, tmp_path, mode="blind", people=3)
    work.do("add", after=mark(10, 15), user=0)
    work.sheet(user=1)
    assert [len(one.document.mentions) for one in learnt(work)] == [2]
    assert [len(one.sheet.marks) for one in agreed(database, work.documents)] == [0, 0], "all may see it"
    work.do("add", after=mark(22, 29), user=1)
    assert learnt(work) == []
    assert [len(one.sheet.marks) for one in annotated(database, work.project, whose=work.users[1])] == [2, 0]
    final = final_sheet(database, work.documents[0])
    ledger.append(database, final, Proposal(key=key(), kind="add", after=mark(0, 5)), by=work.users[2])
    assert [[its.text for its in one.document.mentions] for one in learnt(work)] == [["Fever"]]
    assert [[its.text for its in one.sheet.marks] for one in agreed(database, work.documents)] == [["Fever"], []]


def test_a_final_sheet_that_somebody_only_looked_at_counts_for_nothing(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind")
    work.do("add", after=mark(10, 15), user=0)
    final = final_sheet(database, work.documents[0])
    ledger.predict(database, final, [mark(22, 29, label="PRED")], key=key(), model="m")
    ledger.append(database, final, Proposal(key=key(), kind="time", milliseconds=900), by=work.users[1])
    assert [len(one.document.mentions) for one in learnt(work)] == [2]
    ledger.append(database, final, Proposal(key=key(), kind="done"), by=work.users[1])
    assert [(len(one.document.mentions), one.whole) for one in learnt(work)] == [(0, True)], "and says there is nothing"


def test_a_comment_a_flag_and_an_echo_decide_nothing(database: Database, tmp_path: Path) -> None:
    records = [{"id": str(n), "text": FIRST, "mentions": [GOLD]} for n in range(2)]
    work = Work.begin(database, tmp_path, records=records)
    work.do("comment", text="look again")
    work.do("flag", on=True)
    work.do("flag", on=False)
    assert [one.whole for one in learnt(work)] == [True, True]
    work.do("add", after=mark(10, 15, "m"), document=1)
    work.do("spread", mark="m", document=1)
    assert [one.label for one in work.sheet().marks] == ["GOLD", "SILVER"]
    assert [one.whole for one in learnt(work)] == [True, False]
    work.do("undo", document=1)
    work.do("undo", document=1)
    assert [one.whole for one in learnt(work)] == [True, True]


def test_who_only_comments_leaves_the_other_annotator_the_only_one(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind", people=3)
    work.do("add", after=mark(10, 15), user=0)
    work.do("comment", text="unsure", user=1)
    assert [len(one.document.mentions) for one in learnt(work)] == [2]


def test_of_blind_annotators_what_the_only_one_spread_counts(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind")
    work.do("add", after=mark(31, 36, "m"), user=0)
    work.do("spread", mark="m", user=0)
    assert [one.document.id for one in learnt(work)] == ["1"]
    assert [one.document.id for one in learnt(work, silver=True)] == ["1", "2"]


# The log


def test_the_log_is_exported_with_names_and_replays(work: Work, tmp_path: Path) -> None:
    target = tmp_path / "log.jsonl"
    assert export_events(work.database, work.project, target) == 6
    records = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [one["kind"] for one in records] == ["import", "add", "predict", "spread", "spread", "comment"]
    assert [one["by_name"] is None for one in records] == [True, False, True, False, False, False]
    assert {one["document_name"] for one in records} == {"1", "2"}
    events = list(events_of(target))
    sheet = work.sheet()
    assert replay((one for one in events if one.sheet == sheet.id), id=sheet.id, document=sheet.document) == sheet
    digest = ""
    for one in (one for one in events if one.sheet == sheet.id):
        assert one.chained(digest) == one.digest
        digest = one.digest


def test_the_log_without_text(work: Work, tmp_path: Path) -> None:
    export_events(work.database, work.project, tmp_path / "log.jsonl", text=False)
    content = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    assert not any(secret in content for secret in SECRETS)
    assert "D003371" in content


def test_the_log_until_a_moment(work: Work, tmp_path: Path) -> None:
    moment = schema.now()
    work.do("done")
    assert export_events(work.database, work.project, tmp_path / "log.jsonl", until=moment) == 6


def test_another_file_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "1", "text": FIRST, "mentions": [GOLD]}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:1: no event of a log"):
        list(events_of(path))
