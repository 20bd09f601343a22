"""Pairs of synonyms: drawn lazily and alike each time, split by concept, and read from files of four kinds."""

from __future__ import annotations

import tracemalloc
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tripel.cli.main import app
from tripel.knowledge import Entity, KnowledgeBase
from tripel.names import pair_files
from tripel.names.pair_files import NamePair, NamePairs
from tripel.names.synonyms import Drawing, Drawn, ambiguous, candidates, held_out
from tripel.problems import BadInput, Problem


def kb(*counts: int) -> KnowledgeBase:
    return KnowledgeBase.of(
        Entity(id=f"D{e}", name=f"{e}-0", synonyms=tuple(f"{e}-{n}" for n in range(1, count)))
        for e, count in enumerate(counts)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 14), min_size=1, max_size=6), st.integers(1, 60), st.integers(0, 3))
def test_every_pair_is_of_one_concept_and_none_comes_twice(counts: list[int], most: int, seed: int) -> None:
    its = kb(*counts)
    pairs = Drawn(its, np.arange(len(counts)), Drawing(most=most), seed=seed)
    one, other = pairs.take(np.arange(len(pairs)))
    assert (its.row_N[one] == its.row_N[other]).all() and (one < other).all()
    found = list(zip(one.tolist(), other.tolist(), strict=True))
    assert len(set(found)) == len(found)
    for row, count in enumerate(counts):
        every = count * (count - 1) // 2
        assert sum(its.row_N[a] == row for a, _ in found) == min(most, every)
    again = Drawn(its, np.arange(len(counts)), Drawing(most=most), seed=seed).take(np.arange(len(pairs))[::-1])
    assert list(zip(*(part.tolist() for part in again), strict=True)) == found[::-1]


def test_below_the_limit_all_pairs_come() -> None:
    one, other = Drawn(kb(5), np.arange(1), Drawing(), seed=0).take(np.arange(10))
    assert sorted(zip(one.tolist(), other.tolist(), strict=True)) == list(combinations(range(5), 2))


def test_the_number_of_pairs_is_drawn_between_fewest_and_most() -> None:
    pairs = Drawn(kb(*[9] * 200), np.arange(200), Drawing(fewest=3, most=5), seed=0)
    one, _ = pairs.take(np.arange(len(pairs)))
    assert set(np.bincount(one // 9).tolist()) == {3, 4, 5}


@pytest.mark.parametrize("wrong", [{"most": 0}, {"fewest": 4, "most": 3}, {"more_than": 0}])
def test_a_drawing_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="1 <= fewest <= most"):
        Drawing(**wrong)


def test_concepts_are_chosen_by_their_names_and_held_out_whole() -> None:
    its = kb(1, 2, 6, 7, 8, 3)
    rows = candidates(its, Drawing(more_than=5), seed=0)
    assert [len(its[int(row)].names) for row in rows] == [6, 7, 8]
    assert len(candidates(its, Drawing(concepts=2), seed=0)) == 2
    learnt, apart = held_out(np.arange(100), share=0.1, seed=1)
    assert len(apart) == 10 and not set(learnt) & set(apart) and len(learnt) == 90
    with pytest.raises(ValueError, match=r"lower pairs\.more_than"):
        candidates(its, Drawing(more_than=8), seed=0)


def test_a_name_of_two_concepts_is_known_for_both() -> None:
    its = KnowledgeBase.of([Entity(id="D1", name="MS"), Entity(id="D2", name="ms"), Entity(id="D3", name="fever")])
    assert ambiguous(its) == {"ms": frozenset([0, 1])}


KINDS = {
    "SapBERT": "C1||fever||pyrexia\nC2||cough||tussis\n",
    "NeMo": "1\tfever \tpyrexia\n2\tcough\ttussis \n",
    "KGNEL": "CUI\tSTR_A\tSTR_P\nC1\tfever\tpyrexia\nC2\tcough\ttussis\n",
    "KGNEL with negatives": "CUI\tSTR_A\tSTR_P\tSTR_N\nC1\tfever\tpyrexia\tcough\nC2\tcough\ttussis\tsneeze\n",
    "ours": "entity\tanchor\tpositive\nC1\tfever\tpyrexia\nC2\tcough\ttussis\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pairs"
    path.write_text(KINDS[kind])
    pairs = pair_files.read(path)
    assert [(pair.anchor, pair.positive) for pair in pairs] == [("fever", "pyrexia"), ("cough", "tussis")]
    assert [pair.negative for pair in pairs] == (["cough", "sneeze"] if "negatives" in kind else ["", ""])
    its, listed, negative_P = pair_files.grounded(pairs)
    one, other = listed.take(np.arange(2))
    names = its.names.to_pylist()
    assert [(names[a], names[b]) for a, b in zip(one, other, strict=True)] == [
        ("fever", "pyrexia"),
        ("cough", "tussis"),
    ]
    if "negatives" in kind:
        assert [names[n] for n in negative_P] == ["cough", "sneeze"]
        assert its.row_N[negative_P[0]] == its.row_N[one[1]]  # it is known whose name that is
    else:
        assert negative_P.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    {
        "one column": ("C1||fever||hot\nfever\n", 2, "one column"),
        "two": ("1\tfever\n", 1, "2 columns"),
        "an empty name": ("C1||fever||\n", 1, "an empty second name"),
        "no id": ("||fever||hot\n", 1, "an empty id"),
        "itself": ("1\tfever\tfever\n", 1, "paired with itself"),
        "nothing": ("", 0, "no pairs"),
        "header alone": ("CUI\tSTR_A\tSTR_P\n", 0, "no pairs"),
        "no negative": ("CUI\tSTR_A\tSTR_P\tSTR_N\nC1\tfever\thot\n", 2, "3 columns"),
    }.values(),
)
def test_a_bad_file_is_named_by_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "pairs"
    path.write_text(text)
    problems = [one for one in pair_files.parse(path) if isinstance(one, Problem)]
    assert problems[0].line == line and said in problems[0].found
    with pytest.raises(BadInput, match=said):
        pair_files.read(path)


word = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="|"), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(word, word, word, word).filter(lambda t: t[1] != t[2]), min_size=1, max_size=5))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]) -> None:
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    pairs = [NamePair(*row) for row in rows]
    pair_files.write(path, pairs)
    assert list(pair_files.read(path)) == pairs


