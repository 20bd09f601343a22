"""INCEpTION and Label Studio ask as they do, and get what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from opened import HOME, Opened, opened
from starlette.testclient import TestClient

from tripel.web import label_studio as label_studio_backend
from tripel.web import xmi
from tripel.web.label_studio import Interface
from tripel.web.settings import Settings

LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
ECORE = "{http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore}NamedEntity"
DECLARED = ("value", "identifier", "identifier_score", "identifier_score_explanation", "inception_internal_predicted")
TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>'
    f"<typeDescription><name>{LAYER}</name><description/><supertypeName>uima.tcas.Annotation</supertypeName><features>"
    + "".join(
        f"<featureDescription><name>{name}</name><description/><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>"
        for name in DECLARED
    )
    + "</features></typeDescription></types></typeSystemDescription>"
)
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 9))
    + "]><a>&l8;</a>"
)
CONFIG = """<View>
  <Labels name="label" toName="text"><Label value="Chemical"/><Label value="Disease"/></Labels>
  <Text name="text" value="$body"/>
  <TextArea name="entity" toName="text" perRegion="true"/>
</View>"""


def document(text: str, *annotations: tuple[int, int]) -> str:
    """As INCEpTION serialises a document; offsets are UTF-16 code units."""
    made = "".join(
        f'<type3:NamedEntity xmi:id="{100 + n}" sofa="1" begin="{start}" end="{end}"/>'
        for n, (start, end) in enumerate(annotations)
    )
    length = len(text.encode("utf-16-le")) // 2
    escaped = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("\n", "&#10;")
    members = " ".join(["8", *(str(100 + n) for n in range(len(annotations)))])
    return (
        '<?xml version="1.0" encoding="UTF-8"?><xmi:XMI xmlns:tcas="http:///uima/tcas.ecore" xmlns:xmi="http://www.omg.org/XMI"'
        ' xmlns:cas="http:///uima/cas.ecore" xmlns:type3="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"'
        ' xmi:version="2.0"><cas:NULL xmi:id="0"/>'
        f'<tcas:DocumentAnnotation xmi:id="8" sofa="1" begin="0" end="{length}" language="x-unspecified"/>{made}'
        f'<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{escaped}"/>'
        f'<cas:View sofa="1" members="{members}"/></xmi:XMI>'
    )


def asked(said: str, *, feature: str = "identifier", types: str = TYPES) -> dict[str, Any]:
    return {
        "metadata": {
            "layer": LAYER, "feature": feature, "projectId": 1337, "anchoringMode": "tokens", "crossSentence": False,
            "range": {"begin": 0, "end": 47},
        },
        "document": {"xmi": said, "documentId": 42, "userId": "testuser"},
        "typeSystem": types,
    }  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path, settings=Settings(folder=tmp_path, iri="http://example.org/")) as its:
        yield its


def secret(server: Opened, *scopes: str) -> str:
    user = server.accounts.named("ann")
    assert user is not None
    return server.accounts.issue(user.id, "other", scopes or ("link",))[1]


def inception(server: Opened) -> TestClient:
    """It sends no headers but the kind of its content."""
    return TestClient(server.app, base_url=f"{HOME}/inception/{secret(server)}/", raise_server_exceptions=False)


def suggestions(said: str) -> list[dict[str, str]]:
    root = etree.fromstring(said.encode())
    members = root.find("{http:///uima/cas.ecore}View").get("members").split()
    found = [dict(one.attrib) for one in root.iter(ECORE) if one.get("inception_internal_predicted") == "true"]
    assert all(one["{http://www.omg.org/XMI}id"] in members and one["sofa"] == "1" for one in found)
    ids = [one.get("{http://www.omg.org/XMI}id") for one in root if one.get("{http://www.omg.org/XMI}id")]
    assert len(ids) == len(set(ids))
    return found


def test_inception_gets_its_document_back_with_suggestions(server: Opened) -> None:
    text = "😀 fever & <MS>\nagain"
    sent = document(text)
    answer = inception(server).post("predict", json=asked(sent))
    assert answer.status_code == 200, answer.text
    found = suggestions(answer.json()["document"])
    assert [(one["begin"], one["end"], one["identifier"]) for one in found] == [
        ("3", "8", "http://example.org/D1"),
        ("12", "14", "http://example.org/D2"),
    ], "offsets count UTF-16 units, of which the first letter has two"
    assert float(found[0]["identifier_score"]) == 0.8 and "Fever" in found[0]["identifier_score_explanation"]
    before, after = etree.fromstring(sent.encode()), etree.fromstring(answer.json()["document"].encode())
    kept = [etree.tostring(one) for one in after if one.get("inception_internal_predicted") is None]
    assert kept[:-1] == [etree.tostring(one) for one in before][:-1], "all else is as it was"
    assert xmi.Cas(answer.json()["document"]).text == text


def test_mentions_that_annotators_marked_are_linked_too(server: Opened) -> None:
    sent = document("ms and mumps and fever", (0, 2), (7, 12))
    found = suggestions(inception(server).post("predict", json=asked(sent)).json()["document"])
    spans = sorted((int(one["begin"]), int(one["end"])) for one in found)
    assert spans == [(0, 2), (17, 22)], "once where both, none for what is NIL"


def test_the_feature_says_what_is_suggested_and_the_types_what_may_be_said(server: Opened) -> None:
    client = inception(server)
    found = suggestions(client.post("predict", json=asked(document("fever"), feature="value")).json()["document"])
    assert [one["value"] for one in found] == ["Disease"]
    assert "value_score" not in found[0], "the type system does not have it"
    assert client.post("predict", json=asked(document("fever"), types="")).status_code == 200
    assert client.post("predict", json=asked(document("fever"), types=TYPES.replace(LAYER, "x.Y"))).status_code == 422


def test_training_is_not_feigned(server: Opened) -> None:
    assert inception(server).post("train", json={}).status_code == 403
    assert label_studio(server).post("train", json={}).status_code == 403


@pytest.mark.parametrize(
    "said",
    [
        "", "no xml", "<xmi:XMI", "<a/>", document("fever").replace("sofaID", "&x;"),
        '<!DOCTYPE a [<!ENTITY x "fever">]>' + document("fever").partition("?>")[2].replace("fever", "&x;"),
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + document("fever").partition("?>")[2].replace("fever", "&x;"),
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">' + document("fever").partition("?>")[2],
        LAUGHS,
        "<a>" * 5000 + "</a>" * 5000,
    ],
)  # fmt: skip
def test_hostile_documents_are_refused(server: Opened, said: str) -> None:
    answer = inception(server).post("predict", json=asked(said))
    assert answer.status_code == 422 and "root:" not in answer.text, answer.text
    assert label_studio(server).post("predict", json=tasks("fever", config=said)).status_code == 422


@pytest.mark.parametrize("layer", ["", "a b", "}x", "a/b", "a.b\n", "é"])
def test_names_of_layers_and_features_are_names(server: Opened, layer: str) -> None:
    wish = asked(document("fever"), types="")
    for part in ("layer", "feature"):
        wrong = wish | {"metadata": wish["metadata"] | {part: layer}}
        assert inception(server).post("predict", json=wrong).status_code == 422


def test_strange_offsets_are_passed_over() -> None:
    cas = xmi.Cas(document("😀bc", (0, 2), (1, 3), (3, 99), (3, 2), (2, 2), (2, 3)))
    assert cas.spans(LAYER) == [(0, 1), (1, 2)]
    assert xmi.Cas(document("abc", (0, 1)).replace('begin="0"', 'begin="-1"')).spans(LAYER) == []


def test_what_xml_cannot_say_is_replaced() -> None:
    cas = xmi.Cas(document("abc"))
    cas.add(LAYER, 0, 1, {"value": "a\0b\x1f\ud800c"})
    assert 'value="a\ufffdb\ufffd\ufffdc"' in cas.xmi()


def test_tokens_in_paths_need_the_scope_and_can_be_revoked(server: Opened) -> None:
    wish = asked(document("fever"))
    for token, status in ((secret(server, "read"), 403), ("tripel_" + "x" * 43, 401), ("nothing", 401)):
        client = TestClient(server.app, base_url=HOME)
        answer = client.post(f"/inception/{token}/predict", json=wish)
        assert answer.status_code == status, token
        assert token not in answer.text


def label_studio(server: Opened) -> TestClient:
    """It sends what it was configured with as HTTP basic authentication."""
    client = TestClient(server.app, base_url=f"{HOME}/label-studio/", raise_server_exceptions=False)
    client.auth = ("tripel", secret(server))
    return client


def tasks(*texts: object, config: str = CONFIG, key: str = "body") -> dict[str, Any]:
    return {
        "tasks": [
            {"id": n, "data": {key: text}, "annotations": [], "predictions": [], "project": 7, "created_at": "2026-01-01"}
            for n, text in enumerate(texts)
        ],
        "model_version": None, "project": "7.1767225600", "label_config": config,
        "params": {"login": None, "password": None, "context": None},
    }  # fmt: skip


def test_label_studio_gets_regions_with_their_entities(server: Opened) -> None:
    answer = label_studio(server).post("predict", json=tasks("😀 fever", "nothing"))
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["results"]
    labels, entity = first["result"]
    assert (labels["from_name"], labels["to_name"], labels["type"]) == ("label", "text", "labels")
    assert labels["value"] == {"start": 2, "end": 7, "text": "fever", "labels": ["Disease"]}, "offsets count characters"
    assert entity["id"] == labels["id"] and entity["type"] == "textarea" and entity["from_name"] == "entity"
    assert entity["value"] == {"start": 2, "end": 7, "text": ["D1 | Fever"]}
    assert first["score"] == 0.8 and second["result"] == [] and answer.json()["model_version"] == "looked-up"


def test_label_studio_is_introduced_and_asks_how_we_are(server: Opened) -> None:
    client = label_studio(server)
    setup = {
        "project": "7.1767225600", "schema": CONFIG, "hostname": "http://169.254.169.254/latest", "access_token": "theirs",
        "extra_params": None,
    }  # fmt: skip
    assert client.post("setup", json=setup).json() == {"model_version": "looked-up"}
    assert client.get("health").json()["status"] == "UP" and client.get("").status_code == 200
    assert client.get("versions").json() == {"versions": ["looked-up"]}
    assert client.post("webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 7}}).status_code == 200
    assert client.post("webhook", json={"action": "START_TRAINING", "project": {"id": 7}}).status_code == 403
    by_path = TestClient(server.app, base_url=f"{HOME}/label-studio/{secret(server)}/")
    assert by_path.get("health").status_code == 200 and by_path.post("predict", json=tasks("fever")).status_code == 200
    client.auth = ("tripel", "wrong")
    assert client.get("health").status_code == 401


def test_what_cannot_be_answered_has_no_prediction_and_the_others_have_theirs(server: Opened) -> None:
    """Label Studio asks for what got an empty list again, and keeps nothing of a refusal."""
    wish = tasks("fever", 17, "x" * (label_studio_backend.LONGEST_TEXT + 1), "fever")
    results = label_studio(server).post("predict", json=wish).json()["results"]
    assert [len(one["result"]) if one else None for one in results] == [2, None, None, 2]


def test_a_document_that_fails_costs_no_other_one_its_prediction(
    server: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were asked together with it are asked alone."""
    answered = label_studio_backend.answers

    async def failing(*given: Any, **options: Any) -> Any:
        if any("poison" in one.text for one in given[3]):
            raise RuntimeError("no")
        return await answered(*given, **options)

    monkeypatch.setattr(label_studio_backend, "answers", failing)
    client = label_studio(server)
    wish = tasks("fever one", "poison", "half \ud83d fever", "fever two")
    body = {"content": json.dumps(wish), "headers": {"content-type": "application/json"}}
    assert [bool(one) for one in client.post("predict", **body).json()["results"]] == [True, False, True, True]
    assert client.post("predict", json=tasks("poison")).status_code == 500


