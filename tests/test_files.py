"""Files: whole or not at all, and errors that name the file and the line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripel import files

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5))
def test_json_lines_come_back(tmp_path_factory: pytest.TempPathFactory, records: list[object]) -> None:
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    files.write_lines(path, records)
    assert list(files.read_lines(path)) == records


def test_what_fails_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    files.write_text(path, "before")

    def halfway() -> None:
        with files.replacing(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        halfway()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_no_number_is_written_that_json_lacks(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a":\n')
    with pytest.raises(ValueError, match=r"x\.jsonl:2: expected one JSON value"):
        list(files.read_lines(tmp_path / "x.jsonl"))
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json: not JSON"):
        files.read_json(tmp_path / "x.json")


def test_gzip_is_told_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert list(files.read_lines(tmp_path / "x.jsonl")) == [{"a": 1}]


def test_a_fingerprint_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert files.fingerprint(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
