"""`tripel link`: texts, files and standard input in; words, JSON Lines, pages and every format out, with an account."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from click.testing import Result
from test_plain_text import piped
from typer.testing import CliRunner

from tripel import formats, tasks
from tripel.bulk import jobs as bulk
from tripel.cli import main as cli
from tripel.documents import Candidate, Document, Link, Linked, Mention
from tripel.find import names
from tripel.knowledge import Entity, KnowledgeBase
from tripel.linking.link_files import JSON, PARQUET, Goal, link_file, link_texts
from tripel.linking.linker import Linker, recognizer_of
from tripel.linking.records import Tally, as_record, bracketed, in_words
from tripel.problems import BadInput, Problem
from tripel.searching import asking

KB = KnowledgeBase.of(
    [
        Entity(id="D000001", name="fever", synonyms=("pyrexia",), types=("T1",), cross_references=("OMIM:1", "OMIM:2")),
        Entity(id="D000002", name="multiple sclerosis", types=("T1",), alternatives=("OMIM:3",)),
        Entity(id="D000003", name="aspirin", types=("T2",)),
        Entity(id="OMIM:600000", name="a long id", types=("T1",)),
    ]
)
SURE = 0.9999  # only a name itself is as close as that
NOTES = """17|t|Pyrexia fell.
17|a|The fever and unheard-of zanzibar.
17\t0\t7\tPyrexia\tDisease\tD9
17\t18\t23\tfever\tDisease\t-1
17\t28\t47\tunheard-of zanzibar\tDisease\tD9
17\tCID\tD9\tD8

18|t|Nothing here.
18|a|
"""
WRITTEN = [name for name in names("formats") if formats.of(name).WRITES]
FINDER = '''
from dataclasses import dataclass
from tripel.documents import Mention
from tripel.recognizers.base import Found, Recognizer

class Finder(Recognizer):
    """Finds one word."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        word: str = "fever"

    def __init__(self, config, kb):
        self.word = config.word

    def recognize(self, documents):
        made = []
        for document in documents:
            at = document.text.find(self.word)
            its = [Mention(start=at, end=at + len(self.word), text=self.word)] if at >= 0 else []
            made.append(Found(document.having(mentions=its), (0.75,) * len(its)))
        return made
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that links."""
    base = tmp_path_factory.mktemp("linker")
    KB.save(base / "kb.arrow")
    asking.build_index(str(tiny.folder(base / "model")), str(base / "kb.arrow"), base / "linker", {})
    return base / "linker"


@pytest.fixture(scope="module")
def linker(folder: Path) -> Linker:
    return Linker.load(folder, k=2, threshold=SURE)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes.pubtator").write_text(NOTES)
    return tmp_path / "notes.pubtator"


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a recognizer that finds `fever`."""
    (tmp_path / "code" / "mine").mkdir(parents=True)
    (tmp_path / "code" / "mine" / "finder.py").write_text(FINDER)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.delitem(sys.modules, "mine.finder", raising=False)
    return "mine.finder"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.app, ["link", *map(str, words)])


def linked(linker: Linker, source: Path, goal: Goal, **options: object) -> tuple[list[str], list[str]]:
    """What is printed, and what is said of it."""
    said: list[str] = []
    return list(link_file(linker, source, goal, say=said.append, **options)), said  # type: ignore[arg-type]


def documents(path: Path, name: str = "") -> list[Document]:
    found = list(formats.of(name or formats.detect(path)).read(path))
    assert not [str(one) for one in found if isinstance(one, Problem)]
    return [one for one in found if isinstance(one, Document)]


# What a linker said


def link(**changes: object) -> Link:
    candidates = (Candidate("D1", 0.9, "Fever", "hot", "MSH"), Candidate("OMIM:1234567890", 0.1, "Rare", "Rare"))
    made = Link(Mention(start=0, end=3, text="hot"), candidates, "D1", "linked", "the closest entity")
    return replace(made, **changes)  # type: ignore[arg-type]


