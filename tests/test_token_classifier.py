"""Token classifiers of Hugging Face, made here and kept on disk: what they mark comes out, in texts of any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
import token_classifiers

from tripel.documents import Document
from tripel.knowledge import Entity, KnowledgeBase
from tripel.recognizers.token_classifier import TokenClassifier

KB = KnowledgeBase.of([Entity(id="D1", name="fever")])
TEXT = "\U0001f469\u200d\u2695\ufe0f É  Multiple sclerosis, e\u0301 \0 aspirin and שלום MS fever."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return token_classifiers.kept(tmp_path_factory.mktemp("classifier"))


def found(model: Path, text: str, **settings: Any) -> list[tuple[str, str]]:
    recognizer = TokenClassifier(TokenClassifier.Config(model=str(model), **settings), KB)
    [its] = recognizer.recognize([Document(id="1", text=text)])
    assert all(text[one.start : one.end] == one.text for one in its.document.mentions)
    assert all(0.5 < one <= 1 for one in its.confidence)
    return [(one.text, one.type) for one in its.document.mentions]


def test_words_of_one_mention_are_one(model: Path) -> None:
    """Labels are BIOES: `MS` and `fever` are two, though nothing stands between them."""
    assert found(model, TEXT) == [
        ("Multiple sclerosis", "DISEASE"),
        ("aspirin", "DRUG"),
        ("MS", "DISEASE"),
        ("fever", "DISEASE"),
    ]


def test_labels_are_chosen_and_renamed(model: Path) -> None:
    assert found(model, TEXT, only=["DRUG"], labels={"DRUG": "Chemical"}) == [("aspirin", "Chemical")]
    with pytest.raises(ValueError, match="gives no label 'DISEASES'; did you mean DISEASE"):
        found(model, TEXT, only=["DISEASES"])


def test_a_surer_span_is_wanted(model: Path) -> None:
    assert found(model, TEXT, least=1.0) == []


@pytest.mark.parametrize("text", ["", " \n", "a", ".", "\ud83d", "🤒", "e\u0301"])
def test_texts_with_nothing_in_them(model: Path, text: str) -> None:
    assert found(model, text) == []


def test_a_text_longer_than_any_window_is_read_to_its_end(model: Path) -> None:
    said = "Multiple sclerosis and aspirin. x "
    text = said * (200_000 // len(said))
    assert found(model, text) == [("Multiple sclerosis", "DISEASE"), ("aspirin", "DRUG")] * (len(text) // len(said))


def test_what_is_no_token_classifier_is_refused(tmp_path: Path, model: Path) -> None:
    encoder = tiny.folder(tmp_path / "encoder")
    with pytest.raises(ValueError, match=r"no token classifier; it lacks classifier\.bias, classifier\.weight"):
        found(encoder, TEXT)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no token classifier with weights as safetensors"):
        found(tmp_path / "empty", TEXT)
    unnamed = token_classifiers.kept(tmp_path / "unnamed", labels=tuple(f"LABEL_{number}" for number in range(6)))
    with pytest.raises(ValueError, match="its labels have no 'O' for words of no mention"):
        found(unnamed, TEXT)


def test_pickled_weights_are_refused(tmp_path: Path, model: Path) -> None:
    for path in model.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04}.")
    with pytest.raises(ValueError, match="no token classifier with weights as safetensors"):
        found(tmp_path, TEXT)
