"""Agreement between annotators, against loops by hand and published values; and a reviewer who settles what differs."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from annotating import FIRST, Work, key, mark
from hypothesis import given
from hypothesis import strategies as st

from tripel.annotations import adjudication, console, ledger
from tripel.annotations.agreement import NO_HIERARCHY, Agreement, Compared, agreement, alpha, counting
from tripel.annotations.blind import agreed
from tripel.annotations.database import Database
from tripel.annotations.events import Mark, Proposal
from tripel.annotations.hierarchy import Hierarchy
from tripel.annotations.lessons import lessons
from tripel.annotations.proposing import Conflict
from tripel.problems import BadInput

MESH = Hierarchy(
    {"D009203": ["C14.280.647.500", "C14.907.585.500"], "D017202": ["C14.280.647", "C14.907.585"], "D002318": ["C14"],
     "D009369": ["C04"], "D000000": []}
)  # fmt: skip


def of(*annotators: Sequence[Mark], text: str = FIRST, hierarchy: Hierarchy | None = None) -> Agreement:
    one = Compared(document=1, text=text, marks=dict(enumerate(annotators)))
    return agreement([one], hierarchy=hierarchy)


def disease(start: int, end: int, *entities: str, type: str = "Disease", nil: bool = False) -> Mark:
    return mark(start, end, type=type, entities=entities, nil=nil)


# Spans


def test_spans_by_hand() -> None:
    ours = [disease(0, 5), disease(10, 15), disease(22, 29, type="Chemical"), disease(31, 36)]
    theirs = [disease(0, 5), disease(6, 15), disease(22, 29)]
    (pair,) = of(ours, theirs).pairs
    assert (pair.documents, pair.marks_a, pair.marks_b) == (1, 4, 3)
    assert pair.strict == pytest.approx(2 * 1 / 7)
    precision, recall = 2 / 4, 2 / 3
    assert pair.lenient == pytest.approx(2 * precision * recall / (precision + recall))
    assert pair.strict_by_type == pytest.approx({"Disease": 2 * 1 / 6, "Chemical": 0.0})


def test_all_and_nothing() -> None:
    same = [disease(0, 5, "A"), disease(10, 15, nil=True)]
    (pair,) = of(same, same).pairs
    assert (pair.strict, pair.lenient, pair.concept, pair.linked) == (1.0, 1.0, 1.0, 2)
    (pair,) = of(same, []).pairs
    assert (pair.strict, pair.lenient, pair.concept, pair.linked) == (0.0, 0.0, None, 0)
    (pair,) = of([], []).pairs
    assert (pair.strict, pair.lenient) == (None, None)
    assert of(same).pairs == ()


def test_touching_spans_do_not_overlap() -> None:
    (pair,) = of([disease(0, 5)], [disease(5, 9)]).pairs
    assert pair.lenient == 0.0


spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("AB")).map(
    lambda drawn: disease(drawn[0], drawn[0] + drawn[1], type=drawn[2])
)


@given(ours=st.lists(spans, max_size=6), theirs=st.lists(spans, max_size=6))
def test_spans_against_loops(ours: list[Mark], theirs: list[Mark]) -> None:
    (pair,) = of(ours, theirs).pairs
    (turned,) = of(theirs, ours).pairs
    assert (pair.strict, pair.lenient) == (turned.strict, pytest.approx(turned.lenient))
    left, common = [(one.span, one.type) for one in theirs], 0
    for one in ours:
        if (one.span, one.type) in left:
            left.remove((one.span, one.type))
            common += 1
    assert pair.strict == (pytest.approx(2 * common / (len(ours) + len(theirs))) if ours or theirs else None)

    def hit(one: Mark, others: list[Mark]) -> bool:
        return any(set(range(*one.span)) & set(range(*other.span)) and one.type == other.type for other in others)

    if ours and theirs:
        precision, recall = (
            sum(hit(x, theirs) for x in ours) / len(ours),
            sum(hit(x, ours) for x in theirs) / len(theirs),
        )
        whole = precision + recall
        assert pair.lenient == pytest.approx(2 * precision * recall / whole if whole else 0.0)
    assert (
        pair.strict is None or pair.lenient is None or pair.lenient >= pair.strict - 1e-9 or len(ours) + len(theirs) > 0
    )


# Concepts


def test_concepts_are_compared_where_both_linked_the_same_span() -> None:
    ours = [
        disease(0, 5, "A"),
        disease(6, 9, "A", "B"),
        disease(10, 15, "A"),
        disease(16, 21),
        disease(22, 29, nil=True),
    ]
    theirs = [
        disease(0, 5, "A"),
        disease(6, 9, "B", "A"),
        disease(10, 15, "C"),
        disease(16, 21, "A"),
        disease(22, 29, "A"),
    ]
    (pair,) = of(ours, theirs).pairs
    assert pair.linked == 4
    assert pair.concept == 2 / 4


def test_two_marks_of_one_place_are_paired_with_those_most_alike() -> None:
    ours = [disease(0, 5, "A"), disease(0, 5, "B")]
    theirs = [disease(0, 5, "B"), disease(0, 5, "A"), disease(0, 5, "C")]
    (pair,) = of(ours, theirs).pairs
    assert (pair.linked, pair.concept) == (2, 1.0)


def test_nearness_in_the_hierarchy_by_hand() -> None:
    assert MESH.nearness("D009203", "D017202") == pytest.approx(2 * 3 / 7)
    assert MESH.nearness("D017202", "D009203") == pytest.approx(2 * 3 / 7)
    assert MESH.nearness("D009203", "D002318") == pytest.approx(2 * 1 / 5)
    assert MESH.nearness("D009203", "D009369") == 0.0
    assert MESH.nearness("D000000", "D000000") == 1.0
    assert MESH.nearness("D000000", "D009203") == MESH.nearness("unknown", "D009203") == 0.0
    assert MESH.likeness(["D009203", "D009369"], ["D017202"]) == pytest.approx((6 / 7 + 0 + 6 / 7) / 3)
    assert (MESH.likeness([], []), MESH.likeness([], ["D009203"])) == (1.0, 0.0)


def test_concepts_by_hierarchy_or_why_not() -> None:
    ours, theirs = [disease(0, 5, "D009203"), disease(10, 15, "X")], [disease(0, 5, "D017202"), disease(10, 15, "X")]
    known = of(ours, theirs, hierarchy=MESH)
    assert known.pairs[0].near == pytest.approx((6 / 7 + 1) / 2)
    assert known.hierarchy == ""
    unknown = of(ours, theirs)
    assert (unknown.pairs[0].near, unknown.hierarchy) == (None, NO_HIERARCHY)


XML = """<?xml version="1.0"?><DescriptorRecordSet>
<DescriptorRecord><DescriptorUI>D1</DescriptorUI><DescriptorName><String>a</String></DescriptorName>
<TreeNumberList><TreeNumber>C14.280</TreeNumber><TreeNumber>C10</TreeNumber></TreeNumberList></DescriptorRecord>
<DescriptorRecord><DescriptorUI>D2</DescriptorUI><DescriptorName><String>b</String></DescriptorName></DescriptorRecord>
</DescriptorRecordSet>"""


def test_a_hierarchy_is_read_of_a_table_or_of_mesh(tmp_path: Path) -> None:
    table = tmp_path / "mesh.tsv.gz"
    table.write_bytes(gzip.compress(b"id\tpreferred_name\ttree_numbers\nD1\ta\tC14.280|C10\nD2\tb\t\n"))
    xml = tmp_path / "desc.xml"
    xml.write_text(XML, encoding="utf-8")
    for path in (table, xml):
        read = Hierarchy.read(path)
        assert ("D1" in read, "D2" in read) == (True, False)
    other = tmp_path / "a.tsv"
    other.write_text("id\tpreferred_name\nD1\ta\n", encoding="utf-8")
    with pytest.raises(BadInput, match="tree_numbers"):
        Hierarchy.read(other)


# Krippendorff's alpha


def test_alpha_of_a_published_example() -> None:
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), C: four observers, nominal, 0.743."""
    observers = [
        "1 2 3 3 2 1 4 1 2 * * *",
        "1 2 3 3 2 2 4 1 2 5 * 3",
        "* 3 3 3 2 3 4 2 2 5 1 *",
        "1 2 3 3 2 4 4 1 2 5 1 *",
    ]
    units = zip(*(line.split() for line in observers), strict=True)
    assert alpha([value for value in unit if value != "*"] for unit in units) == pytest.approx(0.743, abs=5e-4)


