"""The linker in pipelines of spaCy, behind rules that find names: what is written, kept, sent elsewhere and read back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import pytest
import spacy
import tiny
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example

from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.opening import Opener
from tripel.searching import asking
from tripel.spacy import TripelLinker

ROOT = Path(__file__).parents[1]
MIM = ("OMIM:126200", "OMIM:612594")
KB = KnowledgeBase.of(
    [
        Entity(id="D005334", name="Fever", synonyms=("Pyrexia",), types=("Finding",)),
        Entity(id="D009103", name="Multiple Sclerosis", synonyms=("MS",), types=("Disease",), cross_references=MIM),
        Entity(id="D001241", name="Aspirin", types=("Chemical",)),
    ]
)
PATTERNS = [
    {"label": "DISEASE", "pattern": "MS"},
    {"label": "DISEASE", "pattern": "fever", "id": "hot"},
    {"label": "DISEASE", "pattern": "multiple sclerosis"},
    {"label": "CHEMICAL", "pattern": "aspirin"},
    {"label": "DISEASE", "pattern": "zoster"},
]
TEXTS = ["Aspirin, or aspirin, against fever in MS.", "", "Nothing here.", "zoster and multiple sclerosis: é, fever"]
LINKED = ["D001241", "D005334", "D009103"]  # of the first text, whose `Aspirin` no rule finds


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links by an encoder of letters: only a mention that is a name is as close as 0.99."""
    folder = tmp_path_factory.mktemp("linker")
    KB.save(folder / "kb.arrow")
    asking.build_index(
        str(tiny.folder(folder / "base")), str(folder / "kb.arrow"), folder / "run", {"encoder": {"view": "bare"}}
    )
    return folder / "run"


def pipeline(run: Path, **config: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)  # type: ignore[attr-defined]
    nlp.add_pipe("tripel_linker", config={"run": str(run), "threshold": 0.99, **config})
    return nlp


@pytest.fixture(scope="module")
def nlp(run: Path) -> Language:
    return pipeline(run)


def said(doc: Doc) -> list[tuple[Any, ...]]:
    return [(ent.text, ent.label_, ent.ent_id_, ent.kb_id_, ent._.kb_ents, ent._.tripel) for ent in doc.ents]


def linker_of(nlp: Language) -> TripelLinker:
    found = nlp.get_pipe("tripel_linker")
    assert isinstance(found, TripelLinker)
    return found


# What is written into documents


def test_spans_get_their_ids_and_keep_what_they_had(nlp: Language) -> None:
    doc = nlp(TEXTS[0])
    assert [ent.kb_id_ for ent in doc.ents] == LINKED
    assert [(ent.label_, ent.ent_id_) for ent in doc.ents] == [("CHEMICAL", ""), ("DISEASE", "hot"), ("DISEASE", "")]
    assert [token.ent_kb_id_ for token in nlp("multiple sclerosis of aspirin")] == ["D009103", "D009103", "", "D001241"]


def test_candidates_stand_best_first_in_plain_data(nlp: Language) -> None:
    ent = nlp(TEXTS[0]).ents[1]
    ids, scores = zip(*ent._.kb_ents, strict=True)
    assert ids[0] == "D005334" and set(ids) == {one.id for one in KB}
    assert list(scores) == sorted(scores, reverse=True) and scores[0] == pytest.approx(1, abs=1e-3)
    record = ent._.tripel
    assert (record["decision"], record["entities"], record["type"]) == ("linked", ["D005334"], "DISEASE")
    assert record["candidates"][0]["name"] == "Fever" and record["candidates"][0]["probability"] is None
    assert "at least 0.99" in record["why"] and "text" not in record


def test_what_means_no_entity_is_nil(nlp: Language, run: Path) -> None:
    ent = nlp("zoster").ents[0]
    assert ent.kb_id_ == "" and ent._.tripel["decision"] == "nil" and len(ent._.kb_ents) == 3
    filtered = pipeline(run, types=["Chemical"])("aspirin for fever").ents
    assert [(one.kb_id_, one._.tripel["decision"]) for one in filtered] == [("D001241", "linked"), ("", "filtered")]


