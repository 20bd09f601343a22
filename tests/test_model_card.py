from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lessons
import pytest
import yaml

from tripel.judging.metrics import Estimate
from tripel.reports import cards
from tripel.reports.model_card import Facts, card
from tripel.training.preparing import Ground
from tripel.training.recipe import Recipe

FACTS = Facts(
    name="bc5cdr_fast",
    base="all-MiniLM-L6-v2, embedded",
    hub_base="sentence-transformers/all-MiniLM-L6-v2",
    objective="prototype_contrastive",
    trained_on="BC5CDR train (500 abstracts, 9,385 mentions)",
    judged_on="BC5CDR test (500 abstracts)",
    terminologies=("mesh", "ctd"),
    knowledge_base="MeSH 2015 and MEDIC 2012, 79,961 concepts",
    languages=("en", "de"),
    scores=(("accuracy@1, all linkable", "86.1 [85.0, 87.2], N 9,718"), ("ambiguous | short", "61.0")),
    fingerprints={"corpus": "ab" * 32, "knowledge base": "cd" * 32},
    version="0.1.0",
)


def front(text: str) -> dict[str, object]:
    _, values, _ = text.split("---\n", 2)
    found: dict[str, object] = yaml.safe_load(values)
    return found


def test_the_front_matter_is_what_the_hub_reads() -> None:
    found = front(card(FACTS))
    assert found["language"] == ["en", "de"]
    assert found["license"] == "apache-2.0"
    assert found["library_name"] == "transformers"
    assert found["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert "entity-linking" in found["tags"]  # type: ignore[operator]
    assert "base_model" not in front(card(dataclasses.replace(FACTS, hub_base="")))


def test_it_tells_all_that_it_was_told() -> None:
    text = card(FACTS)
    for said in (
        "# bc5cdr_fast",
        FACTS.base,
        FACTS.objective,
        FACTS.trained_on,
        FACTS.judged_on,
        FACTS.knowledge_base,
        "en, de",
        "| accuracy@1, all linkable | 86.1 [85.0, 87.2], N 9,718 |",
        "| ambiguous \\| short | 61.0 |",
        f"| corpus | `{'ab' * 32}` |",
        "tripel link",
        "tripel==0.1.0",
        "How to cite",
        "Not meant for decisions about patients",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("terminologies", "licence", "notes"),
    [
        (("umls",), "other", ["UMLS licence of their own"]),
        (("mesh",), "apache-2.0", ["National Library of Medicine"]),
        (("mesh", "ctd"), "apache-2.0", ["National Library of Medicine", "CTD asks to be cited"]),
        (("mesh", "umls"), "other", ["National Library of Medicine", "UMLS licence of their own"]),
        (("sample", "dictionary"), "other", ["terms of its publisher hold for the names of dictionary"]),
        ((), "other", ["terms of the file's source apply"]),
    ],
)
def test_the_licence_follows_all_terminologies(terminologies: tuple[str, ...], licence: str, notes: list[str]) -> None:
    text = card(dataclasses.replace(FACTS, terminologies=terminologies))
    assert front(text)["license"] == licence
    assert all(note in text for note in notes)


def test_the_card_of_a_linker_counts_all_terminologies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [{"name": "mesh"}, {"name": "umls", "path": "META"}]
    values = {
        "corpus": {"name": "sample"},
        "terminologies": both,
        "objective": {"name": "triplet", "distance": "cosine"},
    }
    measured = SimpleNamespace(n=1, accuracy={1: Estimate(1.0, 1.0, 1.0, 1)})
    monkeypatch.setattr(cards, "scores_of", lambda run, role: SimpleNamespace(linkable=measured))
    (tmp_path / "encoder").mkdir()
    found = Ground(lessons.KB, dict.fromkeys(("train", "dev", "test"), lessons.DOCUMENTS), {})
    text = card(cards.of_linker(tmp_path, Recipe.read(values), found))
    assert front(text)["license"] == "other" and "UMLS licence of their own" in text
    assert "| test accuracy@1" in text and "| dev accuracy@1" in text and "does not find mentions" in text


def test_a_run_not_judged_yet_says_so() -> None:
    text = card(dataclasses.replace(FACTS, scores=()))
    assert "Not judged yet" in text and "Judged on" not in text


def test_what_is_said_is_true_of_its_kind() -> None:
    """A tagger was shown texts and links nothing, a joint run finds mentions, names as they are spelt have no encoder."""

    def told(**others: Any) -> str:
        return card(dataclasses.replace(FACTS, **others))

    linker = told()
    assert "it links to the nearest entity" in linker and "**Began as:**" in linker and "[[aspirin]]" in linker
    assert "is NIL" in told(calibrated=True) and "it links to the nearest entity" not in told(calibrated=True)
    tagger = told(kind="tagger", knowledge_base="", terminologies=())
    assert "--recognizer RUN" in tagger and "Knowledge base" not in tagger
    assert not any(said in tagger for said in ("never saw", "nearest", "does not find mentions", "file of pairs"))
    both = told(kind="tagger and linker")
    assert "does not find mentions" not in both and 'RUN "The patient was given aspirin."' in both
    spelt = told(lexical=True, trained_on="")
    assert "as they are spelt" in spelt and "**Trained on:** nothing" in spelt
    assert not any(said in spelt for said in ("**Objective:**", "**Began as:**", "one space"))
