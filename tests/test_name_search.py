"""Names found as one types, against the rule said in a sentence: begins with it, has its words, has words that begin so."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.annotations import name_index
from tripel.annotations.name_search import NameSearch
from tripel.annotations.typed_words import plain, ranges, words
from tripel.files import read_json
from tripel.knowledge import Entity, KnowledgeBase

ENTITIES = [
    Entity(id="D009103", name="Multiple Sclerosis", synonyms=("MS", "Sclerosis, Multiple"), types=("Disease",)),
    Entity(id="D008946", name="Mitral Valve Stenosis", synonyms=("MS",), types=("Disease", "Heart")),
    Entity(id="D000690", name="Amyotrophic Lateral Sclerosis", synonyms=("ALS", "MSA-like"), types=("Disease",)),
    Entity(id="D012859", name="Sjögren's Syndrome", synonyms=("Sicca",), types=("Disease",), alternatives=("D999999",)),
    Entity(id="D000319", name="β-Blockers", synonyms=("Adrenergic β Antagonists",), types=("Chemical",)),
    Entity(id="D011433", name="Propranolol", synonyms=("multiple names of scleroids",), types=("Chemical",)),
    Entity(id="D005334", name="Fever", synonyms=("Pyrexia", "fever (symptom)", "FEVER"), types=()),
    Entity(id="D012345", name="a b c", synonyms=("a c", "b a"), types=("Chemical",)),
]


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return KnowledgeBase.of(ENTITIES)


@pytest.fixture(scope="module")
def search(kb: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> NameSearch:
    return NameSearch.open(kb, tmp_path_factory.mktemp("search") / "names")


def ids(search: NameSearch, query: str, **how: object) -> list[str]:
    return [found.entity for found in search.find(query, **how)]  # type: ignore[arg-type]  # k and types


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ms", ["D008946", "D009103", "D000690"]),  # the very name of two, then what begins with it
        ("multiple s", ["D009103", "D011433"]),  # begins with it; then a name with these words, the last begun
        ("sclerosis mult", ["D009103"]),  # the other order
        ("scler mul", ["D009103", "D011433"]),  # each word begun
        ("sclerosis", ["D009103", "D000690"]),  # a name that begins so; then one that has the word
        ("sjogren", ["D012859"]),
        ("SJÖGREN'S", ["D012859"]),
        ("sjo\u0308gren", ["D012859"]),
        ("beta-blo", ["D000319"]),
        ("β", ["D000319"]),
        ("d009103", ["D009103"]),
        ("MESH:D009103", ["D009103"]),
        ("D999999", ["D012859"]),  # retired
        ("feve", ["D005334"]),
        ("xyz", []),
        ("", []),
        ("  -  ", []),
    ],
)
def test_what_is_typed_finds(search: NameSearch, query: str, expected: list[str]) -> None:
    assert ids(search, query) == expected


def test_what_is_found_says_which_name_matched_and_where(search: NameSearch) -> None:
    first, *_ = search.find("sclerosis mul")
    assert (first.name, first.matched) == ("Multiple Sclerosis", "Sclerosis, Multiple")
    assert [first.matched[start:end] for start, end in first.ranges] == ["Sclerosis", "Mul"]
    begun, *_ = search.find("scler mul")
    assert [begun.matched[start:end] for start, end in begun.ranges] == ["Mul", "Scler"]
    assert search.kb[first.row].id == first.entity
    assert first.types == ("Disease",)
    blockers, *_ = search.find("beta bl")
    assert [blockers.matched[start:end] for start, end in blockers.ranges] == ["β", "Bl"]
    by_id, *_ = search.find("D005334")
    assert (by_id.matched, by_id.ranges) == ("Fever", ())


def test_an_entity_comes_once_by_its_best_name(search: NameSearch) -> None:
    found = search.find("fever")
    assert [(one.entity, one.matched) for one in found] == [("D005334", "Fever")]


def test_only_wanted_types(search: NameSearch) -> None:
    assert ids(search, "m", types=["Chemical"]) == ["D011433"]
    assert ids(search, "ms", types=["Heart", "Chemical"]) == ["D008946"]
    assert ids(search, "D005334", types=["Disease"]) == []
    with pytest.raises(ValueError, match="no entity has types Plant"):
        search.find("ms", types=["Plant"])


def test_no_more_than_wanted(search: NameSearch) -> None:
    assert len(search.find("m", k=2)) == 2


@pytest.mark.parametrize(
    "query", ['"', "a OR b", "a*", "NEAR(a, b)", "words:a", "-a", "^a", "a' --", "\x00", "(((", "a" * 10_000]
)
def test_the_language_of_the_index_is_not_the_users(search: NameSearch, query: str) -> None:
    assert all(found.entity for found in search.find(query))


def begins(name: str, typed: list[str]) -> bool:
    its = words(name)
    return its[: len(typed) - 1] == typed[:-1] and " ".join(its[len(typed) - 1 :]).startswith(typed[-1])


def has(name: str, typed: list[str]) -> bool:
    its = words(name)
    return set(typed[:-1]) <= set(its) and any(word.startswith(typed[-1]) for word in its)


def rule(typed: list[str]) -> list[str]:
    """The whole rule by loops, entities by the best name each has."""
    best: dict[str, tuple[object, ...]] = {}
    position = 0
    for entity in sorted(ENTITIES, key=lambda entity: entity.id):
        for place, name in enumerate(entity.names):
            each = all(any(word.startswith(one) for word in words(name)) for one in typed)
            if each:
                tier = 0 if begins(name, typed) else 1 if has(name, typed) else 2
                rank = (tier, len(" ".join(words(name))), place > 0, position)
                best[entity.id] = min(best.get(entity.id, rank), rank)
            position += 1
    return sorted(best, key=lambda id: best[id])


LETTERS = st.sampled_from(["a", "b", "c", "m", "ms", "mul", "multiple", "scl", "sclerosis", "fev", "fever", "of", "s"])


@settings(max_examples=200, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=3))
def test_the_order_is_the_rules(search: NameSearch, typed: list[str]) -> None:
    assert ids(search, " ".join(typed), k=100) == rule(typed)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_words_of_many_names_are_those_of_each(name: str) -> None:
    """Those that are ASCII are folded another way."""
    assert plain(pa.array([name])).to_pylist() == [" ".join(words(name))]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.text(max_size=5))
def test_ranges_are_in_order_and_within_the_name(name: str, query: str) -> None:
    for begun in (False, True):
        found = ranges(name, words(query), begun=begun)
        flat = [edge for pair in found for edge in pair]
        assert flat == sorted(flat) and all(0 <= start < end <= len(name) for start, end in found)


def test_another_knowledge_base_makes_another_index(kb: KnowledgeBase, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    NameSearch.open(kb, folder)
    made = (folder / name_index.NAMES).stat().st_mtime_ns
    NameSearch.open(kb, folder)
    assert (folder / name_index.NAMES).stat().st_mtime_ns == made, "it was made again"
    smaller = NameSearch.open(KnowledgeBase.of(ENTITIES[:1]), folder)
    assert ids(smaller, "m") == ["D009103"] and ids(smaller, "propranolol") == []
    assert read_json(folder / name_index.ORIGIN)["knowledge_base"] == smaller.kb.fingerprint


def test_progress_ends_with_all_names(kb: KnowledgeBase, tmp_path: Path) -> None:
    said: list[tuple[int, int]] = []
    NameSearch.open(kb, tmp_path / "names", progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (len(kb.names), len(kb.names))


BUILD = """
import sys, time
from pathlib import Path
from tripel.annotations import name_index
from tripel.knowledge import Entity, KnowledgeBase
def slow(done, total):
    print("begun", flush=True)
    time.sleep(60)
kb = KnowledgeBase.of([Entity(id="D009103", name="Multiple Sclerosis", types=("Disease",))])
name_index.build(kb, Path(sys.argv[1]), progress=slow)
"""


def test_a_killed_build_leaves_nothing_that_is_taken_for_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "names"
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert not folder.exists()
    search = NameSearch.open(KnowledgeBase.of(ENTITIES), folder)
    assert ids(search, "fever") == ["D005334"]
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