def test_ids_are_those_of_the_wanted_vocabulary(run: Path) -> None:
    ours = pipeline(run, spans_key="sc", vocabulary="omim")
    doc = ours.make_doc("MS, fever, zoster, aspirin")
    doc.spans["sc"] = [Span(doc, 0, 1, "A")]
    ms, fever, zoster, aspirin = ours(doc).ents
    assert [one.kb_id_ for one in (ms, fever, zoster, aspirin)] == ["OMIM:126200", "D005334", "", "D001241"]
    assert [token.ent_kb_id_ for token in doc[:1]] == [span.kb_id_ for span in doc.spans["sc"]] == ["OMIM:126200"]
    assert ms._.kb_ents[0][0] == "OMIM:126200" and fever._.kb_ents[0][0] == "D005334"
    assert ms._.tripel["entities"] == ms._.tripel["candidates"][0]["ids"] == ["OMIM:126200", "OMIM:612594"]
    assert ms._.tripel["candidates"][0]["entity"] == "D009103"
    assert [one.kb_id_ for one in pipeline(run)("MS").ents] == ["D009103"]
    with pytest.raises(ValueError, match="no entity has an id of ICD10"):
        pipeline(run, vocabulary="ICD10").initialize()


def test_only_wanted_labels_are_linked(run: Path) -> None:
    doc = pipeline(run, labels=["CHEMICAL"])(TEXTS[0])
    assert [ent.kb_id_ for ent in doc.ents] == ["D001241", "", ""]
    assert doc.ents[1]._.tripel is None and doc.ents[1]._.kb_ents == []


def test_two_linkers_share_a_document(run: Path) -> None:
    nlp = pipeline(run, labels=["CHEMICAL"])
    nlp.add_pipe("tripel_linker", name="others", config={"run": str(run), "labels": ["DISEASE"], "k": 1})
    doc = nlp(TEXTS[0])
    assert [ent.kb_id_ for ent in doc.ents] == LINKED
    assert [len(ent._.kb_ents) for ent in doc.ents] == [3, 1, 1]


def test_spans_of_a_group_may_overlap(run: Path) -> None:
    nlp = pipeline(run, spans_key="sc")
    doc = nlp.make_doc("multiple sclerosis and fever ")
    spans = [Span(doc, 0, 2, "A", span_id="x"), Span(doc, 0, 2, "B"), Span(doc, 1, 2, "A"), Span(doc, 2, 2, "A")]
    doc.spans["sc"] = SpanGroup(doc, name="sc", attrs={"made": "by hand"}, spans=spans)
    done = nlp(doc)
    assert [span.kb_id_ for span in done.spans["sc"]] == ["D009103", "D009103", "", ""]
    assert [(span.label_, span.id_) for span in done.spans["sc"]] == [("A", "x"), ("B", ""), ("A", ""), ("A", "")]
    assert done.spans["sc"].attrs == {"made": "by hand"}
    assert [(ent.text, ent.kb_id_) for ent in done.ents] == [("multiple sclerosis", "D009103"), ("fever", "D005334")]
    again = Doc(nlp.vocab).from_bytes(done.to_bytes())
    assert [span.kb_id_ for span in again.spans["sc"]] == ["D009103", "D009103", "", ""]
    assert nlp("no group here, but fever").ents[0].kb_id_ == "D005334"


def test_blank_spans_are_left_alone(nlp: Language) -> None:
    doc = nlp.make_doc("fever  \n MS")
    blank = next(token.i for token in doc if token.is_space)
    doc.set_ents([Span(doc, blank, blank + 1, "DISEASE")])
    assert [ent.kb_id_ for ent in linker_of(nlp)(doc).ents] == [""]


# Many documents


def test_a_stream_gives_what_single_texts_give(nlp: Language) -> None:
    expected = [said(nlp(text)) for text in TEXTS]
    for size in (1, 3, 100):
        docs = list(nlp.pipe(TEXTS * 3, batch_size=size))
        assert [doc.text for doc in docs] == TEXTS * 3
        for ours, theirs in zip(map(said, docs), expected * 3, strict=True):
            assert [one[:4] for one in ours] == [one[:4] for one in theirs]
    pairs = list(nlp.pipe([(text, number) for number, text in enumerate(TEXTS)], as_tuples=True))
    assert [number for _, number in pairs] == [0, 1, 2, 3] and [ent.kb_id_ for ent in pairs[0][0].ents] == LINKED
    assert list(nlp.pipe([])) == []


