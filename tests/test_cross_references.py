"""Ids of other vocabularies: read from terminologies, kept through versions, counted, and asked for."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_terminologies import concept, sty

from tripel.kb import knowing, library
from tripel.kb.releases import difference
from tripel.kb.vocabularies import chosen, coverage, ids_in, reference, vocabulary_of
from tripel.knowledge import REFERENCES, SCHEMA, Entity, KnowledgeBase
from tripel.problems import BadInput
from tripel.terminologies.ctd import Ctd
from tripel.terminologies.dictionary import Dictionary
from tripel.terminologies.mesh import Mesh
from tripel.terminologies.umls import Umls

FEVER = Entity(id="D005334", name="Fever", cross_references=("SNOMEDCT:386661006", "HP:0001945"))
DISEASES = KnowledgeBase.of(
    [
        FEVER,
        Entity(id="D000001", name="Cancer", alternatives=("OMIM:114480", "DO:DOID:1612", "D999999")),
        Entity(id="OMIM:600000", name="Rare", alternatives=("C565588",), cross_references=("OMIM:9",)),
        Entity(id="X1", name="Mine"),
    ]
)


@pytest.mark.parametrize(
    ("id", "expected", "vocabulary"),
    [
        ("OMIM:114500", "OMIM:114500", "OMIM"),
        ("mim: 114500", "OMIM:114500", "OMIM"),
        ("HPO:HP:0001250", "HP:0001250", "HP"),
        ("DO:DOID:1612", "DOID:1612", "DOID"),
        ("MSH:D003920", "MESH:D003920", "MESH"),
        ("D003920", "MESH:D003920", "MESH"),
        ("C0006142", "UMLS:C0006142", "UMLS"),
        ("C565588", "MESH:C565588", "MESH"),
        ("NCBITaxon:9606", "NCBITaxon:9606", "NCBITaxon"),
        ("OMIM:PS123", "OMIM:PS123", "OMIM"),
        ("a:b:c", "a:b:c", "a"),
        ("114500", "", ""),
        ("OMIM:", "", ""),
        ("", "", ""),
    ],
)
def test_an_id_tells_its_vocabulary(id: str, expected: str, vocabulary: str) -> None:
    assert (reference(id), vocabulary_of(id)) == (expected, vocabulary)
    assert reference(expected) == expected


def test_a_bare_id_gets_the_vocabulary_that_is_said() -> None:
    assert reference("254837009", vocabulary="SNOMEDCT_US") == "SNOMEDCT:254837009"
    assert reference("HP:0001250", vocabulary="HPO") == "HP:0001250"
    assert reference("GO:0005575", vocabulary="GO") == "GO:0005575"
    assert reference("10:20", vocabulary="LNC") == "LNC:10:20"
    assert reference(" ", vocabulary="LNC") == ""


def test_what_a_vocabulary_calls_an_entity() -> None:
    fever, cancer, rare, mine = (DISEASES[DISEASES.row(id) or 0] for id in ("D005334", "D000001", "OMIM:600000", "X1"))
    assert ids_in("SNOMEDCT", fever) == ("SNOMEDCT:386661006",)
    assert ids_in("DOID", cancer) == ("DOID:1612",)
    assert ids_in("OMIM", rare) == ("OMIM:600000",)  # its own id, not another one of the vocabulary
    assert ids_in("MESH", cancer) == ("D000001",)  # and no retired one
    assert ids_in("MESH", rare) == ("C565588",)
    assert ids_in("OMIM", mine) == ids_in("MESH", mine) == ()


def test_vocabularies_are_counted_by_entities() -> None:
    assert coverage(DISEASES) == {"MESH": 3, "OMIM": 2, "DOID": 1, "HP": 1, "SNOMEDCT": 1}
    assert coverage(KnowledgeBase.of([])) == {}


IDS = st.sampled_from(["OMIM:1", "OMIM:2", "DO:DOID:1", "HP:1", "D000001", "C000002", "C0000003", "X1", "MESH:D000009"])


@given(st.lists(st.builds(Entity, id=IDS, name=st.just("x"), alternatives=st.lists(IDS, max_size=3).map(tuple),
                          cross_references=st.lists(IDS.map(reference).filter(bool), max_size=3).map(tuple)),
                max_size=5))  # fmt: skip
def test_coverage_is_that_of_the_loops(entities: list[Entity]) -> None:
    kb = KnowledgeBase.of(entities)
    names = {vocabulary_of(id) for one in kb for id in (one.id, *one.alternatives, *one.cross_references)} - {""}
    expected = {name: sum(bool(ids_in(name, one)) for one in kb) for name in names}
    assert coverage(kb) == expected


def test_a_vocabulary_is_asked_for_in_any_letters() -> None:
    assert [chosen(said, DISEASES) for said in ("omim", "MSH", "mesh", "SNOMED", "snomedct_us", "HPO", "doid")] == [
        "OMIM", "MESH", "MESH", "SNOMEDCT", "SNOMEDCT", "HP", "DOID",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no entity has an id of ICD11; there is MESH 3, OMIM 2, DOID 1, HP 1, SNOME"):
        chosen("ICD11", DISEASES)
    with pytest.raises(ValueError, match="no entity has an id of OMIM; there is none"):
        chosen("OMIM", KnowledgeBase.of([Entity(id="X1", name="x")]))


# Files


def before(kb: KnowledgeBase, path: Path) -> None:
    """As a version that knew no cross references wrote it."""
    old = kb.table.drop_columns([REFERENCES])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, old.schema) as writer:
        writer.write_table(old)


def test_a_file_of_before_opens(tmp_path: Path) -> None:
    kb = KnowledgeBase.of([replace(one, cross_references=()) for one in DISEASES])
    before(kb, tmp_path / "kb.arrow")
    again = KnowledgeBase.open(tmp_path / "kb.arrow")
    assert list(again) == list(kb) and again.fingerprint == kb.fingerprint
    again.save(tmp_path / "saved.arrow")
    assert list(KnowledgeBase.open(tmp_path / "saved.arrow")) == list(kb)
    with pa.OSFile(str(tmp_path / "kb.arrow"), "wb") as sink, pa.ipc.new_file(sink, pa.schema({"id": "string"})) as out:
        out.write_table(pa.table({"id": pa.array(["D1"])}))
    with pytest.raises(ValueError, match="another version of tripel; build it again"):
        KnowledgeBase.open(tmp_path / "kb.arrow")


def test_fingerprints_without_references_are_what_they_were() -> None:
    one = Entity(id="D1", name="a", synonyms=("b",), types=("T1",))
    record = {"id": "D1", "names": ["a", "b"], "types": ["T1"], "definition": "", "alternatives": [], "sources": []}
    digest = hashlib.sha256(b"{}" + json.dumps(record, ensure_ascii=False, sort_keys=True).encode())
    assert KnowledgeBase.of([one]).fingerprint == digest.hexdigest()
    assert KnowledgeBase.of([replace(one, cross_references=("OMIM:1",))]).fingerprint != digest.hexdigest()
    assert SCHEMA.names[-1] == REFERENCES


def test_entities_that_are_put_together_keep_all(tmp_path: Path) -> None:
    other = Entity(id="D005334", name="Pyrexia", cross_references=("HP:0001945", "OMIM:1"))
    kb = KnowledgeBase.of([FEVER, other])
    assert kb[0].cross_references == ("SNOMEDCT:386661006", "HP:0001945", "OMIM:1")
    kb.save(tmp_path / "kb.arrow")
    assert list(KnowledgeBase.open(tmp_path / "kb.arrow")) == list(kb)


def test_versions_keep_them_and_tell_what_changed(tmp_path: Path) -> None:
    library.add(tmp_path, KnowledgeBase.of([FEVER]), made_from="old")
    knowing.put(tmp_path, "D005334", ["Hot"], types=[], definition="", add=True)
    assert library.opened(tmp_path)[0].cross_references == FEVER.cross_references
    more = KnowledgeBase.of([replace(FEVER, cross_references=("OMIM:1",))])
    assert difference(KnowledgeBase.of([FEVER]), more).changed == ("D005334",)
    more.save(tmp_path / "new.arrow")
    said = knowing.update(tmp_path, str(tmp_path / "new.arrow"), {})
    assert "as they were by hand: D005334" in said
    assert library.opened(tmp_path)[0].cross_references == FEVER.cross_references


def test_stats_count_them(tmp_path: Path) -> None:
    DISEASES.save(tmp_path / "kb.arrow")
    said = knowing.stats(str(tmp_path / "kb.arrow"), tmp_path / "stats").splitlines()
    assert "concepts with an id of: MESH 3, OMIM 2, DOID 1, HP 1, SNOMEDCT 1" in said


def test_a_table_is_exported_and_read_back(tmp_path: Path) -> None:
    kb = KnowledgeBase.of([*DISEASES, Entity(id="X2", name="a|b", synonyms=("plain",), types=("T1", "T2"))])
    kb.save(tmp_path / "kb.arrow")
    said = knowing.export(str(tmp_path / "kb.arrow"), tmp_path / "names.tsv")
    assert "5 names of 5 concepts; 1 names with a bar, a tab or a line break were left out" in said
    again = KnowledgeBase.of(Dictionary(Dictionary.Config(path=str(tmp_path / "names.tsv"))).entities())
    assert list(again)[:-1] == list(DISEASES)
    assert again[4] == Entity(id="X2", name="plain", types=("T1", "T2"))


def test_references_of_restricted_vocabularies_do_not_leave(tmp_path: Path) -> None:
    whole = Entity(id="C0015967", name="fever", sources=("MSH",), cross_references=("SNOMEDCT:1", "MESH:D005334"))
    both = replace(whole, id="C0015968", synonyms=("hot",), sources=("MSH", "SNOMEDCT_US"))
    KnowledgeBase.of([whole, both], restrictions={"SNOMEDCT_US": 9, "MSH": 0}).save(tmp_path / "kb.arrow")
    knowing.export(str(tmp_path / "kb.arrow"), tmp_path / "names.tsv")
    rows = [line.split("\t")[-1] for line in (tmp_path / "names.tsv").read_text().splitlines()]
    assert rows == [REFERENCES, "SNOMEDCT:1|MESH:D005334", "MESH:D005334"]


# Terminologies


def test_a_dictionary_has_a_column_of_them(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(f"id\tpreferred_name\t{REFERENCES}\nX1\tfever\tmim:1|HPO:HP:2| OMIM:1\nX2\tcold\t\n")
    assert [one.cross_references for one in Dictionary(Dictionary.Config(path=str(path))).entities()] == [
        ("OMIM:1", "HP:2"),
        (),
    ]
    path.write_text(f"id\tpreferred_name\t{REFERENCES}\nX1\tfever\tOMIM:1\nX2\tcold\t114500|OMIM:2|x\n")
    said = f"{path}:3: found 2 of its {REFERENCES} without a vocabulary; expected a vocabulary before each"
    with pytest.raises(BadInput, match=re.escape(said)):
        list(Dictionary(Dictionary.Config(path=str(path))).entities())


def test_medic_tells_them_by_its_other_ids(tmp_path: Path) -> None:
    path = tmp_path / "CTD_diseases.tsv"
    rows = ["Fever\tMESH:D005334\tDO:DOID:1|OMIM:2", "Rare\tOMIM:600000\tMESH:C565588"]
    path.write_text("# Report\n" + "".join(f"{row}{chr(9) * 6}\n" for row in rows))
    kb = KnowledgeBase.of(Ctd(Ctd.Config(path=str(path))).entities())
    assert coverage(kb) == {"MESH": 2, "OMIM": 2, "DOID": 1}
    assert ids_in("MESH", kb[1]) == ("C565588",) and ids_in("OMIM", kb[0]) == ("OMIM:2",)


ASPIRIN = """<DescriptorRecordSet><DescriptorRecord><DescriptorUI>D001241</DescriptorUI>
<DescriptorName><String>Aspirin</String></DescriptorName><ConceptList>
<Concept PreferredConceptYN="Y"><RegistryNumberList><RegistryNumber>R16CO5Y76E</RegistryNumber></RegistryNumberList>
<RelatedRegistryNumberList><RelatedRegistryNumber>50-78-2 (Aspirin)</RelatedRegistryNumber>
<RelatedRegistryNumber>921943-73-9 (Aluminum salt)</RelatedRegistryNumber></RelatedRegistryNumberList>
<TermList><Term><String>Aspirin</String></Term></TermList></Concept>
<Concept PreferredConceptYN="N"><RegistryNumber>ABCDEFGHIJ</RegistryNumber>
<TermList><Term><String>Solprin</String></Term></TermList></Concept></ConceptList></DescriptorRecord>
<DescriptorRecord><DescriptorUI>D000001</DescriptorUI><DescriptorName><String>Lipase</String></DescriptorName><ConceptList>
<Concept PreferredConceptYN="Y"><RegistryNumber>EC 3.1.1.3</RegistryNumber></Concept></ConceptList></DescriptorRecord>
<DescriptorRecord><DescriptorUI>D000002</DescriptorUI><DescriptorName><String>Fever</String></DescriptorName><ConceptList>
<Concept PreferredConceptYN="Y"><RegistryNumber>0</RegistryNumber></Concept></ConceptList></DescriptorRecord>
</DescriptorRecordSet>"""


def test_mesh_tells_registry_numbers_of_the_concept_itself(tmp_path: Path) -> None:
    (tmp_path / "desc.xml").write_text(ASPIRIN)
    kb = KnowledgeBase.of(Mesh(Mesh.Config(path=str(tmp_path / "desc.xml"), retired="none")).entities())
    assert [one.cross_references for one in kb] == [("EC:3.1.1.3",), (), ("UNII:R16CO5Y76E", "CAS:50-78-2")]


def test_umls_tells_codes_where_they_are_asked_for(tmp_path: Path) -> None:
    rows = [
        concept("C0015967", "Fever").replace("|code|", "|D005334|"),
        concept("C0015967", "Febris", SAB="HPO").replace("|code|", "|HP:0001945|"),
        concept("C0015967", "FEVER", SAB="SNOMEDCT_US").replace("|code|", "|386661006|"),
        concept("C0015967", "Fieber", SAB="MSHGER", LAT="GER").replace("|code|", "|D005334|"),
        concept("C0015967", "Hot", SAB="MTH").replace("|code|", "|NOCODE|"),
        concept("C0015967", "Old", SAB="NCI", SUPPRESS="O").replace("|code|", "|C3038|"),
    ]
    (tmp_path / "MRCONSO.RRF").write_text("".join(rows))
    (tmp_path / "MRSTY.RRF").write_text(sty("C0015967", "T184", "A2.2.2", "Sign or Symptom"))
    plain, asked = (
        next(Umls(Umls.Config(path=str(tmp_path), cross_references=wanted)).entities()) for wanted in (False, True)
    )
    assert plain.cross_references == ()
    assert asked == replace(plain, cross_references=("MESH:D005334", "HP:0001945", "SNOMEDCT:386661006"))
