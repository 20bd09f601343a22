"""Versions of a knowledge base: kept by content, compared, changed concept by concept, shared without restricted names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tripel.cli.main import app
from tripel.kb import knowing, library
from tripel.kb.releases import difference, fates
from tripel.knowledge import Entity, KnowledgeBase
from tripel.names import drawing
from tripel.names.synonyms import Drawing

OLD = KnowledgeBase.of(
    [
        Entity(id="C1", name="fever", synonyms=("hot",)),
        Entity(id="C2", name="pyrexia"),
        Entity(id="C3", name="cough"),
        Entity(id="C4", name="ache"),
    ]
)
NEW = KnowledgeBase.of(
    [
        Entity(id="C1", name="fever", synonyms=("pyrexia",), alternatives=("C2",)),
        Entity(id="C4", name="ache"),
        Entity(id="C5", name="cold"),
    ]
)


def test_what_came_went_and_was_merged() -> None:
    found = difference(OLD, NEW)
    assert (found.added, found.merged, found.removed, found.changed) == (("C5",), (("C2", "C1"),), ("C3",), ("C1",))
    assert (found.names_added, found.names_removed) == (2, 3)
    assert "merged or retired: 1 (C2 -> C1)" in str(found)


def test_what_became_of_annotations() -> None:
    found = fates(["C1", "C2", "C2", "C3", "C4", "C9"], OLD, NEW)
    assert found.counts == {"kept": 2, "moved": 2, "gone": 1, "never known": 1}
    assert found.moved == {"C2": "C1"} and found.gone == ("C3",)


entities = st.lists(
    st.builds(lambda n, names: Entity(id=f"C{n}", name=names[0], synonyms=tuple(names[1:])), st.integers(0, 5),
              st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)),
    max_size=6,
)  # fmt: skip


@given(entities, entities)
def test_a_difference_is_whole(one: list[Entity], other: list[Entity]) -> None:
    old, new = KnowledgeBase.of(one), KnowledgeBase.of(other)
    found = difference(old, new)
    assert {one.id for one in new} == ({one.id for one in old} | set(found.added)) - set(found.removed)
    assert len(new.names) == len(old.names) + found.names_added - found.names_removed
    assert difference(old, old).changed == ()


def test_versions_are_kept_and_equal_content_is_not_kept_twice(tmp_path: Path) -> None:
    assert library.add(tmp_path, OLD, made_from="old").number == 1
    assert library.add(tmp_path, OLD, made_from="again").number == 1
    assert library.add(tmp_path, NEW, made_from="new").number == 2
    assert list(library.opened(tmp_path)) == list(NEW)
    assert list(library.opened(Path(f"{tmp_path}@1"))) == list(OLD)
    with pytest.raises(ValueError, match="versions 1 to 2, and no 7"):
        library.opened(Path(f"{tmp_path}@7"))
    with pytest.raises(ValueError, match="no knowledge base here"):
        library.opened(tmp_path / "none")


def put(folder: Path, id: str, *names: str, types: Sequence[str] = (), definition: str = "", add: bool = False) -> None:
    knowing.put(folder, id, names, types=types, definition=definition, add=add)


def test_one_concept_is_added_changed_removed(tmp_path: Path) -> None:
    library.add(tmp_path, OLD, made_from="old")
    put(tmp_path, "C9", "dostarlimab", "TSR-042", types=["T1"], definition="An antibody.")
    put(tmp_path, "C3", "tussis")
    kb = library.opened(tmp_path)
    assert kb[kb.row("C9") or 0].names == ("dostarlimab", "TSR-042") and kb[kb.row("C3") or 0].name == "tussis"
    knowing.remove(tmp_path, ["C9", "C1"])
    assert [one.id for one in library.opened(tmp_path)] == ["C2", "C3", "C4"]
    with pytest.raises(ValueError, match="unknown ids: C77"):
        knowing.remove(tmp_path, ["C77"])
    with pytest.raises(ValueError, match="nothing would be left"):
        knowing.remove(tmp_path, ["C2", "C3", "C4"])
    with pytest.raises(ValueError, match="not blank"):
        put(tmp_path, "C8", " ")


def test_the_command_adds_a_synonym(tmp_path: Path) -> None:
    library.add(tmp_path, OLD, made_from="old")
    done = CliRunner().invoke(app, ["kb", "put", str(tmp_path), "C1", "febris", "--add"])
    assert done.stdout == f"{tmp_path}@2: 4 concepts, 6 names\n"
    assert library.opened(tmp_path)[0].names == ("fever", "hot", "febris")


def test_a_changed_concept_keeps_its_retired_ids(tmp_path: Path) -> None:
    library.add(tmp_path, NEW, made_from="new")
    put(tmp_path, "C1", "fever", "pyrexia", "febris")
    kb = library.opened(tmp_path)
    assert kb.row("C2") == kb.row("C1") and kb[0].synonyms == ("pyrexia", "febris")
    with pytest.raises(ValueError, match="retired ids, which lead to other concepts: C2"):
        knowing.remove(tmp_path, ["C2"])
    with pytest.raises(ValueError, match="a version is not written to"):
        put(Path(f"{tmp_path}@1"), "C1", "x")


def test_what_is_not_given_stays(tmp_path: Path) -> None:
    old = Entity(
        id="C1",
        name="fever",
        synonyms=("hot",),
        types=("T1", "T2"),
        definition="Warm.",
        alternatives=("C2",),
        sources=("MSH", "SNOMEDCT_US"),
    )
    library.add(tmp_path, KnowledgeBase.of([old], restrictions={"MSH": 0}), made_from="old")
    put(tmp_path, "C1", "febris", "hot", add=True)
    more = replace(old, synonyms=("hot", "febris"), sources=("MSH", "SNOMEDCT_US", ""))
    assert library.opened(tmp_path)[0] == more
    put(tmp_path, "C1", definition="Too warm.")
    assert library.opened(tmp_path)[0] == replace(more, definition="Too warm.")
    put(tmp_path, "C1", types=["T3"])
    assert library.opened(tmp_path)[0] == replace(more, definition="Too warm.", types=("T3",))
    put(tmp_path, "C1", "hot", "pyrexia")
    last = replace(
        old, name="hot", synonyms=("pyrexia",), sources=("SNOMEDCT_US", ""), definition="Too warm.", types=("T3",)
    )
    assert list(library.opened(tmp_path)) == [last] and library.opened(tmp_path).restrictions == {"MSH": 0}
    for names in ([], ["cold"]):
        with pytest.raises(ValueError, match="C7: no concept has this id; give names, without --add"):
            put(tmp_path, "C7", *names, add=bool(names))


def test_restricted_names_do_not_leave(tmp_path: Path) -> None:
    kb = KnowledgeBase.of(
        [
            Entity(id="C1", name="fever", synonyms=("hot",), sources=("SNOMEDCT_US", "MSH|SNOMEDCT_US")),
            Entity(id="C2", name="cough", sources=("SNOMEDCT_US",)),
            Entity(id="C3", name="own"),
        ],
        restrictions={"SNOMEDCT_US": 9, "MSH": 0},
    )
    kb.save(tmp_path / "kb.arrow")
    said = knowing.export(str(tmp_path / "kb.arrow"), tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text() == "C1||hot\nC3||own\n"
    assert "2 names were left out: their vocabularies are restricted, or how far is not known" in said
    with pytest.raises(ValueError, match="there already"):
        knowing.export(str(tmp_path / "kb.arrow"), tmp_path / "names.txt")


def test_names_of_a_vocabulary_of_unknown_level_do_not_leave(tmp_path: Path) -> None:
    """As of a UMLS without MRSAB; MeSH and MEDIC tell no level and are public."""
    kb = KnowledgeBase.of(
        [
            Entity(id="C1", name="fever", synonyms=("hot", "own"), sources=("SNOMEDCT_US", "NCI|MDR", "")),
            Entity(id="C2", name="cough", sources=("SNOMEDCT_US",)),
            Entity(id="D3", name="cold", synonyms=("chill",), sources=("MSH", "CTD|SNOMEDCT_US")),
        ]
    )
    kb.save(tmp_path / "kb.arrow")
    knowing.export(str(tmp_path / "kb.arrow"), tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text() == "C1||own\nD3||cold\nD3||chill\n"


@pytest.mark.parametrize(("terminology", "line"), [
    ("mesh", "id\tpreferred_name\tsynonyms\nD1\tfever\thot\n"), ("ctd", "id\tpreferred_name\tsynonyms\nD1\tfever\thot\n"),
    ("dictionary", "D1||fever\nD1||hot\n"),
])  # fmt: skip
def test_names_of_public_terminologies_leave(tmp_path: Path, terminology: str, line: str) -> None:
    (tmp_path / "table").write_text(line)
    knowing.build(terminology, {"path": str(tmp_path / "table")}, tmp_path / "kb")
    knowing.export(str(tmp_path / "kb"), tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text() == "D1||fever\nD1||hot\n"


def test_types_and_vocabularies_are_counted_one_by_one(tmp_path: Path) -> None:
    kb = KnowledgeBase.of(
        [
            Entity(id="C1", name="fever", synonyms=("hot", "own"), types=("T1",), sources=("MSH", "MSH|NCI", "")),
            Entity(id="C2", name="cough", types=("T1", "T2"), sources=("NCI",)),
            Entity(id="C3", name="cold"),
        ]
    )
    kb.save(tmp_path / "kb.arrow")
    said = knowing.stats(str(tmp_path / "kb.arrow"), tmp_path / "stats").splitlines()
    assert "semantic types: T1 2, T2 1" in said and "vocabularies: MSH 2, NCI 2" in said


def test_stats_and_an_update_with_annotations(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("C1||fever\nC1||hot\nC2||cough\n")
    (tmp_path / "new").write_text("C1||fever\nC3||cold\n")
    (tmp_path / "ids").write_text("C1\nC2\nC2\n")
    knowing.build(str(tmp_path / "old"), {}, tmp_path / "kb")
    said = knowing.stats(str(tmp_path / "kb"), tmp_path / "stats")
    assert "2 concepts, 3 names, 1.5 a concept; most: C1 with 2" in said
    assert (tmp_path / "stats" / "names.png").exists()
    said = knowing.update(tmp_path / "kb", str(tmp_path / "new"), {}, annotations=tmp_path / "ids")
    assert "removed: 1 (C2)" in said and "annotations: 1 kept, 2 gone (C2)" in said and "@2" in said
    assert "new concepts: 1 (C3)" in knowing.diff(f"{tmp_path}/kb@1", f"{tmp_path}/kb@2")
    pubtator = "1|t|A fever.\n1|a|None.\n1\t2\t7\tfever\tDisease\tC1\n\n"
    (tmp_path / "texts.pubtator").write_text(pubtator)
    assert "annotations: 1 kept" in knowing.diff(
        f"{tmp_path}/kb@1", f"{tmp_path}/kb@2", annotations=tmp_path / "texts.pubtator"
    )


def test_what_was_put_and_removed_by_hand_outlives_a_release(tmp_path: Path) -> None:
    library.add(tmp_path, OLD, made_from="old")
    ids = [one.id for one in OLD]
    knowing.put(tmp_path, "X1", ["dostarlimab"], types=[], definition="", add=False)
    knowing.put(tmp_path, "X2", ["gone again"], types=[], definition="", add=False)
    knowing.remove(tmp_path, ["X2", ids[0]])
    NEW.save(tmp_path / "new.arrow")
    said = knowing.update(tmp_path, str(tmp_path / "new.arrow"), {})
    now = library.opened(tmp_path)
    assert now.row("X1") is not None and now.row("X2") is None and ids[0] not in {one.id for one in now}
    assert {one.id for one in NEW} - {ids[0]} <= {one.id for one in now}
    assert f"as they were by hand: {', '.join(sorted({'X1', 'X2', ids[0]}))}" in said
    library.add(tmp_path, OLD, made_from="built anew")
    assert library.by_hand(tmp_path) == (set(), set())


def test_what_dictionaries_cannot_hold_is_not_put_and_not_exported(tmp_path: Path) -> None:
    library.add(tmp_path, OLD, made_from="old")
    for id, name in (("X 3", "plain"), ("X3", "a||b")):
        with pytest.raises(ValueError, match="names without bars"):
            knowing.put(tmp_path, id, [name], types=[], definition="", add=False)
    bars = KnowledgeBase.of([Entity(id="D1", name="a|b", synonyms=("plain",))])
    bars.save(tmp_path / "bars.arrow")
    said = knowing.export(str(tmp_path / "bars.arrow"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "D1||plain\n"
    assert "1 names of 1 concepts; 1 names with a bar, a tab or a line break were left out" in said


def test_pairs_hold_no_restricted_names(tmp_path: Path) -> None:
    its = [
        Entity(
            id=f"C{n}", name=f"free {n}", synonyms=(f"own {n}", f"SNOMED {n}"), sources=("MSH", "MSH", "SNOMEDCT_US")
        )
        for n in range(6)
    ]
    KnowledgeBase.of(its, restrictions={"MSH": 0, "SNOMEDCT_US": 9}).save(tmp_path / "kb.arrow")
    said = drawing.draw(str(tmp_path / "kb.arrow"), Drawing(), share=0.2, seed=1, folder=tmp_path / "pairs")
    texts = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "pairs").glob("*.tsv"))
    assert "own" in texts and "SNOMED" not in texts and "6 names were left out" in said
    with pytest.raises(ValueError, match="is there already; choose another --output"):
        drawing.draw(str(tmp_path / "kb.arrow"), Drawing(), share=0.2, seed=1, folder=tmp_path / "pairs")
    with pytest.raises(ValueError, match="expected a share of the concepts"):
        drawing.draw(str(tmp_path / "kb.arrow"), Drawing(), share=2, seed=1, folder=tmp_path / "other")
    assert not library.all_shareable(KnowledgeBase.open(tmp_path / "kb.arrow"))
