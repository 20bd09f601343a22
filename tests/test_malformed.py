"""Malformed input: each case is one sentence with file, line and remedy, no traceback, and the good records are read.

The text of a document must never be in a message: SECRET stands in every bad one.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tripel.cli import main as cli
from tripel.corpora import pubtator
from tripel.documents import Document
from tripel.problems import BadInput, Problem

SECRET = "Zanzibarine"
FIRST = b"1|t|Aspirin helps.\n1|a|Fever fell.\n1\t0\t7\tAspirin\tChemical\tD001241\n\n"
LAST = b"\n9|t|Coma.\n9|a|Rare.\n9\t0\t4\tComa\tDisease\tD003128\n"
TITLE = b"2|t|Zanzibarine in rats.\n"
ABSTRACT = b"2|a|It cured the Zanzibarine flu.\n"
BOTH = TITLE + ABSTRACT  # lines 5 and 6 of a file that begins with FIRST
MENTION = b"2\t0\t11\tZanzibarine\tChemical\tD000001\n"


def outcome(path: Path) -> tuple[int, str]:
    """Exit code and output of `tripel data check`."""
    result = CliRunner().invoke(cli.app, ["data", "check", str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def documents_in(path: Path) -> list[Document]:
    return [found for found in pubtator.parse(path) if isinstance(found, Document)]


def row(*cells: object) -> bytes:
    return "\t".join(map(str, cells)).encode() + b"\n"


# what stands between two good documents, the line at fault, words of the message, and whether document 2 survives
RECORDS: dict[str, tuple[bytes, int, str, bool]] = {
    "two columns": (BOTH + row(2, 0), 7, "2 columns", True),
    "three columns": (BOTH + row(2, 0, 11), 7, "3 columns", True),
    "cut after the mention": (BOTH + row(2, 0, 11, SECRET), 7, "4 columns", True),
    "cut after the type": (BOTH + row(2, 0, 11, SECRET, "Chemical"), 7, "5 columns", True),
    "eight columns": (BOTH + row(2, 0, 11, SECRET, "Chemical", "D1", "a", "b"), 7, "8 columns", True),
    "no tabs but blanks": (BOTH + b"2 0 11 Zanzibarine Chemical D1\n", 7, "no title, abstract or mention", True),
    "empty id": (BOTH + row(2, 0, 11, SECRET, "Chemical", ""), 7, "no entity id", True),
    "blank id": (BOTH + row(2, 0, 11, SECRET, "Chemical", "  "), 7, "no entity id", True),
    "start is a word": (BOTH + row(2, SECRET, 11, SECRET, "Chemical", "D1"), 7, "a start of 11 characters", True),
    "end is a word": (BOTH + row(2, 0, SECRET, SECRET, "Chemical", "D1"), 7, "an end of 11 characters", True),
    "end is empty": (BOTH + row(2, 0, "", SECRET, "Chemical", "D1"), 7, "an end of 0 characters", True),
    "start is negative": (BOTH + row(2, -1, 11, SECRET, "Chemical", "D1"), 7, "a start of 2 characters", True),
    "start is a fraction": (BOTH + row(2, 0.5, 11, SECRET, "Chemical", "D1"), 7, "a start of 3 characters", True),
    "end in Devanagari digits": (BOTH + row(2, 0, "\u0967\u0967", SECRET, "Chemical", "D1"), 7, "a whole number", True),
    "end with exponent": (BOTH + row(2, 0, "1e1", SECRET, "Chemical", "D1"), 7, "an end of 3 characters", True),
    "start equals end": (BOTH + row(2, 3, 3, "", "Chemical", "D1"), 7, "offsets [3, 3)", True),
    "start after end": (BOTH + row(2, 11, 0, SECRET, "Chemical", "D1"), 7, "offsets [11, 0)", True),
    "end beyond the text": (BOTH + row(2, 0, 900, SECRET, "Chemical", "D1"), 7, "document of 50 characters", True),
    "end one beyond the text": (BOTH + row(2, 47, 51, "flu.", "Disease", "D1"), 7, "offsets [47, 51)", True),
    "start beyond the text": (BOTH + row(2, 100, 111, SECRET, "Chemical", "D1"), 7, "offsets [100, 111)", True),
    "huge offsets": (BOTH + row(2, 10**17, 10**17 + 1, SECRET, "Chemical", "D1"), 7, "document of 50 characters", True),
    "a start of many digits": (BOTH + row(2, "9" * 5000, 11, SECRET, "Chemical", "D1"), 7, "a start of 5,000 digits", True),
    "an end of many digits": (BOTH + row(2, 0, "9" * 19, SECRET, "Chemical", "D1"), 7, "an end of 19 digits", True),
    "one to the right": (BOTH + row(2, 1, 12, SECRET, "Chemical", "D1"), 7, "it stands at [0, 11)", True),
    "no blank counted": (BOTH + row(2, 33, 44, SECRET, "Chemical", "D1"), 7, "it stands at [34, 45)", True),
    "end is inclusive": (BOTH + row(2, 0, 10, SECRET, "Chemical", "D1"), 7, "it stands at [0, 11)", True),
    "another case": (BOTH + row(2, 0, 11, SECRET.lower(), "Chemical", "D1"), 7, "not characters [0, 11)", True),
    "not in the text at all": (BOTH + row(2, 0, 7, "Aspirin", "Chemical", "D1"), 7, "characters (not bytes)", True),
    "blank after the mention": (BOTH + row(2, 0, 11, SECRET + " ", "Chemical", "D1"), 7, "it stands at [0, 12)", True),
    "empty mention": (BOTH + row(2, 0, 11, "", "Chemical", "D1"), 7, "not characters [0, 11)", True),
    "bytes counted": (
        "2|t|β-Zanzibarine.\n2|a|Ok.\n".encode() + row(2, 3, 14, SECRET, "Chemical", "D1"), 7, "at [2, 13)", True),
    "mention of another document": (BOTH + row(3, 0, 11, SECRET, "Chemical", "D1"), 7, "within document 2", True),
    "mention without document id": (BOTH + row("", 0, 11, SECRET, "Chemical", "D1"), 7, "whose id has 0 characters", True),
    "a word for the document id": (BOTH + row(SECRET, 0, 11, "a", "b", "c"), 7, "whose id has 11 characters", True),
    "a word before a tab": (row(SECRET, "x", "y"), 5, "whose id has 11 characters outside a document", False),
    "a word before an abstract": (b"Zanzibarine|a|rare.\n", 5, "an abstract of a document whose id has 11", False),
    "a word before another's abstract": (TITLE + b"Zanzibarine|a|rare.\n", 6, "the abstract of a document whose id", False),
    "a word before two titles": (b"Zanzibarine|t|a\nZanzibarine|t|b\n", 6, "whose id has 11 characters again", False),
    "cut to words": (BOTH + row(2, SECRET, "Chemical", "D1"), 7, "4 columns", True),
    "not UTF-8 in a mention": (BOTH + b"2\t0\t11\tZanzibar\xe9ne\tChemical\tD1\n", 7, "not UTF-8", True),
    "not UTF-8 in an id": (BOTH + MENTION[:-2] + b"\xff\n", 7, "not UTF-8", True),
    "not UTF-8 in a title": (b"2|t|Zanzibarine in r\xe4ts.\n" + ABSTRACT + MENTION, 5, "not UTF-8", False),
    "not UTF-8 in an abstract": (TITLE + b"2|a|It \xff cured the Zanzibarine flu.\n" + MENTION, 6, "not UTF-8", False),
    "not UTF-8 alone": (BOTH + b"\xc3\x28\n" + MENTION, 7, "not UTF-8", True),
    "surrogate in UTF-8": (BOTH + b"2\t0\t11\t\xed\xa0\x80\tChemical\tD1\n", 7, "not UTF-8", True),
    "abstract over two lines": (BOTH + b"Zanzibarine went on.\n" + MENTION, 7, "abstract of several lines", True),
    "second abstract": (BOTH + ABSTRACT + MENTION, 7, "a second abstract", True),
    "abstract without title": (ABSTRACT + MENTION, 5, "without title", False),
    "abstract before title": (ABSTRACT + TITLE + MENTION, 5, "without title", True),
    "abstract of another": (TITLE + b"3|a|Zanzibarine.\n" + MENTION, 6, "the abstract of document 3", False),
    "mentions without document": (MENTION + MENTION, 5, "outside a document", False),
    "mentions after a blank line": (BOTH + b"\n" + MENTION, 8, "remove a blank line", True),
    "relation without document": (row(2, "CID", "D1", "D2"), 5, "outside a document", False),
    "document given before": (b"1|t|Zanzibarine again.\n1|a|No.\n", 5, "first at line 1", False),
    "document given twice": (BOTH + b"\n" + BOTH, 8, "first at line 5", True),
    "title given twice": (TITLE + TITLE + ABSTRACT, 6, "first at line 5", True),
    "no document id": (b"|t|Zanzibarine.\n", 5, "a blank document id", False),
    "prose with bars": (BOTH + b"Of Zanzibarine |a| little.\n", 7, "no title, abstract or mention", True),
    "prose with tabs": (BOTH + b"Of Zanzibarine\t0\t11\ta\tb\tc\n", 7, "no title, abstract or mention", True),
    "blank document id": (b" |t|Zanzibarine.\n", 5, "a blank document id", False),
    "unknown part": (BOTH + b"2|x|Zanzibarine.\n", 7, "no title, abstract or mention", True),
    "separator is a comma": (BOTH + b"2,0,11,Zanzibarine,Chemical,D1\n", 7, "no title, abstract or mention", True),
    "a header row": (b"pmid\tstart\tend\tmention\ttype\tid\n", 5, "outside a document", False),
    "a comment": (b"# Zanzibarine\n" + BOTH, 5, "no title, abstract or mention", True),
    "a JSON document": (b'{"id": "2", "text": "Zanzibarine"}\n', 5, "no title, abstract or mention", False),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDS)
def test_bad_records(case: str, tmp_path: Path) -> None:
    middle, line, said, survives = RECORDS[case]
    path = tmp_path / "corpus.pubtator"
    path.write_bytes(FIRST + middle + LAST)
    code, output = outcome(path)
    first, *_, summary = output.splitlines()
    assert code == 1
    assert re.fullmatch(rf"{re.escape(str(path))}:{line}: found .+; expected .+", first), output
    assert said in first
    assert SECRET.casefold() not in output.casefold()
    assert "Traceback" not in output
    assert summary.endswith("in 1 of 1 files")
    read = {document.id: document for document in documents_in(path)}
    assert [mention.entities for id in "19" for mention in read[id].mentions] == [("D001241",), ("D003128",)]
    assert ("2" in read) == survives
    with pytest.raises(BadInput) as refused:
        pubtator.read(path)
    assert said in str(refused.value)


ENDINGS = {"lf": b"\n", "crlf": b"\r\n"}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("last", ["as it is", "no line end", "many blank lines"])
@pytest.mark.parametrize("form", ["plain", "gzip", "with a BOM"])
def test_odd_but_good_files_have_no_problem(ending: str, last: str, form: str, tmp_path: Path) -> None:
    content = (FIRST + b"5|t|A title alone\n\n6|t|Empty abstract\n6|a|\n" + LAST).replace(b"\n", ENDINGS[ending])
    content = {"as it is": content, "no line end": content.rstrip(), "many blank lines": content + b"\n \n\n"}[last]
    content = {"plain": content, "gzip": gzip.compress(content), "with a BOM": b"\xef\xbb\xbf" + content}[form]
    path = tmp_path / "corpus.pubtator"
    path.write_bytes(content)
    assert outcome(path) == (0, "0 problems in 0 of 1 files\n")
    read = pubtator.read(path)
    assert [(document.id, len(document.mentions)) for document in read] == [("1", 1), ("5", 0), ("6", 0), ("9", 1)]
    assert read[0].text == "Aspirin helps. Fever fell."


def directory(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    del path


def holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


ZIPPED = gzip.compress(FIRST + LAST)
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a directory": (directory, "found a directory; expected a file"),
    "missing": (missing, "found no such file; expected a file that exists"),
    "empty": (holding(b""), "found an empty file"),
    "only blank lines": (holding(b"\n \n\r\n"), "found an empty file"),
    "only a BOM": (holding(b"\xef\xbb\xbf"), "found an empty file"),
    "an empty gzip file": (holding(gzip.compress(b"")), "found an empty file"),
    "a zip archive": (holding(b"PK\x03\x04rest"), "found a zip archive; expected text"),
    "bzip2": (holding(b"BZh91AY&SY"), "found a bzip2 file"),
    "xz": (holding(b"\xfd7zXZ\x00\x00"), "found an xz file"),
    "UTF-16": (holding(FIRST.decode().encode("utf-16")), "found UTF-16 text; expected UTF-8"),
    "gzip cut short": (holding(ZIPPED[:-20]), "incomplete gzip stream"),
    "gzip header alone": (holding(ZIPPED[:12]), "incomplete gzip stream"),
    "gzip with a wrong checksum": (holding(ZIPPED[:-8] + bytes(8)), "damaged or incomplete gzip stream"),
    "gzip with damaged middle": (holding(ZIPPED[:30] + b"\xff\xff\xff\xff" + ZIPPED[34:]), "damaged or incomplete"),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files(case: str, tmp_path: Path) -> None:
    make, said = FILES[case]
    path = tmp_path / "corpus.pubtator"
    make(path)
    code, output = outcome(path)
    assert code == 1
    assert output.startswith(f"{path}")
    assert said in output
    assert "Traceback" not in output
    with pytest.raises(BadInput, match=re.escape(said)):
        pubtator.read(path)


def test_what_stands_before_a_damage_is_read(tmp_path: Path) -> None:
    many = b"".join(FIRST.replace(b"1|", b"%d|" % n).replace(b"1\t0", b"%d\t0" % n) for n in range(10, 3000))
    path = tmp_path / "corpus.pubtator.gz"
    path.write_bytes(gzip.compress(many)[:-2000])
    found = list(pubtator.parse(path))
    assert isinstance(found[-1], Problem)
    assert found[-1].line > 4
    assert len(found) > 500
    assert all(isinstance(item, Document) and len(item.mentions) == 1 for item in found[:-1])


def stats(*words: str) -> tuple[int, str]:
    """Exit code of `tripel data stats`, and its sentence on standard error."""
    result = CliRunner().invoke(cli.app, ["data", "stats", *words])
    return result.exit_code, str(result.exception)


SETTINGS = {
    "unknown corpus": (["bc5cd"], "did you mean bc5cdr?"),
    "a corpus with a slash": (["../bc5cdr"], "unknown name '../bc5cdr' in corpora"),
    "a module that is no corpus": (["pubtator"], "unknown name 'pubtator'"),
    "unknown dotted corpus": (["my_code.my_corpus"], "expected a module my_code.my_corpus with a class MyCorpus"),
    "unknown setting": (["sample", "pth=x"], "corpus.pth is not a setting; did you mean path?"),
    "no equals sign": (["sample", "path"], "'path': expected section.key=value"),
    "no key": (["sample", "=x"], "expected section.key=value"),
    "a number for a path": (["sample", "path=7"], "corpus.path: Input should be a valid string, found 7"),
    "a word for a switch": (
        ["sample", "drop_overlaps=perhaps"],
        "corpus.drop_overlaps: Input should be a valid boolean",
    ),
    "an unknown subset": (["medmentions", "subset=st22"], "corpus.subset: Input should be 'st21pv' or 'full'"),
    "a list for a switch": (["sample", "drop_overlaps=[1]"], "corpus.drop_overlaps"),
    "brackets left open": (["sample", "path=[x"], "expected a value in YAML after ="),
    "settings below a value": (["sample", "path=x", "path.y=z"], "path holds a value, not settings"),
    "no such folder": (["bc5cdr", "path=nowhere"], "nowhere: found no such folder; expected a folder with"),
    "a file for a folder": (["bc5cdr", "path=pyproject.toml"], "found a file; expected a folder with"),
    "a folder without the split": (
        ["biored", "path=tests"],
        "tests: found a folder without that split; expected Train",
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_bad_settings(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, said = SETTINGS[case]
    monkeypatch.chdir(Path(__file__).parents[1])
    code, output = stats(*words)
    assert code == 1
    assert said in output
    assert "\n" not in output


CONFIGS = {
    "YAML with a tab": (b"corpus:\n\tname: sample\n", "not YAML"),
    "an open bracket": (b"corpus: {name: sample\n", "not YAML"),
    "a list": (b"- corpus\n", "expected `section: {key: value}`, found list"),
    "a sentence": (b"train the linker\n", "found str"),
    "not UTF-8": (b"corpus: {name: s\xe4mple}\n", "not YAML"),
    "no name": (b"corpus: {path: x}\n", "corpus: expected `name:"),
    "a name that is a number": (b"corpus: {name: 7}\n", "corpus: expected `name:"),
    "an unknown name": (b"corpus: {name: sampel}\n", "did you mean sample?"),
    "an unknown setting": (b"corpus: {name: sample, paht: x}\n", "did you mean path?"),
    "a wrong value": (b"corpus: {name: medmentions, subset: all}\n", "corpus.subset"),
    "an unknown setting of the trainer": (b"corpus: {name: sample}\ntrainer: {lrr: 1}\n", "did you mean lr?"),
    "an unknown terminology": (
        b"terminologies: [{name: umsl}]\ncorpus: {name: sample}\nobjective: {name: ranking}\n",
        "umsl",
    ),
}
REST = (
    b"objective: {name: prototype_contrastive}\nterminologies: [{name: sample}]\n"  # else a configuration is not whole
)


@pytest.mark.parametrize("case", CONFIGS)
def test_bad_configurations(case: str, tmp_path: Path) -> None:
    content, said = CONFIGS[case]
    path = tmp_path / "config.yaml"
    path.write_bytes(content + REST if content.startswith(b"corpus") else content)
    code, output = outcome(path)
    assert code == 1
    assert re.match(rf"{path}(:\d)?: found a configuration that cannot be used", output)
    assert said in output
    assert output.count(str(path)) == 1


def test_the_door_says_it_without_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.pubtator").write_bytes(FIRST + TITLE + row(2, 5, 1, "x", "y", "z"))
    monkeypatch.setattr("sys.argv", ["tripel", "data", "stats", "bc5cdr", f"path={tmp_path}"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"tripel: {tmp_path / 'train.pubtator'}:6: found offsets [5, 1)")
    assert said.count("\n") == 1


def test_there_are_enough() -> None:
    assert (
        len(RECORDS) + len(FILES) + len(SETTINGS) + len(CONFIGS) >= 70
    )  # with those of test_terminologies.py, a hundred and more
