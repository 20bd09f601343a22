"""Plain text as documents: files, folders, lines, standard input; told apart from formats that have texts beside marks."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_converting import GOOD, run

from tripel import formats
from tripel.data import inputs
from tripel.data.inputs import Survey
from tripel.documents import Document
from tripel.formats.brat import Brat
from tripel.problems import BadInput, Problem

NOTE = "Fever\r\nfell.\n\nMS  was seen.\n"
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, name: str = "") -> list[Document]:
    found = list(formats.of(name or formats.detect(path)).read(path))
    assert [str(one) for one in found if isinstance(one, Problem)] == []
    return [one for one in found if isinstance(one, Document)]


def test_a_file_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "17.txt"
    path.write_bytes(b"\xef\xbb\xbf" + NOTE.encode())
    assert formats.detect(path) == "text"
    assert read(path) == [Document(id="17", text=NOTE)]
    (tmp_path / "18.txt.gz").write_bytes(gzip.compress(NOTE.encode()))
    assert read(tmp_path / "18.txt.gz") == [Document(id="18", text=NOTE)]


def test_a_folder_is_a_document_a_file(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "empty.txt", "a%2Fb.txt"):
        (tmp_path / name).write_text("" if name == "empty.txt" else f"in {name}")
    (tmp_path / "README.md").write_text("not a note")
    assert formats.detect(tmp_path) == "text"
    with inputs.opened(tmp_path) as its:
        assert [one.id for one in its.documents()] == ["a", "a/b", "b", "empty"]
        assert its.skipped == {"other files": 1}
        assert its.survey() == Survey(documents=4, bare=4, mentions=0)


def test_a_folder_with_marks_is_no_plain_text(tmp_path: Path) -> None:
    Brat().write(tmp_path / "notes", [Document(id="1", text="Fever.")])
    assert formats.detect(tmp_path / "notes") == "brat"
    (tmp_path / "notes" / "2.txt").write_text("A text alone.")
    assert formats.detect(tmp_path / "notes") == "brat"
    (tmp_path / "notes" / "1.ann").unlink()
    assert formats.detect(tmp_path / "notes") == "text"
    (tmp_path / "notes").rename(tmp_path / "notes.brat")  # whose marks are missing
    assert formats.detect(tmp_path / "notes.brat") == "brat"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("The patient was given B-12", "text"),
        ("His blood is of type O\n", "text"),
        ("He took B-12\nHis wife had no vitamin at all, blood type O\n", "text"),
        ("", "text"),
        ("a\tO\nb\tB-Disease\n", "conll"),
        (GOOD, "pubtator"),
        ('{"id": "1", "text": "x"}\n', "jsonl"),
    ],
)
def test_what_a_file_called_txt_is(content: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text(content)
    assert formats.detect(tmp_path / "x.txt") == name


def test_a_line_is_a_document_where_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\ufeffFever.\r\n\n \t\nMS.")
    assert read(tmp_path / "x.txt", "lines") == [Document(id="1", text="Fever."), Document(id="4", text="MS.")]
    with inputs.opened(tmp_path / "x.txt", read_as="lines") as its:
        assert its.survey().documents == 2 and its.skipped == {"blank lines": 2}


@pytest.mark.parametrize(
    ("content", "of_text", "of_lines"),
    [
        (b"a\nb\xff\n\xff", [":2: found bytes that are not UTF-8"], [":2: found bytes that", ":3: found bytes that"]),
        (b"", [": found an empty file"], [": found no documents in it"]),
        (b"\xff\xfea\x00", [": found UTF-16 text"], [": found UTF-16 text"]),
        (b"\x1f\x8b\x08\x00", [": found a damaged or incomplete gzip"], [":1: found a damaged or incomplete gzip"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    content: bytes, of_text: list[str], of_lines: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    for name, expected in (("text", of_text), ("lines", of_lines)):
        problems = [str(one) for one in formats.of(name).read(path) if isinstance(one, Problem)]
        assert len(problems) == len(expected)
        assert all(one.startswith(f"{path}{said}") for one, said in zip(problems, expected, strict=True))


def test_nothing_to_read(tmp_path: Path) -> None:
    for name in ("text", "lines"):
        (problem,) = formats.of(name).read(tmp_path / "none.txt")
        assert "found no such file" in str(problem)
    (tmp_path / "folder").mkdir()
    (problem,) = formats.of("text").read(tmp_path / "folder")
    assert "no documents in it" in str(problem)


@slow
@given(noise=st.binary(max_size=100))
def test_no_bytes_raise(noise: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(noise)
    for name in ("text", "lines"):
        for one in formats.of(name).read(tmp_path / "x.txt"):
            assert isinstance(one, Document | Problem)


def test_plain_text_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "in.pubtator").write_text(GOOD)
    for words in ([tmp_path / "out.txt"], [tmp_path / "out", "--to", "text"], [tmp_path / "out", "--to", "lines"]):
        with pytest.raises(
            ValueError, match="plain text holds no mentions, so that all of them would be lost; write one"
        ):
            raise run(tmp_path / "in.pubtator", *words).exception or AssertionError
    assert [path.name for path in tmp_path.iterdir()] == ["in.pubtator"]


def test_plain_text_is_converted(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "17.txt").write_text("Fever fell.")
    done = run(tmp_path / "notes", tmp_path / "out.jsonl")
    assert "1 documents, 0 mentions, text to jsonl; nothing lost" in done.output
    assert read(tmp_path / "out.jsonl") == [Document(id="17", text="Fever fell.")]


# Standard input


def piped(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


@pytest.mark.parametrize(
    ("content", "read_as", "name", "ids"),
    [
        (NOTE, "", "text", ["stdin"]),
        (NOTE, "lines", "lines", ["1", "2", "4"]),
        (GOOD, "", "pubtator", ["1"]),
        (GOOD, "text", "text", ["stdin"]),
        ('{"id": "a", "text": "x"}\n{"id": "b", "text": "x"}', "", "jsonl", ["a", "b"]),
    ],
)
def test_standard_input(content: str, read_as: str, name: str, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, content)
    with inputs.opened(Path("-"), read_as=read_as) as its:
        assert (its.format, its.name) == (name, "standard input")
        for _ in range(2):  # as often as wanted
            assert [one.id for one in its.documents()] == ids


@pytest.mark.parametrize("held", ["memory", "a file"])
def test_nothing_stays_of_standard_input(held: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if held == "a file":
        monkeypatch.delattr(os, "memfd_create")
    piped(monkeypatch, "The patient had fever.")
    with inputs.opened(Path("-")) as its:
        (document,) = its.documents()
        assert document.text == "The patient had fever."
        (kept,) = tmp_path.rglob("stdin")
        assert kept.is_symlink() == (held == "memory")
    assert list(tmp_path.iterdir()) == []


def test_problems_of_standard_input_call_it_so(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, GOOD + "1\t0\t5\tZanzibarine\tDisease\tD1\n")
    with inputs.opened(Path("-")) as its, pytest.raises(BadInput, match=r"^standard input:5: found a mention"):
        its.survey()
    piped(monkeypatch, "")
    with inputs.opened(Path("-")) as its, pytest.raises(BadInput, match=r"^standard input: found an empty file"):
        its.survey()
