"""The encoder: windows lose no mention, vectors are means over the right tokens, batching changes nothing, folders load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

from tripel.documents import Document, Mention
from tripel.encoding import views
from tripel.encoding.encoder import Encoder
from tripel.encoding.windows import windows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return Encoder(Encoder.Config(model=str(folder), mention_length=16)).eval()


def words(count: int, chosen: list[int]) -> Document:
    """`w w w ...`, mentions at the chosen words."""
    return Document(
        id="1", text="w " * count, mentions=tuple(Mention(start=2 * i, end=2 * i + 1, text="w") for i in sorted(chosen))
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 120), st.data())
def test_every_mention_is_read_from_a_window_that_holds_it(encoder: Encoder, count: int, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=20, unique=True))
    document = words(count, chosen)
    passages = views.passages([(document, document.mentions)], view="document", long_forms=False)
    shown = windows(passages, encoder.tokenizer, length=16)
    assert max(map(len, shown.tokens)) <= 16
    w = encoder.tokenizer.convert_tokens_to_ids("w")
    for word, window, first, last in zip(sorted(chosen), shown.window_M, shown.first_M, shown.last_M, strict=True):
        assert shown.tokens[window][first:last].tolist() == [w]
        before, after = first - 1, len(shown.tokens[window]) - 1 - last
        assert before >= min(3, word) and after >= min(3, count - 1 - word)


def test_a_mention_longer_than_a_window_keeps_its_first_tokens(encoder: Encoder) -> None:
    document = Document(id="1", text="a" * 50, mentions=(Mention(start=0, end=50, text="a" * 50),))
    shown = windows(
        views.passages([(document, document.mentions)], view="document", long_forms=False), encoder.tokenizer, length=16
    )
    assert (shown.first_M[0], shown.last_M[0], len(shown.tokens[0])) == (1, 15, 16)


def test_a_mention_is_the_mean_of_its_tokens(encoder: Encoder) -> None:
    document = Document(id="1", text="ab cd ef", mentions=(Mention(start=3, end=8, text="cd ef"),))
    vector = encoder.mentions(views.passages([(document, document.mentions)], view="document", long_forms=False))
    ids = torch.tensor([encoder.tokenizer("ab cd ef")["input_ids"]])
    hidden = encoder.mention_tower(input_ids=ids).last_hidden_state[0]
    torch.testing.assert_close(vector[0], hidden[3:7].mean(dim=0))


def test_markers_are_pooled_and_are_one_token_each(folder: Path) -> None:
    marked = Encoder(Encoder.Config(model=str(folder), view="marked", mention_pooling="markers")).eval()
    document = Document(id="1", text="ab cd ef", mentions=(Mention(start=3, end=5, text="cd"),))
    vector = marked.mentions(views.passages([(document, document.mentions)], view="marked", long_forms=False))
    ids = torch.tensor([marked.tokenizer("ab [START] cd [END] ef")["input_ids"]])
    hidden = marked.mention_tower(input_ids=ids).last_hidden_state[0]
    torch.testing.assert_close(vector[0], (hidden[3] + hidden[6]) / 2)


def test_markers_begin_the_same_each_time(folder: Path) -> None:
    first, second = (
        Encoder(Encoder.Config(model=str(folder), view="marked")).mention_tower.get_input_embeddings().weight
        for _ in range(2)
    )
    assert torch.equal(first, second)


def test_cls_pooling_reads_the_first_token(folder: Path) -> None:
    cls = Encoder(Encoder.Config(model=str(folder), entity_pooling="cls")).eval()
    hidden = cls.entity_tower(input_ids=torch.tensor([cls.tokenizer("fever")["input_ids"]])).last_hidden_state
    torch.testing.assert_close(cls.entities(["fever"])[0], hidden[0, 0])


def test_a_name_is_encoded_alike_alone_and_among_others(encoder: Encoder) -> None:
    names = ["fever", "a", "mitral stenosis", "", "x" * 300]
    together = encoder.entities(names)
    for row, name in enumerate(names):
        torch.testing.assert_close(together[row], encoder.entities([name])[0], rtol=1e-4, atol=1e-5)


def test_a_bare_mention_is_a_name(encoder: Encoder) -> None:
    torch.testing.assert_close(encoder.mentions(views.bare(["fever"])), encoder.entities(["fever"]))


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.entities([]).shape == (0, 16)


@pytest.mark.parametrize("towers", ["shared", "two"])
def test_what_is_saved_loads_equal_and_in_transformers(folder: Path, tmp_path: Path, towers: str) -> None:
    made = Encoder(Encoder.Config(model=str(folder), towers=towers, view="marked")).eval()  # type: ignore[arg-type]
    made.save(tmp_path / "encoder")
    loaded = Encoder.load(tmp_path / "encoder").eval()
    assert loaded.config == made.config and (loaded.mention_tower is loaded.entity_tower) == (towers == "shared")
    torch.testing.assert_close(loaded.entities(["fever"]), made.entities(["fever"]))
    where = tmp_path / "encoder" / ("" if towers == "shared" else "entity")
    plain = AutoModel.from_pretrained(where)
    ids = torch.tensor([made.tokenizer("fever")["input_ids"]])
    hidden = plain.eval()(input_ids=ids).last_hidden_state[0, 1:-1].mean(dim=0)
    torch.testing.assert_close(hidden, made.entities(["fever"])[0])


def test_lower_case_keeps_offsets_and_markers(folder: Path) -> None:
    lower = Encoder(Encoder.Config(model=str(folder), lower_case=True))
    assert lower._lower("İX [START] MS [END]") == "İx [START] ms [END]"


def test_embedded_weights_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tripel.encoding.encoder.EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="weights with SHA-256 53aa51172d142c89"):
        Encoder(Encoder.Config())


def test_embedded_encoder_knows_what_words_mean() -> None:
    real = Encoder(Encoder.Config(view="bare")).eval()
    with torch.no_grad():
        closeness = real.similarity(real.entities(["heart attack"]), real.entities(["myocardial infarction", "ear"]))
    assert np.argmax(closeness.numpy()) == 0


def test_a_folder_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an encoder of tripel"):
        Encoder.load(tmp_path)


def test_weights_in_a_pickle_are_not_loaded(tmp_path: Path) -> None:
    folder = tiny.folder(tmp_path)
    (folder / "model.safetensors").rename(
        folder / "pytorch_model.bin"
    )  # as pickled weights are called; it is not opened
    with pytest.raises(OSError, match="safetensors"):
        Encoder(Encoder.Config(model=str(folder)))


@pytest.mark.parametrize("name", ["mention_length", "entity_length"])
@pytest.mark.parametrize("length", [2, 1024])
def test_a_length_that_the_transformer_cannot_read_is_refused(folder: Path, name: str, length: int) -> None:
    settings = {"model": str(folder), name: length}
    with pytest.raises(ValueError, match=rf"encoder\.{name} is {length}; .* reads 8 to 512 tokens"):
        Encoder(Encoder.Config(**settings))  # type: ignore[arg-type]