@given(units=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=8))
def test_alpha_against_its_definition(units: list[list[str]]) -> None:
    """1 - observed / expected disagreement, pair by pair."""
    judged = [unit for unit in units if len(unit) > 1]
    values = [value for unit in judged for value in unit]
    n = len(values)
    if len(set(values)) < 2:
        assert alpha(units) is None
        return
    observed = sum(sum(a != b for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in judged)
    expected = sum(a != b for a, b in itertools.permutations(values, 2)) / (n - 1)
    assert alpha(units) == pytest.approx(1 - observed / expected)


def test_alpha_over_words_and_concepts() -> None:
    """Words of `a b c d`: one has a type on a and b, the other on a; the third did not finish it."""
    text = "a b c d"
    found = of([disease(0, 3, "A")], [disease(0, 1, "A")], text=text)
    assert found.alpha_words == pytest.approx(alpha([["D", "D"], ["D", ""], ["", ""], ["", ""]]))
    assert found.alpha_concepts is None
    found = of([disease(0, 1, "A"), disease(2, 3, "B")], [disease(0, 1, "A"), disease(2, 3, "C")], text=text)
    assert found.alpha_words == 1.0
    assert found.alpha_concepts == pytest.approx(alpha(["AA", "BC"]))


def test_gold_that_all_were_given_counts_only_where_somebody_changed_it() -> None:
    gold, other = (mark(0, 5, id, label="GOLD", entities=("A",)) for id in "gh")
    mine, guess = mark(10, 15), mark(22, 29, label="PRED")
    assert counting({1: [gold, other, mine, guess], 2: [gold, other]}) == {1: (mine,), 2: ()}
    changed = replace(gold, label="USER", entities=("B",))
    assert counting({1: [gold, other], 2: [changed, other]}) == {1: (gold,), 2: (changed,)}


# In a project


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    """Two blind annotators and a reviewer: agreed on cough, differing on aspirin and again."""
    made = Work.begin(database, tmp_path, mode="blind", people=3)
    for user in (0, 1):
        made.do("add", after=mark(10, 15, type="Symptom", entities=("D003371",)), user=user)
    made.do("add", after=mark(22, 29, type="Chemical", entities=("D001241",)), user=0)
    made.do("add", after=mark(16, 29, type="Chemical", entities=("D001241",)), user=1)
    made.do("add", after=mark(37, 42, type="Word"), user=1)
    for user in (0, 1):
        made.do("done", user=user)
    return made


def review(work: Work) -> adjudication.Review:
    return adjudication.review(work.database, work.documents[0])


def said(marks: Sequence[Mark]) -> list[tuple[str, str]]:
    return [(one.text, one.label) for one in marks]


def test_figures_of_a_project(work: Work, tmp_path: Path) -> None:
    found = agreed(work.database, work.project)
    assert (found.documents, found.annotators) == (1, tuple(work.users[:2]))
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.marks_a, pair.marks_b) == (work.users[0], work.users[1], 2, 3)
    assert (pair.strict, pair.lenient) == (pytest.approx(2 / 5), pytest.approx(2 * 1 * (2 / 3) / (1 + 2 / 3)))
    table = tmp_path / "mesh.tsv"
    table.write_text("id\ttree_numbers\nD003371\tC23\n", encoding="utf-8")
    assert agreed(work.database, work.project, hierarchy=table).pairs[0].near == 1.0
    said = console.agreement(work.database, work.project, hierarchy=None).splitlines()
    assert "  by type   F1 0.000 Chemical, 1.000 Symptom, 0.000 Word" in said
    work.do("reopen", user=1)
    assert agreed(work.database, work.project).documents == 0


