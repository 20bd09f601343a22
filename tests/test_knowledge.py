"""Knowledge bases: ids and rows, names, retired ids, merging, restriction, and a file that gives back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel.knowledge import Entity, KnowledgeBase

NAMES = st.text(alphabet="abcXYZé ", min_size=1, max_size=6).filter(str.strip)
ENTITIES = st.lists(
    st.builds(
        lambda id, names, types: Entity(id=id, name=names[0], synonyms=tuple(names[1:]), types=tuple(types)),
        st.sampled_from(["D1", "D2", "D3", "D10"]),
        st.lists(NAMES, min_size=1, max_size=3),
        st.lists(st.sampled_from(["T1", "T2"]), unique=True, max_size=2),
    ),
    max_size=6,
)


@given(ENTITIES)
def test_nothing_is_lost_and_everything_is_found_by_id(entities: list[Entity]) -> None:
    kb = KnowledgeBase.of(entities)
    assert [one.id for one in kb] == sorted({one.id for one in entities})
    for id in {one.id for one in entities}:
        row = kb.row(id)
        assert row is not None
        wanted = {name for one in entities if one.id == id for name in one.names}
        assert set(kb[row].names) == wanted
        assert {kb.names[n].as_py() for n in range(kb.first_E[row], kb.first_E[row + 1])} == wanted
        for name in wanted:
            assert row in kb.named(name.upper())


@given(ENTITIES)
def test_names_apart_from_case_are_those_of_python(entities: list[Entity]) -> None:
    kb = KnowledgeBase.of([*entities, Entity(id="last", name="Straße İ"), Entity(id="last but one", name="STRASSE i̇")])
    assert kb.folded.to_pylist() == [name.casefold() for name in kb.names.to_pylist()]
    assert kb.named("strasse i̇") == kb.rows(["last", "last but one"])


@given(ENTITIES)
def test_the_order_of_reading_changes_no_id(entities: list[Entity]) -> None:
    assert [one.id for one in KnowledgeBase.of(entities)] == [one.id for one in KnowledgeBase.of(entities[::-1])]


def test_a_file_gives_back_the_same(tmp_path: Path) -> None:
    kb = KnowledgeBase.of([Entity(id="D2", name="b", definition="Two."), Entity(id="D1", name="a", types=("T1",))])
    kb.save(tmp_path / "kb.arrow")
    again = KnowledgeBase.open(tmp_path / "kb.arrow")
    assert list(again) == list(kb)
    assert again.fingerprint == kb.fingerprint
    assert KnowledgeBase.of([Entity(id="D1", name="a")]).fingerprint != kb.fingerprint


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kb.arrow").write_text("not Arrow, though long enough to look")
    with pytest.raises(ValueError, match=r"kb\.arrow: not a knowledge base of tripel"):
        KnowledgeBase.open(tmp_path / "kb.arrow")


def test_retired_ids_lead_to_the_current_entity() -> None:
    kb = KnowledgeBase.of([Entity(id="D1", name="a", alternatives=("C9",)), Entity(id="D2", name="b")])
    assert kb.row("C9") == kb.row("D1")
    assert kb.rows(["C9", "D1", "D7", "D2"]) == (0, 1)
    assert kb.row("") is None


def test_what_filters_allow() -> None:
    kb = KnowledgeBase.of(
        [
            Entity(id=f"D{n}", name="x", types=(f"T{n % 2}",), sources=("MSH|NCI" if n == 3 else "MSH",))
            for n in range(4)
        ]
    )
    assert kb.allowed(types=["T1"]).tolist() == [False, True, False, True]
    assert kb.allowed(types=["T1"], ids=["D3", "D0"]).tolist() == [False, False, False, True]
    assert kb.allowed(sources=["NCI"]).tolist() == [False, False, False, True]
    for wrong, said in (({"types": ["T9"]}, "types T9"), ({"sources": ["X"]}, "sources X"), ({"ids": ["D9"]}, "D9")):
        with pytest.raises(ValueError, match=said):
            kb.allowed(**wrong)


def test_names_keep_their_vocabularies_when_entities_are_merged(tmp_path: Path) -> None:
    kb = KnowledgeBase.of(
        [
            Entity(id="D1", name="fever", synonyms=("hot",), sources=("MSH", "MSH")),
            Entity(id="D1", name="pyrexia", synonyms=("fever",), sources=("NCI", "NCI")),
            Entity(id="D2", name="cold"),
        ],
        restrictions={"NCI": 3},
    )
    kb.save(tmp_path / "kb.arrow")
    again = KnowledgeBase.open(tmp_path / "kb.arrow")
    assert again[0].names == ("fever", "hot", "pyrexia")
    assert again.sources(0) == ("MSH|NCI", "MSH", "NCI") and again.sources(1) == ()
    assert again.restrictions == {"NCI": 3} and again.fingerprint == kb.fingerprint
    with pytest.raises(ValueError, match="2 names and 1 sources"):
        Entity(id="D1", name="a", synonyms=("b",), sources=("MSH",))


def test_a_row_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="row 1 of a knowledge base with 1 entities"):
        KnowledgeBase.of([Entity(id="D1", name="a")])[1]