def test_ids_are_those_of_the_vocabulary_or_the_own_one() -> None:
    candidates = (Candidate("D1", 0.9, ids=("OMIM:1", "OMIM:2")), Candidate("D2", 0.1))
    assert link().ids == ("D1",)
    assert link(candidates=candidates).ids == ("OMIM:1", "OMIM:2")
    assert link(candidates=candidates, entity="D2").ids == ("D2",)
    assert link(entity=None, decision="nil").ids == ()
    whole = Linked(Document(id="1", text="hot", mentions=(link().mention,)), (link(candidates=candidates),))
    assert whole.decided.mentions[0].entities == ("OMIM:1", "OMIM:2")
    assert as_record(whole)["mentions"][0]["entities"] == ["OMIM:1", "OMIM:2"]


def test_words_stand_in_columns() -> None:
    other = link(entity=None, decision="nil", why="score 0.90, below 0.95", candidates=link().candidates[:1])
    document = Document(id="1", text="hot", mentions=(link().mention, link().mention))
    assert in_words(Linked(document, (link(), other)), headed=True).splitlines() == [
        "document 1",
        "hot [0, 3)",
        "    0.900  D1               Fever (as 'hot') [MSH]",
        "    0.100  OMIM:1234567890  Rare",
        "hot [0, 3)  NIL: score 0.90, below 0.95",
        "    0.900  D1               Fever (as 'hot') [MSH]",
    ]
    assert in_words(Linked(Document(id="1", text="x"), ())) == "no mentions"


def test_mentions_are_counted_by_what_became_of_them() -> None:
    nil, filtered = (link(entity=None, decision=decision) for decision in ("nil", "filtered"))
    named = link(candidates=(replace(link().candidates[0], ids=("OMIM:1",)),))
    document = Document(id="1", text="hot", mentions=(link().mention,) * 4)
    both = [Linked(document, (link(), nil, filtered, named)), Linked(Document(id="2", text=""), ())]
    tally = Tally()
    assert list(tally.count(both)) == both
    assert (tally.documents, str(tally)) == (2, "4 mentions: 2 linked, 1 NIL, 1 filtered")
    tally = Tally("OMIM", decisions=Counter(nil=1200))
    assert list(tally.count(both)) == both
    said = (
        "1,204 mentions: 2 linked, 1,201 NIL, 1 filtered; 1 links keep the id of the knowledge base, for OMIM has none"
    )
    assert str(tally) == said


# Goals


