"""A tagger trained here: its words are the linker's mentions, it learns, it is found again, it shares an encoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tiny
import yaml
from typer.testing import CliRunner

from tripel import tasks
from tripel.cli import main as cli
from tripel.corpora.sample import Sample
from tripel.documents import Document, Mention
from tripel.encoding.encode import mention_vectors
from tripel.encoding.encoder import Encoder
from tripel.encoding.words import WORD, Words, short_forms, vectors_of
from tripel.files import read_json
from tripel.linking.abbreviations import expand
from tripel.linking.linker import Linker
from tripel.recognizers.base import Found
from tripel.recognizers.tagger import Tagger, tags_of
from tripel.searching import asking
from tripel.tagging.judging import by_type
from tripel.training import checkpoint
from tripel.training.batches import Near
from tripel.training.trainer import Place, Trainer

SAMPLE = Sample(Sample.Config())
ROOT = Path(__file__).parents[1]
TEXT = "Multiple sclerosis (MS) is a disease. In MS lesions form; MS patients tire. We treated all MSs with interferon β-1a."


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return tiny.encoder(tmp_path_factory.mktemp("model"), mention_length=64)


def mentions(text: str, *surfaces: str) -> list[Mention]:
    found = ((text.index(one), one) for one in surfaces)
    return [Mention(start=at, end=at + len(one), text=one) for at, one in found]


def test_short_forms_are_found_wherever_they_stand() -> None:
    found = short_forms(Document(id="1", text=TEXT))
    assert [(one.text, one.long_form.casefold()) for one in found] == [
        ("MS", "multiple sclerosis"),
        ("MS", "multiple sclerosis"),
        ("MS", "multiple sclerosis"),
        ("MSs", "multiple sclerosis"),
    ]


@pytest.mark.parametrize("long", [1, 30], ids=["one window", "many windows"])
def test_vectors_from_words_are_those_of_a_pass_of_their_own(encoder: Encoder, long: int) -> None:
    """Where the text is shown alike, which it is when all its short forms are mentions."""
    text = "Aspirin causes renal failure. " * long
    document = Document(id="1", text=text)
    given = mentions(text, "Aspirin", "renal failure")
    own = mention_vectors(encoder, [(document, given)])
    words = Words.of([document], long_forms=True)
    read, tokens = encoder.read(words.passages)
    ours = vectors_of(given, words, words.within(0), read.detach().numpy(), tokens)
    if long == 1:
        np.testing.assert_allclose(ours, own, atol=1e-5)
    else:  # windows lie elsewhere, so what stands around a mention differs
        assert (ours * own).sum() / np.sqrt((ours**2).sum() * (own**2).sum()) > 0.9


def test_a_short_form_has_its_long_form_in_its_vector(encoder: Encoder) -> None:
    text = "Multiple sclerosis (MS) tires."
    document = expand(Document(id="1", text=text, mentions=tuple(mentions(text, "MS"))))
    assert document.mentions[0].long_form
    words = Words.of([document], long_forms=True)
    read, tokens = encoder.read(words.passages)
    ours = vectors_of(document.mentions, words, words.within(0), read.detach().numpy(), tokens)
    np.testing.assert_allclose(ours, mention_vectors(encoder, [(document, document.mentions)]), atol=1e-5)


def test_words_stand_where_the_text_has_them() -> None:
    words = Words.of([Document(id="1", text=""), Document(id="2", text=TEXT)], long_forms=True)
    its = words.within(1)
    assert words.within(0) == slice(0, 0)
    plain = words.kind_W[its] == WORD
    said = [TEXT[a:b] for a, b in zip(words.start_W[its][plain], words.end_W[its][plain], strict=True)]
    assert said[:5] == ["Multiple", "sclerosis", "(", "MS", ")"] and "β" in said


def judged(
    found: Sequence[tuple[int, int, str]], gold: Sequence[tuple[int, int, str]]
) -> dict[str, tuple[float, float]]:
    text = "a b c d e f g h i j"

    def of(spans: Sequence[tuple[int, int, str]]) -> Document:
        its = (Mention(start=s, end=e, text=text[s:e], type=type) for s, e, type in spans)
        return Document(id="1", text=text).having(mentions=its)

    said = by_type([Found(of(found), (1.0,) * len(found))], [of(gold)], seed=1)
    return {one.system: (one.strong.f1.value, one.weak.f1.value) for one in said}


def test_figures_by_hand() -> None:
    gold = [(0, 3, "C"), (4, 5, "D"), (8, 9, "D")]
    found = [(0, 1, "C"), (4, 5, "D"), (6, 7, "D"), (8, 9, "C")]
    # strong: 1 of 4 given, 1 of 3 wanted; weak: 2 of 4 given, 2 of 3 wanted
    assert judged(found, gold)["all types"] == (pytest.approx(2 / 7), pytest.approx(4 / 7))
    assert judged(found, gold)["D"] == (pytest.approx(2 / 4), pytest.approx(2 / 4))
    assert judged(gold, gold)["all types"] == (1.0, 1.0)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger of the sample on an encoder that reads letters."""
    folder = tmp_path_factory.mktemp("recipe")
    values = {
        "corpus": {"name": "sample"},
        "objective": {"name": "tagging", "lr": 0.05},
        "data": {"watched": 5},
        "encoder": {"model": str(tiny.folder(folder / "model"))},
        "trainer": {"epochs": 3, "batch": 4, "lr": 1e-3},
        "journal": {"wandb": False},
    }
    path = folder / "tagger.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tasks.train(recipe, [], output=tmp_path_factory.mktemp("runs") / "tagger")


