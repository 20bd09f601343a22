"""Knowledge bases from files: UMLS, MeSH, MEDIC, dictionaries. Small invented files, and the real ones where they are."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import lessons
import pytest
from typer.testing import CliRunner

from tripel.cli import main as cli
from tripel.data.fetching import SOURCES
from tripel.knowledge import Entity, KnowledgeBase
from tripel.problems import BadInput, Problem
from tripel.terminologies import dictionary
from tripel.terminologies.ctd import Ctd
from tripel.terminologies.dictionary import Dictionary
from tripel.terminologies.mentions import Mentions, entities_of
from tripel.terminologies.mesh import Mesh
from tripel.terminologies.sample import Sample
from tripel.terminologies.umls import Umls


def concept(cui: str, name: str, **columns: str) -> str:
    """One row of MRCONSO."""
    values = {"LAT": "ENG", "TS": "P", "STT": "PF", "ISPREF": "Y", "SAB": "MSH", "SUPPRESS": "N", **columns}
    cells = [
        cui, values["LAT"], values["TS"], "L1", values["STT"], "S1", values["ISPREF"], "A1", "", "", "", values["SAB"],
        "PT", "code", name, "0", values["SUPPRESS"], "256",
    ]  # fmt: skip
    return "|".join(cells) + "|\n"


def sty(cui: str, tui: str, tree: str, name: str) -> str:
    return f"{cui}|{tui}|{tree}|{name}|AT1|256|\n"


CONSO = (
    concept("C0001", "Fièvre", LAT="FRE")
    + concept("C0001", "Fever", TS="S", ISPREF="N", SAB="NCI")
    + concept("C0001", "Pyrexia")
    + concept("C0001", "Fiebre", LAT="SPA")
    + concept("C0001", 'the "hot" state', TS="S")
    + concept("C0001", "FEVER", TS="S", SAB="LNC")
    + concept("C0001", "Retired fever", SUPPRESS="O")
    + concept("C0002", "Aspirin", SAB="RXNORM")
    + concept("C0003", "Nur deutsch", LAT="GER")
    + concept("C0004", "Kinase", SAB="LNC")
)
STY = (
    sty("C0001", "T184", "A2.2.2", "Sign or Symptom")
    + sty("C0002", "T109", "A1.4.1.2.1", "Organic Chemical")
    + sty("C0002", "T121", "A1.4.1.1.1", "Pharmacologic Substance")
    + sty("C0004", "T116", "A1.4.1.2.1.7", "Protein")
)
DEF = "C0001|A1|AT1||MSH|Body heat above what is usual.|N||\n"
CUI = "C9001|2016AA|SY|||C0001|Y|\nC9002|2016AA|RB|||C0002|Y|\nC9003|2016AA|DEL||||Y|\n"


@pytest.fixture
def umls(tmp_path: Path) -> Path:
    for name, content in {"MRCONSO": CONSO, "MRSTY": STY, "MRDEF": DEF, "MRCUI": CUI}.items():
        (tmp_path / f"{name}.RRF").write_text(content, encoding="utf-8")
    return tmp_path


def entities(folder: Path, **settings: object) -> dict[str, Entity]:
    return {one.id: one for one in Umls(Umls.Config(path=str(folder), **settings)).entities()}  # type: ignore[arg-type]


def test_umls_concepts(umls: Path) -> None:
    found = entities(umls)
    assert list(found) == ["C0001", "C0002", "C0004"]
    fever = found["C0001"]
    assert fever.name == "Pyrexia"
    assert fever.synonyms == ("Fever", 'the "hot" state')  # suppressed, French and Spanish rows between them left out
    assert fever.types == ("Sign or Symptom", "T184")
    assert fever.definition == "Body heat above what is usual."
    assert fever.alternatives == ("C9001",)
    assert found["C0002"].types == ("Organic Chemical", "Pharmacologic Substance", "T109", "T121")
    assert found["C0002"].alternatives == ()  # a narrower concept is not the same one


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        ({"languages": ("ENG", "GER")}, ["C0001", "C0002", "C0003", "C0004"]),
        ({"languages": ("FRE",)}, ["C0001"]),
        ({"sources": ("RXNORM",)}, ["C0002"]),
        ({"types": ("T184",)}, ["C0001"]),
        ({"types": ("Pharmacologic Substance",)}, ["C0002"]),
        ({"subset": "st21pv"}, ["C0001", "C0002"]),  # LNC is none of its vocabularies
    ],
)
def test_umls_filters(umls: Path, settings: dict[str, object], ids: list[str]) -> None:
    assert list(entities(umls, **settings)) == ids


def test_what_is_read_of_umls_can_be_asked_for_by_name_and_by_tui(umls: Path) -> None:
    kb = KnowledgeBase.of(Umls(Umls.Config(path=str(umls))).entities())
    for type in ("T121", "Pharmacologic Substance"):
        assert kb.allowed(types=[type]).tolist() == [False, True, False]


def test_umls_gzipped(umls: Path) -> None:
    plain = entities(umls)
    for path in list(umls.glob("*.RRF")):
        path.with_suffix(".RRF.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert entities(umls) == plain


BAD_RRF: dict[str, tuple[str, str, int, str]] = {
    "a cut row": ("MRCONSO", CONSO + "C0005|ENG|P|L1|PF", 11, "found 4 columns"),
    "too many columns": ("MRCONSO", CONSO + concept("C0005", "a|b"), 11, "found 19 columns"),
    "an empty row": ("MRCONSO", concept("C0001", "Fever") + "\n" + concept("C0002", "Aspirin"), 2, "found 0 columns"),
    "out of order": ("MRCONSO", concept("C0002", "Aspirin") + concept("C0001", "Fever"), 2, "found C0001 after C0002"),
    "not UTF-8": ("MRCONSO", concept("C0001", "Fi\udce8vre"), 1, "not UTF-8"),
    "a type row that is cut": ("MRSTY", "C0001|T184\n", 1, "found 1 columns"),
    "types out of order": ("MRSTY", STY + sty("C0001", "T033", "A2.2", "Finding"), 5, "found C0001 after C0004"),
    "a definition that is cut": ("MRDEF", "C0001|A1|AT1|", 1, "found 3 columns"),
    "a definition over two lines": ("MRDEF", DEF[:40] + "\n" + DEF[40:], 1, "is the line cut?"),
    "a retired id that is cut": ("MRCUI", "C9001|2016AA|SY\n", 1, "found 2 columns"),
    "an empty CUI": ("MRCONSO", concept("", "Fever"), 1, "a first column that is no id"),
    "prose for a CUI": ("MRCONSO", concept("The patient", "Fever"), 1, "a first column that is no id"),
    "an empty table": ("MRCONSO", "", 0, "found an empty file"),
    "an empty table of types": ("MRSTY", "", 0, "found an empty file"),
}


@pytest.mark.parametrize("case", BAD_RRF)
def test_bad_rrf_is_named_with_its_line(umls: Path, case: str) -> None:
    table, content, line, said = BAD_RRF[case]
    path = umls / f"{table}.RRF"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    place = f"{path}:{line}" if line else str(path)
    with pytest.raises(BadInput, match=re.escape(f"{place}: found ")) as refused:
        list(Umls(Umls.Config(path=str(umls))).entities())
    assert said in str(refused.value)
    assert "patient" not in str(refused.value)
    result = CliRunner().invoke(cli.app, ["data", "check", str(path)])
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_missing_table_is_named(umls: Path) -> None:
    (umls / "MRSTY.RRF").unlink()
    with pytest.raises(BadInput, match=r"MRSTY\.RRF: found no such file"):
        entities(umls)


def test_retired_ids_need_no_order(umls: Path) -> None:
    (umls / "MRCUI.RRF").write_text("".join(reversed(CUI.splitlines(keepends=True))))
    assert entities(umls)["C0001"].alternatives == ("C9001",)
    result = CliRunner().invoke(cli.app, ["data", "check", str(umls / "MRCUI.RRF")])
    assert result.output == "0 problems in 0 of 1 files\n"


DESCRIPTOR = """<?xml version="1.0"?>
<DescriptorRecordSet><DescriptorRecord><DescriptorUI>D005334</DescriptorUI>
<DescriptorName><String>Fever</String></DescriptorName>
<TreeNumberList><TreeNumber>C23.888.119.344</TreeNumber></TreeNumberList>
<ConceptList><Concept PreferredConceptYN="Y"><ScopeNote>Heat.</ScopeNote><TermList>
<Term><String>Fever</String></Term><Term><String>Pyrexia</String></Term></TermList></Concept></ConceptList>
</DescriptorRecord></DescriptorRecordSet>"""
ZIPPED = gzip.compress(DESCRIPTOR.encode())


def test_mesh_xml_and_table_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "desc.xml").write_text(DESCRIPTOR)
    (tmp_path / "mesh.tsv").write_text("id\tpreferred_name\tsynonyms\ttree_numbers\nD005334\tFever\tPyrexia\tC23.888\n")
    xml, table = (
        next(Mesh(Mesh.Config(path=str(tmp_path / name), retired="none")).entities())
        for name in ("desc.xml", "mesh.tsv")
    )
    assert (xml.id, xml.name, xml.synonyms, xml.types) == ("D005334", "Fever", ("Pyrexia",), ("C23",))
    assert (table.id, table.name, table.synonyms, table.types) == (xml.id, xml.name, xml.synonyms, xml.types)
    assert xml.definition == "Heat."


def test_retired_mesh_ids_are_alternatives(tmp_path: Path) -> None:
    (tmp_path / "mesh.tsv").write_text("id\tpreferred_name\nD1\tEdaravone\n")
    (tmp_path / "retired.tsv").write_text("retired_id\tmesh2024_id\nC005435\tD1\n")
    settings = Mesh.Config(path=str(tmp_path / "mesh.tsv"), retired=str(tmp_path / "retired.tsv"))
    kb = KnowledgeBase.of(Mesh(settings).entities())
    assert kb.row("C005435") == kb.row("D1") == 0


SUPPLEMENT = """<?xml version="1.0"?>
<SupplementalRecordSet><SupplementalRecord><SupplementalRecordUI>C538288</SupplementalRecordUI>
<SupplementalRecordName><String>10p Deletion Syndrome</String></SupplementalRecordName><Note>Rare.</Note>
<ConceptList><Concept><TermList><Term><String>Partial monosomy 10p</String></Term><Term><String> </String></Term></TermList>
</Concept></ConceptList></SupplementalRecord></SupplementalRecordSet>"""
TABLE = gzip.compress(b"id\tpreferred_name\nD1\tEdaravone\n")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("TRIPEL_DATA", str(tmp_path))
    for name in ("mesh", "ctd", "umls", "kb"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_mesh_is_read_as_it_was_fetched(data: Path) -> None:
    (data / "kb" / "mesh.tsv.gz").write_bytes(TABLE)
    for remote, content in zip(SOURCES["mesh"].files, (DESCRIPTOR, SUPPLEMENT), strict=True):
        (data / "mesh" / remote.name).write_text(content)
    found = list(Mesh(Mesh.Config()).entities())
    assert [(one.id, one.names) for one in found] == [
        ("D005334", ("Fever", "Pyrexia")),
        ("C538288", ("10p Deletion Syndrome", "Partial monosomy 10p")),
    ]
    assert [one.definition for one in found] == ["Heat.", "Rare."]


def test_the_newest_whole_year_of_mesh_is_read(data: Path) -> None:
    for year, term in (("2023", "Fever"), ("2024", "Fever of 2024")):
        for part, content in (("desc", DESCRIPTOR), ("supp", SUPPLEMENT)):
            text = content.replace("Fever", term).encode()
            (data / "mesh" / f"{part}{year}.gz").write_bytes(
                gzip.compress(text)
            )  # the publisher's name for XML gzipped
    assert next(Mesh(Mesh.Config()).entities()).name == "Fever of 2024"
    (data / "mesh" / "supp2024.gz").rename(data / "mesh" / "supp2024.gz.part")
    assert next(Mesh(Mesh.Config()).entities()).name == "Fever"
    (data / "mesh" / "supp2023.gz").unlink()
    with pytest.raises(BadInput, match=r"mesh: found desc2023.gz, desc2024.gz alone; .*`tripel data fetch mesh`"):
        Mesh(Mesh.Config())


def test_tables_are_read_where_nothing_was_fetched(data: Path) -> None:
    for name in ("mesh", "medic_2012"):
        (data / "kb" / f"{name}.tsv.gz").write_bytes(TABLE)
    for terminology in (Mesh(Mesh.Config()), Ctd(Ctd.Config())):
        assert [one.name for one in terminology.entities()] == ["Edaravone"]


def test_ctd_is_read_as_it_was_fetched(data: Path) -> None:
    (data / "kb" / "medic_2012.tsv.gz").write_bytes(TABLE)
    (remote,) = SOURCES["ctd"].files
    (data / "ctd" / remote.name).write_bytes(gzip.compress(b"# Report\nFever\tMESH:D005334" + b"\t" * 7))
    assert [one.name for one in Ctd(Ctd.Config()).entities()] == ["Fever"]


def test_umls_is_read_as_it_was_copied(data: Path, umls: Path) -> None:
    for path in umls.glob("*.RRF"):
        (data / "umls" / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert [one.id for one in Umls(Umls.Config()).entities()] == ["C0001", "C0002", "C0004"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Mesh, "mesh.tsv; expected one, plain or .gz; run `tripel data fetch mesh`, or say where it is with path="),
        (Ctd, "medic_2012.tsv; expected one, plain or .gz; run `tripel data fetch ctd`, or say where it is with path="),
        (
            Umls,
            "MRCONSO.RRF; expected one, plain or .gz; run `tripel data fetch umls`, or give path=.../META of your own",
        ),
    ],
)
def test_a_terminology_that_is_not_there_is_one_sentence(data: Path, kind: type[Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        kind(kind.Config())
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{data}: found no ")


def test_ctd_as_published(tmp_path: Path) -> None:
    (tmp_path / "CTD_diseases.tsv").write_text(
        "# Report\n# Fields:\nFever\tMESH:D005334\tMESH:D1|OMIM:2\tHeat.\t\tC23.888/D005334\t\tPyrexia|Fever\t\n"
    )
    found = next(Ctd(Ctd.Config(path=str(tmp_path / "CTD_diseases.tsv"))).entities())
    assert (found.id, found.name, found.synonyms) == ("D005334", "Fever", ("Pyrexia",))
    assert found.alternatives == ("D1", "OMIM:2")


def test_an_edition_of_ctd_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "CTD_diseases.tsv"
    head = "# Report\n# Fields:\n# DiseaseName\tDiseaseID\tDefinition\tSynonyms\n#\n"
    path.write_text(f"{head}Fever\tMESH:D005334\tHeat.\tPyrexia\nCough\tMESH:D003371\nRash\tMESH:\t\t\n")
    found = list(Ctd(Ctd.Config(path=str(path))).parse())
    assert [(one.id, one.names, one.definition) for one in found if isinstance(one, Entity)] == [
        ("D005334", ("Fever", "Pyrexia"), "Heat.")
    ]
    assert [(one.line, one.found) for one in found if isinstance(one, Problem)] == [
        (6, "2 columns"),
        (7, "a DiseaseID that is a prefix alone"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("C1||fever", [("C1", ("fever",), ())]),
        ("C1|C2||fever", [("C1", ("fever",), ()), ("C2", ("fever",), ())]),
        ("C1,C2||fever", [("C1", ("fever",), ()), ("C2", ("fever",), ())]),
        ("C1||T184 [SEP] fever [SEP] pyrexia", [("C1", ("fever", "pyrexia"), ("T184",))]),
        ("C1||Finding|fever|pyrexia", [("C1", ("fever", "pyrexia"), ("Finding",))]),
    ],
)
def test_dictionary_forms(tmp_path: Path, line: str, said: list[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    (tmp_path / "d.txt").write_text(line + "\n")
    found = Dictionary(Dictionary.Config(path=str(tmp_path / "d.txt"))).entities()
    assert [(one.id, one.names, one.types) for one in found] == said


BAD_DICTIONARY: dict[str, tuple[bytes, int, str]] = {
    "no bars": (b"C1||fever\nThe patient coughs\n", 2, "a line of 18 characters without ||"),
    "no tab": (b"1\tfever\nThe patient coughs\n", 2, "a line of 18 characters without a tab"),
    "a type alone": (b"C1||fever\nC2||patient [SEP] \n", 2, "an empty id or name"),
    "a type and a bar": (b"C1||fever\nC3||patient|\n", 2, "an empty id or name"),
    "a comma for an id": (b"C1||fever\n,||cough\n", 2, "an empty id or name"),
    "two names by bars": (b"C1||fever\nC2||cough||tussis\n", 2, "3 columns"),
    "two names by tabs": (b"1\tfever\n2\tcough\ttussis\n", 2, "3 columns"),
    "no id": (b"C1||fever\n||cough\n", 2, "an empty id or name"),
    "no name": (b"C1||fever\nC2||\n", 2, "an empty id or name"),
    "not UTF-8": (b"C1||fever\nC2||fi\xe8vre\n", 2, "not UTF-8"),
    "nothing": (b"\n\n", 0, "found"),
    "a header without names": (b"id\tlabel\nC1\tfever\n", 1, "without preferred_name"),
    "a table cut after the name": (b"id\tpreferred_name\tsynonyms\nC1\tpatient\n", 2, "is cut before synonyms"),
    "a table cut short": (b"id\tpreferred_name\nC1\n", 2, "found 1 columns"),
    "a table with a tab too many": (b"id\tpreferred_name\nC1\tfever\thot\n", 2, "found 3 columns"),
    "a table with an empty name": (b"id\tpreferred_name\nC1\t \n", 2, "an empty preferred_name"),
    "a table with a header alone": (b"id\tpreferred_name\n", 0, "no rows"),
}


@pytest.mark.parametrize("case", BAD_DICTIONARY)
def test_bad_dictionaries_are_named_with_their_line(tmp_path: Path, case: str) -> None:
    content, line, said = BAD_DICTIONARY[case]
    path = tmp_path / "dictionary.txt"
    path.write_bytes(content)
    problems = [found for found in dictionary.parse(path) if isinstance(found, Problem)]
    assert [problem.line for problem in problems] == [line]
    assert said in str(problems[0])
    assert "expected" in str(problems[0])
    result = CliRunner().invoke(cli.app, ["data", "check", str(path)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "patient" not in result.output


BAD_XML: dict[str, tuple[bytes, int, str]] = {
    "cut": (DESCRIPTOR[:200].encode(), 4, "XML that breaks off (unclosed token)"),
    "cut between tags": (DESCRIPTOR[:-22].encode(), 7, "XML that breaks off (no element found)"),
    "not XML": (b"id\tname", 1, "XML that breaks off (syntax error)"),
    "an open tag": (DESCRIPTOR.replace("</String>", "<String>", 1).encode(), 3, "XML that breaks off (mismatched tag)"),
    "an unknown entity": (DESCRIPTOR.replace("Heat.", "&patient;").encode(), 5, "(undefined entity)"),
    "no name": (DESCRIPTOR.replace("<String>Fever</String>", "", 1).encode(), 2, "a record without id or name"),
    "a blank name": (DESCRIPTOR.replace(">Fever<", "> <", 1).encode(), 2, "a record without id or name"),
    "no id": (DESCRIPTOR.replace("D005334", "").encode(), 2, "a record without id or name"),
    "another file": (b"<html><p>patient</p></html>", 0, "XML without records of MeSH"),
    "not UTF-8": (DESCRIPTOR.encode().replace(b"Heat", b"H\xe9at"), 5, "not UTF-8"),
    "damaged gzip": (ZIPPED[:60] + b"\xff\xff\xff\xff" + ZIPPED[64:], 1, "a damaged or incomplete gzip stream"),
    "gzip cut short": (ZIPPED[:-20], 6, "a damaged or incomplete gzip stream"),
    "gzip with a wrong checksum": (ZIPPED[:-8] + bytes(8), 7, "a damaged or incomplete gzip stream"),
    "zip": (b"PK\x03\x04patient", 0, "a zip archive"),
}


@pytest.mark.parametrize("name", ["desc2024.xml", "desc2024.xml.gz"])
@pytest.mark.parametrize("case", BAD_XML)
def test_bad_xml_is_named_with_its_line(tmp_path: Path, case: str, name: str) -> None:
    content, line, said = BAD_XML[case]
    path = tmp_path / name
    path.write_bytes(content)
    problems = [one for one in Mesh(Mesh.Config(path=str(path), retired="none")).parse() if isinstance(one, Problem)]
    assert [(problem.line, said in problem.found) for problem in problems] == [(line, True)], problems
    result = CliRunner().invoke(cli.app, ["data", "check", str(path)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "patient" not in result.output


def test_xml_that_is_not_gzipped_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "desc2024.xml.gz").write_text(DESCRIPTOR)
    assert next(Mesh(Mesh.Config(path=str(tmp_path / "desc2024.xml.gz"), retired="none")).entities()).id == "D005334"


def test_a_dictionary_from_mentions() -> None:
    found = {one.id: one for one in entities_of(lessons.DOCUMENTS)}
    assert found["D1"].names == ("fever", "hot", "pyrexia")
    assert found["D4"].names == ("aspirin",)  # a composite mention names it where nothing else does
    assert "-1" not in found


def test_mentions_by_name_of_a_corpus() -> None:
    made = Mentions(Mentions.Config(corpus={"name": "sample"}))
    assert sum(1 for _ in made.entities()) > 300
    with pytest.raises(ValueError, match="did you mean sample"):
        Mentions(Mentions.Config(corpus={"name": "sampel"}))


def test_the_sample_dictionary_has_every_gold_id() -> None:
    from tripel.corpora import sample

    kb = KnowledgeBase.of(Sample(Sample.Config()).entities())
    corpus = sample.Sample(sample.Sample.Config())
    for split in ("train", "dev", "test"):
        for document in corpus.read(split):
            for mention in document.mentions:
                assert len(kb.rows(mention.entities)) == len(mention.entities), (document.id, mention.entities)
    assert len(kb) >= 600


def test_real_mesh_and_medic(corpora_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPEL_DATA", str(corpora_folder))
    medic = list(Ctd(Ctd.Config()).entities())
    assert len(medic) == 11_914
    mesh = Mesh(Mesh.Config())
    hypertension = next(one for one in mesh.entities() if one.id == "D006973")
    assert "High Blood Pressure" in hypertension.synonyms


def test_vocabularies_with_their_restriction_level(umls: Path) -> None:
    cells = ["x"] * 25
    cells[3], cells[4], cells[13] = "MSH", "Medical Subject Headings", "0"
    (umls / "MRSAB.RRF").write_text("|".join(cells) + "|\n")
    source = Umls(Umls.Config(path=str(umls)))
    assert list(source.sources_of()) == [("MSH", "Medical Subject Headings", "0")]
    assert source.restrictions() == {"MSH": 0}
    cells[13] = "\N{SUPERSCRIPT TWO}"
    (umls / "MRSAB.RRF").write_text("|".join(cells) + "|\n", encoding="utf-8")
    assert source.restrictions() == {}
    (umls / "MRSAB.RRF").write_text("|".join(cells) + "|\ncut|short\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"MRSAB\.RRF:2: found 1 columns"):
        list(source.sources_of())
