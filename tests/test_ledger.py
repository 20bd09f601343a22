"""The log: appending, conflicts, undoing, spreading, predicting, and what its replay gives."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from annotating import FIRST, GOLD, Work, key, mark, upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from tripel.annotations import beginning, ledger, projects, proposing, schema, spreading
from tripel.annotations.database import Database
from tripel.annotations.events import Event, Proposal
from tripel.annotations.lessons import lessons
from tripel.annotations.proposing import Conflict
from tripel.annotations.sheet import Sheet, after, replay
from tripel.documents import Candidate

ONCE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    return Work.begin(database, tmp_path)


def shown(sheet: Sheet) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.text, one.label, one.entities) for one in sheet.marks]


def history(work: Work, document: int = 0, user: int = 0) -> list[Event]:
    return list(ledger.history(work.database, sheet=work.sheet_id(document=document, user=user)))


# Each kind of event


def test_what_was_uploaded_is_gold(work: Work) -> None:
    assert shown(work.sheet()) == [("Fever", "GOLD", ("D005334",))]
    assert shown(work.sheet(document=1)) == []
    (event,) = history(work)
    assert (event.kind, event.by, list(event.before.values())) == ("import", None, [None])
    work.sound()


def test_a_person_adds_links_moves_and_deletes(work: Work) -> None:
    work.do("add", after=mark(10, 15, "m", type="Symptom"))
    assert shown(work.sheet())[1] == ("cough", "USER", ())
    work.do("link", after=mark(10, 15, "m", type="Symptom", entities=("D003371",)))
    assert shown(work.sheet())[1] == ("cough", "USER", ("D003371",))
    work.do("span", after=mark(6, 15, "m", type="Symptom", entities=("D003371",)))
    assert shown(work.sheet())[1] == ("and cough", "USER", ("D003371",))
    work.do("link", after=mark(6, 15, "m", type="Symptom", nil=True))
    assert work.sheet().marks[1].nil
    work.do("delete", mark="m")
    assert shown(work.sheet()) == [("Fever", "GOLD", ("D005334",))]
    assert [event.kind for event in history(work)] == ["import", "add", "link", "span", "link", "delete"]
    work.sound()


def test_the_server_says_what_stands_at_the_offsets(work: Work) -> None:
    made = work.do("add", after=mark(10, 15, text="<script>", label="GOLD"))
    assert [(one.text, one.label) for one in made.sheet.marks][1] == ("cough", "USER")
    with pytest.raises(ValueError, match=r"\[40, 99\) in a document of 43 characters"):
        work.do("add", after=mark(40, 99))


def test_overlapping_nested_and_equal_marks_all_stay(work: Work) -> None:
    for start, end in ((0, 15), (6, 15), (10, 15), (10, 15)):
        work.do("add", after=mark(start, end, type="Symptom"))
    assert [one.span for one in work.sheet().marks] == [(0, 15), (0, 5), (6, 15), (10, 15), (10, 15)]


def test_an_event_holds_what_was_before_and_what_was_on_the_screen(work: Work) -> None:
    (gold,) = work.sheet().marks
    seen = (Candidate("D005334", 0.9, "Fever"), Candidate("D003371", 0.1))
    made = work.do("link", after=replace(gold, entities=("D003371",)), shown=seen, model="m1", knowledge="k1")
    event = history(work)[-1]
    assert event == made.event
    assert event.before[f"mark/{gold.id}"] == gold.record
    assert event.after[f"mark/{gold.id}"]["entities"] == ["D003371"]
    assert [one["entity"] for one in event.shown] == ["D005334", "D003371"]
    assert (event.by, event.model, event.knowledge, event.mark) == (work.users[0], "m1", "k1", gold.id)


def test_comments_flags_and_time(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("comment", mark=gold.id, text=" fever of whom? ")
    work.do("comment", text="a short one", user=1)
    work.do("flag", mark=gold.id, text="unsure")
    work.do("flag", text="look again")
    work.do("flag", on=False)
    for milliseconds in (1500, 500):
        work.do("time", milliseconds=milliseconds)
    work.do("time", milliseconds=70, user=1)
    sheet = work.sheet()
    assert [(one["text"], one["mark"], one["by"]) for one in sheet.comments] == [
        ("fever of whom?", gold.id, work.users[0]),
        ("a short one", "", work.users[1]),
    ]
    assert {name: its["text"] for name, its in sheet.flags.items()} == {gold.id: "unsure"}
    assert sheet.milliseconds == {work.users[0]: 2000, work.users[1]: 70}
    work.sound()


def test_a_done_document_is_reopened_before_it_changes(work: Work) -> None:
    work.do("done", user=1)
    assert work.sheet().done
    with pytest.raises(Conflict, match="reopen it"):
        work.do("add", after=mark(10, 15))
    work.do("comment", text="still")
    work.do("reopen")
    work.do("add", after=mark(10, 15))
    assert not work.sheet().done
    work.sound()


def test_somebody_elses_done_is_not_undone_by_my_undo(work: Work) -> None:
    work.do("add", after=mark(10, 15))
    work.do("done", user=1)
    with pytest.raises(Conflict, match="reopen it"):
        work.do("undo")
    assert len(work.sheet().marks) == 2


# The same key again, and two people


def test_the_same_key_again_changes_nothing(work: Work) -> None:
    once, wanted = key(), mark(10, 15)
    first = work.do("add", after=wanted, key=once)
    work.do("link", after=replace(wanted, entities=("D003371",)))
    again = work.do("add", after=wanted, key=once, seen=1)
    assert (first.again, again.again) == (False, True)
    assert again.event == first.event
    assert shown(again.sheet)[1] == ("cough", "USER", ("D003371",))
    assert len(history(work)) == 3


def test_a_clock_that_is_set_back_does_not_turn_the_order(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    late = work.do("add", after=mark(10, 15)).event.at
    monkeypatch.setattr(schema, "now", lambda: late - timedelta(hours=1))
    assert work.do("add", after=mark(22, 29)).event.at == late


def test_a_key_is_for_one_event(work: Work) -> None:
    once = key()
    work.do("add", after=mark(10, 15), key=once)
    with pytest.raises(ValueError, match="used for another"):
        work.do("add", after=mark(10, 15), key=once, user=1)
    with pytest.raises(ValueError, match="used for another"):
        work.do("add", after=mark(0, 2), key=once, document=1)
    with pytest.raises(ValueError, match="used for another"):
        work.do("done", key=once)
    assert len(history(work)) == 2


def test_two_people_on_one_mark(work: Work) -> None:
    (gold,) = work.sheet().marks
    seen = work.sheet().version
    work.do("link", after=replace(gold, entities=("A",)), seen=seen)
    with pytest.raises(Conflict, match="meanwhile") as refused:
        work.do("link", after=replace(gold, entities=("B",)), user=1, seen=seen)
    assert shown(refused.value.sheet) == [("Fever", "USER", ("A",))]
    with pytest.raises(Conflict):
        work.do("delete", mark=gold.id, user=1, seen=seen)
    work.do("link", after=replace(gold, entities=("B",)), user=1, seen=refused.value.sheet.version)
    assert shown(work.sheet()) == [("Fever", "USER", ("B",))]


def test_two_people_on_two_marks_hinder_nobody(work: Work) -> None:
    seen = work.sheet().version
    for number, (start, end) in enumerate(((10, 15), (22, 29))):
        work.do("add", after=mark(start, end), user=number, seen=seen)
    assert len(work.sheet().marks) == 3


def test_two_people_who_mark_the_same_words_at_once(work: Work) -> None:
    seen = work.sheet().version
    work.do("add", after=mark(10, 15, "a", entities=("D003371",)), seen=seen)
    with pytest.raises(Conflict, match="somebody else changed this"):
        work.do("add", user=1, after=mark(10, 15, "b", entities=("C535329",)), seen=seen)
    work.do("add", user=1, after=mark(10, 15, "b", entities=("C535329",)))  # having seen it
    assert len(work.sheet().marks) == 3


def test_one_may_send_many_before_the_first_is_answered(work: Work) -> None:
    """As a page does that was offline for a minute: all of them saw the same version."""
    seen = work.sheet().version
    work.do("add", after=mark(10, 15, "m"), seen=seen)
    work.do("link", after=mark(10, 15, "m", entities=("A",)), seen=seen)
    work.do("span", after=mark(6, 15, "m", entities=("A",)), seen=seen)
    work.do("delete", mark="m", seen=seen)
    work.do("undo", seen=seen)
    assert shown(work.sheet())[1] == ("and cough", "USER", ("A",))


def test_what_another_deleted_is_not_linked(work: Work) -> None:
    (gold,) = work.sheet().marks
    seen = work.sheet().version
    work.do("delete", mark=gold.id)
    with pytest.raises(Conflict):
        work.do("link", after=replace(gold, entities=("B",)), user=1, seen=seen)
    assert shown(work.sheet()) == []


def test_another_sheet_is_none(work: Work) -> None:
    with pytest.raises(LookupError, match="no sheet 9999"):
        ledger.append(work.database, 9999, Proposal(key=key(), kind="done"), by=work.users[0])
    with pytest.raises(LookupError, match="no document 9999"):
        beginning.sheet_for(work.database, 9999, user=work.users[0])


def test_threads_that_append_at_once_all_get_through(work: Work) -> None:
    """Forty marks by four threads on one sheet, each sent twice."""
    sheet, failed = work.sheet_id(), list[Exception]()

    def annotate(user: int) -> None:
        try:
            for number in range(10):
                wanted = mark(10 * user + number, 10 * user + number + 2, f"u{user}n{number}")
                proposal = Proposal(key=f"thread-{user}-{number}", kind="add", after=wanted)
                for _ in range(2):
                    ledger.append(work.database, sheet, proposal, by=work.users[user % 2])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=annotate, args=(user,)) for user in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    events = history(work)
    assert len(events) == 41
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len(work.sheet().marks) == 41
    work.sound()


# Undo and redo


def test_undo_and_redo_are_events_that_restore_the_sheet(work: Work) -> None:
    (gold,) = work.sheet().marks
    steps: list[dict[str, Any]] = [
        {"kind": "add", "after": mark(10, 15, "m")},
        {"kind": "link", "after": replace(gold, entities=("A",))},
        {"kind": "span", "after": mark(6, 15, "m")},
        {"kind": "comment", "text": "hm"},
        {"kind": "flag", "mark": "m"},
        {"kind": "delete", "mark": gold.id},
        {"kind": "done"},
        {"kind": "reopen"},
    ]
    stood = [work.sheet().items]
    for step in steps:
        work.do(**step)
        stood.append(work.sheet().items)
    for expected in reversed(stood[:-1]):
        work.do("undo")
        assert work.sheet().items == expected
    with pytest.raises(Conflict, match="nothing of yours can be undone"):
        work.do("undo")
    for expected in stood[1:]:
        work.do("redo")
        assert work.sheet().items == expected
    with pytest.raises(Conflict, match="nothing of yours can be redone"):
        work.do("redo")
    assert len(history(work)) == 1 + 3 * len(steps)
    work.sound()


def test_each_undoes_their_own(work: Work) -> None:
    work.do("add", after=mark(10, 15, "mine"))
    work.do("add", after=mark(22, 29, "theirs"), user=1)
    work.do("undo")
    assert [one.id for one in work.sheet().marks[1:]] == ["theirs"]
    assert not work.sheet().may_undo(work.users[0])
    assert work.sheet().may_redo(work.users[0])
    assert work.sheet().may_undo(work.users[1])


def test_what_another_changed_since_is_passed_over(work: Work) -> None:
    work.do("add", after=mark(22, 29, "first"))
    work.do("add", after=mark(10, 15, "second"))
    work.do("link", after=mark(10, 15, "second", entities=("A",)), user=1)
    work.do("undo")
    assert [(one.id, one.entities) for one in work.sheet().marks[1:]] == [("second", ("A",))]
    with pytest.raises(Conflict, match="others changed it"):
        work.do("undo")


def test_a_new_event_ends_what_could_be_redone(work: Work) -> None:
    work.do("add", after=mark(10, 15))
    work.do("undo")
    work.do("add", after=mark(22, 29))
    with pytest.raises(Conflict, match="redone"):
        work.do("redo")


def test_undo_twice_by_one_key_undoes_once(work: Work) -> None:
    once = key()
    work.do("add", after=mark(10, 15))
    work.do("add", after=mark(22, 29))
    work.do("undo", key=once)
    assert work.do("undo", key=once).again
    assert len(work.sheet().marks) == 2


# What a model says


def predicted(work: Work, *marks: Any, document: int = 0, model: str = "m1") -> bool:
    sheet = work.sheet_id(document=document)
    return ledger.predict(work.database, sheet, marks, key=key(), model=model, knowledge="k1")


def test_predictions_replace_older_predictions_and_nothing_else(work: Work) -> None:
    work.do("add", after=mark(10, 15, "mine"))
    predicted(work, mark(0, 5, "p1", entities=("X",)), mark(22, 29, "p2"), mark(30, 35, "p3"))
    assert shown(work.sheet()) == [
        ("Fever", "GOLD", ("D005334",)),
        ("cough", "USER", ()),
        ("aspirin", "PRED", ()),
        (FIRST[30:35], "PRED", ()),
    ]
    predicted(work, mark(22, 29, "p2", entities=("D001241",)), mark(31, 36, "p4"), model="m2")
    assert [one.id for one in work.sheet().marks] == [work.sheet().marks[0].id, "mine", "p2", "p4"]
    event = history(work)[-1]
    assert (event.by, event.model, event.knowledge, set(event.after)) == (
        None,
        "m2",
        "k1",
        {"mark/p2", "mark/p3", "mark/p4"},
    )
    work.sound()


def test_what_a_person_took_away_is_not_predicted_there_again(work: Work) -> None:
    predicted(work, mark(22, 29, "p", type="Chemical"))
    work.do("delete", mark="p")
    predicted(work, mark(22, 29, "p", type="Chemical"), mark(22, 29, "q", type="Disease"), mark(22, 28, "r"))
    assert [one.id for one in work.sheet().marks[1:]] == ["r"], "neither as it was, nor with another type"
    work.do("undo")
    assert [one.id for one in work.sheet().marks[1:]] == ["p", "r"]


def test_what_a_person_left_beside_it_stays(work: Work) -> None:
    both = (mark(22, 29, "p", type="Chemical"), mark(22, 29, "q", type="Disease"))
    predicted(work, *both)
    work.do("delete", mark="p")
    predicted(work, *both)
    assert [one.id for one in work.sheet().marks[1:]] == ["q"]


def test_a_person_who_accepts_is_not_stopped_by_a_new_prediction(work: Work) -> None:
    said = mark(22, 29, "p", label="PRED", entities=("D001241",), confidence=0.9)
    predicted(work, said)
    seen = work.sheet().version
    predicted(work, mark(30, 35, "other"))
    work.do("accept", after=said, seen=seen)
    assert [(one.id, one.label) for one in work.sheet().marks[1:]] == [("p", "USER"), ("other", "PRED")]
    predicted(work, replace(said, entities=("wrong",)))
    assert shown(work.sheet())[1:] == [("aspirin", "USER", ("D001241",))]


def test_an_accepted_mark_keeps_what_the_model_offered(work: Work) -> None:
    offered = (Candidate("D001241", 0.8, "Aspirin", "aspirin", probability=0.7), Candidate("D2", 0.1))
    predicted(work, mark(22, 29, "p", entities=("D001241",), candidates=offered, confidence=0.9))
    work.do("link", after=mark(22, 29, "p", entities=("D2",)))
    assert work.sheet().marks[1].candidates == offered
    assert work.sheet().marks[1].confidence == 0.9
    work.do("span", after=mark(16, 29, "p", entities=("D2",)))
    assert (work.sheet().marks[1].candidates, work.sheet().marks[1].confidence) == ((), None)


def test_a_prediction_never_takes_the_place_of_a_mark_that_a_person_moved(work: Work) -> None:
    predicted(work, mark(22, 29, "p"))
    work.do("span", after=mark(16, 29, "p"))
    work.do("span", after=mark(22, 29, "p", type="Chemical"))
    work.do("span", after=mark(16, 29, "p", type="Chemical"))
    predicted(work, mark(22, 29, "p", type="Drug"))
    assert [(one.id, one.span, one.label) for one in work.sheet().marks[1:]] == [("p", (16, 29), "USER")]


def test_a_done_document_gets_no_predictions(work: Work) -> None:
    work.do("done")
    assert not predicted(work, mark(22, 29, "p"))
    assert len(work.sheet().marks) == 1


def test_predicting_twice_by_one_key_is_once(work: Work) -> None:
    sheet = work.sheet_id()
    assert ledger.predict(work.database, sheet, [mark(22, 29, "p")], key="same-key", model="m1")
    assert not ledger.predict(work.database, sheet, [mark(10, 15, "q")], key="same-key", model="m1")
    assert [one.id for one in work.sheet().marks[1:]] == ["p"]


# To equal strings


def test_spreading_is_counted_then_done_as_silver(work: Work) -> None:
    (gold,) = work.sheet().marks
    sheet = work.sheet_id()
    counted = spreading.preview(work.database, sheet, gold.id)
    assert (counted.marks, counted.documents, counted.kept) == (3, 2, 0)
    assert counted.examples == ((work.documents[0], 31), (work.documents[1], 3), (work.documents[1], 25))
    work.do("spread", mark=gold.id)
    assert [(one.text, one.start, one.label) for one in work.sheet().marks] == [
        ("Fever", 0, "GOLD"),
        ("Fever", 31, "SILVER"),
    ]
    assert [(one.start, one.label, one.entities) for one in work.sheet(document=1).marks] == [
        (3, "SILVER", ("D005334",)),
        (25, "SILVER", ("D005334",)),
    ]
    counted = spreading.preview(work.database, sheet, gold.id)
    assert (counted.marks, counted.documents, counted.kept) == (0, 0, 3)
    work.sound()


def test_spreading_leaves_what_somebody_decided(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("add", after=mark(3, 8, "theirs", entities=("other",)), document=1, user=1)
    work.do("add", after=mark(25, 30, "gone", type="Chemical"), document=1, user=1)
    work.do("delete", mark="gone", document=1, user=1)
    predicted(work, mark(31, 36, "p", type="Disease"))
    counted = spreading.preview(work.database, work.sheet_id(), gold.id)
    assert (counted.marks, counted.kept) == (1, 2)
    work.do("spread", mark=gold.id)
    assert [(one.id, one.label) for one in work.sheet().marks[1:]] == [("p", "SILVER")]
    assert [(one.id, one.entities) for one in work.sheet(document=1).marks] == [("theirs", ("other",))]


def test_what_is_spread_is_what_was_seen(work: Work) -> None:
    work.do("add", after=mark(0, 5, "m", entities=("D005334",)))
    seen = work.sheet().version
    work.do("link", user=1, after=mark(0, 5, "m", entities=("D006261",)))
    with pytest.raises(Conflict, match="somebody else changed this"):
        work.do("spread", mark="m", seen=seen)
    assert shown(work.sheet(document=1)) == []


def test_spreading_counts_no_document_that_is_done(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("done", document=1, user=1)
    counted = spreading.preview(work.database, work.sheet_id(), gold.id)
    assert (counted.marks, counted.documents, counted.kept) == (1, 1, 2)
    work.do("spread", mark=gold.id)
    assert (len(work.sheet().marks), len(work.sheet(document=1).marks)) == (2, 0)


def test_undoing_a_spread_undoes_it_everywhere_but_where_others_went_on(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("spread", mark=gold.id)
    silver, other = work.sheet(document=1).marks
    work.do("undo")
    assert (len(work.sheet().marks), len(work.sheet(document=1).marks)) == (1, 0)
    assert not work.sheet(document=1).may_redo(work.users[0])
    work.do("redo")
    assert (len(work.sheet().marks), len(work.sheet(document=1).marks)) == (2, 2)
    work.do("accept", after=silver, document=1, user=1)
    work.do("undo")
    assert len(work.sheet().marks) == 1
    assert [(one.id, one.label) for one in work.sheet(document=1).marks] == [
        (silver.id, "USER"),
        (other.id, "SILVER"),
    ]
    work.sound()


def test_undoing_a_spread_leaves_a_document_that_is_done(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("spread", mark=gold.id)
    work.do("done", document=1, user=1)
    work.do("undo")
    assert (len(work.sheet().marks), len(work.sheet(document=1).marks)) == (1, 2)


@pytest.mark.parametrize(
    ("said", "text", "places"),
    [
        ("Fever", "Fever, HayFever Feverish fever Fever", [0, 31]),
        ("(S)-1", "x(S)-1 (S)-1, (S)-12", [1, 7]),
        ("a.c", "abc a.c", [4]),
        ("naïve", "naïve naïveté", [0]),
    ],
)
def test_equal_strings_are_words_of_their_own(said: str, text: str, places: list[int]) -> None:
    assert proposing.occurrences(mark(0, len(said), text=said), text) == places


def test_spreading_twice_by_one_key_is_once(work: Work) -> None:
    (gold,) = work.sheet().marks
    once = key()
    work.do("spread", mark=gold.id, key=once)
    assert work.do("spread", mark=gold.id, key=once).again
    assert [event.kind for event in history(work)] == ["import", "spread"]
    assert [event.kind for event in history(work, document=1)] == ["spread"]


def test_two_who_spread_and_undo_at_once_wait_for_each_other(work: Work) -> None:
    """From one document to the other and the other way round, so that each wants what the other holds."""
    failed = list[Exception]()
    places = ((0, 5), (3, 8))
    ids = [work.do("add", after=mark(*places[n], f"w{n}"), document=n, user=n).sheet.id for n in (0, 1)]

    def spread_and_undo(user: int) -> None:
        try:
            for number in range(6):
                for kind in ("spread", "undo"):
                    proposal = Proposal(
                        key=f"{kind}-{user}-{number}", kind=kind, mark=f"w{user}" if kind == "spread" else ""
                    )
                    ledger.append(work.database, ids[user], proposal, by=work.users[user])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=spread_and_undo, args=(user,)) for user in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [len(work.sheet(document=number).marks) for number in (0, 1)] == [2, 1]
    work.sound()


def test_a_done_document_is_not_spread_to(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("done", document=1, user=1)
    work.do("spread", mark=gold.id)
    assert shown(work.sheet(document=1)) == []


def test_silver_reaches_only_ones_own_sheets_where_annotators_are_blind(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind")
    (gold,) = work.sheet().marks
    work.do("spread", mark=gold.id)
    assert len(work.sheet(document=1).marks) == 2
    assert len(work.sheet(document=1, user=1).marks) == 0


# What is learnt from: TrainX read deleted marks as new gold


def test_nothing_deleted_and_nothing_predicted_is_learnt(work: Work) -> None:
    (gold,) = work.sheet().marks
    predicted(work, mark(22, 29, "p", entities=("wrong",)))
    work.do("add", after=mark(10, 15, "m", entities=("A",)))
    work.do("delete", mark=gold.id)
    (lesson,) = lessons(work.database, work.project)
    assert [(one.text, one.entities) for one in lesson.document.mentions] == [("cough", ("A",))]
    work.do("delete", mark="m")
    assert list(lessons(work.database, work.project)) == []
    work.do("done")
    (lesson,) = lessons(work.database, work.project)
    assert (lesson.document.mentions, lesson.whole) == ((), True)


def test_what_was_deleted_does_not_come_back_with_the_next_upload(work: Work, tmp_path: Path) -> None:
    (gold,) = work.sheet().marks
    work.do("delete", mark=gold.id)
    more = {"start": 10, "end": 15, "type": "Symptom"}
    again = upload(work.database, work.project, tmp_path, [{"id": "1", "text": FIRST, "mentions": [GOLD, more]}], by=1)
    assert again == work.documents[:1]
    assert shown(work.sheet()) == [("cough", "GOLD", ())]
    work.sound()


def test_later_gold_stays_off_what_people_decided(work: Work, tmp_path: Path) -> None:
    work.do("delete", mark=work.sheet().marks[0].id)
    work.do("add", after=mark(10, 15, "mine", entities=("D003371",)))
    later = [{**GOLD, "entities": ["D006261"]}, {**GOLD, "start": 10, "end": 15}, {**GOLD, "start": 22, "end": 29}]
    upload(work.database, work.project, tmp_path, [{"id": "1", "text": FIRST, "mentions": later}], by=work.users[0])
    assert [(one.text, one.label) for one in work.sheet().marks] == [("cough", "USER"), ("aspirin", "GOLD")]
    work.do("done")
    more = [{**GOLD, "start": 31, "end": 36}]
    upload(work.database, work.project, tmp_path, [{"id": "1", "text": FIRST, "mentions": more}], by=work.users[0])
    assert len(work.sheet().marks) == 2, "nothing on a done document changes"
    work.sound()


def test_silver_is_learnt_where_it_is_wanted(work: Work) -> None:
    (gold,) = work.sheet().marks
    work.do("spread", mark=gold.id)
    found = {
        silver: [len(one.document.mentions) for one in lessons(work.database, work.project, silver=silver)]
        for silver in (False, True)
    }
    assert found == {False: [1], True: [2, 2]}


# Only added


@pytest.mark.parametrize(
    "statement",
    [
        update(schema.events).values(kind="delete"),
        delete(schema.events),
        update(schema.events).values(at=schema.now()).where(schema.events.c.seq == 1),
    ],
)
def test_events_are_neither_changed_nor_deleted(work: Work, statement: Any) -> None:
    before = history(work)
    with pytest.raises(DBAPIError, match="events are never"), work.database.begin() as connection:
        connection.execute(statement)
    assert history(work) == before


def test_a_changed_log_is_seen(work: Work) -> None:
    work.do("add", after=mark(10, 15, "m"))
    with work.database.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER events_stay"))
        else:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_stay"))
        connection.execute(update(schema.events).where(schema.events.c.kind == "add").values(by=work.users[1]))
    found = ledger.check(work.database, work.project)
    assert any("not as it was written" in one for one in found)
    assert any("not the replay" in one for one in found)


def test_an_archived_project_takes_nothing(work: Work) -> None:
    sheet = work.sheet()
    projects.archive(work.database, work.project)
    with pytest.raises(ValueError, match="archived; resume it"):
        work.do("add", after=mark(10, 15))
    with pytest.raises(ValueError, match="archived"):
        predicted(work, mark(10, 15))
    assert work.sheet() == sheet
    projects.resume(work.database, work.project)
    work.do("add", after=mark(10, 15))


# Any sequence of events


step = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            [
                *("add", "add", "link", "span", "delete", "accept", "spread", "comment", "flag", "done", "reopen"),
                *("undo", "undo", "undo", "redo", "redo", "predict", "time"),
            ]
        ),
        "user": st.integers(0, 1),
        "start": st.integers(0, 8).map(lambda number: number * 4),
        "length": st.sampled_from([1, 5]),
        "which": st.integers(0, 9),
        "stale": st.booleans(),
    }
)


def take(work: Work, kind: Any, user: int, start: int, length: int, which: int, stale: bool) -> None:
    """One step of anybody; what does not fit is refused and changes nothing."""
    sheet = work.sheet()
    marks = sheet.marks
    one = marks[which % len(marks)] if marks else mark(0, 5, "absent")
    values: dict[str, Any] = {
        "add": {"after": mark(start, start + length, type="Disease")},
        "link": {"after": replace(one, entities=(str(which),), nil=False)},
        "span": {"after": replace(one, start=start, end=start + length, parts=())},
        "accept": {"after": one},
        "delete": {"mark": one.id},
        "spread": {"mark": one.id},
        "comment": {"text": "so", "mark": one.id},
        "flag": {"mark": one.id, "on": which % 2 == 0},
        "time": {"milliseconds": which},
    }
    try:
        if kind == "predict":
            predicted(work, mark(start, start + length, f"p{start}"), mark(which, which + 1, f"p{which}x"))
        else:
            work.do(kind, user=user, seen=max(sheet.version - 3, 0) if stale else None, **values.get(kind, {}))
    except Conflict:
        assert work.sheet() == sheet


@ONCE
@given(steps=st.lists(step, max_size=25))
def test_any_sequence_replays_to_the_same(work: Work, tmp_path: Path, steps: list[dict[str, Any]]) -> None:
    """The state kept, the whole replay, and one event after the other; as of each moment; undo down to the beginning."""
    its = Work.begin(work.database, tmp_path)
    for one in steps:
        take(its, **one)
    its.sound()
    events = history(its)
    sheet = its.sheet()
    built = Sheet(id=sheet.id, document=sheet.document)
    for number, event in enumerate(events, 1):
        assert all(built.items.get(name) == value for name, value in event.before.items())
        built = after(built, event)
        assert built == replay(events[:number], id=sheet.id, document=sheet.document)
        assert Sheet.of(sheet.id, document=sheet.document, version=built.version, state=built.state) == built
    assert built == sheet
    people = [one for one in sheet.marks if one.label in ("GOLD", "USER")]
    learnt = [len(one.document.mentions) for one in lessons(its.database, its.project) if one.document.id == "1"]
    assert learnt == ([len(people)] if people or sheet.done else [])


@ONCE
@given(steps=st.lists(step.filter(lambda one: one["kind"] not in ("predict", "undo", "redo", "time")), max_size=12))
def test_one_person_can_go_back_to_the_beginning_and_forth_again(
    work: Work, tmp_path: Path, steps: list[dict[str, Any]]
) -> None:
    its = Work.begin(work.database, tmp_path)
    begun = [its.sheet(document=number).items for number in (0, 1)]
    for one in steps:
        take(its, **{**one, "user": 0, "stale": False})
    ended = [its.sheet(document=number).items for number in (0, 1)]
    taken = len(its.sheet().undo.get(its.users[0], ()))
    for _ in range(taken):
        its.do("undo")
    assert [its.sheet(document=number).items for number in (0, 1)] == begun
    for _ in range(taken):
        its.do("redo")
    assert [its.sheet(document=number).items for number in (0, 1)] == ended
    its.sound()
