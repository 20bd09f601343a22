"""PubTator in and out: what is accepted, what the columns mean, and that a round trip loses nothing."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tripel.corpora import pubtator
from tripel.documents import Document, Mention
from tripel.problems import BadInput, Problem

HEAD = "1|t|Aspirin and naloxone.\n1|a|Fever fell.\n"


def parsed(path: Path, content: str, **options: object) -> list[Document | Problem]:
    path.write_text(content, encoding="utf-8", newline="")
    return list(pubtator.parse(path, **options))  # type: ignore[arg-type]


def entities(path: Path, cell: str, **options: object) -> tuple[str, ...]:
    (document,) = parsed(path, f"{HEAD}1\t0\t7\tAspirin\tChemical\t{cell}\n", **options)
    assert isinstance(document, Document)
    return document.mentions[0].entities


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "corpus.pubtator"


def test_title_and_abstract_are_joined_by_one_character(path: Path) -> None:
    (document,) = parsed(path, f"{HEAD}1\t22\t27\tFever\tDisease\tD005334\n")
    assert document == Document(
        id="1",
        text="Aspirin and naloxone. Fever fell.",
        title_end=21,
        mentions=(Mention(start=22, end=27, text="Fever", type="Disease", entities=("D005334",)),),
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("D001241", ("D001241",)),
        ("MESH:D001241", ("D001241",)),
        ("mesh:D001241", ("D001241",)),
        ("UMLS:C0004057", ("C0004057",)),
        ("OMIM:610102", ("OMIM:610102",)),
        ("  D001241 ", ("D001241",)),
        ("-1", ()),
        ("-", ()),
        ("D1|D2", ("D1", "D2")),
        ("D1+D2", ("D1", "D2")),
        ("D1,D2", ("D1", "D2")),
        ("MESH:D1 | OMIM:2", ("D1", "OMIM:2")),
        ("D1|-1", ("D1",)),
        ("-1|-1", ()),
        ("D1|D1", ("D1",)),
        ("D1|", ("D1",)),
    ],
)
def test_ids(cell: str, expected: tuple[str, ...], path: Path) -> None:
    assert entities(path, cell) == expected


def test_ids_that_hold_a_bar(path: Path) -> None:
    assert entities(path, "c|SUB|G|1763|A,1234", separators=",") == ("c|SUB|G|1763|A", "1234")


def test_relations_and_further_ids_are_counted(path: Path) -> None:
    skipped: Counter[str] = Counter()
    rows = (
        "1\tCID\tD1\tD2\n1\tAssociation\t12\tD2\tNovel\n1\tCID\tD1\tD3\n1\t0\t7\tAspirin\tChemical\tD1|-1\tAspirin|x\n"
    )
    (document,) = parsed(path, HEAD + rows, skipped=skipped)
    assert isinstance(document, Document)
    assert len(document.mentions) == 1
    assert skipped == {"CID relations": 2, "Association relations": 1, pubtator.ONE_OF_SEVERAL: 1}


def test_a_mention_that_lost_its_offsets_is_no_relation(path: Path) -> None:
    skipped: Counter[str] = Counter()
    found = parsed(path, f"{HEAD}1\tAspirin\tChemical\tD001241\n", skipped=skipped)
    assert [problem.found for problem in found if isinstance(problem, Problem)] == ["4 columns"]
    assert skipped == {}


def test_known_repeats_are_read_once(path: Path) -> None:
    skipped: Counter[str] = Counter()
    block = f"{HEAD}1\t0\t7\tAspirin\tChemical\tD1\n\n"
    found = parsed(path, block + block, skipped=skipped, known_repeats=["1"])
    assert [len(document.mentions) for document in found if isinstance(document, Document)] == [1]
    assert len(found) == 1
    assert skipped == {"repeated documents": 1}


def test_overlapping_mentions_are_kept_and_ordered(path: Path) -> None:
    rows = "1\t12\t20\tnaloxone\tC\tD3\n1\t0\t20\tAspirin and naloxone\tC\tD2\n1\t0\t7\tAspirin\tC\tD1\n"
    (document,) = parsed(path, HEAD + rows)
    assert isinstance(document, Document)
    assert [mention.entities for mention in document.mentions] == [("D1",), ("D2",), ("D3",)]


def test_documents_without_blank_line_between_and_without_abstract(path: Path) -> None:
    found = parsed(path, "1|t|One\n2|t|Two\n2|a|\n3|t|\n3|a|Three")
    assert [(d.id, d.text, d.title_end) for d in found if isinstance(d, Document)] == [
        ("1", "One", 3),
        ("2", "Two", 3),
        ("3", " Three", 0),
    ]


def test_line_ends_of_unicode_do_not_end_a_line(path: Path) -> None:
    (document,) = parsed(path, "1|t|A\u2028B\x0bC\rD\x85E\n1|a|F\n")
    assert isinstance(document, Document)
    assert document.text == "A\u2028B\x0bC\rD\x85E F"


def test_a_title_may_hold_bars_and_tabs(path: Path) -> None:
    (document,) = parsed(path, "1|t|A|t|B\tC\n1|a|D|a|E\n")
    assert isinstance(document, Document)
    assert document.text == "A|t|B\tC D|a|E"


def test_all_problems_are_raised_at_once(path: Path) -> None:
    path.write_text(f"{HEAD}1\t5\t1\tx\ty\tz\n\n1|t|again\n", encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        pubtator.read(path)
    assert [problem.line for problem in refused.value.problems] == [3, 5]


ids = st.text("abcD123:.", min_size=1, max_size=8).filter(lambda id: not id.upper().startswith(("MESH:", "UMLS:")))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=60)


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    """Documents as `parse` makes them."""
    made = []
    for id in draw(st.lists(ids, min_size=1, max_size=4, unique=True)):
        title, abstract = (draw(texts).translate(pubtator.LINE_ENDS) for _ in range(2))
        text = f"{title} {abstract}" if abstract else title
        cuts = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda cut: cut[0] < cut[1])
        spans = draw(st.lists(cuts, max_size=4)) if text else []
        entities = st.lists(ids, max_size=3, unique=True).map(tuple)
        mentions = [
            Mention(start=start, end=end, text=text[start:end], type=draw(ids), entities=draw(entities))
            for start, end in spans
        ]
        made.append(Document(id=id, text=text, title_end=len(title)).having(mentions=mentions))
    return made


@given(documents())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_round_trip(path: Path, made: list[Document]) -> None:
    pubtator.write(path, made)
    assert pubtator.read(path) == made


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_bytes_raise(path: Path, noise: bytes, zipped: bool) -> None:
    path.write_bytes(gzip.compress(noise) if zipped else noise)
    assert all(isinstance(found, Document | Problem) for found in pubtator.parse(path))


@given(st.lists(st.sampled_from(["1", "2", "|t|", "|a|", "\t", "\t0", "\t1", "\tx", "\n", "\n\n", "\r", "ab", "-1"])))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_broken_records_raise(path: Path, pieces: list[str]) -> None:
    for found in parsed(path, "".join(pieces)):
        if isinstance(found, Document):
            assert all(found.text[mention.start : mention.end] == mention.text for mention in found.mentions)


def test_line_breaks_are_written_as_blanks_and_offsets_stay(path: Path) -> None:
    mention = Mention(start=4, end=8, text="b\tc\n", entities=("D1",))
    pubtator.write(path, [Document(id="1", text="a\r\nab\tc\nd", mentions=(mention,))])
    (document,) = pubtator.read(path)
    assert document.text == "a  ab c d"
    assert document.mentions[0].text == "b c "


def test_a_text_without_title_keeps_its_offsets(path: Path) -> None:
    mention = Mention(start=6, end=11, text="fever")
    pubtator.write(path, [Document(id="1", text="It is fever.", mentions=(mention,))])
    assert pubtator.read(path)[0].mentions == (mention,)


def test_a_title_end_without_a_blank_loses_no_character(path: Path) -> None:
    pubtator.write(path, [Document(id="1", text="Title.Abstract.", title_end=6)])
    assert pubtator.read(path)[0].text == "Title.Abstract."


@pytest.mark.parametrize("entity", ["", "A|B", "A+B", "A,B", "A B", "A\tB", " A"])
def test_ids_that_would_not_come_back_are_refused(entity: str, path: Path) -> None:
    document = Document(id="1", text="ab", mentions=(Mention(start=0, end=1, text="a", entities=(entity,)),))
    with pytest.raises(ValueError, match=f"entity id of {len(entity)} characters cannot stand in PubTator"):
        pubtator.write(path, [document])
    assert not path.exists()