@pytest.mark.parametrize(
    ("path", "options", "form"),
    [
        (None, {}, "words"),
        (None, {"as_json": True}, "jsonl"),
        (None, {"write_as": "jsonl"}, "jsonl"),
        (None, {"write_as": "html"}, "html"),
        ("x.html", {}, "html"),
        ("x.HTM", {}, "html"),
        ("x.json", {"as_json": True}, "jsonl"),
        ("x.bioc.xml", {}, "bioc_xml"),
        ("x", {"write_as": "brat"}, "brat"),
    ],
)
def test_where_links_go(path: str | None, options: dict[str, object], form: str, tmp_path: Path) -> None:
    goal = Goal.of(None if path is None else tmp_path / path, **options)  # type: ignore[arg-type]
    assert goal.form == form


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        (None, {"write_as": "bigbio_parquet"}, "bigbio_parquet is written to a file; name it with --output"),
        (None, {"write_as": "brat"}, "brat is written to a folder; name it with --output"),
        (None, {"write_as": "htm"}, "unknown name 'htm' in formats"),
        ("x.html", {"as_json": True, "write_as": "html"}, "say --json or --to html, not both"),
        ("x.txt", {}, "plain text holds no mentions"),
        ("x", {}, "its name and its first lines tell no format"),
        ("x.html.gz", {"write_as": "html"}, "leave off .gz"),
        ("there.html", {}, "is there already; name another place, or say --overwrite"),
    ],
)
def test_goals_that_cannot_be(path: str | None, options: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(ValueError, match=re.escape(said)):
        Goal.of(None if path is None else tmp_path / path, **options)  # type: ignore[arg-type]
    assert (tmp_path / "there.html").read_text() == "mine"
    assert Goal.of(tmp_path / "there.html", overwrite=True).form == "html"


# Files


@pytest.mark.parametrize("name", WRITTEN)
def test_the_mentions_of_a_file_in_every_format(name: str, linker: Linker, notes: Path, tmp_path: Path) -> None:
    goal = Goal.of(tmp_path / f"out{formats.of(name).ENDINGS[0]}")
    printed, said = linked(linker, notes, goal)
    assert printed == [] and goal.path is not None
    assert said[0] == "1 documents have no mentions"
    assert said[1].startswith(f"{goal.path}: 2 documents, 3 mentions, pubtator to {name}; ")
    untold = "6 candidates and scores, 3 decisions and reasons"
    assert ("nothing lost" if name == "jsonl" else f"lost: {untold}") in said[1]
    assert said[1].endswith("; left out on reading: 1 CID relations\n3 mentions: 2 linked, 1 NIL, 0 filtered")
    first = documents(goal.path, name)[0]
    found = [mention.entities for mention in first.mentions]
    if name == "context":  # it has no place for what has no id
        assert found == [("D000001",), ("D000001",)] and f"lost: {untold}, 1 documents, 1 mentions" in said[1]
    else:
        assert found == [("D000001",), ("D000001",), ()]


def test_json_lines_hold_everything(linker: Linker, notes: Path, tmp_path: Path) -> None:
    goal = Goal.of(tmp_path / "out.jsonl")
    linked(linker, notes, goal)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    expected = list(linker.stream(documents(notes), given=True))
    assert records == json.loads(json.dumps([as_record(one) for one in expected]))
    first, _, last = records[0]["mentions"]
    assert (first["decision"], first["entities"], first["confidence"]) == ("linked", ["D000001"], 1.0)
    assert (last["decision"], last["entities"]) == ("nil", []) and "below 1.00" in last["why"]
    assert first["candidates"][0] == {
        "entity": "D000001", "name": "fever", "matched": "pyrexia", "source": "", "ids": [], "types": ["T1"], "score": 1.0,
        "probability": None,
    }  # fmt: skip
    assert len(last["candidates"]) == 2
    assert documents(tmp_path / "out.jsonl") == [one.decided for one in expected]
    printed, _ = linked(linker, notes, Goal.of(as_json=True))
    assert [json.loads(line) for line in printed] == records


@pytest.mark.parametrize(
    "name", [name for name in WRITTEN if not formats.of(name).FOLDER and name not in (JSON, PARQUET)]
)
def test_what_is_printed_is_what_would_be_written(name: str, linker: Linker, notes: Path, tmp_path: Path) -> None:
    goal = Goal.of(tmp_path / f"out{formats.of(name).ENDINGS[0]}")
    _, told = linked(linker, notes, goal)
    printed, said = linked(linker, notes, Goal.of(write_as=name))
    assert goal.path is not None
    assert "\n".join(printed) == goal.path.read_text(encoding="utf-8").removesuffix("\n")
    assert said[-1] == told[-1].removeprefix(f"{goal.path}: ")


def test_where_some_documents_have_mentions_those_of_the_others_are_found(
    folder: Path, notes: Path, finder: str
) -> None:
    notes.write_text(
        NOTES.replace("18|a|", "18|a|But fever.\n\n19|t|No fever, pyrexia.\n19|a|\n19\t10\t17\tpyrexia\tDisease\t-1")
    )
    own = Linker.load(folder, k=2, threshold=SURE, recognizer=finder)  # as a bundle has its own
    printed, said = linked(own, notes, Goal.of(as_json=True))
    texts = [[mention["text"] for mention in json.loads(line)["mentions"]] for line in printed]
    assert texts == [["Pyrexia", "fever", "unheard-of zanzibar"], ["fever"], ["pyrexia"]]
    assert said[0] == "1 documents have no mentions, so theirs are found"


def test_what_a_page_of_texts_leaves_out_is_said(linker: Linker, tmp_path: Path) -> None:
    said: list[str] = []
    goal = Goal.of(tmp_path / "out.html")
    assert list(link_texts(linker, ["[[fever]]"] * 203, goal, say=said.append)) == []
    assert "3 more documents are not on this page" in (tmp_path / "out.html").read_text()
    assert said[-1].endswith("3 more documents are not on the page; --all shows every one")


def test_a_recognizer_that_quotes_a_text_is_not_quoted(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("FAULT Zanzibarine")
    done = run(folder, "--recognizer", f"troubled.finder folder={tmp_path}", "--file", tmp_path / "a.txt")
    assert isinstance(done.exception, ValueError)
    assert re.fullmatch(r"ValueError at finder\.py:\d+; what it says is not shown.*", str(done.exception))
    assert done.exception.__cause__ is None and done.exception.__suppress_context__


def test_a_folder_that_is_called_like_a_recognizer_is_none(
    linker: Linker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dictionary").mkdir()
    monkeypatch.chdir(tmp_path)
    assert type(recognizer_of("dictionary", linker.ranker)).__name__ == "Dictionary"
    with pytest.raises(ValueError, match="no trained tagger"):
        recognizer_of("./dictionary", linker.ranker)


def test_words_of_files_tell_the_document(linker: Linker, notes: Path) -> None:
    printed, said = linked(linker, notes, Goal())
    assert printed[0].startswith("document 17\nPyrexia [0, 7)\n    1.000  D000001       fever (as 'pyrexia')")
    assert printed[1] == "document 18\nno mentions"
    assert said[-1].startswith(
        "2 documents, 3 mentions, pubtator to words; left out on reading: 1 CID relations\n3 ment"
    )


def test_every_problem_is_named_and_nothing_is_written(folder: Path, notes: Path, tmp_path: Path) -> None:
    bad = "".join(f"17\t0\t5\tZanzibarine{n}\tDisease\tD1\n" for n in range(30))
    notes.write_text(NOTES.replace("17\tCID", f"{bad}17\tCID"))
    for words in (["--output", tmp_path / "out.jsonl"], ["--json"], ["--output", tmp_path / "out.html"], []):
        done = run(folder, "--file", notes, *words)
        assert (done.exit_code, done.stdout) == (1, "")
        lines = done.stderr.splitlines()
        assert [line.partition(": ")[0] for line in lines[:-1]] == [f"{notes}:{n}" for n in range(6, 36)]
        assert lines[-1] == f"30 problems in {notes}; nothing was written"
        assert "Zanzibarine" not in done.stderr
    assert list(tmp_path.iterdir()) == [notes]


def test_what_is_sound_is_linked_where_that_is_wanted(folder: Path, notes: Path) -> None:
    notes.write_text(NOTES.replace("18|a|", "18|a|\n18\t0\t7\tNothing\tDisease\tD1"))
    sound = run(folder, "--file", notes, "--json").stdout
    bad = "".join(f"17\t0\t5\tZanzibarine{n}\tDisease\tD1\n" for n in range(30))
    notes.write_text(notes.read_text().replace("17\tCID", f"{bad}17\tCID"))
    done = run(folder, "--file", notes, "--json", "--keep-going")
    assert (done.exit_code, done.stdout) == (0, sound), "the mentions beside those that are none, too"
    said = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    assert [line for line in said if line.startswith(str(notes))] == [f"{notes}:{n}" for n in range(6, 36)]
    assert "Zanzibarine" not in done.stderr


@pytest.mark.parametrize(
    ("left_out", "given_up", "codes"),
    [(0, {}, (0, 0)), (1, {}, (1, 0)), (0, {"a": "x"}, (1, 1)), (1, {"a": "x"}, (1, 1))],
)
def test_a_big_job_that_keeps_going_fails_for_whole_shards_alone(
    left_out: int, given_up: dict[str, str], codes: tuple[int, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = bulk.Account(Path("out"), shards=2, skipped=0, given=True, left_out=left_out, given_up=given_up)
    monkeypatch.setattr(tasks, "link_bulk", lambda *given, **options: account)
    words = ("--bulk", "--file", "in", "--output", "out")
    assert (run(folder, *words).exit_code, run(folder, *words, "--keep-going").exit_code) == codes


@pytest.mark.parametrize("name", ["x.html", "x.jsonl", "x.pubtator", "x.brat", "x.conll", "x.parquet"])
def test_an_interrupted_run_leaves_what_was_there(
    name: str, linker: Linker, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = Goal.of(tmp_path / "out" / name)
    linked(linker, notes, goal)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    whole = Linker.stream

    def stopped(self: Linker, *given: object, **options: object) -> Iterator[Linked]:
        yield next(whole(self, *given, **options))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Linker, "stream", stopped)
    with pytest.raises(KeyboardInterrupt):
        linked(linker, notes, Goal.of(goal.path, overwrite=True))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


# Mentions that are found


def test_mentions_that_a_file_has_are_ignored_where_others_are_to_be_found(
    folder: Path, notes: Path, finder: str, tmp_path: Path
) -> None:
    words = [folder, "--file", notes, "--output", tmp_path / "out.jsonl", "--recognizer", finder]
    done = run(*words)
    assert done.stdout.startswith("3 mentions that the documents have are ignored: others are found\n")
    assert done.stdout.endswith("1 mentions: 1 linked, 0 NIL, 0 filtered\n")
    (first, second) = documents(tmp_path / "out.jsonl")
    assert [(one.start, one.text, one.entities) for one in first.mentions] == [(18, "fever", ("D000001",))]
    assert second.mentions == ()
    assert '"confidence": 0.75' in (tmp_path / "out.jsonl").read_text()
    done = run(folder, "--file", notes, "--recognizer", f"{finder} word=zanzibar", "--json")
    assert json.loads(done.stdout.splitlines()[0])["mentions"][0]["text"] == "zanzibar"
    assert "are ignored" in done.stderr and "are ignored" not in done.stdout


def test_plain_text_needs_something_that_finds(folder: Path, finder: str, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name in ("a", "b"):
        (tmp_path / "notes" / f"{name}.txt").write_text(f"In {name} the fever fell.")
    done = run(folder, "--file", tmp_path / "notes")
    assert done.exit_code == 1 and done.stdout == ""
    said = f"{tmp_path / 'notes'}: 2 documents, none of which has a mention, and nothing finds any; give --recognizer, such"
    assert str(done.exception).startswith(said)
    done = run(folder, "--file", tmp_path / "notes", "--recognizer", finder, "--output", tmp_path / "out.brat")
    assert done.exit_code == 0
    assert (tmp_path / "out.brat" / "b.txt").read_text() == "In b the fever fell."
    assert "MESH:D000001" in (tmp_path / "out.brat" / "b.ann").read_text()
    assert "lost: 6 candidates and scores, 2 confidences of spans, 2 decisions and reasons" in done.stdout


def test_standard_input_in_a_pipe(folder: Path, finder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, "A fever.\r\nIt fell.\n")
    linker = Linker.load(folder, recognizer=finder)
    printed, said = linked(linker, Path("-"), Goal.of(as_json=True), find=True)
    record = json.loads(printed[0])
    assert (record["id"], record["text"]) == ("stdin", "A fever.\r\nIt fell.\n")
    assert said == ["1 documents, 1 mentions, text to jsonl\n1 mentions: 1 linked, 0 NIL, 0 filtered"]
    piped(monkeypatch, "A fever.\r\n\nIt fell.\n")
    printed, said = linked(linker, Path("-"), Goal(), read_as="lines", find=True)
    assert printed[0].startswith("document 1\nfever [2, 7)\n") and printed[1] == "document 3\nno mentions"
    assert "lines to words; left out on reading: 1 blank lines" in said[0]


def test_a_real_pipe(folder: Path) -> None:
    """Nothing but results on standard output; whoever reads no further gets no traceback."""
    words = [sys.executable, "-m", "tripel", "link", str(folder), "--file", "-", "--json"]
    done = subprocess.run(words, input=NOTES, capture_output=True, text=True, timeout=300, check=True)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["17", "18"]
    assert "3 mentions: 3 linked, 0 NIL, 0 filtered" in done.stderr and "\r" not in done.stderr
    many = NOTES.replace("17|", "{0}|").replace("17\t", "{0}\t").partition("\n18|")[0]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write("\n".join(many.format(n) for n in range(300)).encode())
        process.stdin.close()
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


# Texts of the command


def test_texts_go_where_files_go(linker: Linker, tmp_path: Path) -> None:
    texts = ["The [[fever]] fell.", "[[zanzibar]]"]
    said: list[str] = []
    assert list(link_texts(linker, texts, Goal.of(tmp_path / "out.pubtator"), say=said.append)) == []
    assert (tmp_path / "out.pubtator").read_text().splitlines()[2] == "1\t4\t9\tfever\t\tD000001"
    assert said[0].startswith(
        f"{tmp_path / 'out.pubtator'}: 2 documents, 2 mentions, texts to pubtator; lost: 4 candidates and scores,"
        " 2 decisions and reasons, 2 titles\n2 m"
    )
    (page,) = link_texts(linker, texts, Goal.of(write_as="html"), say=said.append)
    assert page.startswith("<!doctype html>") and len(said) == 1
    assert list(tasks.link(linker, texts)) == list(link_texts(linker, texts, Goal()))
    assert next(link_texts(linker, texts, Goal())).startswith("fever [4, 9)\n")


@pytest.mark.parametrize("words", [[], ["fever", "--file", "x.txt"]])
def test_texts_or_a_file(words: list[str], folder: Path) -> None:
    assert str(run(folder, *words).exception) == "give texts, or --file"


def test_what_cannot_be_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    assert "name it with --output" in str(run(tmp_path / "no run", "x", "--to", "brat").exception)


def test_texts_in_a_list_give_a_list_and_others_are_linked_as_they_come(folder: Path, finder: str) -> None:
    linker = Linker.load(folder, recognizer=finder)
    some = linker(["a fever", "none", "fever"])
    assert [len(one.links) for one in some] == [1, 0, 1] and [one.document.id for one in some] == ["1", "2", "3"]
    assert linker(("a fever",)) == linker(["a fever"])
    endless = linker("fever" for _ in iter(int, 1))
    assert next(endless).links[0].entity == "D000001"


# Vocabularies


def test_ids_of_a_vocabulary(folder: Path, tmp_path: Path) -> None:
    linker = Linker.load(folder, k=1, vocabulary="mim")
    assert linker.vocabulary == "OMIM"
    text = "[[pyrexia]], [[multiple sclerosis]], [[aspirin]], [[a long id]]"
    links = linker.link(bracketed(text, id="1")).links
    assert [one.candidates[0].ids for one in links] == [("OMIM:1", "OMIM:2"), ("OMIM:3",), (), ("OMIM:600000",)]
    (said,) = link_texts(linker, [text], Goal())
    assert "fever (as 'pyrexia') = OMIM:1, OMIM:2" in said
    (record,) = map(json.loads, link_texts(linker, [text], Goal.of(as_json=True)))
    assert [one["entities"] for one in record["mentions"]] == [
        ["OMIM:1", "OMIM:2"],
        ["OMIM:3"],
        ["D000003"],
        ["OMIM:600000"],
    ]
    assert record["mentions"][0]["candidates"][0]["entity"] == "D000001"
    account: list[str] = []
    list(link_texts(linker, [text], Goal.of(tmp_path / "out.bioc.xml"), say=account.append))
    assert "1 links keep the id of the knowledge base, for OMIM has none" in account[0]
    found = [one.entities for one in documents(tmp_path / "out.bioc.xml")[0].mentions]
    assert found == [("OMIM:1", "OMIM:2"), ("OMIM:3",), ("D000003",), ("OMIM:600000",)]


def test_an_unknown_vocabulary_is_refused_with_a_list(folder: Path) -> None:
    done = run(folder, "[[fever]]", "--vocabulary", "ICD10")
    assert str(done.exception) == "no entity has an id of ICD10; there is MESH 3, OMIM 3"
    assert "OMIM:1, OMIM:2" in run(folder, "[[fever]]", "--vocabulary", "omim").stdout


def test_bad_input_names_every_problem() -> None:
    bad = BadInput(Problem("x", n, "a", "b") for n in range(1, 31))
    assert len(bad.whole("x").splitlines()) == 31 and "and 10 more" in str(bad)
