"""`tripel data convert`: formats told by name and content, an account of losses, nothing written where something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tripel import formats
from tripel.cli import main as cli
from tripel.config import build
from tripel.corpora.files import Files
from tripel.corpora.sample import Sample, sample_folder
from tripel.data import checking
from tripel.data.converting import convert
from tripel.documents import Document, Mention
from tripel.find import names
from tripel.problems import BadInput

GOOD = "1|t|Hay fever\n1|a|It fell.\n1\t0\t9\tHay fever\tDisease\tD006255|D2\n1\tCID\tD006255\tD002\n"
BAD = GOOD + "1\t0\t5\tZanzibarine\tDisease\tD1\n1\t9\t2\tx\tDisease\tD1\n"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.app, ["data", "convert", *map(str, words)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.pubtator"
    path.write_text(GOOD)
    return path


def test_an_account_is_given(source: Path, tmp_path: Path) -> None:
    done = run(source, tmp_path / "out.jsonl")
    assert done.exit_code == 0
    said = f"{tmp_path / 'out.jsonl'}: 1 documents, 1 mentions, pubtator to jsonl; nothing lost"
    assert f"{said}; left out on reading: 1 CID relations\n" in done.output
    done = run(tmp_path / "out.jsonl", tmp_path / "out.brat")
    assert "1 documents, 1 mentions, jsonl to brat; lost: 1 titles\n" in done.output
    done = run(tmp_path / "out.brat", tmp_path / "out.texoo.json")
    assert "brat to texoo; lost: 1 entity ids\n" in done.output


def test_every_problem_is_printed_and_nothing_is_written(tmp_path: Path) -> None:
    source = tmp_path / "in.pubtator"
    source.write_text(BAD)
    for target in (tmp_path / "out.jsonl", tmp_path / "out.brat", tmp_path / "out.parquet", tmp_path / "out.conll"):
        done = run(source, target)
        assert done.exit_code == 1
        lines = [line for line in done.output.splitlines() if line.startswith(str(source))]
        assert [line.partition(": ")[0] for line in lines] == [f"{source}:5", f"{source}:6"]
        assert f"2 problems in {source}; nothing was written" in done.output
        assert "Zanzibarine" not in done.output
    assert list(tmp_path.iterdir()) == [source]


def test_what_is_there_is_kept(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("mine")
    with pytest.raises(ValueError, match="is there already; name another place, or say --overwrite"):
        convert(source, target)
    assert target.read_text() == "mine"
    convert(source, target, overwrite=True)
    assert "Hay fever" in target.read_text()


def test_a_folder_of_other_things_is_never_replaced(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.brat"
    convert(source, target)
    convert(source, target, overwrite=True)
    (target / "thesis.tex").write_text("years")
    with pytest.raises(ValueError, match=r"holds other files, such as thesis\.tex"):
        convert(source, target, overwrite=True)
    with pytest.raises(ValueError, match="is a folder"):
        convert(source, tmp_path / "out.brat", write_as="jsonl", overwrite=True)
    with pytest.raises(ValueError, match="is a file"):
        convert(source, source, write_as="brat", overwrite=True)
    assert (target / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("out.json", {}, "it could be bioc_json or texoo; say which: bigbio_json, "),
        ("out", {}, "its name and its first lines tell no format; say which: bigbio_json, bigbio_parquet, bioc_json"),
        ("out.jsonl", {"write_as": "jsnol"}, "unknown name 'jsnol' in formats; did you mean jsonl?"),
        ("out.jsonl.gz", {}, "leave off .gz"),
        ("out.jsonl", {"read_as": "brat"}, "found a file; expected a folder of files"),
    ],
)
def test_faults_are_one_sentence(target: str, options: dict[str, str], said: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.").replace("?", r"\?")):
        convert(source, tmp_path / target, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [source]


def test_ids_that_a_format_refuses(source: Path, tmp_path: Path) -> None:
    made = [Document(id="a b", text="x"), Document(id="y" * 300, text="x"), Document(id="", text="x")]
    with pytest.raises(ValueError, match="a document id of 3 characters cannot stand in PubTator"):
        formats.of("pubtator").write(tmp_path / "x.pubtator", made[:1])
    for one in made[1:]:
        with pytest.raises(ValueError, match=f"a document id of {len(one.id)} characters cannot name a file"):
            formats.of("brat").write(tmp_path / "x.brat", [one])
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("id", ["a/b", "..", ".hidden", "50%", "50%25", "%41", "C:x", "été 🫀", "a\nb"])
@pytest.mark.parametrize("name", ["brat", "biosyn", "context"])
def test_ids_that_are_no_names_of_files(id: str, name: str, tmp_path: Path) -> None:
    mention = Mention(start=0, end=1, text="x", entities=("D1",))
    formats.of(name).write(tmp_path / "x", [Document(id=id, text="x y", mentions=(mention,))])
    (document,) = formats.of(name).read(tmp_path / "x")
    assert isinstance(document, Document) and document.id == id
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_all_formats_are_there() -> None:
    assert set(names("formats")) == {
        "bigbio_json", "bigbio_parquet", "bioc_json", "bioc_xml", "biosyn", "brat", "conll", "context", "jsonl", "pubtator",
        "texoo", "text", "lines",
    }  # fmt: skip
    help = " ".join(run("--help").output.split())
    assert all(name in help for name in names("formats"))


@pytest.mark.parametrize("name", [name for name in names("formats") if formats.of(name).WRITES])
def test_any_format_can_be_checked_and_trained_on(name: str, tmp_path: Path) -> None:
    """One split in this format, the others as they are: read by `corpus: {name: files}`, looked at by `tripel data check`."""
    (tmp_path / "mine").mkdir()
    ending = formats.of(name).ENDINGS[0]
    convert(sample_folder() / "dev.pubtator", tmp_path / "mine" / f"dev{ending}")
    convert(sample_folder() / "test.pubtator", tmp_path / "mine" / "test.jsonl")
    corpus = Files(build(Files.Config, {"path": str(tmp_path / "mine")}, where="corpus"))
    whole = Sample(Sample.Config())
    assert [document.id for document in corpus.read("dev+test")] == [document.id for document in whole.read("dev+test")]
    assert list(checking.check(tmp_path / "mine" / f"dev{ending}", recipe=dict)) == []
    with pytest.raises(BadInput, match="found 0 files called train; expected one file or folder called train"):
        corpus.read("train")
    (tmp_path / "mine" / "test.conll").write_text("a\tO\n")
    with pytest.raises(BadInput, match="found 2 files called test"):
        corpus.read("test")


@pytest.mark.parametrize(
    "parts", [((0, 9),), ((0, 3), (5, 8)), ((1, 3), (5, 9)), ((4, 9), (0, 3)), ((0, 5), (4, 9)), ((0, 0), (4, 9))]
)
def test_pieces_that_are_not_a_mention(parts: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match=r"mention \[0, 9\) in \d pieces"):
        Mention(start=0, end=9, text="Hay fever", parts=parts)
    Mention(start=0, end=9, text="Hay fever", parts=((0, 3), (4, 9)))


def test_a_text_of_the_letters_of_a_key_deceives_no_one(tmp_path: Path) -> None:
    for text in ("documents", '"passages":', "annotations"):
        formats.of("jsonl").write(tmp_path / "x.jsonl", [Document(id="tokens", text=text)])
        assert formats.detect(tmp_path / "x.jsonl") == "jsonl"