def test_what_there_is_no_time_for_has_no_prediction(server: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_studio_backend, "PATIENCE_S", 0.0)
    monkeypatch.setattr(label_studio_backend, "AT_ONCE", 9)
    answer = label_studio(server).post("predict", json=tasks(*["fever now"] * 600)).json()
    found = [bool(one) for one in answer["results"]]
    assert len(found) == 600 and 0 < sum(found) < 600 and found == sorted(found, reverse=True)


def test_what_the_budget_leaves_no_room_for_has_no_prediction(server: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_studio_backend, "AT_ONCE", 9)
    links = server.app.state.services.limits.links
    monkeypatch.setattr(links, "per_minute", 3)
    client = label_studio(server)
    found = [bool(one) for one in client.post("predict", json=tasks(*["fever now"] * 9)).json()["results"]]
    assert found == [True] * 3 + [False] * 6
    assert client.post("predict", json=tasks("fever")).status_code == 429


def test_a_configuration_without_a_place_for_entities_gets_labels_alone(server: Opened) -> None:
    config = CONFIG.replace(' perRegion="true"', "").replace("Disease", "Anything")
    (result,) = label_studio(server).post("predict", json=tasks("fever", config=config)).json()["results"]
    assert [one["type"] for one in result["result"]] == ["labels"]
    assert result["result"][0]["value"]["labels"] == ["Chemical"], "the first, where none is called as the type"
    (said,) = result["result"][0]["meta"]["text"]
    assert said.startswith("D1 | Fever\n")


@pytest.mark.parametrize(
    "wish",
    [
        tasks("fever", key="text"), tasks(17), tasks(None), tasks(["fever"]), tasks(), tasks("fever", config="<View/>"),
        tasks("http://127.0.0.1/x", config=CONFIG.replace("<Text ", '<Text valueType="url" ')), {"tasks": "x"}, [], {},
    ],
)  # fmt: skip
def test_what_is_no_task_is_refused(server: Opened, wish: Any) -> None:
    assert (
        label_studio(server)
        .post("predict", content=json.dumps(wish), headers={"content-type": "application/json"})
        .status_code
        == 422
    )


def test_labels_are_found_in_a_configuration() -> None:
    assert Interface.of(CONFIG) == Interface("text", "body", "label", ("Chemical", "Disease"), "entity")
    with pytest.raises(ValueError, match="no <Labels>"):
        Interface.of("<View><Text name='t' value='fixed'/><Labels name='l' toName='t'/></View>")