def test_a_batch_that_fails_goes_to_the_error_handler(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = pipeline(run)
    linker, failed = linker_of(nlp), []
    stream = linker.linker.stream

    def stumbling(documents: Any, *, given: bool) -> Iterator[Any]:
        if any(document.text == "stumble" for document in documents):
            raise RuntimeError("on purpose")
        return stream(documents, given=given)

    monkeypatch.setattr(linker.linker, "stream", stumbling)
    texts = ["fever", "stumble", "MS"]
    with pytest.raises(RuntimeError, match="on purpose"):
        list(nlp.pipe(texts))
    nlp.set_error_handler(lambda name, component, docs, error: failed.append((name, [doc.text for doc in docs])))
    assert linker.get_error_handler() is linker.error_handler
    assert [doc.text for doc in nlp.pipe(texts, batch_size=1)] == ["fever", "MS"]
    assert failed == [("tripel_linker", ["stumble"])]


def test_a_run_that_is_not_there_is_no_matter_of_one_batch(tmp_path: Path) -> None:
    nlp = pipeline(tmp_path / "nowhere")
    nlp.set_error_handler(lambda *said: None)
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        list(nlp.pipe(["fever"]))


PROCESSES = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_spacy import TEXTS, pipeline, said

def links(nlp, **how):
    return [said(doc) for doc in nlp.pipe(TEXTS * 8, batch_size=5, **how)]

nlp = pipeline(Path({run!r}))
before = links(nlp, n_process=2)    # the parent never linked
alone = links(nlp)
after = links(nlp, n_process=2)     # the children inherit a linker, and threads that are gone
assert before == alone == after, (before, alone, after)
assert sum(len(one) for one in alone) == 8 * 6
print("equal")
"""


def test_two_processes_give_what_one_gives(run: Path) -> None:
    code = PROCESSES.format(tests=str(ROOT / "tests"), run=str(run))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    words = [sys.executable, "-c", code]
    with subprocess.Popen(
        words, env=os.environ | threads, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as its:
        try:
            assert its.communicate(timeout=120)[0] == "equal\n"
        finally:
            if its.poll() is None:  # children that wait for ever
                os.killpg(its.pid, signal.SIGKILL)


# Other processes, other places


def test_it_is_sent_as_its_settings(nlp: Language, run: Path) -> None:
    """By what starts processes where they are not forked."""
    linker = linker_of(nlp)
    assert linker.linker is linker.linker
    sent = ForkingPickler.dumps(linker)
    assert len(sent) < 2000
    again = ForkingPickler.loads(sent)
    assert again.opener._linker is None
    assert [ent.kb_id_ for ent in again(nlp.make_doc("fever")).ents] == []
    assert again.linker is not linker.linker and again.opener.settings == linker.opener.settings


def test_in_another_process_it_works_in_one_thread(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    monkeypatch.setattr(faiss, "omp_set_num_threads", counts.append)  # it counts for torch, too
    opener = Opener(run)
    opener.open()
    assert counts == []
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: -1)
        opener.open()
        assert set(counts) == {1}
        counts.clear()
        opener.open()
        assert counts == []


def test_a_gpu_is_not_inherited(run: Path) -> None:
    opener = Opener(run)
    encoder = SimpleNamespace(device=torch.device("cuda"))
    opener._linker = SimpleNamespace(ranker=SimpleNamespace(encoder=encoder))  # type: ignore[assignment]
    opener._process = -1
    with pytest.raises(ValueError, match="opened on a GPU before this process was forked"):
        opener.open()


ADD = "import spacy; nlp = spacy.blank('en'); nlp.add_pipe('tripel_linker', config={'run': 'nowhere'}); print(nlp.pipe_names)"


def installed(folder: Path) -> dict[str, str]:
    """An environment in which the package is installed, with the entry points of pyproject.toml."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    info = folder / "tripel-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tripel\nVersion: 0\n")
    lines = [f"{name} = {where}" for name, where in declared["spacy_factories"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[spacy_factories]", *lines]))
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")])}


def python(*words: str, folder: Path) -> str:
    """What Python prints there."""
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=folder, timeout=240, env=installed(folder)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_needs_no_import(tmp_path: Path) -> None:
    assert python("-c", ADD, folder=tmp_path) == "['tripel_linker']\n"


def test_a_pipeline_of_others_pays_nothing_for_it(tmp_path: Path) -> None:
    """spaCy imports the factories of all packages that are installed."""
    code = "import sys, tripel.spacy; assert not {'transformers', 'pyarrow', 'sklearn'} & set(sys.modules)"
    python("-c", code, folder=tmp_path)


# Kept and read back


def test_documents_keep_it_all(nlp: Language) -> None:
    docs = [nlp(text) for text in TEXTS]
    assert [said(Doc(nlp.vocab).from_bytes(doc.to_bytes())) for doc in docs] == [said(doc) for doc in docs]
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    for ours, theirs in zip(docs, DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab), strict=True):
        assert [one[:5] for one in said(theirs)] == [one[:5] for one in said(ours)]
        for before, after in zip(ours.ents, theirs.ents, strict=True):
            assert after._.tripel["decision"] == before._.tripel["decision"]


def test_a_pipeline_is_kept_on_disk_and_in_bytes(nlp: Language, run: Path, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    size = sum(path.stat().st_size for path in (tmp_path / "pipeline" / "tripel_linker").rglob("*"))
    assert size < 1000  # nothing of the run is copied
    loaded = spacy.load(tmp_path / "pipeline")
    assert loaded.config["components"]["tripel_linker"]["threshold"] == 0.99
    assert said(loaded(TEXTS[0])) == said(nlp(TEXTS[0]))
    fresh = pipeline(run).from_bytes(nlp.to_bytes())
    doc = fresh.make_doc("fever")
    doc.ents = [Span(doc, 0, 1, "DISEASE")]
    assert linker_of(fresh)(doc).ents[0].kb_id_ == "D005334"


def test_a_run_that_moved_is_named(nlp: Language, run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.symlink_to(run)
    pipeline(moved).to_disk(tmp_path / "pipeline")
    moved.unlink()
    stamp = linker_of(nlp).opener.stamp
    with pytest.raises(ValueError, match=f"moved: no such folder; the pipeline was saved with encoder {stamp.encoder}"):
        spacy.load(tmp_path / "pipeline")
    with pytest.raises(ValueError, match=r"said by spacy\.load\(\.\.\., config=.*'tripel_linker': {'run': 'FOLDER'}"):
        pipeline(moved).from_bytes(nlp.to_bytes())
    found = spacy.load(tmp_path / "pipeline", config={"components": {"tripel_linker": {"run": str(run)}}})
    assert said(found(TEXTS[0])) == said(nlp(TEXTS[0]))
    with pytest.raises(ValueError, match="moved: no such folder"):
        pipeline(moved).to_disk(tmp_path / "again")


def test_another_run_is_not_taken_for_the_one_that_was_saved(nlp: Language, run: Path, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    other = tmp_path / "other"
    KnowledgeBase.of([Entity(id="X", name="fever")]).save(tmp_path / "kb.arrow")
    asking.build_index(str(run / "encoder"), str(tmp_path / "kb.arrow"), other, {})
    with pytest.raises(ValueError, match=r"other has encoder .* and knowledge base .*; the pipeline was saved with"):
        spacy.load(tmp_path / "pipeline", config={"components.tripel_linker.run": str(other)})
    without = spacy.load(tmp_path / "pipeline", exclude=["tripel_linker"])
    without.add_pipe("tripel_linker", config={"run": str(other)})
    assert without("fever").ents[0].kb_id_ == "X"


# What spaCy asks of components


def test_settings_that_cannot_be_are_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="missing required argument: 'run'"):
        spacy.blank("en").add_pipe("tripel_linker")
    with pytest.raises(ValueError, match="labels is empty, so nothing would be linked"):
        pipeline(run, labels=[])
    for config, wrong in (({"precision": 0.9}, "not both"), ({"types": ["Z"]}, "no entity has types Z")):
        with pytest.raises(ValueError, match=wrong):
            pipeline(run, **config).initialize()


def test_it_initializes_and_declares_what_it_does(run: Path) -> None:
    nlp = pipeline(run)
    nlp.initialize()
    assert linker_of(nlp).opener._linker is not None
    assert not any(nlp.analyze_pipes()["problems"].values())
    alone = spacy.blank("en")
    alone.add_pipe("tripel_linker", config={"run": str(run)})
    assert alone.analyze_pipes()["problems"]["tripel_linker"] == ["doc.ents"]


def test_links_are_scored(nlp: Language) -> None:
    gold = nlp.make_doc("fever, MS, zoster")
    gold.ents = [
        Span(gold, 0, 1, "DISEASE", kb_id="D005334"),
        Span(gold, 2, 3, "DISEASE", kb_id="D001241"),
        Span(gold, 4, 5, "DISEASE"),
    ]
    scores = nlp.evaluate([Example(nlp.make_doc(gold.text), gold)])
    assert scores["nel_micro_p"] == scores["nel_micro_r"] == 0.5


# The page


def blocks() -> list[str]:
    text = (ROOT / "docs" / "spacy.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_example_of_the_page_runs(run: Path, tmp_path: Path) -> None:
    """All blocks of Python, one after the other, beside a run of the name they say."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "fast").symlink_to(run)
    (tmp_path / "page.py").write_text("\n".join(blocks()), encoding="utf-8")
    assert "\nMS DISEASE D009103 [('D009103', " in python("page.py", folder=tmp_path)
