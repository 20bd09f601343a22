"""Shards of files: every document once, wherever lines break, and files that are not what they should be."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tripel.bulk import parquet
from tripel.bulk.input import Changed, Shard, files, read, reads_in, shards
from tripel.documents import Document, Mention
from tripel.formats.jsonl import Jsonl
from tripel.problems import BadInput, Problem

Read = Document | Sequence[Problem]

DOCUMENT = '{"id": "%d", "text": "fever é\U0001d400", "mentions": [{"start": 0, "end": 5}]}'
LINES = [
    DOCUMENT,
    "",
    "   ",
    "\u00a0",
    '{"id": "%d", "text": "no mentions"}',
    "not JSON",
    '{"id": "%d"}',
    '{"id": "%d", "text": "short", "mentions": [{"start": 3, "end": 99}, {"start": 9, "end": 9}]}',
]


def all_of(path: Path, size: int) -> tuple[list[Shard], list[Read]]:
    its = shards(path.stem, path, size=size)
    return its, [found for shard in its for found in read(shard)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    kinds=st.lists(st.sampled_from(LINES), max_size=30),
    size=st.integers(1, 7),
    zipped=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_shards_hold_what_the_file_holds(
    tmp_path: Path, kinds: list[str], size: int, zipped: bool, end: str, last: bool
) -> None:
    said = [kind % number if "%d" in kind else kind for number, kind in enumerate(kinds)]
    raw = (end.join(said) + end * last).encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    its, found = all_of(path, size)
    whole = list(Jsonl().read(path)) if any(line.strip() for line in said) else []
    faulty = {one.line for one in whole if isinstance(one, Problem)}
    numbers = [number for number, line in enumerate(said, 1) if line.strip()]
    sound = [number for number in numbers if number not in faulty]
    assert [one.id for one in found if isinstance(one, Document)] == [str(number - 1) for number in sound]
    problems = [problem for one in found if not isinstance(one, Document) for problem in one]
    assert problems == [one for one in whole if isinstance(one, Problem)]
    assert len(found) == len(numbers) == sum(shard.documents for shard in its)
    assert all(shard.documents == size for shard in its[:-1])


MENTIONS = pa.list_(
    pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string()), ("type", pa.string())])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(rows=st.integers(0, 40), size=st.integers(1, 9), group=st.integers(1, 15), together=st.integers(1, 9))
def test_rows_of_parquet_are_read_once_each(tmp_path: Path, rows: int, size: int, group: int, together: int) -> None:
    records = [
        {"id": str(n), "text": "fever, é" * (n % 3), "mentions": [{"start": 0, "end": 5}] if n % 3 else None, "more": n}
        for n in range(rows)
    ]
    schema = pa.schema([("id", pa.large_string()), ("text", pa.string()), ("mentions", MENTIONS), ("more", pa.int64())])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(records, schema), path, row_group_size=group)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet, "TOGETHER", together)
        _, found = all_of(path, size)
    assert [one.id for one in found if isinstance(one, Document)] == [str(n) for n in range(rows)]
    assert [len(one.mentions) for one in found if isinstance(one, Document)] == [min(1, n % 3) for n in range(rows)]


def test_a_row_has_the_faults_of_a_line(tmp_path: Path) -> None:
    records = [
        {"id": "1", "text": "fever", "mentions": [{"start": 0, "end": 50, "text": None, "type": None}]},
        {"id": None, "text": "fever", "mentions": []},
        {"id": "3", "text": "fever", "mentions": [{"start": 0, "end": 5, "text": "fever", "type": "Disease"}]},
    ]
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("mentions", MENTIONS)])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(records, schema), path)
    _, found = all_of(path, 2)
    first, second, third = found
    assert isinstance(third, Document) and third.mentions == (Mention(start=0, end=5, text="fever", type="Disease"),)
    assert not isinstance(first, Document) and not isinstance(second, Document)
    assert str(first[0]).startswith(f"{path}:1: found in document 1, mention 1: offsets [0, 50) in a text of 5")
    assert str(second[0]) == f"{path}:2: found no id; expected id: a string"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": [1], "text": ["a"]}, "found a column id of int64; expected strings; cast it"),
        ({"id": ["1"]}, "found no column text; expected columns id, text"),
        ({"id": ["1"], "text": ["a"], "mentions": ["[]"]}, "found a column mentions of string; expected lists"),
    ],
)
def test_columns_are_checked_before_anything_is_read(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(BadInput) as bad:
        shards("a", path, size=3)
    assert said in str(bad.value)


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 9])


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.parquet"])
def test_a_file_that_was_cut_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress((DOCUMENT % 1).encode() * 50))
    else:
        pq.write_table(pa.table({"id": ["1"], "text": ["a"]}), path)
    cut(path)
    with pytest.raises(
        BadInput, match=r"a\.(jsonl\.gz:\d+: found a damaged or incomplete gzip|parquet: found damaged)"
    ):
        shards("a", path, size=3)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text(path.read_text() + "more"),
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text().replace("\n", " ")),
    ],
)
def test_a_file_that_changes_under_way_is_seen(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{DOCUMENT % number}\n" for number in range(4)), encoding="utf-8")
    its = shards("a", path, size=2)
    change(path)
    with pytest.raises(Changed, match="changed while it was linked"):
        [list(read(shard)) for shard in its]


def test_files_of_a_folder_or_a_pattern_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.NDJSON.gz", "deep/c.parquet", ".hidden/d.jsonl", ".e.jsonl", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(files(tmp_path)) == ["a", "b", "deep/c"]
    assert list(files(tmp_path / "**" / "*.parquet")) == ["deep/c"], "whatever else is there"
    assert list(files(tmp_path / "README.md")) == ["README"]
    assert list(files(tmp_path / "*" / "c.parquet")) == ["deep/c"]
    with pytest.raises(ValueError, match=r"\*\.tsv: nothing to read there; expected a file, a folder of files .jsonl"):
        files(tmp_path / "*.tsv")
    (tmp_path / "b.parquet").touch()
    with pytest.raises(ValueError, match=r"b\.jsonl and .*b\.parquet would be written to the same files"):
        files(tmp_path)


def test_what_is_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.jsonl").touch()
    out = tmp_path / "notes" / "linked"
    for source in ("notes", "notes/**/*.jsonl", "*/*/*.jsonl", "n*/**/a*"):
        assert reads_in(tmp_path / source, out), source
    for source in ("notes/a.jsonl", "notes/*.jsonl", "other/**/*.jsonl"):
        assert not reads_in(tmp_path / source, out), source
    assert not reads_in(tmp_path / "notes", tmp_path / "linked")
