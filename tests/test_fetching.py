"""Fetching from a publisher that breaks off, changes its mind or answers with a web page; and from a folder."""

from __future__ import annotations

import http.server
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import tiny
from typer.testing import CliRunner

from tripel import config, tasks
from tripel.cli import main as cli
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.data import archives, fetching
from tripel.data.fetching import Remote, Source, download, fetch
from tripel.files import fingerprint
from tripel.linking.ranker import Ranker
from tripel.searching import asking

BLOCK = b"1|t|Fever.\n1|a|It fell.\n1\t0\t5\tFever\tDisease\tD005334\n"


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves FILES, answers ranges, and breaks off where it is told to."""

    files: ClassVar[dict[str, bytes]] = {}
    break_after: ClassVar[dict[str, int]] = {}
    validator: ClassVar[str] = '"1"'
    ranges: ClassVar[bool] = True
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        wanted = self.headers.get("Range", "")
        self.asked.append(wanted)
        if content is None:
            self.send_error(404)
            return
        first = 0
        if wanted and self.ranges and self.headers.get("If-Range") == self.validator:
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if first and first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if self.validator:
            self.send_header("ETag", self.validator)
        self.end_headers()
        self.wfile.write(content[first : self.break_after.pop(self.path, len(content))])

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def publisher() -> Iterator[str]:
    Publisher.files, Publisher.break_after, Publisher.asked = {}, {}, []
    Publisher.validator, Publisher.ranges = '"1"', True
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def said(steps: Iterator[fetching.Progress]) -> list[str]:
    return [f"{step.file}: {step.said}" for step in steps if step.said]


def test_an_interrupted_download_goes_on_where_it_was(publisher: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    Publisher.files["/big.bin"], Publisher.validator = content, '"seven"'
    Publisher.break_after["/big.bin"] = 700_000
    path = tmp_path / "data" / "big.bin"
    with pytest.raises(ValueError, match=r"ended after 700,000 of 1,280,000 bytes.*run the same command again"):
        list(download(f"{publisher}/big.bin", path))
    assert not path.exists()
    assert (tmp_path / "data" / "big.bin.part").stat().st_size == 700_000
    steps = list(download(f"{publisher}/big.bin", path))
    assert Publisher.asked == ["", "bytes=700000-"]
    assert path.read_bytes() == content
    assert steps[0].received > 700_000
    assert [(step.received, step.total) for step in steps if not step.said][-1] == (1_280_000, 1_280_000)
    assert [item.name for item in path.parent.iterdir()] == ["big.bin"]


def test_a_file_that_changed_between_is_begun_again(publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"] = b"old " * 1000
    Publisher.break_after["/a.txt"] = 2000
    with pytest.raises(ValueError, match="ended after 2,000"):
        list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    Publisher.files["/a.txt"], Publisher.validator = b"new " * 1000, '"2"'
    list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_bytes() == b"new " * 1000


@pytest.mark.parametrize("validator", ["", 'W/"1"'])
def test_without_a_strong_mark_nothing_is_resumed(validator: str, publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"], Publisher.validator = b"text " * 1000, validator
    Publisher.break_after["/a.txt"] = 2000
    with pytest.raises(ValueError, match="ended after 2,000"):
        list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    assert Publisher.asked == ["", ""]
    assert (tmp_path / "a.txt").read_bytes() == b"text " * 1000


def test_a_publisher_without_ranges(publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"], Publisher.ranges = b"text " * 1000, False
    Publisher.break_after["/a.txt"] = 2000
    with pytest.raises(ValueError, match="ended after 2,000"):
        list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_bytes() == b"text " * 1000


def test_a_part_that_is_already_whole(publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"] = b"text"
    (tmp_path / "a.txt.part").write_bytes(b"text")
    (tmp_path / "a.txt.part.mark").write_text('"1"', encoding="utf-8")
    list(download(f"{publisher}/a.txt", tmp_path / "a.txt"))
    assert Publisher.asked == ["bytes=4-", ""]
    assert (tmp_path / "a.txt").read_bytes() == b"text"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.zip", None, "Not Found"),
        ("a.tsv.gz", b"<!DOCTYPE html><html>captcha</html>", "the answer is a web page"),
        ("a.txt", b"\n <HTML>captcha", "the answer is a web page"),
        ("a.gz", b"not gzip", "the answer is a web page"),
    ],
)
def test_answers_that_are_not_the_file(
    name: str, content: bytes | None, message: str, publisher: str, tmp_path: Path
) -> None:
    if content is not None:
        Publisher.files[f"/{name}"] = content
    with pytest.raises(ValueError, match=message) as refused:
        list(download(f"{publisher}/{name}", tmp_path / name))
    assert f"{publisher}/{name}" in str(refused.value)
    assert "--from" in str(refused.value)
    assert not list(tmp_path.glob("*.part"))


def test_no_connection_and_no_web_address(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"refused.*--from"):
        list(download("http://127.0.0.1:9/a.zip", tmp_path / "a.zip"))
    with pytest.raises(ValueError, match="expected an address that begins with https"):
        list(download("file:///etc/hostname", tmp_path / "hostname"))


def test_an_archive_is_fetched_verified_and_unpacked(publisher: str, tmp_path: Path) -> None:
    name = "CDR_TrainingSet.PubTator.txt"
    members = {f"CDR_Data/deep/{name}": BLOCK, f"__MACOSX/CDR_Data/._{name}": b"\x00", "CDR_Data/readme.txt": b"no"}
    Publisher.files["/CDR_Data.zip"] = zipped(members)
    remote = Remote(url=f"{publisher}/CDR_Data.zip", unpack=("CDR_*Set.PubTator.txt",))
    source = Source(files=(remote,), terms="none")
    first = said(fetch(source, output=tmp_path))
    assert [line.split(": ")[0] for line in first] == ["CDR_Data.zip", "CDR_Data.zip", "CDR_TrainingSet.PubTator.txt"]
    assert Bc5cdr(Bc5cdr.Config(path=str(tmp_path))).read("train")[0].id == "1"
    digest = fingerprint(tmp_path / "CDR_Data.zip")
    assert (tmp_path / fetching.SUMS).read_text(encoding="utf-8") == f"{digest}  CDR_Data.zip\n"
    again = said(fetch(source, output=tmp_path))
    assert again[0] == "CDR_Data.zip: is there"
    assert again[1].endswith("as before")
    assert len(Publisher.asked) == 1


def test_a_file_that_is_not_what_it_was_is_refused(publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"] = b"text"
    source = Source(files=(Remote(url=f"{publisher}/a.txt"),), terms="none")
    list(fetch(source, output=tmp_path))
    (tmp_path / "a.txt").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"a.txt: SHA-256 .* recorded when it first came .*delete the file"):
        list(fetch(source, output=tmp_path))


def test_a_published_checksum_is_held_against_the_file(publisher: str, tmp_path: Path) -> None:
    Publisher.files["/a.txt"] = b"text"
    (tmp_path / "kept").write_bytes(b"text")
    right = Remote(url=f"{publisher}/a.txt", sha256=fingerprint(tmp_path / "kept"))
    steps = said(fetch(Source(files=(right,), terms="none"), output=tmp_path / "one"))
    assert steps[-1].endswith("as published")
    wrong = Remote(url=f"{publisher}/a.txt", sha256="0" * 64)
    with pytest.raises(ValueError, match="the one published is 000000000000"):
        list(fetch(Source(files=(wrong,), terms="none"), output=tmp_path / "two"))


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "C:/evil.txt", "..\\evil.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_that_lead_outside_are_refused(name: str, kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "in" / f"a.{kind}"
    archive.parent.mkdir()
    if kind == "zip":
        archive.write_bytes(zipped({name: b"evil"}))
    else:
        with tarfile.open(archive, "w:gz") as out:
            member = tarfile.TarInfo(name)
            member.size = 4
            out.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(ValueError, match="outside of itself"):
        list(archives.unpack(archive, tmp_path / "out", wanted=("*.txt",)))
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        link = tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        out.addfile(link)
    with pytest.raises(ValueError, match=r"holds no a.txt"):
        list(archives.unpack(tmp_path / "a.tar", tmp_path / "out", wanted=("a.txt",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "a damaged archive"),
        (zipped({"other": b"x"}), "holds no a.txt"),
        (zipped({"one/a.txt": b"1", "two/a.txt": b"2"}), "expected one of the name"),
        (zipped({"a.txt": b"abc" * 99}).replace(b"a.txt", b"b.txt", 1), "a damaged archive"),
    ],
)
def test_archives_that_cannot_be_used(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(archives.unpack(tmp_path / "a.zip", tmp_path, wanted=("a.txt",)))


def test_local_copies(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    (local / "CDR_Data.zip").write_bytes(zipped({"x/CDR_TestSet.PubTator.txt": BLOCK}))
    (local / "train.pubtator").write_bytes(BLOCK)
    (local / "notes.docx").write_bytes(b"mine")
    output = tmp_path / "out"
    list(fetch(fetching.SOURCES["bc5cdr"], output=output, local=local))
    names = sorted(path.name for path in output.iterdir())
    assert names == ["CDR_Data.zip", "CDR_TestSet.PubTator.txt", "SHA256SUMS", "train.pubtator"]
    with pytest.raises(ValueError, match=r"holds none of CDR_Data.zip, CDR_\*Set"):
        list(fetch(fetching.SOURCES["bc5cdr"], output=output, local=tmp_path / "out" / ".."))
    with pytest.raises(ValueError, match="nowhere: expected a folder"):
        list(fetch(fetching.SOURCES["bc5cdr"], output=output, local=tmp_path / "nowhere"))


def test_every_source_can_be_asked_for() -> None:
    for name, source in fetching.SOURCES.items():
        assert source.terms
        assert bool(source.files) != bool(source.by_hand), name
        for remote in source.files:
            assert remote.url.startswith("https://")
            assert re.fullmatch(r"[\w.-]+", remote.name)


def test_the_toy_configuration_names_files_that_are_fetched() -> None:
    files = fetching.SOURCES["nemo_toy"].files
    values = config.load(Path(__file__).parents[1] / "configs" / "nemo_toy.yaml")
    named = [*values["pairs"].values(), *values["exam"].values()]
    assert len(named) == 4
    assert set(named) <= {f"nemo_toy/{remote.name}" for remote in files}
    assert all(re.fullmatch("[0-9a-f]{64}", remote.sha256) for remote in files)


def test_the_toy_files_are_those_that_were_read(corpora_folder: Path) -> None:
    if not (corpora_folder / "nemo_toy").is_dir():
        pytest.skip(f"NeMo's toy files are not in {corpora_folder}")
    sums = {fingerprint(path) for path in (corpora_folder / "nemo_toy").glob("*.tsv")}
    assert sums == {remote.sha256 for remote in fetching.SOURCES["nemo_toy"].files}


def test_the_toy_files_go_through_from_copies_under_any_name(
    corpora_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (corpora_folder / "nemo_toy").is_dir():
        pytest.skip(f"NeMo's toy files are not in {corpora_folder}")
    monkeypatch.setenv("TRIPEL_DATA", str(tmp_path))
    list(fetching.fetch(fetching.SOURCES["nemo_toy"], output=tmp_path / "nemo_toy", local=corpora_folder / "nemo_toy"))
    settings = [f"encoder.model={tiny.folder(tmp_path / 'model')}", "trainer.epochs=1", "journal.wandb=false"]
    run = tasks.train(Path(__file__).parents[1] / "configs" / "nemo_toy.yaml", settings, output=tmp_path / "run")
    assert "10 names" in (run / "tables.md").read_text(encoding="utf-8")
    names = tmp_path / "nemo_toy" / "tiny_example_index_data.tsv"
    asking.build_index(str(run), str(names), tmp_path / "after", {})
    found = asking.ask(Ranker.load(tmp_path / "after"), ["high blood sugar", "head pain"], k=2)
    assert [(one.query, one.rank) for one in found] == [
        ("high blood sugar", 1), ("high blood sugar", 2), ("head pain", 1), ("head pain", 2)
    ]  # fmt: skip


def test_the_command(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Publisher.files["/train.pubtator"] = BLOCK
    source = Source(files=(Remote(url=f"{publisher}/train.pubtator"),), terms="free")
    monkeypatch.setitem(fetching.SOURCES, "invented", source)
    monkeypatch.setenv("TRIPEL_DATA", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["data", "fetch", "invented"])
    assert done.exit_code == 0, done.output
    assert f"invented is in {tmp_path / 'invented'} (free)" in done.output
    assert (tmp_path / "invented" / "train.pubtator").read_bytes() == BLOCK


def test_the_command_says_what_umls_needs() -> None:
    done = CliRunner().invoke(cli.app, ["data", "fetch", "umls"])
    assert done.exit_code == 1
    assert "needs a licence" in str(done.exception)
    assert "--from" in str(done.exception)
    assert "did you mean bc5cdr?" in str(CliRunner().invoke(cli.app, ["data", "fetch", "bc5dr"]).exception)
