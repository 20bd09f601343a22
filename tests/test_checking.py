"""Telling the kind of a file, and handing it to the reader of that kind."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tripel import tasks
from tripel.cli import main as cli
from tripel.data import checking
from tripel.formats.pubtator import is_pubtator

check = partial(checking.check, recipe=tasks.recipe_of)

WHOLE = "corpus: {name: sample}\nterminologies: [{name: sample}]\nobjective: {name: prototype_contrastive}\n"
GOOD = "1|t|Fever.\n1|a|It fell.\n1\t0\t5\tFever\tDisease\tD005334\n"


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("train.pubtator", "anything", True),
        ("CDR_TestSet.PubTator.txt", "", True),
        ("corpus_pubtator.txt.gz", gzip.compress(b"x", mtime=0), True),
        ("mine.txt", GOOD, True),
        ("mine.txt", f"\n# a comment\n\n{GOOD}", True),
        ("mine.gz", gzip.compress(GOOD.encode(), mtime=0), True),
        ("mine.txt", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), True),
        ("names.txt", "D001||fever\nD002||t|cell\n", False),
        ("README.md", "Lines are `12345|t|title` and the like.\n", False),
        ("MRCONSO.RRF", "C0000005|ENG|P|L0000005|PF|S0007492|Y|A26634265|||D012711|MSH|PEN|D012711|x|0|N||\n", False),
        ("kb.tsv", "id\tname\nD001\tfever\n", False),
    ],
)  # fmt: skip
def test_the_kind_is_told(name: str, content: str | bytes, expected: bool, tmp_path: Path) -> None:
    assert is_pubtator(file(tmp_path, name, content)) == expected


def test_good_files_have_no_problem(tmp_path: Path) -> None:
    assert list(check(file(tmp_path, "mine.txt", GOOD))) == []
    assert list(check(file(tmp_path, "run.yaml", WHOLE))) == []


def test_other_files_are_read_as_terminologies(tmp_path: Path) -> None:
    assert list(check(file(tmp_path, "names.txt", "D001||fever\n"))) == []
    (problem,) = check(file(tmp_path, "names.txt", "D001||fever\nD002\n"))
    assert str(problem).endswith("names.txt:2: found a line of 4 characters without ||; expected id||name")


PAIRS = {
    "SapBERT": "C1||fever||pyrexia\n",
    "NeMo": "1\tfever\tpyrexia\n",
    "KGNEL": "CUI\tSTR_A\tSTR_P\n",
    "ours": "entity\tanchor\tpositive\tnegative\n",
}


@pytest.mark.parametrize("kind", PAIRS)
def test_pairs_are_read_as_pairs(tmp_path: Path, kind: str) -> None:
    bar = "||" if kind == "SapBERT" else "\t"
    last = f"{bar}sneeze" if kind == "ours" else ""
    good = f"{PAIRS[kind]}C2{bar}cough{bar}tussis{last}\n"
    assert list(check(file(tmp_path, "pairs.txt", good))) == []
    (problem,) = check(file(tmp_path, "pairs.txt", f"{good}\nC3{bar}sneeze\n"))
    assert (problem.line, problem.found) == (4, "2 columns")


def test_a_configuration_is_read_as_a_run_reads_it(tmp_path: Path) -> None:
    (problem,) = check(file(tmp_path, "bad.yaml", f"{WHOLE}trainer: {{lrr: 1}}\n"))
    assert "trainer.lrr is not a setting" in problem.found
    (problem,) = check(file(tmp_path, "run.yaml", WHOLE.replace("[{name: sample}]", "[{name: umsl}]")))
    assert "unknown name 'umsl' in terminologies" in problem.found


def test_the_command_counts_over_files(tmp_path: Path) -> None:
    good = file(tmp_path, "good.pubtator", GOOD)
    bad = file(tmp_path, "bad.pubtator", GOOD + "1\t0\t5\n2\t0\n")
    done = CliRunner().invoke(cli.app, ["data", "check", str(good), str(bad), str(tmp_path / "none.pubtator")])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == [f"{bad}:4", f"{bad}:5", str(tmp_path / "none.pubtator")]
    assert lines[-1] == "3 problems in 2 of 3 files"
    assert CliRunner().invoke(cli.app, ["data", "check", str(good)]).exit_code == 0


def test_real_files_have_no_problem(corpora_folder: Path) -> None:
    files = [*corpora_folder.glob("bc5cdr/*.pubtator"), corpora_folder / "medmentions_st21pv" / "dev.pubtator.gz"]
    assert len(files) == 4
    assert [problem for path in files for problem in check(path)] == []