few = st.sampled_from(["fever", "pyrexia", "cough", "tussis", "sneeze"])
invented = st.lists(
    st.builds(NamePair, st.sampled_from(["D2", "D1", "D3"]), few, few, st.one_of(st.just(""), few)),
    min_size=1,
    max_size=9,
)


@settings(max_examples=100, deadline=None)
@given(invented)
def test_pairs_are_grounded_as_plain_loops_do_it(pairs: list[NamePair]) -> None:
    names: dict[str, list[str]] = {}
    for pair in pairs:
        names.setdefault(pair.entity, []).extend([pair.anchor, pair.positive])
    owner = {name: entity for entity, its in names.items() for name in its}
    for pair in pairs:
        if pair.negative and pair.negative not in owner:
            owner[pair.negative] = f"?{pair.negative}"
            names[f"?{pair.negative}"] = [pair.negative]
    its, listed, negative_P = pair_files.grounded(NamePairs.of(pairs))
    assert {one.id: list(one.names) for one in its} == {id: list(dict.fromkeys(all)) for id, all in names.items()}

    def said(place: int) -> tuple[str, str]:
        return its.id(int(its.row_N[place])), its.names[place].as_py()

    one_P, other_P = listed.take(np.arange(len(pairs)))
    for pair, one, other, negative in zip(pairs, one_P, other_P, negative_P, strict=True):
        assert (said(one), said(other)) == ((pair.entity, pair.anchor), (pair.entity, pair.positive))
        assert negative == -1 if not pair.negative else said(negative) == (owner[pair.negative], pair.negative)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(NamePair, word, word, word, st.one_of(st.just(""), word)), max_size=7), st.integers(1, 3))
def test_pairs_come_back_as_they_were_gathered(pairs: list[NamePair], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_files, "AT_ONCE", at_once)
        gathered = NamePairs.of(iter(pairs))
        assert list(gathered) == pairs
        assert [gathered[place] for place in range(-len(pairs), len(pairs))] == pairs + pairs
        assert gathered[1:5:2] == pairs[1:5:2]
        with pytest.raises(IndexError, match=f"of {len(pairs)}"):
            gathered[len(pairs)]


def test_many_pairs_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    path.write_text("".join(f"D{n // 50}||name {n % 997}||another name {n % 991}\n" for n in range(100_000)))
    tracemalloc.start()
    pairs = pair_files.read(path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pairs) == 100_000
    assert kept < 40 * len(pairs)  # bytes; as objects they took some 300 each


def test_the_toy_files_of_nemo_are_read(corpora_folder: Path) -> None:
    toy = corpora_folder / "nemo_toy"
    if not toy.is_dir():
        pytest.skip(f"NeMo's toy files are not in {corpora_folder}")
    pairs = pair_files.read(toy / "train_pairs.tsv")
    assert len(pairs) == 63 and pairs[0] == NamePair("1", "Pain in the head", "cephalgia")


def test_drawn_pairs_go_into_two_files_that_share_no_concept(tmp_path: Path) -> None:
    lines = [f"C{n}||name {n} {letter}\n" for n in range(40) for letter in "abcd"]
    (tmp_path / "names").write_text("".join(lines))
    words = ["data", "pairs", str(tmp_path / "names"), "fewest=2", "most=3", "--held-out", "0.25"]
    for folder in ("one", "same"):
        shown = CliRunner().invoke(app, [*words, "--output", str(tmp_path / folder)])
    assert "10 pairs, one of each of 10 other concepts" in shown.output
    train, apart = (list(pair_files.read(tmp_path / "one" / name)) for name in ("train.tsv", "held_out.tsv"))
    assert not {pair.entity for pair in train} & {pair.entity for pair in apart}
    assert {pair.entity for pair in train + apart} == {f"C{n}" for n in range(40)}
    assert 60 <= len(train) <= 90
    assert all(pair.anchor.split()[1] == pair.positive.split()[1] == pair.entity[1:] for pair in train)
    assert (tmp_path / "same" / "train.tsv").read_bytes() == (tmp_path / "one" / "train.tsv").read_bytes()