def test_a_trained_tagger_is_judged_and_found_again(run: Path) -> None:
    kept = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    types = kept["objective"]["types"]
    assert types == sorted({mention.type for document in SAMPLE.read("train") for mention in document.mentions})
    assert kept["objective"]["dimensions"] == 16
    assert tags_of(run).labels[:5] == ("O", *(f"{place}-{types[0]}" for place in "BIES"))
    tables = (run / "tables.md").read_text(encoding="utf-8")
    assert "## dev: mentions found" in tables and "## test: mentions found" in tables
    assert "all types" in read_json(run / "scores" / "test-mentions.json")
    assert tasks.evaluate(run, on=["dev"]).startswith("## dev: mentions found")
    assert "strong F1" in (run / "README.md").read_text(encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"learnt where mentions stand; ask names with .* give a tagger as --recognizer"
    ):
        tasks.linker_of(run)


def test_it_goes_on_where_it_stopped(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["trainer.checkpoint_every=5", "data.watched=0", "trainer.epochs=1"]
    whole = tasks.train(recipe, words, output=tmp_path / "whole")
    save = checkpoint.save

    def stopping(run: Path, trainer: Trainer, near: Near | None, place: Place) -> None:
        save(run, trainer, near, place)
        if place.step == 10:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", stopping)
    with pytest.raises(KeyboardInterrupt):
        tasks.train(recipe, words, output=tmp_path / "again")
    monkeypatch.setattr(checkpoint, "save", save)
    tasks.resume(tmp_path / "again")
    assert (tmp_path / "again" / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    ours, theirs = (Tagger(Tagger.Config(run=str(one))) for one in (whole, tmp_path / "again"))
    documents = [Document(id="1", text=TEXT)]
    assert ours.recognize(documents) == theirs.recognize(documents)


def test_all_texts_are_tagged_and_offsets_are_exact(run: Path) -> None:
    tagger = Tagger(Tagger.Config(run=str(run)))
    texts = ["", "x", " \n ", TEXT, "حمى عالية", "naïve 🤒 é̂ fever" * 50, "fever " * 3000]
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    found = tagger.recognize(documents)
    assert [one.document.id for one in found] == [document.id for document in documents]
    assert all(0 <= sure <= 1 for one in found for sure in one.confidence)
    alone = [tagger.recognize([document])[0] for document in documents]
    assert [[(m.start, m.end) for m in one.document.mentions] for one in found] == [
        [(m.start, m.end) for m in one.document.mentions] for one in alone
    ]
    strict = Tagger(Tagger.Config(run=str(run), least=0.9)).recognize(documents)
    assert all(sure >= 0.9 for one in strict for sure in one.confidence)


def test_a_text_of_200_000_characters_is_tagged_to_its_end(run: Path) -> None:
    its = f"{TEXT} half \ud83d a שלום 🤒 "
    text = its * (200_000 // len(its))
    [found] = Tagger(Tagger.Config(run=str(run))).recognize([Document(id="1", text=text)])
    mentions = found.document.mentions
    assert found.document.text == text and all(text[one.start : one.end] == one.text for one in mentions)
    assert len(mentions) > 1000 and mentions[-1].end > len(text) - len(its)


@pytest.fixture(scope="module")
def both(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linker and its tagger on one encoder."""
    folder = tmp_path_factory.mktemp("both")
    values = yaml.safe_load((ROOT / "configs" / "sample.yaml").read_text(encoding="utf-8"))
    values["encoder"]["model"] = yaml.safe_load(recipe.read_text(encoding="utf-8"))["encoder"]["model"]
    values["objective"] = {"name": "tagging_and_linking", "lr": 0.05}
    path = folder / "both.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    words = [
        "journal.wandb=false",
        "trainer.epochs=3",
        "trainer.lr=3e-3",
        "data.watched=0",
        "data.compare_untrained=false",
    ]
    return tasks.train(path, [*words, "objective.tagging=20", "trainer.batch=16"], output=folder / "run")


def test_a_linker_trained_with_a_tagger_reads_a_text_once(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = (both / "tables.md").read_text(encoding="utf-8")
    assert "| trained" in tables and "## test: mentions found" in tables
    linker = Linker.load(both)
    passes: list[int] = []
    hidden = Encoder._hidden

    def counted(self: Encoder, *args: object, **more: object) -> object:
        passes.append(1)
        return hidden(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "_hidden", counted)
    plain = (document.text for document in SAMPLE.read("train") if not short_forms(document))
    linked = next(one for one in linker(plain) if one.links)
    passes.clear()
    linked = linker(linked.document.text)
    assert linked.links and len(passes) == 1
    again = linker.link(linked.document)  # its mentions alone, in a pass of their own
    assert len(passes) == 2
    for ours, theirs in zip(linked.links, again.links, strict=True):
        assert [one.entity for one in ours.candidates] == [one.entity for one in theirs.candidates]
        assert ours.candidates[0].score == pytest.approx(theirs.candidates[0].score, abs=1e-4)
    asking.update(
        both, str(both / "knowledge.arrow"), tmp_path / "elsewhere"
    )  # what links is carried over, its tagger, too
    carried = Linker.load(tmp_path / "elsewhere")
    assert carried(linked.document.text).document == linked.document


def test_a_pipeline_is_judged_on_plain_texts(both: Path, run: Path) -> None:
    """Of the run's own tagger, of another one, and of the mentions as they are, which loses nothing but in linking."""
    own = CliRunner().invoke(cli.app, ["evaluate", str(both), "--recognizer", "own", "--on", "test"]).output
    assert own.startswith("## test, own-tagger: mentions found and linked") and "| all types" in own
    assert (both / "predictions" / "test-own-tagger.jsonl").exists()
    other = tasks.pipeline(both, str(run), on=["test"], threshold=0.0)
    assert other.startswith(f"## test, {run.name}: mentions found and linked")
    found = re.search(r"([\d,]+) mentions found in (\d+) texts, ([\d,]+) linked", other)
    assert found and found[1] == found[3] and found[2] == str(len(SAMPLE.read("test")))