def test_what_annotators_differ_in_is_listed(work: Work) -> None:
    found = review(work)
    assert [(one.start, one.end, one.agreed, one.settled) for one in found.questions] == [
        (0, 5, True, False),
        (10, 15, True, False),
        (16, 29, False, False),
        (37, 42, False, False),
    ]
    assert [(one.mark.text, one.by) for one in found.questions[2].options] == [
        ("after aspirin", (work.users[1],)),
        ("aspirin", (work.users[0],)),
    ]
    assert found.open == 2
    assert ([one.user for one in found.annotators], found.at_work) == (work.users[:2], ())
    (only,) = adjudication.reviews(work.database, work.documents)
    assert only == found


def test_a_reviewer_settles_a_document(work: Work) -> None:
    document, reviewer = work.documents[0], work.users[2]
    taken = adjudication.accept_agreed(work.database, document, key=key(), by=reviewer)
    assert said(taken.sheet.marks) == [("Fever", "GOLD"), ("cough", "USER")]
    question, other = (one for one in review(work).questions if not one.agreed)
    one = question.options[1]
    made = adjudication.choose(
        work.database, document, start=16, end=29, marks=[(one.sheet, one.mark.id)], key=key(), seen=0, by=reviewer
    )
    assert (made.event.kind, made.event.by) == ("choose", reviewer)
    assert said(made.sheet.marks)[2:] == [("aspirin", "USER")]
    assert review(work).open == 1
    adjudication.choose(work.database, document, start=37, end=42, marks=[], key=key(), seen=0, by=reviewer)
    assert review(work).open == 0
    assert other.options[0].mark.text == "again"
    (lesson,) = lessons(work.database, work.project)
    assert [one.text for one in lesson.document.mentions] == ["Fever", "cough", "aspirin"]
    final = review(work).final
    ledger.append(work.database, final.id, Proposal(key=key(), kind="undo"), by=reviewer)
    assert review(work).open == 1
    work.sound()


