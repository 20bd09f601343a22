"""Predictions against gold: what counts as right, what is counted, and what each slice holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tripel.documents import Document, Mention
from tripel.judging import predictions
from tripel.judging.evaluation import Scores, compare, compare_slices, evaluate, outcomes, ranks
from tripel.judging.gold import CLUSTERS, Gold, gold
from tripel.judging.metrics import Paired, mean
from tripel.judging.predictions import Origin, Prediction
from tripel.knowledge import Entity, KnowledgeBase
from tripel.reports import tables

KB = KnowledgeBase.of(
    [
        Entity(id="D1", name="fever", synonyms=("pyrexia",)),
        Entity(id="D2", name="multiple sclerosis", synonyms=("MS",)),
        Entity(id="D3", name="mitral stenosis", synonyms=("MS",), alternatives=("C3",)),
        Entity(id="D4", name="aspirin"),
    ]
)


def document(id: str, mentions: list[tuple[str, str]]) -> Document:
    text, made = "", []
    for surface, ids in mentions:
        entities = tuple(ids.split("|")) if ids else ()
        made.append(
            Mention(start=len(text), end=len(text) + len(surface), text=surface, type="Disease", entities=entities)
        )
        text += surface + " . "
    return Document(id=id, text=text, mentions=tuple(made))


TRAIN = [document("t1", [("fever", "D1"), ("MS", "D2")]), document("t2", [("heat", "D1"), ("MS", "D3")])]
JUDGED = [
    document("a", [("Fever", "D1"), ("MS", "C3"), ("nothing", "")]),
    document("b", [("narrow valve", "D3|D4"), ("acid", "D9"), ("aspirin", "D4")]),
]
GOLD = gold(JUDGED, kb=KB, train=TRAIN)


def said(*answers: list[str]) -> list[Prediction]:
    """Answers for all mentions of JUDGED in order."""
    places = [(d.id, m.start, m.end) for d in JUDGED for m in d.mentions]
    return [
        Prediction(*place, tuple((one, -float(i)) for i, one in enumerate(ids)))
        for place, ids in zip(places, answers, strict=True)
    ]


ANSWERS = said(["D1"], ["D2", "D3"], ["D1"], ["D4", "D3"], ["D4"], ["D1", "D2"])


def test_ranks_take_retired_ids_for_current_ones() -> None:
    assert ranks(ANSWERS, GOLD, kb=KB).tolist() == [1, 2, 1, 0, 0]
    retired = said(["D1"], ["C3"], [], ["C3", "D3", "D4"], ["D9"], [])  # D9 is outside: nobody can find it
    assert ranks(retired, GOLD, kb=KB).tolist() == [1, 1, 1, 0, 0]
    assert ranks(retired, GOLD, kb=KB, strict=True).tolist() == [1, 1, 1, 0, 0]  # C3 and D3 are one entity


def test_nothing_is_dropped_in_silence() -> None:
    counts = GOLD.counts
    assert (counts.documents, counts.mentions, counts.unlinkable, counts.outside, counts.composite) == (2, 6, 1, 1, 1)


def test_each_mention_has_one_outcome() -> None:
    answers = [one for one in ANSWERS if one.start or one.document == "a"]  # none for the first mention of b
    answers = [Prediction(*GOLD.mentions[1].key, ()) if one == ANSWERS[1] else one for one in answers]
    found = outcomes(answers, GOLD, ranks(answers, GOLD, kb=KB))
    assert found == ["right", "NIL", "no prediction", "outside the knowledge base", "not among candidates"]
    assert outcomes(ANSWERS, GOLD, ranks(ANSWERS, GOLD, kb=KB))[1] == "ranked wrong"
    scores = evaluate(answers, GOLD, kb=KB, system="s", protocol="full", seed=0)
    assert sum(one.count for one in scores.outcomes.values()) == scores.linkable.n
    assert scores.outcomes["right"] == scores.linkable.accuracy[1]
    assert "not among candidates" in str(tables.outcomes([scores])) and "ranked wrong" not in str(
        tables.outcomes([scores])
    )


def test_a_gain_in_all_is_that_of_its_slices() -> None:
    better = said(["D1"], ["C3"], ["D1"], ["D4", "D3"], ["D4"], ["D4"])
    whole = compare(better, ANSWERS, GOLD, kb=KB, seed=0)
    found = compare_slices(better, ANSWERS, GOLD, kb=KB, seed=0)["entity"]
    assert sum(it.difference * it.n for it in found.values()) == pytest.approx(whole.difference * whole.n)
    assert whole.difference > 0 and "+33.3" in str(tables.gains_by_slice({"entity": found}))


def test_figures_over_linkable_and_over_known_mentions() -> None:
    scores = evaluate(ANSWERS, GOLD, kb=KB, system="s", protocol="full", seed=0)
    assert (scores.linkable.n, scores.known.n) == (5, 4)
    assert scores.linkable.accuracy[1].value == pytest.approx(2 / 5)
    assert scores.known.accuracy[1].value == pytest.approx(2 / 4)
    assert scores.linkable.accuracy[5].value == pytest.approx(3 / 5)
    assert scores.linkable.mrr.value == pytest.approx((1 + 1 / 2 + 1) / 5)
    assert scores.linkable.strict.value == pytest.approx(2 / 5)
    assert scores.unanswered == 0


def test_slices() -> None:
    fever, ms, valve, acid, aspirin = (mention.slices for mention in GOLD.mentions)
    assert fever["surface form"] == "seen with it"
    assert fever["training clusters"] == "1-2"
    assert fever["name"] == "exact"
    assert ms["short form"] == "ambiguous"
    assert ms["name of"] == "several entities"
    assert valve["surface form"] == "unseen"
    assert valve["entity"] == "seen in training"
    assert acid["entity"] == "unseen in training"
    assert acid["name of"] == "no entity"
    assert "short form" not in aspirin


def test_lexical_candidates_part_retrieval_from_ranking() -> None:
    found = gold(JUDGED, kb=KB, train=TRAIN, retrieved=lambda key: ["D1"] if key[0] == "a" else [])
    assert [m.slices["lexical candidates"] for m in found.mentions] == [
        "with gold", "without gold", "without gold", "without gold", "without gold"
    ]  # fmt: skip


def test_slices_stand_in_order_whatever_they_are_called() -> None:
    """Numbers of clusters by number, others by name, those that begin with a number, too."""
    types = ("Disease", "3D structure", "10-99")
    document = Document(
        id="1",
        text="abc",
        mentions=tuple(
            Mention(start=i, end=i + 1, text="abc"[i], type=type, entities=("D1",)) for i, type in enumerate(types)
        ),
    )
    train = [replace(document, id=f"t{i}") for i in range(12)]
    kb = KnowledgeBase.of([Entity(id="D1", name="fever")])
    its = evaluate([], gold([document], kb=kb, train=train), kb=kb, system="s", protocol="full", seed=0)
    assert list(its.slices["type"]) == ["10-99", "3D structure", "Disease"]
    assert list(its.slices["training clusters"]) == ["10-99"] and CLUSTERS == ("0", "1-2", "3-9", "10-99", "100+")


def test_leakage_is_seen() -> None:
    assert GOLD.leakage.documents == 0
    again = gold([*JUDGED, TRAIN[0]], kb=KB, train=TRAIN)
    assert again.leakage.documents == 1
    assert (GOLD.leakage.surfaces, GOLD.leakage.of_surfaces) == (2, 5)  # fever and MS of five


def test_a_mention_without_prediction_is_wrong_and_counted() -> None:
    scores = evaluate(ANSWERS[1:], GOLD, kb=KB, system="s", protocol="full", seed=0)
    assert scores.unanswered == 1
    assert scores.linkable.accuracy[1].value == pytest.approx(1 / 5)


def test_a_prediction_for_another_place_is_refused() -> None:
    stray = Prediction("a", 0, 3, (("D1", 1.0),))
    with pytest.raises(ValueError, match=r"document a, \[0, 3\).*no mention"):
        evaluate([*ANSWERS, stray], GOLD, kb=KB, system="s", protocol="full", seed=0)


def test_scores_go_through_json() -> None:
    scores = evaluate(ANSWERS, GOLD, kb=KB, system="s", protocol="full", seed=0)
    again = Scores.from_json(json.loads(json.dumps(scores.to_json())))
    assert again == scores
    with pytest.raises(ValueError, match=r"version 0.*tripel evaluate"):
        Scores.from_json({**scores.to_json(), "version": 0})


def test_comparing_two_systems() -> None:
    better = said(["D1"], ["D3"], [], ["D4"], [], ["D4"])
    found = compare(better, ANSWERS, GOLD, kb=KB, seed=0)
    assert found.difference == pytest.approx(2 / 5)
    assert found.n == 5


def test_predictions_go_through_a_file_and_hold_no_text(tmp_path: Path) -> None:
    row_MK = np.array([[0, 2, -1]] * 6)
    score_MK = np.array([[0.5, 0.25, -np.inf]] * 6, np.float32)
    made = predictions.of(JUDGED, row_MK, score_MK, KB)
    origin = Origin(protocol="full", system="s", encoder="", knowledge_base=KB.fingerprint)
    predictions.write(tmp_path / "p.jsonl", origin, made)
    assert predictions.read(tmp_path / "p.jsonl") == (origin, made)
    assert made[0].candidates == (("D1", 0.5), ("D3", 0.25))
    written = (tmp_path / "p.jsonl").read_text()
    assert "narrow" not in written
    assert "aspirin" not in written


@pytest.mark.parametrize(
    ("line", "content"), [(1, ""), (1, '{"system": "x"}\n'), (2, '{"document": "a"}\n'), (2, "{]\n")]
)
def test_a_bad_file_of_predictions_is_named_with_its_line(tmp_path: Path, line: int, content: str) -> None:
    head = '{"protocol": "full", "system": "s", "encoder": "", "knowledge_base": ""}\n'
    path = tmp_path / "p.jsonl"
    path.write_text((head if line == 2 else "") + content)
    with pytest.raises(ValueError, match=f"p.jsonl:{line}: expected"):
        predictions.read(path)


def test_tables_say_n_and_intervals() -> None:
    scores = [evaluate(ANSWERS, GOLD, kb=KB, system="mine", protocol="full", seed=0)]
    said = tables.main(scores)
    assert "over 5 linkable mentions of 2 documents" in said
    assert "1 mentions have no id" in said
    assert "| mine" in said
    by_slice = str(tables.slices(scores))
    assert "training clusters" in by_slice
    assert by_slice.index("| 0 ") < by_slice.index("| 1-2 ")


def test_a_figure_of_no_mention_is_a_dash() -> None:
    nothing = mean(np.zeros(0), np.zeros(0, np.int64), seed=0)
    assert tables.percent(nothing) == tables.with_interval(nothing) == "-"
    assert tables.with_interval(replace(nothing, n=1)) == "0.0 [0.0, 0.0]"


@pytest.mark.parametrize(
    ("p", "sign"), [(0.0001, "**"), (0.0099, "**"), (0.01, "*"), (0.0499, "*"), (0.05, ""), (1.0, "")]
)
def test_what_differs_from_the_first_system_is_marked(p: float, sign: str) -> None:
    first, other = (evaluate(ANSWERS, GOLD, kb=KB, system=name, protocol="full", seed=0) for name in ("ours", "theirs"))
    it = Paired(0.1, 0.0, 0.2, p, 5)
    plain, marked = (tables.accuracies([first, other], against=its) for its in ({}, {"theirs": it}))
    assert marked.rows[0] == plain.rows[0], "the first is not compared with itself"
    assert marked.rows[1][2] == plain.rows[1][2] + sign and marked.rows[1][3:] == plain.rows[1][3:]
    within = {heading: dict.fromkeys(found, it) for heading, found in first.slices.items()}
    for row, bare in zip(
        tables.slices([first, other], against={"theirs": within}).rows, tables.slices([first, other]).rows, strict=True
    ):
        assert row[:4] == bare[:4] and row[4] == bare[4] + sign
    assert not sign or (f"]{sign} &" in marked.latex() and f"]{sign} " in str(marked))


def test_the_legend_says_what_marks_are() -> None:
    said = tables.legend("ours")
    assert said.startswith("* p < 0.05, ** p < 0.01: differs from ours") and "not corrected" in said


def test_an_empty_gold_is_judged_as_empty() -> None:
    none: Gold = gold([], kb=KB, train=TRAIN)
    scores = evaluate([], none, kb=KB, system="s", protocol="full", seed=0)
    assert scores.linkable.n == 0


def test_names_of_systems_break_no_table() -> None:
    table = tables.Table(["system", "wrong <= 1 %"], [["a|b~c^d>e", "1_2"]])
    assert str(table).splitlines()[2].replace("\\|", "").count("|") == 3
    body = r"a\textbar{}b\textasciitilde{}c\textasciicircum{}d\textgreater{}e & 1\_2 \\"
    assert r"wrong \textless{}= 1 \% \\" in table.latex() and body in table.latex()


def test_latex_puts_words_to_the_left_and_figures_to_the_right() -> None:
    table = tables.Table(
        ["system", "N", "@1", "mean", "said"], [["42", "9,718", "78.4 [77.0, 79.9]**", "0.87 (0.10)", "right"]]
    )
    assert r"\begin{tabular}{lrrrl}" in table.latex()
    assert r"\begin{tabular}{lr}" in tables.Table(["system", "N"], []).latex()
