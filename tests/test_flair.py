"""Taggers of Flair: kept without a pickle they say what they said before; offsets are exact; no sentence reaches a log."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flair_taggers import WITHOUT, kept, tagger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tripel.documents import Document
from tripel.files import read_json, write_json
from tripel.knowledge import Entity, KnowledgeBase
from tripel.recognizers.flair import MOVED, Flair
from tripel.recognizers.flair_files import TAGGER, keep, read

KB = KnowledgeBase.of([Entity(id="D1", name="fever")])
TEXT = "É \ufeffms \U0001f469\u200d\u2695\ufe0f is\r\n bad. \x81 Ms \u05d0\u05d1 of\ufe0f rats. x\ud800y\0."


def recognizer(model: Path, **given: Any) -> Flair:
    return Flair(Flair.Config(model=str(model), **given), KB)


def found(its: Flair, text: str) -> list[tuple[int, int, str, float]]:
    [one] = its.recognize([Document(id="1", text=text)])
    mentions = one.document.mentions
    return [(each.start, each.end, each.type, sure) for each, sure in zip(mentions, one.confidence, strict=True)]


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("prefixed", [False, True])
@pytest.mark.parametrize("kind", ["stacked", "transformer", "context", "words", "letters", "one hot"])
def test_a_kept_tagger_says_what_it_said(tmp_path: Path, kind: str, crf: bool, prefixed: bool) -> None:
    its = tagger(kind, tmp_path, crf=crf, prefixed=prefixed)
    keep(its, tmp_path / "kept")
    from flair.splitter import SegtokSentenceSplitter

    sentences = SegtokSentenceSplitter().split(MOVED.sub(" ", TEXT))
    its.predict(sentences)
    expected = [
        (one.start_position + span.start_position, one.start_position + span.end_position, span.tag, span.score)
        for one in sentences
        for span in one.get_spans("ner")
    ]
    assert found(recognizer(tmp_path / "kept", label="ner"), TEXT) == [
        (*its[:3], pytest.approx(its[3])) for its in expected
    ]


def test_some_tagger_marks_something(tmp_path: Path) -> None:
    assert len(found(recognizer(kept(tmp_path / "kept")), TEXT)) > 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters() | st.sampled_from("aB. \n\r\u200b\x85\ud800"), max_size=40))
def test_offsets_are_exact_in_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "letters"
    if not folder.exists():
        kept(folder, "letters", crf=False)
    its, read_as = recognizer(folder), MOVED.sub(" ", text)
    assert len(read_as) == len(text)
    for one in its.splitter.split(read_as) if text.strip() else []:
        for token in one:
            assert read_as[one.start_position + token.start_position :].startswith(token.text)
    found(its, text)


def test_labels_and_settings(tmp_path: Path) -> None:
    model = kept(tmp_path / "kept")
    assert {its[2] for its in found(recognizer(model, labels={"Disease": "D"}), TEXT)} <= {"D", "Chemical"}
    assert {its[2] for its in found(recognizer(model, only=("Chemical",)), TEXT)} <= {"Chemical"}
    with pytest.raises(ValueError, match="its label is 'ner', not 'pos'"):
        recognizer(model, label="pos")
    with pytest.raises(ValueError, match="the model gives no label 'Diseas'; did you mean Disease"):
        recognizer(model, only=("Diseas",))
    with pytest.raises(ValueError, match="a tagger is kept there already; choose another folder"):
        keep(read(model), model)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a tagger with HashEmbeddings, which cannot be used here"):
        kept(tmp_path / "kept", "hashed")
    assert not (tmp_path / "kept").exists()


WATCHED = """
import sys
seen = []
sys.addaudithook(lambda event, words: seen.append(event) if event == "pickle.find_class" else None)
from tripel.documents import Document
from tripel.recognizers.flair import Flair
import flair
seen.clear()
Flair(Flair.Config(model=sys.argv[1]), None).recognize([Document(id="1", text="mild fever")])
assert not seen, seen
import pathlib, pickle
pickle.loads(pickle.dumps(pathlib.PurePosixPath("x")))
assert seen, "the hook sees nothing"
"""


def test_reading_unpickles_nothing(tmp_path: Path) -> None:
    model = str(kept(tmp_path / "kept", "transformer"))
    done = subprocess.run([sys.executable, "-c", WATCHED, model], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_no_sentence_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = kept(tmp_path / "kept", "transformer")
    log = logging.getLogger("flair")
    log.addHandler(caplog.handler)
    caplog.clear()
    try:
        its = recognizer(model)
        its.tagger.predict = lambda sentences: log.error("%s", sentences)
        its.recognize([Document(id="1", text="secret words")])
        log.error("it is on again")
    finally:
        log.removeHandler(caplog.handler)
    assert {record.message for record in caplog.records} == {"it is on again"}


def test_no_sentence_is_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    its = recognizer(kept(tmp_path / "kept", "letters"))

    def fail(text: str) -> None:
        raise AssertionError(f"Can't find the sentence offset for sentence {text}")

    monkeypatch.setattr(its.splitter, "split", fail)
    with pytest.raises(ValueError, match=r"^document 7: Flair cannot split its text into sentences$"):
        its.recognize([Document(id="7", text="secret words")])


def test_a_pickle_of_flair_is_refused(tmp_path: Path) -> None:
    its = tagger("stacked", tmp_path)
    its.save(tmp_path / "best-model.pt")
    with pytest.raises(ValueError, match="a file of Flair, which is a pickle; no pickle is loaded here"):
        recognizer(tmp_path / "best-model.pt")


# Without Flair


def test_without_flair_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flair", None)
    with pytest.raises(ValueError, match=r"flair is not installed; pip install 'tripel\[flair\]'"):
        recognizer(Path("nowhere"))


def test_files_that_are_something_else_are_named(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04")
    with pytest.raises(ValueError, match="a file of Flair, which is a pickle"):
        read(tmp_path / "model.pt")
    with pytest.raises(
        ValueError, match=r"ner: no folder with tagger\.json; .* `tripel\.recognizers\.flair_files\.keep"
    ):
        read(Path("ner"))
    for held, said in (
        ([], "this is not a tagger"),
        ({"__cls__": "TextClassifier"}, "TextClassifier is not a tagger"),
        (
            {"__cls__": "SequenceTagger", "embeddings": {"__cls__": "TransformerJitEmbeddings"}},
            "a tagger with TransformerJit",
        ),
    ):
        write_json(tmp_path / TAGGER, held)
        with pytest.raises(ValueError, match=said):
            read(tmp_path)
    assert read_json(tmp_path / TAGGER)["__cls__"] == "SequenceTagger"
    assert "transformers below 5" in WITHOUT
