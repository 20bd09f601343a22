"""Pipelines of spaCy, made here and kept on disk: what they mark comes out, and nothing is unpickled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tripel.documents import Document
from tripel.knowledge import Entity, KnowledgeBase
from tripel.recognizers.spacy_pipeline import SpacyPipeline

KB = KnowledgeBase.of([Entity(id="D1", name="fever")])
WITHOUT = "spaCy is not installed: pip install 'tripel[spacy]'"
PATTERNS = [
    {"label": "DISEASE", "pattern": [{"LOWER": "multiple"}, {"LOWER": "sclerosis"}]},
    {"label": "DRUG", "pattern": "aspirin"},
]


def blank() -> Any:
    return pytest.importorskip("spacy", reason=WITHOUT).blank("en")


@pytest.fixture
def ruler(tmp_path: Path) -> Path:
    pipeline = blank()
    pipeline.add_pipe("entity_ruler").add_patterns(PATTERNS)
    pipeline.to_disk(tmp_path / "ruler")
    return tmp_path / "ruler"


@pytest.fixture
def categoriser(tmp_path: Path) -> Path:
    """One that learnt nothing, and takes each word for every label; and a ruler for another group."""
    pipeline = blank()
    suggester = {"@misc": "spacy.ngram_suggester.v1", "sizes": [1, 2]}
    part = pipeline.add_pipe("spancat", config={"suggester": suggester, "threshold": 0.0})
    part.add_label("DISEASE")
    part.add_label("DRUG")
    pipeline.initialize()
    pipeline.add_pipe("span_ruler", config={"spans_key": "rules"}).add_patterns(PATTERNS)
    pipeline.to_disk(tmp_path / "categoriser")
    return tmp_path / "categoriser"


def found(model: Path, text: str, **settings: Any) -> list[tuple[int, int, str, float]]:
    recognizer = SpacyPipeline(SpacyPipeline.Config(model=str(model), **settings), KB)
    [its] = recognizer.recognize([Document(id="1", text=text)])
    mentions = its.document.mentions
    return [(one.start, one.end, one.type, sure) for one, sure in zip(mentions, its.confidence, strict=True)]


TEXT = "\U0001f469\u200d\u2695\ufe0f É  multiple sclerosis, e\u0301 \0 aspirin"


def test_entities_become_mentions(ruler: Path) -> None:
    assert found(ruler, TEXT) == [(8, 26, "DISEASE", 1.0), (33, 40, "DRUG", 1.0)]
    assert found(ruler, "Aspirin, aspirin") == [(9, 16, "DRUG", 1.0)]


def test_labels_become_types_and_can_be_left_out(ruler: Path) -> None:
    text = "aspirin in multiple sclerosis"
    assert found(ruler, text, labels={"DRUG": "Chemical"}) == [(0, 7, "Chemical", 1.0), (11, 29, "DISEASE", 1.0)]
    assert found(ruler, text, only=("DISEASE",)) == [(11, 29, "DISEASE", 1.0)]
    for settings in ({"only": ("DRUGS",)}, {"labels": {"DRUGS": "Chemical"}}):
        with pytest.raises(ValueError, match=r"the model gives no label 'DRUGS'; did you mean DRUG\?"):
            found(ruler, text, **settings)


def test_scores_of_a_span_categoriser_are_the_confidence(categoriser: Path) -> None:
    spacy = pytest.importorskip("spacy", reason=WITHOUT)
    text = "mild fever"
    doc = spacy.load(categoriser)(text)
    group = doc.spans["sc"]
    expected = sorted(
        (span.start_char, span.end_char, span.label_, pytest.approx(float(score)))
        for span, score in zip(group, group.attrs["scores"], strict=True)
    )
    assert len(expected) == 6 and len({its[3].expected for its in expected}) > 1
    assert found(categoriser, text, spans="sc") == expected
    assert found(categoriser, "aspirin", spans="rules") == [(0, 7, "DRUG", 1.0)]
    assert found(categoriser, text) == [], "no entities are set"


def test_a_group_that_no_component_writes_is_named(categoriser: Path) -> None:
    with pytest.raises(ValueError, match="no group of spans 'cs'; there is rules, sc"):
        found(categoriser, "fever", spans="cs")


WATCHED = """
import sys
seen = []
sys.addaudithook(lambda event, words: seen.append(event) if event == "pickle.find_class" else None)
from tripel.documents import Document
from tripel.recognizers.spacy_pipeline import SpacyPipeline
seen.clear()
recognizer = SpacyPipeline(SpacyPipeline.Config(model=sys.argv[1], spans="sc"), None)
assert len(recognizer.recognize([Document(id="1", text="mild fever")])[0].document.mentions) == 6
assert not seen, seen
import pathlib, pickle
pickle.loads(pickle.dumps(pathlib.PurePosixPath("x")))
assert seen, "the hook sees nothing"
"""


def test_loading_unpickles_nothing(categoriser: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(categoriser)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_weights_of_pytorch_are_refused(categoriser: Path) -> None:
    """thinc keeps them as what torch.save makes, within its own file."""
    import torch

    api = pytest.importorskip("thinc.api", reason=WITHOUT)
    elsewhere = categoriser.parent / "elsewhere"
    elsewhere.mkdir()
    api.PyTorchWrapper(torch.nn.Linear(2, 2)).to_disk(elsewhere / "model")
    (categoriser / "transformer").symlink_to(elsewhere)
    with pytest.raises(ValueError, match="transformer is kept as a pickle of PyTorch, and no pickle is loaded here"):
        found(categoriser, "fever")


def test_a_model_that_is_not_there_or_none(tmp_path: Path) -> None:
    blank().to_disk(tmp_path / "blank")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.cfg").write_text('[nlp]\nlang = "en"\npipeline = ["magic"]\n[components]\n')
    with pytest.raises(ValueError, match=r"numpy: installed, but no pipeline of spaCy"):
        found(Path("numpy"), "fever")
    for name, said in (
        ("nowhere/at/all", "neither a folder nor an installed pipeline"),
        ("empty", r"no pipeline of spaCy \(no config\.cfg\)"),
        ("blank", "a pipeline without components, which finds nothing"),
        ("bad", "spaCy cannot load it"),
    ):
        with pytest.raises(ValueError, match=said):
            found(tmp_path / name, "fever")


def test_without_spacy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ValueError, match=r"spacy is not installed; pip install 'tripel\[spacy\]'"):
        found(tmp_path, "fever")


def test_a_broken_installation_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spacy.py").write_text("import tripel.no_such_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "spacy", raising=False)
    with pytest.raises(
        ValueError, match=r"spacy is installed and cannot be imported \(No module named 'tripel\.no_such_mod"
    ):
        found(tmp_path, "fever")


def test_an_installed_package_is_found_by_its_name(ruler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laid out as `spacy package` does: a module beside its metadata, the pipeline in a folder with the version."""
    site = ruler.parent / "site"
    package = site / "en_rules"
    package.mkdir(parents=True)
    meta = '{"lang": "en", "name": "rules", "version": "1.0", "spacy_version": ">=3.8,<3.9"}'
    (package / "meta.json").write_text(meta)
    (package / "__init__.py").write_text("")
    ruler.rename(package / "en_rules-1.0")
    (site / "en_rules-1.0.dist-info").mkdir()
    (site / "en_rules-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: en-rules\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(site))
    assert found(Path("en_rules"), "aspirin") == [(0, 7, "DRUG", 1.0)]
