"""Every corpus component: files, splits, merging, overlaps; and the counts of the real ones."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tripel.config import build, dump
from tripel.corpora.base import Corpus
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.corpora.biored import Biored
from tripel.corpora.medmentions import Medmentions
from tripel.corpora.ncbi_disease import NcbiDisease
from tripel.corpora.overlaps import overlapping, without_overlaps
from tripel.corpora.sample import Sample, sample_folder
from tripel.documents import Document, Mention
from tripel.find import component, names
from tripel.problems import BadInput

ALL = ("bc5cdr", "biored", "medmentions", "ncbi_disease", "sample")
PUBLISHED = {
    "bc5cdr": ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt", "CDR_TestSet.PubTator.txt"),
    "biored": ("Train.PubTator", "Dev.PubTator", "Test.PubTator"),
    "ncbi_disease": ("NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt", "NCBItestset_corpus.txt"),
}


def block(id: str, entity: str = "D1") -> str:
    return f"{id}|t|Fever.\n{id}|a|It fell.\n{id}\t0\t5\tFever\tDisease\t{entity}\n\n"


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.pubtator").write_text(content, encoding="utf-8")
    return folder


def made(name: str, **settings: Any) -> Corpus:
    kind = component("corpora", name)
    corpus: Corpus = kind(build(kind.Config, settings, where="corpus"))
    return corpus


def test_all_are_found() -> None:
    assert set(ALL) <= set(names("corpora"))


@pytest.mark.parametrize("name", ALL)
def test_every_corpus_reads_its_splits(name: str, tmp_path: Path) -> None:
    corpus = made(name, path=str(write(tmp_path, train=block("1"), dev=block("2"), test=block("3"))))
    assert corpus.SPLITS == ("train", "dev", "test")
    assert [document.id for split in corpus.SPLITS for document in corpus.read(split)] == ["1", "2", "3"]
    assert [document.id for document in corpus.read("dev+train")] == ["2", "1"]


@pytest.mark.parametrize("name", ALL)
def test_every_config_survives_yaml_values(name: str) -> None:
    kind = component("corpora", name)
    assert build(kind.Config, dump(kind.Config(path="x", drop_overlaps=True)), where="corpus").drop_overlaps


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_names(name: str, tmp_path: Path) -> None:
    for number, file in enumerate(PUBLISHED[name]):
        (tmp_path / file).write_text(block(str(number)), encoding="utf-8")
    corpus = made(name, path=str(tmp_path))
    assert [corpus.read(split)[0].id for split in corpus.SPLITS] == ["0", "1", "2"]


def test_gzipped_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "test.pubtator.gz").write_bytes(gzip.compress(block("7").encode()))
    assert made("bc5cdr", path=str(tmp_path)).read("test")[0].id == "7"


def test_default_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPEL_DATA", str(tmp_path))
    assert Bc5cdr(Bc5cdr.Config()).folder == tmp_path / "bc5cdr"
    assert Medmentions(Medmentions.Config(subset="full")).folder == tmp_path / "medmentions_full"
    assert sample_folder().name in ("sample", "sample_data")
    assert Sample(Sample.Config()).folder == sample_folder()


def test_unknown_splits_are_named(tmp_path: Path) -> None:
    corpus = made("bc5cdr", path=str(write(tmp_path, train=block("1"))))
    with pytest.raises(ValueError, match=r"no split 'tain'; did you mean train\?"):
        corpus.read("tain")
    with pytest.raises(ValueError, match="no split ''"):
        corpus.read("train+")
    with pytest.raises(BadInput, match=r"expected CDR_TestSet.PubTator.txt or test.pubtator"):
        corpus.read("test")


def test_a_document_in_two_splits_is_refused_when_they_are_merged(tmp_path: Path) -> None:
    corpus = made("sample", path=str(write(tmp_path, train=block("1") + block("2"), dev=block("2"))))
    assert len(corpus.read("dev")) == 1
    with pytest.raises(ValueError, match="document 2 is in train and in dev"):
        corpus.read("train+dev")
    with pytest.raises(ValueError, match="named twice"):
        corpus.read("train+train")


def test_a_broken_file_gives_all_its_problems(tmp_path: Path) -> None:
    broken = block("1") + block("1") + "2|t|T\n2|a|A\n2\t9\t8\tx\ty\tz\n"
    with pytest.raises(BadInput) as refused:
        made("sample", path=str(write(tmp_path, train=broken))).read("train")
    assert [problem.line for problem in refused.value.problems] == [5, 11]


def span(start: int, end: int) -> Mention:
    return Mention(start=start, end=end, text="abcdefghij"[start:end])


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(0, 2), (2, 4)], [(0, 2), (2, 4)]),
        ([(0, 2), (0, 5), (5, 6)], [(0, 5), (5, 6)]),
        ([(0, 4), (2, 9), (4, 5)], [(0, 4), (4, 5)]),
        ([(1, 2), (0, 9), (8, 10)], [(0, 9)]),
        ([(0, 3), (0, 3)], [(0, 3)]),
        ([], []),
    ],
)
def test_overlaps(spans: list[tuple[int, int]], kept: list[tuple[int, int]]) -> None:
    document = Document(id="1", text="abcdefghij").having(mentions=[span(*place) for place in spans])
    assert [(mention.start, mention.end) for mention in without_overlaps(document).mentions] == kept
    assert overlapping(document) == len(spans) - len(kept)


def test_dropped_overlaps_are_counted(tmp_path: Path) -> None:
    content = block("1") + "2|t|Hay fever.\n2|a|A.\n2\t0\t9\tHay fever\tD\tD2\n2\t4\t9\tfever\tD\tD1\n"
    folder = str(write(tmp_path, train=content))
    kept = made("sample", path=folder)
    assert [len(document.mentions) for document in kept.read("train")] == [1, 2]
    dropping = made("sample", path=folder, drop_overlaps=True)
    assert [len(document.mentions) for document in dropping.read("train")] == [1, 1]
    assert dropping.skipped["train"]["overlapping mentions"] == 1


def test_ncbi_disease_reads_its_repeated_document_once(tmp_path: Path) -> None:
    corpus = made("ncbi_disease", path=str(write(tmp_path, train=block("8528200") + block("2") + block("8528200"))))
    assert [document.id for document in corpus.read("train")] == ["8528200", "2"]
    assert corpus.skipped["train"] == {"repeated documents": 1}
    with pytest.raises(BadInput, match="again, first at line 1"):
        made("bc5cdr", path=str(tmp_path)).read("train")


def test_biored_ids(tmp_path: Path) -> None:
    rows = block("1", "p|SUB|V|600|E") + block("2", "D1,D2") + block("3", "-")
    documents = made("biored", path=str(write(tmp_path, test=rows))).read("test")
    assert [document.mentions[0].entities for document in documents] == [("p|SUB|V|600|E",), ("D1", "D2"), ()]


@pytest.fixture
def published_medmentions(tmp_path: Path) -> Path:
    whole = "".join(block(id, f"UMLS:C{id}") for id in "12345")
    (tmp_path / "corpus_pubtator.txt.gz").write_bytes(gzip.compress(whole.encode()))
    for part, ids in (("trng", "31"), ("dev", "5"), ("test", "24")):
        (tmp_path / f"corpus_pubtator_pmids_{part}.txt").write_text("\n".join(ids) + "\n", encoding="utf-8")
    return tmp_path


def test_medmentions_as_published(published_medmentions: Path) -> None:
    corpus = made("medmentions", subset="full", path=str(published_medmentions))
    found = {split: [document.id for document in corpus.read(split)] for split in corpus.SPLITS}
    assert found == {"train": ["1", "3"], "dev": ["5"], "test": ["2", "4"]}
    assert corpus.read("dev")[0].mentions[0].entities == ("C5",)


def test_medmentions_lists_that_do_not_fit(published_medmentions: Path) -> None:
    pmids = published_medmentions / "corpus_pubtator_pmids_dev.txt"
    pmids.write_text("5\n99\n", encoding="utf-8")
    corpus = made("medmentions", path=str(published_medmentions))
    with pytest.raises(BadInput, match=r"corpus_pubtator_pmids_dev.txt:2: found id 99 of no document"):
        corpus.read("dev")
    pmids.write_text("5\nThe patient\n", encoding="utf-8")  # what is no id may be of a document
    with pytest.raises(BadInput, match=r"found an id of 11 characters of no document"):
        corpus.read("dev")
    pmids.unlink()
    with pytest.raises(BadInput, match=r"expected corpus_pubtator_pmids_dev.txt"):
        corpus.read("dev")


REAL = {
    "bc5cdr": {"train": (500, 9385, 76), "dev": (500, 9591, 59), "test": (500, 9809, 91)},
    "medmentions": {"dev": (878, 38994, 0)},  # the others are in test_corpora_counts.py, once read
}


@pytest.mark.parametrize(("name", "split"), [(name, split) for name, splits in REAL.items() for split in splits])
def test_real_corpora(name: str, split: str, corpora_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPEL_DATA", str(corpora_folder))
    documents = made(name).read(split)
    mentions = [mention for document in documents for mention in document.mentions]
    assert (len(documents), len(mentions), sum(not mention.entities for mention in mentions)) == REAL[name][split]
    assert len({document.id for document in documents}) == len(documents)


def test_the_classes_are_named_after_their_modules() -> None:
    assert [component("corpora", name) for name in ALL] == [Bc5cdr, Biored, Medmentions, NcbiDisease, Sample]
