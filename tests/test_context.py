"""Corpora of labelled tokens: what text is rebuilt, what the mentions are, and what is said of files that do not fit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tripel.cli import main as cli
from tripel.config import choose
from tripel.corpora import context
from tripel.corpora.context import CUT, Context
from tripel.documents import Document
from tripel.problems import BadInput, Problem


def block(tokens: str, first: int, end: int, entity: str, *, left: str = "") -> str:
    """A block with a mention at tokens [first, end); the last token keeps the I of `left`."""
    words = tokens.split()
    labels = ["O"] * len(words)
    labels[first:end] = [f"B:{entity}"] + [f"I:{entity}"] * (end - first - 1)
    if left:
        labels[-1] = f"I:{left}"
    return "".join(f"{word}\t{label}\n" for word, label in zip(words, labels, strict=True)) + "\n"


FEVER = "Hay fever follow - up"
GOOD = (
    block(FEVER, 0, 2, "C0018621", left="C0178941")
    + block(FEVER, 2, 5, "C0178941")
    + block("It fell .", 0, 1, "C0015967")
)
SAID = "C0018621||hay fever\nC0178941||follow-up\nC0015967||It"


def write(folder: Path, blocks: str, said: str, *, name: str = "27117874") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.context").write_text(blocks, encoding="utf-8")
    (folder / f"{name}.txt").write_text(said, encoding="utf-8")
    return folder / f"{name}.context"


def spans(document: Document) -> list[tuple[str, tuple[str, ...]]]:
    return [(mention.text, mention.entities) for mention in document.mentions]


def test_blocks_of_one_sentence_are_merged(tmp_path: Path) -> None:
    (document,) = context.parse(write(tmp_path, GOOD, SAID))
    assert isinstance(document, Document)
    assert (document.id, document.text, document.title_end) == ("27117874", f"{FEVER} It fell .", 0)
    assert spans(document) == [("Hay fever", ("C0018621",)), ("follow - up", ("C0178941",)), ("It", ("C0015967",))]


def test_a_sentence_that_is_said_twice_stands_twice(tmp_path: Path) -> None:
    (document,) = context.parse(write(tmp_path, GOOD + GOOD, f"{SAID}\n{SAID}\n"))
    assert isinstance(document, Document)
    assert document.text == " ".join([f"{FEVER} It fell ."] * 2)
    twice = block("Fever fell", 0, 1, "C0015967") * 2
    (document,) = context.parse(write(tmp_path, twice, "C0015967||Fever\nC0015967||Fever\n"))
    assert isinstance(document, Document)
    assert document.text == "Fever fell Fever fell"
    assert [mention.start for mention in document.mentions] == [0, 11]


def test_two_ids_of_the_same_tokens_are_two_mentions_of_one_sentence(tmp_path: Path) -> None:
    both = block("Fever fell", 0, 1, "C0015967") + block("Fever fell", 0, 1, "C0000001")
    (document,) = context.parse(write(tmp_path, both, "C0015967||Fever\nC0000001||Fever\n"))
    assert isinstance(document, Document)
    assert document.text == "Fever fell" and len(document.mentions) == 2


def test_mentions_within_a_token_are_counted(tmp_path: Path) -> None:
    skipped: Counter[str] = Counter()
    path = write(tmp_path, block("After pre-incubations only", 1, 2, "C0022885"), "C0022885||incubations\n")
    (document,) = context.parse(path, skipped=skipped)
    assert isinstance(document, Document)
    assert spans(document) == [("pre-incubations", ("C0022885",))]
    assert skipped == {CUT: 1}


def test_a_document_without_blocks_is_counted(tmp_path: Path) -> None:
    skipped: Counter[str] = Counter()
    assert list(context.parse(write(tmp_path, "\n", "\n"), skipped=skipped)) == []
    assert skipped == {"documents without a sentence": 1}


# blocks, mentions, the file and line at fault, and what is said of it; "patient" stands for text that must not be said
BAD: dict[str, tuple[str, str, str, int, str]] = {
    "no tab": (f"{GOOD}patient B:C1\n", SAID, ".context", 17, "a line of 12 characters that is no token"),
    "no token": ("\tB:C0015967\n", SAID, ".context", 1, "no token with its label"),
    "a label of another kind": ("patient\tB-DISEASE\n", SAID, ".context", 1, "no token with its label"),
    "a label without id": ("patient\tB:\n", SAID, ".context", 1, "no token with its label"),
    "no B": (f"{GOOD}patient\tI:C0015967\n", SAID, ".context", 17, "a block with 0 tokens at B"),
    "two B": ("patient\tB:C0015967\nfell\tB:C0015967\n", SAID, ".context", 1, "a block with 2 tokens at B"),
    "a blank line left out": (GOOD.replace("\n\n", "\n"), SAID, ".context", 1, "a block with 3 tokens at B"),
    "too few mentions": (GOOD, "C0018621||patient", ".txt", 0, "1 mentions beside 3 blocks"),
    "another id": (GOOD, SAID.replace("C0178941", "C0178942"), ".txt", 2, "C0178942 for C0178941"),
    "a word for an id": (GOOD, SAID.replace("C0178941", "patient"), ".txt", 2, "another id"),
    "another mention": (GOOD, SAID.replace("follow-up", "patient"), ".txt", 2, "a mention of 7 characters"),
    "no bars": (GOOD, SAID.replace("C0178941||", "patient "), ".txt", 2, "a line of 17 characters"),
    "no mention": (GOOD, SAID.replace("follow-up", ""), ".txt", 2, "a line of 10 characters"),
}


@pytest.mark.parametrize("case", BAD)
def test_faults_are_named_with_file_and_line(case: str, tmp_path: Path) -> None:
    blocks, said, end, line, found = BAD[case]
    path = write(tmp_path / "train", blocks, said)
    (problem,) = context.parse(path)
    assert isinstance(problem, Problem)
    assert (problem.source, problem.line) == (str(path.with_suffix(end)), line)
    assert found in problem.found
    with pytest.raises(BadInput, match=found):
        Context(Context.Config(path=str(tmp_path))).read("train")
    result = CliRunner().invoke(cli.app, ["data", "check", str(path)])
    assert (result.exit_code, "patient" in result.output) == (1, False)
    assert f"found {problem.found}; expected" in result.output


def test_what_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "", "")
    path.write_bytes(b"fi\xe8vre\tB:C0015967\n")
    path.with_suffix(".txt").write_bytes(b"C0015967||fi\xe8vre\n")
    problems = [str(found).partition(";")[0] for found in context.parse(path)]
    assert problems == [f"{path.with_suffix(end)}:1: found bytes that are not UTF-8" for end in (".context", ".txt")]


def test_it_is_a_corpus_with_splits(tmp_path: Path) -> None:
    for split, name in (("train", "2"), ("train", "1"), ("dev", "3")):
        write(tmp_path / split, GOOD, SAID, name=name)
    corpus = choose("corpora", {"name": "context", "path": str(tmp_path)}, where="corpus").make()
    assert [document.id for document in corpus.read("train+dev")] == ["1", "2", "3"]
    with pytest.raises(BadInput, match="test: found no such folder"):
        corpus.read("test")
    (tmp_path / "test").mkdir()
    with pytest.raises(BadInput, match=r"test: found no PMID\.context"):
        corpus.read("test")
    write(tmp_path / "dev", GOOD, SAID, name="4").unlink()
    with pytest.raises(BadInput, match=r"4\.txt: found mentions alone; expected 4\.context beside it"):
        corpus.read("dev")
    (tmp_path / "train" / "1.txt").unlink()
    with pytest.raises(BadInput, match=r"1\.txt: found no such file"):
        corpus.read("train")
