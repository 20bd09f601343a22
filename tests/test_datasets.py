"""Data sets: previewed, stored, in several versions; and what people pack and send."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from annotating import FIRST, GOLD, RECORDS, SECOND, Work, mark, upload
from sqlalchemy import func, select

from tripel import formats
from tripel.annotations import datasets, ledger, projects, schema
from tripel.annotations.beginning import sheet_for
from tripel.annotations.database import Database
from tripel.annotations.uploads import opened
from tripel.data.archives import unpack
from tripel.documents import Document, Mention
from tripel.find import names
from tripel.formats.base import Format
from tripel.problems import BadInput


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    return Work.begin(database, tmp_path)


def lines(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def count_documents(database: Database) -> int:
    with database.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(schema.documents)).scalar_one())


# Looked at, then stored


def test_a_preview_counts_and_stores_nothing(work: Work, tmp_path: Path) -> None:
    nested = [GOLD, {"start": 0, "end": 15, "type": "Symptom"}, {"start": 10, "end": 15, "entities": ["unknown"]}]
    path = lines(
        tmp_path / "b.jsonl",
        {"id": "1", "text": FIRST, "mentions": nested},
        {"id": "2", "text": "another text"},
        {"id": "3", "text": "new"},
        {"id": "4", "text": "Fever", "mentions": [{"start": 0, "end": 99}]},
        {"text": "no id"},
    )
    before = count_documents(work.database)
    seen = datasets.preview(work.database, work.project, path, name="mine.jsonl", knows=lambda id: id == "D005334")
    assert (seen.format, seen.documents, seen.bare, seen.mentions) == ("jsonl", 4, 3, 3)
    assert (seen.new, seen.known, seen.altered, seen.examples) == (2, 1, 1, ["1", "2", "3", "4"])
    assert (seen.unlinked, seen.unknown, seen.overlapping) == (1, 1, 2)
    assert seen.types == Counter({"Disease": 1, "Symptom": 1, "": 1})
    assert (seen.longest, seen.characters) == (len(FIRST), len(FIRST) + 12 + 3 + 5)
    assert [str(one).partition(": ")[0] for one in seen.problems] == ["mine.jsonl:4", "mine.jsonl:5"]
    assert seen.troubles == 2
    assert count_documents(work.database) == before
    assert len(datasets.of_project(work.database, work.project)) == 1


def test_problems_are_refused_or_left_out(work: Work, tmp_path: Path) -> None:
    path = lines(tmp_path / "b.jsonl", {"id": "3", "text": "new"}, {"id": "4"}, {"id": "5", "text": "a\0b"})
    with pytest.raises(BadInput, match=r"b\.jsonl:2"):
        datasets.upload(work.database, work.project, path, name="b.jsonl", by=work.users[0])
    assert len(datasets.of_project(work.database, work.project)) == 1
    made = datasets.upload(work.database, work.project, path, name="b.jsonl", by=work.users[0], partly=True)
    assert (made.version, made.documents, made.format) == (2, 1, "jsonl")
    assert [one.name for one in datasets.documents_of(work.database, made.id)] == ["3"]


def test_every_format_is_uploaded(work: Work, tmp_path: Path) -> None:
    """As a person would: a file, or a zip of a folder; told by its content and its name."""
    for name in names("formats"):
        kind, id = formats.of(name), f"17{len(name)}"
        path = as_uploaded(tmp_path / name, kind, id)
        told = TOLD.get(name, "")
        made = datasets.upload(work.database, work.project, path, name=path.name, by=work.users[0], read_as=told)
        assert (made.format, made.documents, made.mentions) == (name, 1, int(kind.WRITES))
        (document,) = datasets.document_ids(work.database, made.id)
        sheet = sheet_for(work.database, document, user=work.users[0])
        found = [(one.text, one.label) for one in ledger.sheet_now(work.database, sheet).marks]
        assert found[:1] == [("Fever", "GOLD")] * kind.WRITES


def as_uploaded(folder: Path, kind: Format, id: str) -> Path:
    """A file of a format with one document, or a zip of its files."""
    folder.mkdir()
    path, text = folder / f"upload{(*kind.ENDINGS, '.txt')[0]}", f"Fever {id} fell after aspirin ."
    if kind.WRITES:
        mention = Mention(start=0, end=5, text="Fever", type="Disease", entities=("D005334",))
        kind.write(path, [Document(id=id, text=text, mentions=(mention,))])
    else:
        path.write_text(text, encoding="utf-8")
    if not path.is_dir():
        return path
    return zipped(folder / "upload.zip", {one.name: one.read_text(encoding="utf-8") for one in path.iterdir()})


TOLD = {"lines": "lines", "context": "context"}  # looks like plain text; like others


# Versions


def test_a_later_version_keeps_what_was_annotated(work: Work, tmp_path: Path) -> None:
    work.do("add", after=mark(10, 15, type="Symptom"))
    records = [{"id": "9", "text": "Before it."}, RECORDS[0], {"id": "2", "text": "No Fever there."}]
    ids = upload(work.database, work.project, tmp_path, records, by=work.users[0])
    assert ids[1] == work.documents[0]
    assert work.documents[1] not in ids
    assert [(one.text, one.label) for one in work.sheet().marks] == [("Fever", "GOLD"), ("cough", "USER")]
    latest = datasets.latest(work.database, work.project)
    assert latest is not None
    assert (latest.version, latest.documents, latest.mentions) == (2, 3, 1)
    assert [one.name for one in datasets.documents_of(work.database, latest.id)] == ["9", "1", "2"]
    assert [one.version for one in datasets.of_project(work.database, work.project)] == [2, 1]
    assert datasets.document(work.database, ids[2]).text == "No Fever there."
    assert datasets.document(work.database, work.documents[1]).text == SECOND


def test_every_mention_is_kept_as_it_is(database: Database, tmp_path: Path) -> None:
    mentions = [
        {"start": 0, "end": 15, "type": "Symptom", "entities": ["A", "B"], "long_form": "long"},
        {"start": 0, "end": 15, "parts": [[0, 5], [10, 15]], "type": "Symptom"},
        {"start": 0, "end": 5},
        {"start": 0, "end": 5},
    ]
    work = Work.begin(database, tmp_path, records=[{"id": "1", "text": FIRST, "title_end": 5, "mentions": mentions}])
    stored = datasets.document(database, work.documents[0])
    kept = stored.document().having(mentions=[one.mention() for one in work.sheet().marks])
    (read,) = formats.of("jsonl").read(
        lines(tmp_path / "c.jsonl", {"id": "1", "text": FIRST, "title_end": 5, "mentions": mentions})
    )
    assert isinstance(read, Document)
    assert Counter(kept.mentions) == Counter(read.mentions)
    assert kept.title_end == 5


def test_what_is_not_there(work: Work, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"id": "1", "text": "a"})
    with pytest.raises(LookupError, match="no project 9999"):
        datasets.upload(work.database, 9999, path, name="a.jsonl", by=work.users[0])
    with pytest.raises(LookupError, match="no document 9999"):
        datasets.document(work.database, 9999)
    with pytest.raises(LookupError, match="no data set 9999"):
        datasets.get(work.database, 9999)
    projects.archive(work.database, work.project)
    with pytest.raises(ValueError, match="archived"):
        datasets.upload(work.database, work.project, path, name="a.jsonl", by=work.users[0])


# What people pack


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name, text)
    return path


def tarred(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as out:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            out.addfile(info, io.BytesIO(text.encode()))
    return path


BRAT = {
    "notes/1.txt": "Fever fell.",
    "notes/1.ann": "T1\tDisease 0 5\tFever\nN1\tReference T1 MESH:D005334\tFever\n",
    "notes/2.txt": "Nothing.",
    "notes/2.ann": "",
    "__MACOSX/notes/._1.txt": "shadow",
}
LINE = json.dumps({"id": "1", "text": "Fever fell."}) + "\n"


def documents(path: Path, name: str) -> list[str]:
    with opened(path, name=name) as found:
        return [f"{found.format} {one.id} {len(one.mentions)}" for one in found.documents()]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_packed_folders_and_files(tmp_path: Path, pack: Callable[[Path, dict[str, str]], Path]) -> None:
    assert documents(pack(tmp_path / "upload", BRAT), "notes.zip") == ["brat 1 1", "brat 2 0"]
    assert documents(pack(tmp_path / "upload", {"a/b.jsonl": LINE}), "notes.zip") == ["jsonl 1 0"]
    assert documents(pack(tmp_path / "upload", {"17.txt": "a", "4.txt": "b"}), "n.zip") == ["text 17 0", "text 4 0"]


def test_gzipped_and_plain_files_by_the_names_they_came_with(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(gzip.compress(LINE.encode()))
    assert documents(path, "notes.jsonl.gz") == ["jsonl 1 0"]
    path.write_text("Fever fell.", encoding="utf-8")
    assert documents(path, "Jäger 17.txt") == ["text Jäger 17 0"]
    assert documents(path, "C:\\notes\\17.txt") == ["text 17 0"]
    assert documents(path, "../../17.txt") == ["text 17 0"]


@pytest.mark.parametrize(
    "name", ["../evil.jsonl", "/etc/evil.jsonl", "a/../../evil.jsonl", "..\\evil.jsonl", "C:/x.jsonl"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_paths_that_lead_out_are_refused(
    tmp_path: Path, name: str, pack: Callable[[Path, dict[str, str]], Path]
) -> None:
    with pytest.raises(ValueError, match="outside of itself") as refused:
        documents(pack(tmp_path / "upload", {name: LINE}), "notes.zip")
    assert str(tmp_path) not in str(refused.value)
    assert list(tmp_path.rglob("evil*")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_file_in_a_tar_is_left_out(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "upload"
    with tarfile.open(path, "w") as out:
        link = tarfile.TarInfo("b.jsonl")
        link.type, link.linkname = kind, "/etc/passwd"
        out.addfile(link)
        info = tarfile.TarInfo("a.jsonl")
        info.size = len(LINE)
        out.addfile(info, io.BytesIO(LINE.encode()))
    assert documents(path, "notes.tar") == ["jsonl 1 0"]


def test_what_is_unpacked_for_a_moment_is_not_written_through_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = zipped(tmp_path / "a", {"a.jsonl": LINE}), list[int]()
    monkeypatch.setattr(os, "fsync", synced.append)
    assert list(unpack(path, tmp_path / "kept", wanted=("*",))) == ["a.jsonl"] and len(synced) == 1
    assert documents(path, "a.zip") == ["jsonl 1 0"] and len(synced) == 1


def test_bombs_are_refused(tmp_path: Path) -> None:
    zeros = "0" * 800_000
    bombs = {
        "a.zip": zipped(tmp_path / "a", {"a.jsonl": zeros}),
        "a.tar.gz": tarred(tmp_path / "b", {"a.jsonl": zeros}),
        "a.jsonl.gz": tmp_path / "c",
        "many.zip": zipped(tmp_path / "d", {f"{number}.txt": "" for number in range(1000)}),
    }
    bombs["a.jsonl.gz"].write_bytes(gzip.compress(zeros.encode()))
    for name, path in bombs.items():
        with pytest.raises(ValueError, match=r"more than 500,000 bytes"), opened(path, name=name, largest=500_000):
            pass
    inner = zipped(tmp_path / "e", {"a.jsonl": ""})
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("a.jsonl.gz", gzip.compress(zeros.encode()))
    with pytest.raises(ValueError, match="packed again"):
        documents(inner, "a.zip")


def test_what_cannot_be_read_says_so_by_the_name_it_came_with(work: Work, tmp_path: Path) -> None:
    hostile = {
        "deep.jsonl": b"[" * 200_000,
        "deeper.jsonl": b'{"id": "1", "text": "a", "mentions": ' + b"[" * 200_000,
        "deep.json": b'{"documents": [' + b'{"text":[' * 100_000,
        "half.zip": zipped(tmp_path / "z", BRAT).read_bytes()[:200],
        "half.jsonl.gz": gzip.compress(LINE.encode() * 100)[:40],
        "nothing.jsonl": b"",
        "binary.bin": bytes(range(256)) * 10,
        "laughs.bioc.xml": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "'
        + b"&a;" * 1000
        + b'"><!ENTITY c "'
        + b"&b;" * 1000
        + b'">]><collection><document><id>1</id><passage><offset>0</offset><text>&c;</text></passage></document></collection>',
        "huge.jsonl": b'{"id": "1", "text": "a", "mentions": [{"start": ' + b"9" * 5000 + b', "end": 3}]}',
    }
    for name, content in hostile.items():
        path = tmp_path / "upload"
        path.write_bytes(content)
        said = troubles(work, path, name)
        assert said
        assert all(name in one and str(tmp_path) not in one for one in said)


def troubles(work: Work, path: Path, name: str) -> list[str]:
    """What is said of an upload that holds no document."""
    try:
        seen = datasets.preview(work.database, work.project, path, name=name)
    except ValueError as error:
        return [str(error)]
    assert seen.documents == 0
    return list(map(str, seen.problems))
