"""What OpenAPI says of sheets is what is accepted and answered."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from annotating import RECORDS, upload
from opened import opened

from tripel.annotations import projects
from tripel.annotations.events import ASKED, Mark, Proposal
from tripel.documents import Candidate
from tripel.web.pages.described import CANDIDATE, EVENT, MARK


def test_an_event_is_described_as_it_is_proposed() -> None:
    for kind, said in ((Proposal, EVENT), (Mark, MARK), (Candidate, CANDIDATE)):
        assert set(said["properties"]) == {one.name for one in fields(kind)}, kind
    assert tuple(EVENT["properties"]["kind"]["enum"]) == ASKED
    assert set(EVENT["example"]) <= set(EVENT["properties"])
    proposal = Proposal.of(EVENT["example"])
    assert proposal.after is not None and proposal.after.entities == ("D003371",)


def test_the_main_write_is_described_and_answers_as_it_says(tmp_path: Path) -> None:
    with opened(tmp_path) as server:
        ann = server.accounts.named("ann")
        assert ann is not None
        its = projects.new(server.database, title="Fevers", by=ann.id).id
        (document, _) = upload(server.database, its, tmp_path, RECORDS, by=ann.id)
        described = server.app.openapi()
        path = "/api/projects/{project}/documents/{document}/events"
        body = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        events = described["components"]["schemas"][body.rpartition("/")[2]]["properties"]["events"]
        assert events["items"] == EVENT and events["maxItems"] == 100
        assert "`annotate`" in described["paths"][path]["post"]["description"]
        program = server.program(ann.id, "annotate")
        event = EVENT["example"] | {"kind": "add", "seen": 1}
        sent = [event, event | {"key": "another-key"}, {"key": ["no", "key"]}, {}]
        said = program.post(path.format(project=its, document=document), json={"events": sent}).json()
        made, *others = said["answers"]
        assert set(made) == {"key", "seq"} and made["key"] == event["key"]
        assert [(set(one), one["key"]) for one in others] == [
            ({"key", "refused", "conflict"}, key) for key in ("another-key", ["no", "key"], "")
        ]
        again = (
            server.program(ann.id, "read")
            .get(path.format(project=its, document=document).replace("events", "sheet"))
            .json()
        )
        assert again["sheet"] == said["sheet"] and said["sheet"]["version"] == made["seq"]
        assert [(mark["id"], mark["by"]) for mark in said["sheet"]["marks"] if mark["label"] == "USER"] == [
            ("m1", ann.id)
        ]
        assert "probability" not in said["sheet"]["marks"][0], "what is empty stays out"
