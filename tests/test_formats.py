"""Every format: what is written is read back, what is not kept is counted, and no file raises or gets into a message."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from damaging import damage, files_of, outcome, place, secretive
from documents_of_all_kinds import documents, ordered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tripel import formats
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.corpora.medmentions import Medmentions
from tripel.corpora.sample import Sample
from tripel.documents import Document, Mention
from tripel.find import names
from tripel.formats.losses import difference
from tripel.problems import Problem

ALL = [name for name in names("formats") if formats.of(name).WRITES]  # plain text: tests/test_plain_text.py
FOLDERS = [name for name in ALL if formats.of(name).FOLDER]
slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read(path: Path, name: str) -> list[Document]:
    found = list(formats.of(name).read(path))
    assert [str(one) for one in found if isinstance(one, Problem)] == []
    return [one for one in found if isinstance(one, Document)]


def held(made: list[Document], name: str) -> list[Document]:
    kept = [formats.of(name).held(document) for document in made]
    return [document for document in kept if document is not None]


def there_and_back(folder: Path, name: str, made: list[Document]) -> list[Document]:
    path = place(folder, name)
    lost = formats.of(name).write(path, made)
    expected = held(made, name)
    assert bool(lost) == (ordered(expected) != ordered(made))
    found = read(path, name) if expected else []
    assert ordered(found) == ordered(expected)
    if expected and sum(len(document.mentions) for document in expected):
        assert formats.detect(path) == name
    assert not [other for other in folder.iterdir() if "part" in other.name or "old" in other.name]
    return found


@pytest.mark.parametrize("name", ALL)
@slow
@given(made=documents())
def test_what_is_held_comes_back(name: str, made: list[Document], tmp_path: Path) -> None:
    there_and_back(tmp_path, name, made)


@pytest.mark.parametrize("name", ALL)
@slow
@given(made=documents())
def test_holding_twice_loses_no_more(name: str, made: list[Document]) -> None:
    once = held(made, name)
    assert ordered(held(once, name)) == ordered(once)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_sample_comes_back(name: str, split: str, tmp_path: Path) -> None:
    made = Sample(Sample.Config()).read(split)
    found = there_and_back(tmp_path, name, made)
    assert len(found) == len(made)


TEXTS = {
    "empty": "",
    "one character": "x",
    "one emoji": "🫀",
    "right to left": "חום גבוה ירד. الحمى انخفضت",
    "emoji of several code points": "👩‍🔬 had 🫀‍🩹 pain 🤒",
    "combining marks": "e\u0301te\u0323\u0301 fievre\u0300",
    "line ends": "a\r\nb\rc\u2028d\x85e\x0bf\n\n",
    "200,000 characters": ("Hay fever fell after 5 mg of β-blockers 🤒. " * 5000)[:200_000],
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_texts_of_all_kinds(name: str, text: str, tmp_path: Path) -> None:
    """The first and the last word are mentions; where text is kept, they are at their very offsets."""
    ends = [word.span() for word in re.finditer(r"\S+", text)]
    ends = ends[:1] + ends[1:][-1:]
    found = [
        Mention(start=start, end=end, text=text[start:end], type="T", entities=("D000001",)) for start, end in ends
    ]
    back = there_and_back(tmp_path, name, [Document(id="17", text=text).having(mentions=found)])
    if name != "context":
        (document,) = back
        assert len(document.text) == len(text)
        spans = [(mention.start, mention.end) for mention in document.mentions]
        assert spans == [(mention.start, mention.end) for mention in found]


@pytest.mark.parametrize("name", ALL)
def test_titles_that_end_anywhere(name: str, tmp_path: Path) -> None:
    texts = [
        ("a", 0),
        ("a", 1),
        ("a ", 1),
        ("a ", 2),
        (" a", 0),
        (" a", 1),
        ("a b", 1),
        ("a  b", 1),
        ("ab", 1),
        ("a\nb", 1),
    ]
    made = [Document(id=f"{at}", text=text, title_end=end) for at, (text, end) in enumerate(texts)]
    there_and_back(tmp_path, name, made)
    if name.startswith(("bioc", "bigbio", "jsonl", "conll", "texoo")):
        assert held(made, name) == made


@pytest.fixture(scope="module")
def bc5cdr(corpora_folder: Path) -> list[Document]:
    return Bc5cdr(Bc5cdr.Config(path=str(corpora_folder / "bc5cdr"))).read("test")


@pytest.fixture(scope="module")
def medmentions(corpora_folder: Path) -> list[Document]:
    whole = Medmentions(Medmentions.Config(path=str(corpora_folder / "medmentions_st21pv"))).read("dev")
    assert len(whole) == 878
    return whole[:100]  # the others come back, too, but take a minute


@pytest.mark.parametrize("name", ALL)
def test_bc5cdr_comes_back(name: str, bc5cdr: list[Document], tmp_path: Path) -> None:
    assert len(there_and_back(tmp_path, name, bc5cdr)) == len(bc5cdr) == 500


@pytest.mark.parametrize("name", ALL)
def test_medmentions_comes_back(name: str, medmentions: list[Document], tmp_path: Path) -> None:
    assert len(there_and_back(tmp_path, name, medmentions)) == len(medmentions)


# Files that are not as they should be


@pytest.mark.parametrize("name", ALL)
@slow
@given(noise=st.binary(max_size=200), zipped=st.booleans())
def test_no_bytes_raise(name: str, noise: bytes, zipped: bool, tmp_path: Path) -> None:
    path = place(tmp_path, name)
    formats.of(name).write(path, secretive())
    for file in files_of(path):
        file.write_bytes(gzip.compress(noise) if zipped else noise)
    outcome(path, name)


@pytest.mark.parametrize("name", ALL)
def test_no_damage_raises(name: str, tmp_path: Path) -> None:
    """Bytes of good files are cut out, doubled, swapped and changed."""
    came = damage(name, tmp_path, tries=80, start=7)
    assert came["documents"] or name == "bigbio_parquet"


@pytest.mark.parametrize("name", ALL)
def test_a_document_twice_is_refused(name: str, tmp_path: Path) -> None:
    path = place(tmp_path, name)
    with pytest.raises(ValueError, match="document 123 is there twice"):
        formats.of(name).write(path, [*secretive(), *secretive()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_nothing_to_read(name: str, tmp_path: Path) -> None:
    path = place(tmp_path, name)
    (problem,) = formats.of(name).read(path)
    assert isinstance(problem, Problem) and "no such f" in problem.found
    if name in FOLDERS:
        path.mkdir()
    else:
        path.write_bytes(b"")
    found = list(formats.of(name).read(path))
    assert len(found) == 1 and isinstance(found[0], Problem)


# What is lost


def test_losses_are_counted_by_kind() -> None:
    mention = Mention(
        start=0, end=9, text="Hay fever", type="T", entities=("D1", "D2"), long_form="x", parts=((0, 3), (4, 9))
    )
    whole = Document(
        id="1", text="Hay fever\nfell", title_end=9, mentions=(mention, Mention(start=10, end=14, text="fell"))
    )
    assert difference(whole, whole, rebuilt=False) == {}
    bare = Document(
        id="1", text="Hay fever fell", mentions=(Mention(start=0, end=9, text="Hay fever", entities=("D1",)),)
    )
    assert difference(whole, bare, rebuilt=False) == {
        "characters": 1, "titles": 1, "types": 1, "entity ids": 1, "long forms": 1,
        "pieces of discontinuous mentions": 1, "mentions": 1,
    }  # fmt: skip
    assert difference(whole, None, rebuilt=False) == {"documents": 1, "mentions": 2}
    other = Document(id="2", text="fell", mentions=(Mention(start=0, end=4, text="fell"),))
    assert difference(whole, other, rebuilt=True) == {
        "document ids": 1, "texts (rebuilt from tokens, with other offsets)": 1, "titles": 1, "mentions": 1,
    }  # fmt: skip
