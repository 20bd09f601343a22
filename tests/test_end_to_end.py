"""Mentions that a system found itself, against plain loops; and how other benchmarks count."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripel.documents import Document, Mention
from tripel.indexes.base import Hits
from tripel.judging import metrics, predictions
from tripel.judging.comparing import Comparison
from tripel.judging.end_to_end import compare_f1, end_to_end
from tripel.judging.evaluation import evaluate
from tripel.judging.gold import gold
from tripel.judging.pipelines import EVERY, OWN, SCORES, Pipeline, kept, named, recalls
from tripel.judging.pipelines import SAID as PREDICTIONS
from tripel.judging.predictions import Origin, Prediction
from tripel.knowledge import Entity, KnowledgeBase
from tripel.reports import reporting, tables
from tripel.reports.page import Report, Shown
from tripel.training.preparing import Ground

KB = KnowledgeBase.of(
    [Entity(id="D1", name="fever"), Entity(id="D2", name="cough", alternatives=("C2",)), Entity(id="D3", name="cold")]
)
TEXT = "x" * 40


def document(id: str, *spans: tuple[int, int, str]) -> Document:
    made = (
        Mention(start=start, end=end, text=TEXT[start:end], entities=tuple(ids.split("|")) if ids else ())
        for start, end, ids in spans
    )
    return Document(id=id, text=TEXT, mentions=tuple(made))


DOCUMENTS = [
    document("a", (0, 5, "D1"), (6, 9, "C2"), (10, 14, "")),
    document("b", (0, 4, "D1|D3"), (8, 12, "D9"), (20, 25, "D2")),
    document("c"),
]
GOLD = gold(DOCUMENTS, kb=KB, train=[])
IDS = [one.id for one in DOCUMENTS]


def found(document: str, start: int, end: int, *ids: str) -> Prediction:
    return Prediction(document, start, end, tuple((id, 0.0) for id in ids))


def judged(*predictions: Prediction) -> Any:
    return end_to_end(predictions, GOLD, documents=IDS, kb=KB, system="s", seed=0)


def test_each_mention_and_each_link_is_looked_at() -> None:
    its = judged(
        found("a", 0, 5, "D1"),  # right
        found("a", 6, 8, "D2"),  # right but for a letter
        found("a", 10, 14, "D1"),  # nobody knows
        found("b", 0, 4, "D2", "D1"),  # right behind another
        found("b", 20, 25),  # found, and not linked
        found("c", 3, 4, "D1"),  # where nothing is
    )
    assert {name: one.count for name, one in its.lost.items() if one.count} == {
        "right": 1,
        "ranked wrong": 1,
        "NIL": 1,
        "other bounds": 1,
        "not found": 1,
    }
    assert (its.strong.precision.value, its.strong.precision.n) == (pytest.approx(1 / 4), 4)
    assert (its.strong.recall.value, its.strong.recall.n) == (pytest.approx(1 / 5), 5)
    assert its.strong.f1.value == pytest.approx(2 / 9)
    assert its.weak.precision.value == pytest.approx(2 / 4) and its.weak.recall.value == pytest.approx(2 / 5)
    assert its.strict == its.strong.recall  # of the mention with two ids neither came first
    assert "not found" in tables.found([its]) and "22.2 [" in tables.found([its])


def test_what_cannot_be_found_is_told_from_what_was_not() -> None:
    its = judged(found("a", 0, 5, "D2"), found("b", 8, 12, "D9"), found("b", 20, 25, "C2"))
    assert its.strong.recall.value == its.weak.recall.value == pytest.approx(1 / 5)
    lost = {name: one.count for name, one in its.lost.items() if one.count}
    assert lost == {"right": 1, "not among candidates": 1, "outside the knowledge base": 1, "not found": 2}
    assert "NIL" not in tables.found([its]), "columns of nothing are left out"


def test_two_systems_are_compared_by_exchanging_their_answers() -> None:
    one = [found("a", 0, 5, "D1"), found("a", 6, 9, "D2"), found("b", 20, 25, "D2")]
    other = [found("a", 0, 5, "D1"), found("b", 20, 24, "D2"), found("c", 0, 1, "D1")]
    gained = compare_f1(one, other, GOLD, documents=IDS, kb=KB, seed=0)
    assert gained["strong F1"].difference == pytest.approx(6 / 8 - 2 / 8) and gained["strong F1"].n == 5
    assert gained["weak F1"].difference == pytest.approx(6 / 8 - 4 / 8)
    back = compare_f1(other, one, GOLD, documents=IDS, kb=KB, seed=0)["strong F1"]
    assert back.difference == -gained["strong F1"].difference and back.p == gained["strong F1"].p
    same = compare_f1(one, one, GOLD, documents=IDS, kb=KB, seed=0)["weak F1"]
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)


@pytest.mark.parametrize(("gain", "sure"), [(1, True), (0, False)])
def test_a_gain_in_every_document_is_no_chance(gain: int, sure: bool) -> None:
    """Of 40 documents with ten mentions the first finds one more, or some more and some less."""
    right = np.random.default_rng(0).integers(4, 7, 40).astype(float)
    other, given_ = np.random.default_rng(1).permutation(right), np.full(40, 10.0)
    one = right + 1 if gain else right
    table, others = (np.column_stack([its, given_, its, given_]) for its in (one, right if gain else other))
    its = metrics.paired_f1(table, others, seed=0)
    assert its.difference == pytest.approx(gain / 10) and its.n == 400
    assert its.p < 0.001 if sure else its.p > 0.9


def test_all_ids_of_a_mention_are_wanted_where_it_is_strict() -> None:
    first, both = judged(found("b", 0, 4, "D3", "D2", "D1")), judged(found("b", 0, 4, "D3", "D1", "D2"))
    assert first.strong.recall.value == both.strong.recall.value == both.strict.value == pytest.approx(1 / 5)
    assert (first.strict.value, first.strict.n) == (0, 5)
    header, _, row = str(tables.matched([both])).splitlines()[:3]
    assert header.split(" | ")[-1].startswith("strong recall, all ids") and "20.0 [" in row.split(" | ")[-1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=5, max_size=5), min_size=2, max_size=7))
def test_p_is_that_of_all_exchanges(rows: list[list[int]]) -> None:
    """Documents of [right, given more, found by either, right of the other, given more by it]; every exchange is tried."""
    one = np.array([[r, r + more, r, r + o] for r, more, _, o, _ in rows], float)
    other = np.array([[o, o + more, o, r + o] for r, _, _, o, more in rows], float)

    def f1(table: Any) -> float:
        right, given_, found_, wanted = table.sum(axis=0)
        precision, recall = right / max(given_, 1e-12), found_ / max(wanted, 1e-12)
        return float(2 * precision * recall / max(precision + recall, 1e-12))

    def gain(swapped: Any) -> float:
        return f1(np.where(swapped, other, one)) - f1(np.where(swapped, one, other))

    every = [np.array(its)[:, None] for its in itertools.product([False, True], repeat=len(rows))]
    seen = abs(gain(every[0]))
    exact = float(np.mean([abs(gain(its)) >= seen - 1e-9 for its in every]))
    its = metrics.paired_f1(one, other, seed=0)
    assert its.difference == pytest.approx(gain(every[0])) and its.p == pytest.approx(exact, abs=0.03)


def test_nothing_found_is_nothing_right() -> None:
    its = judged()
    assert its.strong.f1.value == its.weak.precision.value == 0 and its.lost["not found"].count == 5


def test_another_corpus_is_noticed() -> None:
    with pytest.raises(ValueError, match="document z: a prediction, and no such document; is it this corpus"):
        judged(found("z", 0, 1, "D1"))


SPANS = st.tuples(
    st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 9), st.sampled_from(["D1", "D2", "D3", ""])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPANS, max_size=12, unique_by=lambda it: it[:3]))
def test_matches_are_those_of_the_loops(said: list[tuple[str, int, int, str]]) -> None:
    made = [found(doc, start, start + length, *([id] if id else [])) for doc, start, length, id in said]
    its = judged(*made)
    links = [
        (p.document, p.start, p.end, p.ids[0]) for p in made if p.ids and (p.document, p.start, p.end) != ("a", 10, 14)
    ]
    for match, weak in ((its.strong, False), (its.weak, True)):
        pairs = {
            (i, j)
            for i, (doc, start, end, id) in enumerate(links)
            for j, mention in enumerate(GOLD.mentions)
            if doc == mention.key[0] and id in mention.ids
            if (set(range(start, end)) & set(range(*mention.key[1:])) if weak else (start, end) == mention.key[1:])
        }
        assert match.precision.value == pytest.approx(len({i for i, _ in pairs}) / max(1, len(links)))
        assert match.recall.value == pytest.approx(len({j for _, j in pairs}) / 5)
    assert sum(one.count for one in its.lost.values()) == 5 and its.weak.recall.value >= its.strong.recall.value


def test_intervals_hold_the_value() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.integers(1, 9, size=50).astype(float)
    right = np.minimum(wanted, rng.integers(0, 9, size=50))
    for estimate in metrics.precision_recall_f1(right, right + 1, right, wanted, seed=1):
        assert estimate.low < estimate.value < estimate.high


TRAIN = [document("t", (0, 5, "D1"), (6, 9, "D9"))]
SAID = (
    found("a", 0, 5, "D1"),  # shown, right
    found("a", 6, 9, "D1"),  # not shown, wrong
    found("b", 0, 4, "D3"),  # one of its ids was shown, right
    found("b", 20, 25, "D2"),  # not shown, right
)


def test_recall_of_entities_that_training_showed_and_of_others() -> None:
    """D1, D1 or D3, and D9 were shown; D2, twice, was not."""
    found_ = recalls(SAID, gold(DOCUMENTS, kb=KB, train=TRAIN), documents=IDS, kb=KB, seed=0)
    assert {slice: (it.value, it.n) for slice, it in found_.items()} == {
        "seen in training": (pytest.approx(2 / 3), 3),
        "unseen in training": (pytest.approx(1 / 2), 2),
    }


def test_recognizers_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder / "tagger").mkdir(parents=True)
    words = [
        str(tmp_path / "one" / "tagger"),
        str(tmp_path / "other" / "tagger"),
        "dictionary",
        "dictionary fuzzy=true",
    ]
    names = [named(its, threshold) for its in words for threshold in (None, 0.25)]
    assert len(set(names)) == len(names)
    assert names[0].startswith("tagger-") and names[1] == f"{names[0]}-at-0.25"
    assert named(f"{tmp_path}/other/../one/tagger", None) == names[0]
    assert named("", None) == OWN


NOTHING = Hits(np.full((6, 1), -1), np.zeros((6, 1), np.float32), np.full((6, 1), -1))
FOUND = Ground(KB, {"train": tuple(TRAIN), "test": tuple(DOCUMENTS)}, {"test": NOTHING})


def pipeline(name: str, *said: Prediction) -> Pipeline:
    truth = gold(DOCUMENTS, kb=KB, train=TRAIN)
    judged_ = end_to_end(said, truth, documents=IDS, kb=KB, system=EVERY, seed=0)
    return Pipeline(
        recognizer="tagger",
        name=name,
        threshold=0.5,
        texts=3,
        mentions=len(said),
        links=len(said),
        speed=1.5,
        judged=(judged_,),
        recall=recalls(said, truth, documents=IDS, kb=KB, seed=0),
    )


def test_what_came_of_pipelines_is_kept_and_is_in_the_report(tmp_path: Path) -> None:
    run, bare = tmp_path / "run", tmp_path / "bare"
    both = [pipeline("tagger-0a", *SAID), pipeline("tagger-1b", *SAID[:1])]
    for one, said in zip(both, (SAID, SAID[:1]), strict=True):
        one.save(run / SCORES.format("test", one.name))
        predictions.write(
            run / PREDICTIONS.format("test", one.name),
            Origin(protocol="", system="", encoder="", knowledge_base=""),
            said,
        )
    assert kept(run, "test") == both and kept(run, "dev") == kept(bare, "test") == []
    assert "of 3 whose entity is seen in training 66.7 [" in str(both[0])
    assert "; of 2 whose entity is unseen in training 50.0 [" in str(both[0])
    of = Comparison(FOUND, "test", {"run": SAID}, seed=0)
    (section,) = reporting._end_to_end({"bare": bare, "run": run}, of, corpus="medmentions")
    tables_ = {block.name: block.table for block in section.blocks if isinstance(block, Shown)}
    assert [row[0] for row in tables_["end-to-end"].rows] == ["run, tagger-0a", "run, tagger-1b"]
    strong, weak = tables_["end-to-end-gains"].rows
    assert strong[0] == "strong F1, over run, tagger-1b" and strong[1].startswith("+") and strong[3] == "5"
    assert weak[0] == "weak F1, over run, tagger-1b"
    assert tables_["recall"].columns == ["system", "seen in training", "N", "unseen in training", "N"]
    assert tables_["recall"].rows[1][1].startswith("33.3 [") and tables_["recall"].rows[1][4] == "2"
    assert "tagger-1b" in Report("r", [section]).html()
    assert [row[1] for row in tables_["published-pipelines"].rows] == ["46.5", "31.5"]
    assert list(reporting._end_to_end({"bare": bare}, of, corpus="medmentions")) == []


def test_a_file_that_is_no_pipeline_is_named(tmp_path: Path) -> None:
    path = tmp_path / SCORES.format("test", "x")
    path.parent.mkdir()
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"test-pipeline-x\.json: .*; judge again"):
        kept(tmp_path, "test")


def test_other_benchmarks_count_otherwise() -> None:
    answers = [
        Prediction("a", 0, 5, (("D1", 0.5), ("D2", 0.5))),  # right, and another stands with it
        Prediction("a", 6, 9, (("D1", 0.5), ("D2", 0.5), ("D3", 0.1))),  # right one second of two equals
        Prediction("b", 0, 4, (("D3", 0.5),)),  # composite
        Prediction("b", 20, 25, (("C2", 0.5), ("D2", 0.5))),  # one entity under two ids
    ]
    styles = evaluate(answers, GOLD, kb=KB, system="s", protocol="full", seed=0).styles
    assert {name: it.n for name, it in styles.items()} == {"BELB": 3, "BELB, lenient": 3, "BioEL": 4}
    assert styles["BELB"].value == pytest.approx(1 / 3)
    assert styles["BELB, lenient"].value == pytest.approx(1)
    assert styles["BioEL"].value == pytest.approx(3 / 4)
