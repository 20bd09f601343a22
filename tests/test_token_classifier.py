"""Token classifiers of Hugging Face, made here and kept on disk: what they mark comes out, in texts of any length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import token_classifiers
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    RobertaConfig,
)

from tripel.documents import Document
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking import bundling
from tripel.linking.linker import Linker
from tripel.recognizers.token_classifier import TokenClassifier, _schemed
from tripel.searching import asking

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


def read(labels: Sequence[str], said: Sequence[str]) -> list[tuple[int, int, str]]:
    """The mentions of words that a model with such labels labels so, nine times out of ten."""
    tags, label_L, weight_L = _schemed(labels)
    chance_WF = np.full((len(said), len(labels)), 0.1 / (len(labels) - 1))
    chance_WF[np.arange(len(said)), [labels.index(one) for one in said]] = 0.9
    return [(span.first, span.last, span.type) for span in tags.spans(chance_WF[:, label_L] * weight_L)]


@pytest.mark.parametrize(
    ("labels", "said", "found"),
    [
        (["O", "B-X", "I-X"], "B-X I-X O B-X B-X", [(0, 2, "X"), (3, 4, "X"), (4, 5, "X")]),
        (["I-X", "B-X", "O"], "B-X I-X O", [(0, 2, "X")]),
        (["O", "B_X", "I_X"], "B_X I_X O", [(0, 2, "X")]),
        (["O", "B", "I"], "B I I O B", [(0, 3, ""), (4, 5, "")]),
        (["O", "I-X", "I-Y"], "I-X I-X I-Y O", [(0, 2, "X"), (2, 3, "Y")]),
        (["O", "X", "Y"], "X X X O Y", [(0, 3, "X"), (4, 5, "Y")]),
        (["O", "B-cell", "T-cell"], "B-cell T-cell", [(0, 1, "B-cell"), (1, 2, "T-cell")]),
        (["B-X", "I-X", "L-X", "O", "U-X"], "B-X I-X L-X U-X", [(0, 3, "X"), (3, 4, "X")]),
        (["O", "B-X", "I-X", "E-X", "S-X"], "B-X E-X S-X O", [(0, 2, "X"), (2, 3, "X")]),
        (["O", "I-X", "S-X"], "I-X I-X I-X O S-X", [(0, 3, "X"), (4, 5, "X")]),
    ],
)
def test_labels_of_many_schemes(labels: list[str], said: str, found: list[tuple[int, int, str]]) -> None:
    assert read(labels, said.split()) == found


def made(folder: Path, settings: Any) -> Path:
    """A classifier that learnt nothing, of another kind than BERT, with the words of the other."""
    token_classifiers.kept(folder)
    AutoModelForTokenClassification.from_config(settings).save_pretrained(folder)
    return folder


SMALL: dict[str, Any] = {
    "vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "id2label": {0: "O", 1: "B-X", 2: "I-X"}, "label2id": {"O": 0, "B-X": 1, "I-X": 2},
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        (RobertaConfig(**SMALL, max_position_embeddings=34, pad_token_id=1), 32),
        (BertConfig(**SMALL, max_position_embeddings=34), 34),
        (ModernBertConfig(**SMALL, max_position_embeddings=8192, pad_token_id=11), 512),
        (DistilBertConfig(**SMALL, dim=16, hidden_dim=32, n_layers=1, n_heads=2, max_position_embeddings=40), 40),
    ],
)
def test_models_of_many_kinds_read_as_much_as_they_can(settings: Any, length: int, tmp_path: Path) -> None:
    recognizer = TokenClassifier(TokenClassifier.Config(model=str(made(tmp_path, settings))), KB)
    assert recognizer.length == length
    text = "aspirin and MS. " * 200
    [its] = recognizer.recognize([Document(id="1", text=text)])
    assert all(text[one.start : one.end] == one.text for one in its.document.mentions)


def test_a_model_that_reads_next_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it reads 5 tokens at once, which are too few"):
        found(made(tmp_path, BertConfig(**SMALL, max_position_embeddings=5)), TEXT)


def test_a_bundle_takes_a_folder_along_and_no_name_of_the_hub(tmp_path: Path, model: Path) -> None:
    kb = KnowledgeBase.of([Entity(id="D1", name="aspirin"), Entity(id="D2", name="multiple sclerosis")])
    kb.save(tmp_path / "kb.arrow")
    run = tmp_path / "run"
    asking.build_index(str(tiny.folder(tmp_path / "base")), str(tmp_path / "kb.arrow"), run, {})
    with pytest.raises(ValueError, match="a bundle has no network; bring the model to a folder, and say model=FOLDER"):
        bundling.make_bundle(run, tmp_path / "made", finds="token_classifier model=somebody/something")
    bundling.make_bundle(run, tmp_path / "made", finds=f"token_classifier model={model}")
    linked = Linker.load((tmp_path / "made").rename(tmp_path / "moved"))("Multiple sclerosis and aspirin.")
    assert [link.mention.text for link in linked.links] == ["Multiple sclerosis", "aspirin"]


def test_pickled_weights_are_refused(tmp_path: Path, model: Path) -> None:
    for path in model.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04}.")
    with pytest.raises(ValueError, match="no token classifier with weights as safetensors"):
        found(tmp_path, TEXT)
