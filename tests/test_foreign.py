"""Predictions of any software: each kind of file, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tripel.documents import Document, Mention
from tripel.indexes.base import Hits
from tripel.judging import foreign, predictions
from tripel.judging.evaluation import evaluate
from tripel.judging.gold import gold
from tripel.judging.predictions import Origin, Prediction
from tripel.knowledge import Entity, KnowledgeBase
from tripel.searching.candidates import mixed

OURS = [Prediction("1", 0, 2, (("D1", 0.5), ("D2", 0.25))), Prediction("1", 4, 9, ())]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_our_own_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    origin = Origin(protocol="full", system="trained", encoder="e", knowledge_base="k")
    predictions.write(tmp_path / "ours.jsonl", origin, OURS)
    assert foreign.read(tmp_path / "ours.jsonl") == OURS


def test_what_spelling_found_is_read_as_other_software_is(tmp_path: Path) -> None:
    """Characters first, then words: their scores never rise from one candidate to the next."""
    characters, words = (
        Hits(np.array([rows]), np.array([scores], np.float32), np.array([rows]))
        for rows, scores in (([0, 1, 2], [0.5, 0.4, 0.2]), ([3, 1, 4], [0.9, 0.9, 0.3]))
    )
    kb = KnowledgeBase.of([Entity(id=f"D{row}", name=f"name {row}") for row in range(5)])
    document = Document(id="7", text="MS", mentions=(Mention(start=0, end=2, text="MS"),))
    hits = mixed(characters, words, mix=1)
    said = predictions.of([document], hits.row_MK, hits.score_MK, kb)
    origin = Origin(protocol="full", system="lexical", encoder="", knowledge_base="k")
    predictions.write(tmp_path / "lexical.jsonl", origin, said)
    assert foreign.read(tmp_path / "lexical.jsonl") == said
    assert said[0].candidates == (("D0", 0.5), ("D3", -0.1), ("D1", -0.1))


def test_plain_lines_give_an_entity_or_candidates(tmp_path: Path) -> None:
    lines = [
        '{"document": "1", "start": 0, "end": 2, "candidates": ["D1", "D2"]}',
        '{"document": "1", "start": 4, "end": 9, "entity": null}',
        '{"document": 2, "start": 0, "end": 1, "entity": "D3"}',
    ]
    found = foreign.read(written(tmp_path / "theirs.jsonl", "\n".join(lines)))
    assert [(one.document, one.start, one.ids) for one in found] == [
        ("1", 0, ["D1", "D2"]),
        ("1", 4, []),
        ("2", 0, ["D3"]),
    ]


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ('"entity": "MESH:D003693"', ["D003693"]),
        ('"entity": ["D1", "D2"]', ["D1", "D2"]),
        ('"entity": "D1|D2"', ["D1", "D2"]),
        ('"entity": 7', ["7"]),
        ('"entity": "-1"', []),
        ('"entity": ""', []),
        ('"entity": "NIL"', []),
        ('"candidates": [["MESH:D1", 0.5], ["-1", 0.25]]', ["D1"]),
        ('"candidates": ["UMLS:C1", 5]', ["C1", "5"]),
        ('"candidates": [["D1|MESH:D2", 0.5], ["D3", 0.25]]', ["D1", "D2", "D3"]),
    ],
)
def test_ids_are_read_as_those_of_documents_are(tmp_path: Path, said: str, ids: list[str]) -> None:
    line = f'{{"document": "1", "start": 0, "end": 2, {said}}}'
    for text in (line, f"\ufeff{line}\r\n\n"):
        (found,) = foreign.read(written(tmp_path / "pubtator-theirs.jsonl", text))
        assert found.ids == ids


def test_a_line_that_has_more_to_say_is_no_heading(tmp_path: Path) -> None:
    text = '{"protocol": "full", "document": "1", "start": 0, "end": 2, "entity": "D1"}\n'
    assert [one.ids for one in foreign.read(written(tmp_path / "theirs.jsonl", text))] == [["D1"]]


def test_a_mention_of_pubtator_is_answered_once(tmp_path: Path) -> None:
    text, row = "7|t|MS lesions\n7|a|None.\n", "7\t0\t2\tMS\tDisease\t"
    same = written(tmp_path / "same.pubtator", f"{text}{row}D1\n{row}D1\n\n")
    assert [one.ids for one in foreign.read(same)] == [["D1"]]
    with pytest.raises(ValueError, match=r"two predictions for document 7, \[0, 2\)"):
        foreign.read(written(tmp_path / "other.pubtator", f"{text}{row}D1\n{row}D2\n\n"))


def test_ids_of_pubtator_are_candidates_in_their_order(tmp_path: Path) -> None:
    text = "7|t|MS lesions\n7|a|None.\n7\t0\t2\tMS\tDisease\tD009103|D008946\n\n"
    assert foreign.read(written(tmp_path / "theirs.pubtator", text)) == [
        Prediction("7", 0, 2, (("D009103", 0.0), ("D008946", -1.0)))
    ]


def test_candidates_without_scores_share_no_place(tmp_path: Path) -> None:
    """As BELB counts: the first is right and a later one is not, leniently too, since none stands in the first place with it."""
    kb = KnowledgeBase.of([Entity(id="D1", name="fever"), Entity(id="D2", name="cough")])
    mentions = tuple(Mention(start=start, end=start + 1, text="x", entities=("D1",)) for start in (0, 2))
    truth = gold([Document(id="1", text="x x", mentions=mentions)], kb=kb, train=[])
    lines = [
        '{"document": "1", "start": 0, "end": 1, "candidates": ["D1", "D2"]}',
        '{"document": "1", "start": 2, "end": 3, "candidates": ["D2", "D1"]}',
    ]
    found = foreign.read(written(tmp_path / "theirs.jsonl", "\n".join(lines)))
    styles = evaluate(found, truth, kb=kb, system="theirs", protocol="full", seed=0).styles
    assert {name: it.value for name, it in styles.items()} == {"BELB": 0.5, "BELB, lenient": 0.5, "BioEL": 0.5}


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "no place": ('{"document": "1", "candidates": []}\n', r"theirs\.jsonl:1: expected"),
        "neither": ('{"document": "1", "start": 0, "end": 2}\n', r"theirs\.jsonl:1: expected .* or \"entity\": id"),
        "a list": ("[1, 2]\n", r"theirs\.jsonl:1: expected"),
        "no JSON": ("D1\n", r"theirs\.jsonl:1: expected one JSON value"),
        "a score that is none": ('{"document": "1", "start": 0, "end": 2, "candidates": [["D1", "x"]]}\n', r":1: expected"),
        "twice": (2 * '{"document": "1", "start": 0, "end": 2, "entity": "D1"}\n', r"two predictions for document 1, \[0, 2\)"),
        "a score of none": ('{"document": "1", "start": 0, "end": 2, "candidates": [["D1", NaN]]}\n', r":1: expected"),
        "out of order": ('{"document": "1", "start": 0, "end": 2, "candidates": [["D1", 1], ["D2", 2]]}\n', r":1: .* best first"),
        "half a character": ('{"document": "1", "start": 0, "end": 2.5, "entity": "D1"}\n', r":1: expected"),
        "letters": ('{"document": "1", "start": 0, "end": 2, "candidates": "D1"}\n', r"theirs\.jsonl:1: expected"),
        "an object": ('{"document": "1", "start": 0, "end": 2, "entity": {"id": "D1"}}\n', r"theirs\.jsonl:1: expected"),
        "an empty line": ('\n{"document": "1", "start": 0, "end": 2, "entity": "D1"}\n', r"theirs\.jsonl:1: .* an empty line"),
        "nothing": ("", "no predictions in it"),
    }.values(),
)  # fmt: skip
def test_a_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        foreign.read(written(tmp_path / "theirs.jsonl", text))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a run folder nor a file of predictions"):
        foreign.read(tmp_path / "none")


def test_what_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "theirs.jsonl").write_bytes(b'{"document": "\xe9", "start": 0, "end": 2, "entity": "D1"}\n')
    with pytest.raises(ValueError, match=r"theirs\.jsonl: after line 0: expected UTF-8"):
        foreign.read(tmp_path / "theirs.jsonl")
