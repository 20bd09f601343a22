"""Files as other software writes them: what is read, what is left out and counted, and what is said of their faults."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bioc import biocxml

from tripel import formats
from tripel.documents import Document, Mention
from tripel.problems import Problem

SECRET = "Zanzibarine"


def read(path: Path, name: str) -> tuple[list[Document], list[str], Counter[str]]:
    """Documents, problems without the name of the file, and what was left out."""
    assert formats.detect(path) == name
    skipped: Counter[str] = Counter()
    found = list(formats.of(name).read(path, skipped=skipped))
    problems = [str(one) for one in found if isinstance(one, Problem)]
    assert not [said for said in problems if SECRET in said]
    return (
        [one for one in found if isinstance(one, Document)],
        [said.replace(str(path), "") for said in problems],
        +skipped,
    )


def spans(document: Document) -> list[tuple[int, int, str, tuple[str, ...]]]:
    return [(mention.start, mention.end, mention.type, mention.entities) for mention in document.mentions]


# BRAT


def brat(folder: Path, text: str, marks: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "17.txt").write_bytes(text.encode())
    (folder / "17.ann").write_bytes(marks.encode())
    return folder


def test_brat_with_pieces_references_and_what_is_left_out(tmp_path: Path) -> None:
    marks = (
        "T1\tDisease 0 5;16 21\theart block\n"
        "N1\tReference T1 MESH:D006327\theart block\n"
        "N2\tReference T1 UMLS:C0018794\tblock\n"
        "T2\tDisease 6 9\tand\nR1\tIs Arg1:T1 Arg2:T2\nA1\tNegated T1\n#1\tAnnotatorNotes T1\tsure\n*\tEquiv T1 T2\nE1\tX:T1\n"
    )
    (document,), problems, skipped = read(brat(tmp_path / "x", "heart and liver\nblock", marks), "brat")
    assert problems == []
    whole, other = document.mentions
    assert (whole.text, whole.parts) == ("heart and liver\nblock", ((0, 5), (16, 21)))
    assert whole.entities == ("D006327", "C0018794")
    assert (other.start, other.end, other.parts) == (6, 9, ())
    assert skipped == {"relations": 1, "attributes": 1, "notes": 1, "equivalences": 1, "events": 1}


def test_a_line_end_of_two_characters_counts_two_in_brat(tmp_path: Path) -> None:
    (document,), problems, _ = read(brat(tmp_path / "x", "a\r\nfever", "T1\tD 3 8\tfever\n"), "brat")
    assert (document.text, spans(document), problems) == ("a\r\nfever", [(3, 8, "D", ())], [])


BRAT_FAULTS = {
    "another text": ("T1\tD 0 11\tZanzibarina", ":1: found a text that is not characters [0, 11)"),
    "bytes counted": ("T1\tD 1 12\tZanzibarine", "found a text that is not characters [1, 12)"),
    "beyond the end": ("T1\tD 0 99\tZanzibarine", "offsets [0, 99) in a text of 17 characters"),
    "turned round": ("T1\tD 11 0\tZanzibarine", "offsets [11, 0); expected start before end"),
    "pieces that overlap": ("T1\tD 0 5;3 11\tZanzi zibarine", "pieces that overlap"),
    "blanks for tabs": ("T1 D 0 11 Zanzibarine", "a line of 21 characters that is no mark"),
    "an id of nothing": ("N1\tReference T9 MESH:D1\tZanzibarine", "an id of a mention that is not there"),
    "a name twice": ("T1\tD 0 11\tZanzibarine\nT1\tD 0 11\tZanzibarine", ":2: found a T of a name that is taken"),
}


@pytest.mark.parametrize("case", BRAT_FAULTS)
def test_faults_in_brat(case: str, tmp_path: Path) -> None:
    marks, said = BRAT_FAULTS[case]
    documents, problems, _ = read(brat(tmp_path / "x", f"{SECRET} fell.", f"{marks}\nT7\tD 12 16\tfell\n"), "brat")
    assert len(problems) == 1 and said in problems[0]
    assert "/17.ann:" in problems[0]
    assert (12, 16, "D", ()) in spans(documents[0])


def test_files_without_their_other_half(tmp_path: Path) -> None:
    folder = brat(tmp_path / "x", "a", "")
    (folder / "18.txt").write_text("b")
    (folder / "19.ann").write_text("")
    documents, problems, _ = read(folder, "brat")
    assert [document.id for document in documents] == ["17"]
    assert problems == [
        "/18.txt: found a text alone; expected a file *.ann beside it, empty where nothing is marked",
        "/19.ann: found marks alone; expected their text in a file *.txt beside",
    ]


# BioC

PASSAGES = """<passage><infon key="type">title</infon><offset>0</offset><text>Hay fever.</text>
<annotation id="1"><infon key="type">Disease</infon><infon key="MESH">D006255|-1</infon>
<location offset="0" length="9"/><text>Hay fever</text></annotation></passage>
<passage><infon key="type">abstract</infon><offset>11</offset><text>It fell &amp; rose.</text>
<annotation id="2"><location offset="14" length="4"/><location offset="21" length="4"/><text>fell rose</text></annotation>
<relation id="R"><node refid="1" role=""/></relation></passage>"""


def bioc_xml(path: Path, passages: str, *, head: str = "<?xml version='1.0'?>", id: str = "<id>1</id>") -> Path:
    path.write_text(f"{head}<collection><source/><date/><key/>\n<document>{id}{passages}</document></collection>")
    return path


def test_bioc_xml_of_bc5cdr(tmp_path: Path) -> None:
    (document,), problems, skipped = read(bioc_xml(tmp_path / "x.xml", PASSAGES), "bioc_xml")
    assert (document.text, document.title_end) == ("Hay fever. It fell & rose.", 10)
    assert spans(document) == [(0, 9, "Disease", ("D006255",)), (14, 25, "", ())]
    assert document.mentions[1].parts == ((14, 18), (21, 25))
    assert (problems, skipped) == ([], {"relations": 1})


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("D010051,D010534", ("D010051", "D010534")),
        ("672;675", ("672", "675")),
        ("MESH:D010051, OMIM:126200|D1", ("D010051", "OMIM:126200", "D1")),
        ("c.68_69delAG;p.E23fs", ("c.68_69delAG;p.E23fs",)),
        ("one,D010534", ("one,D010534",)),
    ],
)
def test_ids_of_bioc_are_parted_as_others_part_them(said: str, ids: tuple[str, ...], tmp_path: Path) -> None:
    (document,), _, _ = read(bioc_xml(tmp_path / "x.xml", PASSAGES.replace("D006255|-1", said)), "bioc_xml")
    assert document.mentions[0].entities == ids


def test_sentences_of_bioc_are_joined_at_their_offsets(tmp_path: Path) -> None:
    body = "<passage><offset>0</offset>" + "".join(
        f"<sentence><offset>{start}</offset><text>{text}</text></sentence>"
        for start, text in [(0, "One."), (6, "Two.")]
    )
    (document,), _, _ = read(bioc_xml(tmp_path / "x.xml", f"{body}</passage>"), "bioc_xml")
    assert document.text == "One.  Two."


def test_entities_of_xml_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text(SECRET)
    head = f'<!DOCTYPE collection [<!ENTITY x SYSTEM "file://{tmp_path}/private.txt"><!ENTITY y "yyyyyyyyyy">]>'
    for name in ("x", "y"):
        passages = f"<passage><offset>0</offset><text>&{name};</text></passage>"
        documents, problems, _ = read(bioc_xml(tmp_path / "x.xml", passages, head=head), "bioc_xml")
        assert documents == [] and len(problems) == 1


def test_other_software_reads_our_bioc(tmp_path: Path) -> None:
    mention = Mention(start=0, end=9, text="Hay fever", type="Disease", entities=("D1", "D2"), parts=((0, 3), (4, 9)))
    path = tmp_path / "x.bioc.xml"
    formats.of("bioc_xml").write(path, [Document(id="1", text="Hay fever fell.", title_end=9, mentions=(mention,))])
    with path.open() as source:
        (document,) = biocxml.load(source).documents
    title, abstract = document.passages
    assert (title.offset, title.text, title.infons) == (0, "Hay fever", {"type": "title"})
    assert (abstract.offset, abstract.text) == (10, "fell.")
    assert title.annotations[0].infons == {"type": "Disease", "identifier": "D1|D2"}
    assert [(place.offset, place.length) for place in title.annotations[0].locations] == [(0, 3), (4, 5)]


@pytest.mark.parametrize(
    ("passages", "said"),
    [
        ("<passage><text>Zanzibarine</text></passage>", ":2: found a document without an offset"),
        ("<passage><offset>Zanzibarine</offset></passage>", ":2: found a document without an offset"),
        ("<passage><offset>99999</offset><text>Zanzibarine</text></passage>", "99999 characters before a passage"),
        ("<passage><offset>0</offset><text>Zanzibarine</text></passage>" * 2, "a passage from 0 where the one before ends"),
        (PASSAGES.replace('offset="0"', 'offset="1"'), "in document 1, mention 1: a text that is not characters [1, 10)"),
        (PASSAGES.replace('length="9"', 'length="-9"'), "offsets [0, -9)"),
        ("<passage><offset>0</offset><text>Zanzibarine</passage>", "something that is no XML"),
    ],
)  # fmt: skip
def test_faults_in_bioc_xml(passages: str, said: str, tmp_path: Path) -> None:
    _, problems, _ = read(bioc_xml(tmp_path / "x.xml", passages), "bioc_xml")
    assert len(problems) == 1 and said in problems[0]


def bioc_record(**changes: Any) -> dict[str, Any]:
    passage = {
        "offset": 0,
        "infons": {"type": "title"},
        "text": "Hay fever",
        "sentences": [],
        "annotations": [],
        "relations": [],
    }
    location = {"offset": 0, "length": 9}
    passage["annotations"] = [
        {"id": "1", "infons": {"identifier": "MESH:D1"}, "text": "Hay fever", "locations": [location]}
    ]
    return {"id": "1", "infons": {}, "passages": [passage], "annotations": [], "relations": []} | changes


def test_bioc_json_and_the_list_of_pubtator(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for key in ("documents", "PubTator3"):
        path.write_text(json.dumps({"source": "", key: [bioc_record()]}))
        (document,), problems, _ = read(path, "bioc_json")
        assert (document.text, spans(document), problems) == ("Hay fever", [(0, 9, "", ("D1",))], [])


def test_faults_in_bioc_json_have_lines_and_cost_no_other_document(tmp_path: Path) -> None:
    bad = [
        bioc_record(passages=7),
        bioc_record(id=None),
        {"id": SECRET},
        [SECRET],
        bioc_record(passages=[{"offset": "0"}]),
    ]
    lines = ",\n".join(map(json.dumps, [*bad, bioc_record(id="9")]))
    (tmp_path / "x.json").write_text(f'{{"infons": {{}}, "documents": [\n{lines}\n]}}')
    documents, problems, _ = read(tmp_path / "x.json", "bioc_json")
    assert [document.id for document in documents] == ["9"]
    assert [said.split(" ")[0] for said in problems] == [":2:", ":3:", ":4:", ":5:", ":6:"]


# BigBIO


def record(**changes: Any) -> dict[str, Any]:
    return {
        "id": "0",
        "document_id": "1",
        "passages": [
            {"id": "p", "type": "title", "text": ["Hay fever."], "offsets": [[0, 10]]},
            {"id": "q", "type": "abstract", "text": ["It fell."], "offsets": [[11, 19]]},
        ],
        "entities": [
            {
                "id": "e",
                "type": "Disease",
                "text": ["Hay", "fever"],
                "offsets": [[0, 3], [4, 9]],
                "normalized": [{"db_name": "MESH", "db_id": "D1"}, {"db_name": "OMIM", "db_id": "2"}],
            }
        ],
        "events": [],
        "coreferences": [],
        "relations": [{"id": "r"}],
    } | changes


def as_lines(path: Path, records: list[Any]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in records))


def as_list(path: Path, records: list[Any]) -> None:
    path.write_text(json.dumps(records, indent=1))


def as_parquet(path: Path, records: list[Any]) -> None:
    pq.write_table(pa.Table.from_pylist(records), path)


@pytest.mark.parametrize("write", [as_lines, as_list, as_parquet])
def test_bigbio(write: Any, tmp_path: Path) -> None:
    write(tmp_path / "x", [record(), record(document_id="2")])
    documents, problems, skipped = read(tmp_path / "x", "bigbio_parquet" if write is as_parquet else "bigbio_json")
    assert [document.id for document in documents] == ["1", "2"]
    assert (documents[0].text, documents[0].title_end) == ("Hay fever. It fell.", 10)
    assert spans(documents[0]) == [(0, 9, "Disease", ("D1", "OMIM:2"))]
    assert documents[0].mentions[0].parts == ((0, 3), (4, 9))
    assert (problems, skipped) == ([], {"relations": 2})


def test_bigbio_counts_in_code_points(tmp_path: Path) -> None:
    as_lines(tmp_path / "x", [record(passages=[{"type": "", "text": ["🫀 hurts"], "offsets": [[0, 10]]}], entities=[])])
    _, (said,), _ = read(tmp_path / "x", "bigbio_json")
    assert said.startswith(
        ":1: found a passage at [0, 10) of 7 characters; expected offsets that are its ends, in characters"
    )


# CoNLL


def conll(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    "rows",
    [
        "Hay\tB-D\nfever\tI-D\nfell\tO\n\nIt\tB-T\n",
        "Hay NN B-NP B-D\nfever NN I-NP I-D\nfell VB O O\n\nIt PP O B-T\n",
        "Hay\tB-D\nfever\tE-D\nfell\tO\n\nIt\tS-T\n",
        "Hay\tB-D\nfever\tL-D\nfell\tO\n\nIt\tU-T\n",
    ],
    ids=["two columns", "four columns", "BIOES", "BILOU"],
)
@pytest.mark.parametrize("start", ["", "-DOCSTART- -X- O O\n\n", "-DOCSTART- (17)\n\n", "-DOCSTART-\tO\n\n"])
def test_conll(rows: str, start: str, tmp_path: Path) -> None:
    (document,), problems, skipped = read(conll(tmp_path / "x.conll", start + rows), "conll")
    assert document.text == "Hay fever fell\nIt"
    assert document.id == ("17" if "17" in start else "x-1" if start else "x")
    assert spans(document) == [(0, 9, "D", ()), (15, 17, "T", ())]
    assert (problems, skipped) == ([], {"texts rebuilt from tokens, for want of offsets beside": 1})


def test_neighbours_and_labels_that_go_on_with_nothing(tmp_path: Path) -> None:
    rows = "a\tB-D|D1|D2\nb\tB-D|D1|D2\nc\tI-D\nd\tO\ne\tI-D\n\nf\tI-D\n"
    (document,), _, skipped = read(conll(tmp_path / "x.conll", rows), "conll")
    ids = ("D1", "D2")
    assert spans(document) == [(0, 1, "D", ids), (2, 3, "D", ids), (4, 5, "D", ()), (8, 9, "D", ()), (10, 11, "D", ())]
    assert skipped["labels that go on with no mention, read as its beginning"] == 3


def test_faults_in_conll(tmp_path: Path) -> None:
    rows = f"-DOCSTART- (1)\n\n{SECRET}\n{SECRET}\tX-D\n\n-DOCSTART- (2)\n\nIt\tO\n"
    documents, problems, _ = read(conll(tmp_path / "x.conll", rows), "conll")
    assert [document.id for document in documents] == ["2"]
    assert [said.partition(" that")[0] for said in problems] == [
        ":3: found a line of 11 characters", ":4: found a line of 15 characters",
    ]  # fmt: skip


def test_offsets_of_another_file_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    text = f"{SECRET} fell."
    formats.of("conll").write(path, [Document(id="1", text=text), Document(id="2", text="a")])
    path.write_text(path.read_text().replace("fell", "rose"))
    documents, (said,), _ = read(path, "conll")
    assert [document.id for document in documents] == ["2"]
    assert said.startswith(":1: found tokens that are not the text at their offsets")
    beside = path.with_name("x.conll.offsets.jsonl")
    beside.write_text(beside.read_text().splitlines()[1] + "\n")
    _, problems, _ = read(path, "conll")
    assert len(problems) == 2


# BioSyn


def test_biosyn_with_and_without_texts(tmp_path: Path) -> None:
    rows = "17||0|9||Disease||Hay fever||MESH:D1|D2\n17||10|14||Sign||fell||-1\n17||0|9||Disease||hay fever||D3+D4\n"
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "17.concept").write_text(rows)
    (tmp_path / "x" / "17.txt").write_text("Hay fever fell.")
    (document,), problems, skipped = read(tmp_path / "x", "biosyn")
    assert spans(document) == [(0, 9, "Disease", ("D1", "D2")), (0, 9, "Disease", ("D3", "D4")), (10, 14, "Sign", ())]
    assert (problems, skipped) == ([], {"mentions in other letters than their text's, which is taken": 1})
    (tmp_path / "x" / "17.txt").unlink()
    (document,), problems, skipped = read(tmp_path / "x", "biosyn")
    assert document.text == "Hay fever\nfell\nhay fever"
    assert [mention.text for mention in document.mentions] == ["Hay fever", "fell", "hay fever"]
    assert (problems, skipped) == ([], {"texts made of the mentions, for want of a text beside": 1})


def test_faults_in_biosyn(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    rows = f"18||0|11||D||{SECRET}||D1\n17||0|11||D||{SECRET}\n17||1|12||D||{SECRET}||D1\n17||12|16||D||fell||D1\n"
    (tmp_path / "x" / "17.concept").write_text(rows)
    (tmp_path / "x" / "17.txt").write_text(f"{SECRET} fell.")
    (document,), problems, _ = read(tmp_path / "x", "biosyn")
    assert spans(document) == [(12, 16, "D", ("D1",))]
    assert [said.partition(" found ")[0] for said in problems] == ["/17.concept:1:", "/17.concept:2:", "/17.concept:3:"]


# TeXoo


def annotation(**changes: Any) -> dict[str, Any]:
    return {"begin": 0, "length": 9, "text": "Hay fever", "source": "GOLD", "confidence": 1.0, "refId": "C1"} | changes


def texoo(path: Path, **changes: Any) -> Path:
    document = {"begin": 0, "length": 15, "text": "Hay fever fell.", "id": "1", "title": None, "type": None} | changes
    path.write_text(json.dumps({"name": "x", "language": "en", "documents": [document], "queries": [{}]}, indent=2))
    return path


def test_texoo_takes_what_people_said_and_stands_by(tmp_path: Path) -> None:
    said = [
        annotation(),
        annotation(source="PRED"),
        annotation(source="USER", type="DELETED"),
        annotation(refId=None, source="USER"),
    ]
    (document,), problems, skipped = read(texoo(tmp_path / "x.json", annotations=said, title="Hay fever"), "texoo")
    assert spans(document) == [(0, 9, "", ("C1",)), (0, 9, "", ())]
    assert document.title_end == 9
    assert problems == []
    assert skipped == {"predicted annotations": 1, "deleted annotations": 1, "lists beside documents": 1}
    (document,), _, skipped = read(texoo(tmp_path / "x.json", annotations=[], title="Pollen"), "texoo")
    assert (document.title_end, skipped["titles that their text does not begin with"]) == (0, 1)


def test_faults_in_texoo(tmp_path: Path) -> None:
    said = [annotation(begin="0"), annotation(length=99), annotation(text=SECRET), 7, annotation()]
    (document,), problems, _ = read(texoo(tmp_path / "x.json", annotations=said), "texoo")
    assert len(document.mentions) == 1
    assert [problem.partition(" found in document 1, ")[2].partition(";")[0] for problem in problems] == [
        "mention 1: a string for begin",
        "mention 2: offsets [0, 99) in a text of 15 characters",
        "mention 3: a text that is not characters [0, 9)",
        "mention 4: a whole number for an object",
    ]
    assert all(problem.startswith(":5: ") for problem in problems)


# JSON Lines


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "1", "text": "Zanzibarine"', "a line of 33 characters that is no JSON value"),
        ('["text", "Zanzibarine"]', "a list for an object"),
        ('{"text": "Zanzibarine"}', "no id; expected id: a string"),
        ('{"id": 1, "text": "Zanzibarine"}', "a whole number for id"),
        ('{"id": "1", "text": "Zanzibarine\\ud800"}', "half a character"),
        ('{"id": "1", "text": "Zanzibarine", "title_end": 12}', "a title that ends outside the text"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": {}}', "an object for mentions"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0}]}', "mention 1: no end"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": true}]}', "a value of another kind for end"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": 1e9}]}', "a value of another kind for end"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": -1, "end": 4}]}', "offsets [-1, 4)"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": 4, "text": "Zanj"}]}', "a text that is not"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": 4, "parts": [[0, 2], [3, 5]]}]}', "parts from 0"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": 4, "parts": [0, 4]}]}', "parts that are no pairs"),
        ('{"id": "1", "text": "Zanzibarine", "mentions": [{"start": 0, "end": 4, "entities": [1]}]}', "entities that are"),
        ('{"id": "9", "text": "Zanzibarine"}', "again; expected each id once"),
        ("[" * 100_000, "a line of 100000 characters that is no JSON value"),
    ],
)  # fmt: skip
def test_faults_in_json_lines(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(f'{{"id": "9", "text": ""}}\n{line}\n')
    documents, problems, _ = read(tmp_path / "x.jsonl", "jsonl")
    assert documents[0].id == "9"
    assert len(problems) == 1 and said in problems[0]
    assert problems[0].startswith(":2: ") or "again" in said
