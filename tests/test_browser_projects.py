"""A real browser, beyond one document: a reviewer settles what two annotators disagree in, what was decided is downloaded, an
earlier model comes back, a project goes into the archive, and out of it, and is erased.
"""

from __future__ import annotations

import json
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browsing import Server, chrome, joined, made, meaning, opened, project, pubtator, saved, server, sheet, visit
from sqlalchemy import insert

from tripel.annotations import models, schema
from tripel.annotations.database import Database

__all__ = ["chrome", "project", "server"]  # fixtures

TEXT = "Cough after tobacco. Headache."


def decide(page: Any, path: str, document: int, keys: str) -> list[str]:
    """Press keys, one for each mention, on a document, and mark it done. What stands there then."""
    opened(page, path, document, marks=3)
    for key in keys:
        page.keyboard.press(key)
    saved(page)
    said = [meaning(mark) for mark in sheet(page)["marks"]]
    page.click("text=Mark done")
    page.wait_for_url(lambda url: not url.endswith(f"/documents/{document}"))
    return said


def downloaded(page: Any, press: str) -> Path:
    """The file that a click gives."""
    with page.expect_download() as coming:
        page.click(press)
    return Path(coming.value.path())


def test_a_reviewer_settles_what_two_disagree_in(chrome: Any, server: Server, project: str, tmp_path: Path) -> None:
    admin = visit(chrome, server, "admin", accept_downloads=True)
    texts = {"a": TEXT, "b": TEXT, "c": TEXT}
    path = made(admin, server, "Blind", pubtator(tmp_path / "blind.pubtator", texts), mode="blind")
    bob, carol = (joined(chrome, server, admin, path, name) for name in ("bob", "carol"))
    found = bob.evaluate(
        "(path) => fetch(path).then((answer) => answer.text()).then((text) =>"
        " [...new DOMParser().parseFromString(text, 'text/html').querySelectorAll('a')].map((a) => a.getAttribute('href'))"
        "   .filter((href) => /documents.[0-9]+$/.test(href)))",
        f"{path}/documents",
    )
    first, _, document = sorted({int(link.rpartition("/")[2]) for link in found})
    decide(bob, path, first, "111")  # the second document nobody finishes
    his, hers = decide(bob, path, document, "111"), decide(carol, path, document, "1n1")
    assert his[1].startswith("USER tobacco D") and hers[1] == "USER tobacco NIL"
    assert [his[0], his[2]] == [hers[0], hers[2]]
    admin.goto(f"{path}/agreement")
    assert "bob and carol" in admin.inner_text("table >> nth=0")
    admin.goto(f"{path}/documents/{first}?final=true")
    admin.keyboard.press("J")  # the next one under review, and its final sheet
    admin.wait_for_url(f"**/documents/{document}?final=true")
    assert admin.get_attribute("#previous-document", "href") == f"{path}/documents/{first}?final=true"
    admin.goto(f"{path}/agreement")
    admin.click("section[aria-labelledby=documents] a >> nth=1")
    assert "1 of 3 questions are open" in admin.inner_text("main")
    admin.click("text=Take over all that is agreed")
    admin.wait_for_selector("li.settled >> nth=1")
    assert admin.locator("li.settled").count() == 2
    admin.check("li.open label:has-text('no entity') input")
    admin.click("li.open button")
    admin.wait_for_selector("li.settled >> nth=2")
    assert "0 of 3 questions are open" in admin.inner_text("main")
    admin.click("text=Mark the final sheet done")
    admin.wait_for_url("**/agreement")
    assert "✓ done" in admin.inner_text("section[aria-labelledby=documents]")
    admin.goto(f"{path}/export")
    exported = map(json.loads, downloaded(admin, "text=Download").read_text(encoding="utf-8").splitlines())
    (settled,) = (one for one in exported if one["id"] == "c")
    assert settled["text"].strip() == TEXT
    linked = {one["text"]: one.get("entities", []) for one in settled["mentions"]}
    assert list(linked) == ["Cough", "tobacco", "Headache"] and linked["tobacco"] == []
    assert [f"USER Cough {linked['Cough'][0]}", f"USER Headache {linked['Headache'][0]}"] == [his[0], his[2]]
    admin.select_option("#write_as", "log")
    events = list(map(json.loads, downloaded(admin, "text=Download").read_text(encoding="utf-8").splitlines()))
    assert len([event for event in events if event.get("kind") == "choose"]) >= 2
    for page in (admin, bob, carol):
        assert not page.complaints
        page.context.close()


def test_an_earlier_model_comes_back_and_is_taken_home(
    chrome: Any, server: Server, project: str, tmp_path: Path
) -> None:
    number = int(project.rpartition("/")[2])
    database = Database.open(server.database)
    with closing(database):
        first = models.in_use(database, number)
        with database.begin() as connection:  # a training that ended before this server was started
            over = {"project": number, "kind": "train", "state": "done", "asked_at": schema.now(), "settings": {}}
            asked = (
                insert(schema.jobs)
                .values(over | {"progress": {"phase": "", "share": 1.0}, "result": {}})
                .returning(schema.jobs.c.id)
            )
            job = int(connection.execute(asked).scalar_one())
        models.add(database, number, first.folder, by=None, job=job, scores={})
        page = visit(chrome, server, "admin", accept_downloads=True)
        page.goto(f"{project}/training")
        page.click("tr:has-text('2') button:has-text('Use it')")
        page.wait_for_selector("tr:has-text('2') .state.done")
        assert models.in_use(database, number).version == 2
        page.click("button:has-text('Go back to it')")
        page.wait_for_selector("button:has-text('Use it')")
        assert models.in_use(database, number).version == 1
    with tarfile.open(downloaded(page, "a:has-text('Download version 1')")) as taken:
        assert any(name.endswith("knowledge.arrow") for name in taken.getnames())
    assert not page.complaints
    page.context.close()


@pytest.mark.parametrize("size", [None, {"width": 640, "height": 450}])
def test_a_project_is_put_away_taken_out_and_erased(
    chrome: Any, server: Server, project: str, tmp_path: Path, size: Any
) -> None:
    options = {} if size is None else {"viewport": size}
    page = visit(chrome, server, "admin", **options)
    path = made(page, server, "Put away", pubtator(tmp_path / "away.pubtator", {"a": TEXT}), mode="shared")
    page.click("summary")
    page.click("text=Put it into the archive")
    page.goto("/projects")
    assert page.locator(".card", has_text="Put away").count() == 0
    assert page.request.get(f"{path}/export/file").ok  # it can still be read
    page.goto(path)
    page.click("summary")
    page.click("text=Take it out of the archive")
    page.goto("/projects")
    assert page.locator(".card", has_text="Put away").count() == 1
    page.goto(path)
    page.click("summary")
    page.click("text=Put it into the archive")
    page.wait_for_selector("summary")
    for words, there in (("Put it away", True), ("Put away", False)):
        page.goto(path)
        page.click("summary")
        page.fill("#sure", words)
        page.click("button.danger")
        if there:
            assert "nothing was erased" in page.inner_text("main")
        assert page.request.get(path).ok is there
    assert [said for said in page.complaints if "422" not in said] == []
    page.context.close()