def test_another_choice_takes_the_place_of_the_first(work: Work) -> None:
    question = review(work).questions[2]
    for one in question.options:
        made = adjudication.choose(
            work.database,
            work.documents[0],
            start=16,
            end=29,
            marks=[(one.sheet, one.mark.id)],
            key=key(),
            seen=review(work).final.version,
            by=work.users[2],
        )
        assert [its.text for its in made.sheet.marks] == [one.mark.text]


def test_a_choice_is_of_what_annotators_say_now(work: Work) -> None:
    document, reviewer = work.documents[0], work.users[2]
    choice = {"start": 37, "end": 42, "marks": [], "seen": 0, "by": reviewer}
    once = key()
    adjudication.choose(work.database, document, key=once, **choice)  # type: ignore[arg-type]
    assert adjudication.choose(work.database, document, key=once, **choice).again  # type: ignore[arg-type]
    work.do("reopen", user=1)
    assert [one.user for one in review(work).at_work] == [work.users[1]]
    work.do("add", after=mark(37, 42, type="Other"), user=1)
    work.do("done", user=1)
    assert [(one.start, one.settled) for one in review(work).questions[3:]] == [(37, False)]
    with pytest.raises(Conflict, match="annotators changed"):
        adjudication.choose(work.database, document, key=key(), **{**choice, "end": 41})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="none of the options"):
        adjudication.choose(work.database, document, key=key(), **{**choice, "marks": [(1, "m")]})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="used for another"):
        adjudication.accept_agreed(work.database, document, key=once, by=work.users[1])


def test_two_reviewers_on_one_question(work: Work) -> None:
    document = work.documents[0]
    choice = {"start": 37, "end": 42, "marks": [], "seen": 0}
    adjudication.choose(work.database, document, key=key(), by=work.users[2], **choice)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="another reviewer"):
        adjudication.choose(work.database, document, key=key(), by=work.users[0], **choice)  # type: ignore[arg-type]
    final = review(work).final
    ledger.append(work.database, final.id, Proposal(key=key(), kind="done"), by=work.users[2])
    with pytest.raises(Conflict, match="reopen it"):
        adjudication.accept_agreed(work.database, document, key=key(), by=work.users[0])
    assert Counter(one.settled for one in review(work).questions) == Counter({False: 3, True: 1})
