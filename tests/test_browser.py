"""A real browser in front of a real server: annotating by keyboard alone and by pointer alone, offline for a while, two people at
once, axe-core on every page, one column at 200 %.

All of it is one file, since the browser's loop must not outlive the module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    PASSWORD,
    TEXTS,
    Server,
    chrome,
    follow,
    made,
    meaning,
    now,
    opened,
    project,
    pubtator,
    saved,
    select,
    server,
    sheet,
    tab_to,
    visit,
)

from tripel.corpora.sample import Sample

__all__ = ["chrome", "project", "server"]  # fixtures

NARROW = {"width": 640, "height": 450}  # 1280 by 900 at 200 %
MODULES = """async () => {
    const { Text } = await import("/static/annotate/text.js");
    const { lanes, segments } = await import("/static/annotate/lanes.js");
    const { folded } = await import("/static/annotate/sheet.js");
    const { moved, retyped } = await import("/static/annotate/decisions.js");
    const candidates = [{ entity: "D1", score: 1 }];
    const said = { id: "m", start: 0, end: 1, type: "", entities: ["D1"], nil: false, score: 1, candidates };
    const text = new Text("a 😀b, née 🧬");
    const marks = [{ id: "out", start: 0, end: 9 }, { id: "in", start: 2, end: 4 }, { id: "over", start: 3, end: 12 }];
    const sheet = { marks: [{ id: "m", start: 0, end: 1, type: "", label: "PRED" }], comments: [], flags: {}, done: false };
    const deleted = { key: "1", kind: "delete", mark: "m" };
    const flag = { key: "2", kind: "flag", mark: "m", text: "" };
    return {
        length: text.length,
        units: [0, 2, 3, text.length].map((point) => text.unit(point)),
        points: [0, 2, 3, 4].map((unit) => text.point(unit)),
        slice: text.slice(2, 4),
        tokens: text.tokens.map(({ start, end }) => text.slice(start, end)),
        snapped: [text.snapped({ start: 3, end: 7 }), text.snapped({ start: 1, end: 2 })],
        moved: [text.moved(0, "start", 2), text.moved(9, "end", -1), text.moved(11, "end", 5)],
        lanes: Object.fromEntries(lanes(marks)),
        segments: segments(12, marks).map((one) => [one.start, one.end, ...one.marks.map((mark) => mark.id)]),
        corrected: ["PRED", "SILVER", "USER", "GOLD"].map((label) =>
            [moved({ ...said, label }, { start: 1, end: 2 }), retyped({ ...said, label }, "T")]
                .map((mark) => [mark.entities, mark.candidates.length])),
        undone: folded(sheet, [deleted, flag, { kind: "undo" }, { kind: "undo" }, { kind: "redo" }]),
    };
}"""


def test_a_document_is_annotated_by_keyboard_alone(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    page.goto(project)
    follow(page, "Samples")
    tab_to(page, "Draw")
    page.keyboard.press("Enter")
    page.wait_for_selector("ol.samples > li")
    assert page.locator("ol.samples > li").count() == 3
    assert {"strategy", "control"} >= {words.split(":")[0] for words in page.locator(".why").all_inner_texts()}
    opened(page, project, 1, marks=9)
    assert now(page) == "Fever"
    page.keyboard.press("Enter")  # accepted, and on to the next
    assert now(page) == "cough"
    page.keyboard.press("j")
    assert now(page) == "MS"
    page.wait_for_selector("#candidates li")
    page.keyboard.press("/")
    page.keyboard.type("stenosis mitr")
    page.wait_for_selector("#found-0")
    page.keyboard.press("Enter")  # corrected by search
    page.keyboard.press("n")  # the next MS is none
    assert now(page) == "fever"
    page.keyboard.press("2")
    page.keyboard.press("u")  # choosing the second was wrong
    saved(page)
    page.keyboard.press("k")
    for _ in range(9):
        page.keyboard.press("k")
    assert now(page) == "Fever"
    for _ in range(5):
        page.keyboard.press("j")
    assert now(page) == "cough"
    page.keyboard.press("d")
    assert now(page) == "nausea"
    page.keyboard.press("e")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Alt+ArrowLeft")
    assert page.inner_text("#span-text") == "nausea after aspiri"
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    assert now(page) == "and nausea"
    assert page.inner_text("#mention-means") == "not linked yet"  # what the model said was of another span
    page.keyboard.press("m")  # a new one, behind it: after
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#span-text") == "Her"
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    assert now(page) == "Her pyrexia"
    page.keyboard.press("/")
    page.keyboard.type("D005334")
    page.wait_for_selector("#found-0")
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    page.keyboard.type("Is this one <b>mention</b>?")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("g")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    saved(page)
    its = sheet(page)
    found = [meaning(mark) for mark in its["marks"]]
    assert "USER Fever D005334" in found
    assert "USER MS D008946" in found
    assert "USER MS NIL" in found
    assert "PRED fever D005334" in found
    assert "USER Her pyrexia D005334" in found
    assert "USER and nausea " in found
    assert sum(mark["text"].lower() == "cough" for mark in its["marks"]) == 1
    assert its["comments"][0]["text"] == "Is this one <b>mention</b>?"
    assert len(its["flags"]) == 1
    page.keyboard.press("f")
    assert "once more" in page.inner_text("#said-seen").lower()
    page.keyboard.press("f")
    page.wait_for_url(lambda url: not url.endswith("/documents/1"))
    assert "/documents/" in page.url
    assert not page.complaints
    page.context.close()


def test_a_document_is_annotated_by_pointer_alone(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    opened(page, project, 2, marks=7)
    page.click("#text .run:text-is('Nausea')")
    assert now(page) == "Nausea"
    page.click("#accept")
    page.wait_for_function("() => document.getElementById('mention-text').textContent !== 'Nausea'")
    page.click("#text .run:text-is('tobacco')")
    page.wait_for_selector("#candidates li")
    assert page.locator("#candidates b").count() == 0  # the name's markup is text
    assert "Tobacco <b>Smoke</b>" in page.inner_text("#candidates")
    page.click("#candidates li >> nth=1")
    page.click("#undo")
    saved(page)
    select(page, "came", "aspi")  # from within a word to within another: whole words are taken
    assert now(page) == "came; aspirin"
    page.click("[data-action=delete] >> nth=0")
    select(page, "ot foun", "ot foun", alt=True)
    assert now(page) == "ot foun"
    page.click("[data-action=edit]")
    page.click("#span-start-back")
    page.click("#span-end-on")
    page.click("#span-keep")
    assert now(page) == "not found"
    page.click("[data-action=nil]")
    page.click("#text .run:text-is('MS')")
    page.click("#accept")
    page.click("#text .run:text-is('MS')")
    page.click("[data-action=spread]")
    page.wait_for_selector("#spread-keep:not([disabled])")
    said = page.inner_text("#spread-said")
    assert "“MS” here: Multiple Sclerosis (D009103)" in said
    page.click("#spread-keep")
    page.wait_for_selector("#spread", state="hidden")
    page.click("[data-action=comment]")
    page.click("#note-document")
    page.fill("#note-text", "of the whole")
    page.click("#note [value=keep]")
    found = [meaning(mark) for mark in sheet(page)["marks"]]
    assert "USER Nausea D009325" in found
    assert "USER not found NIL" in found
    assert "USER MS D009103" in found
    assert "PRED tobacco D014027" in found
    assert not any("came" in mark for mark in found)
    opened(page, project, 3, marks=3)
    assert "SILVER MS D009103" in [meaning(mark) for mark in sheet(page)["marks"]]
    page.goto(f"{project}/documents/2")
    page.click("#done")
    page.click("#done")
    page.wait_for_url(lambda url: not url.endswith("/documents/2"))
    page.goto(f"{project}/documents/2")
    page.wait_for_selector("#done-bar:visible")
    page.click("#done")
    page.wait_for_selector("#done-bar", state="hidden")
    assert not sheet(page)["done"]

    def meant() -> list[str]:
        saved(page)
        return next(mark["entities"] for mark in sheet(page)["marks"] if mark["text"] == "Headache")

    page.click("#text .run:text-is('Headache')")  # a mention of two
    page.wait_for_selector("#candidates li")
    (first,) = meant()
    page.click("#also")
    assert page.get_attribute("#also", "aria-pressed") == "true"
    page.click("#candidates li >> nth=1")
    assert now(page) == "Headache" and meant()[0] == first and len(meant()) == 2
    page.keyboard.press("+")
    page.keyboard.press("2")
    assert meant() == [first]
    page.keyboard.press("+")
    page.keyboard.press("1")
    assert "It is the only entity" in page.inner_text("#said-seen") and meant() == [first]
    page.keyboard.press("Escape")
    assert not page.complaints
    page.context.close()


def test_offline_for_a_while_and_a_reload_lose_nothing(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    opened(page, project, 3, marks=3)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    page.keyboard.type("written offline")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#saved[data-state=offline]:has-text('3 decisions kept in this browser')")
    assert page.locator("#text .letter.user").count() >= 2  # shown as decided meanwhile
    page.on("dialog", lambda dialog: dialog.accept())  # leaving with something unsaved asks first
    page.context.set_offline(False)
    page.evaluate("() => { for (const name of ['fetch']) window[name] = () => Promise.reject(new TypeError()); }")
    page.reload()
    page.wait_for_selector("#text .letter")
    its = sheet(page)
    assert [meaning(mark) for mark in its["marks"]].count("USER Cough D003371") == 1
    assert [comment["text"] for comment in its["comments"]] == ["written offline"]
    assert (
        page.evaluate("() => Object.keys(localStorage).filter((name) => name.startsWith('tripel/decision')).length")
        == 0
    )
    page.context.close()


def test_two_people_see_each_other_and_neither_overwrites_the_other(chrome: Any, server: Server, project: str) -> None:
    admin = visit(chrome, server, "admin")
    admin.goto("/users")
    admin.fill("#name", "bob")
    admin.click("text=Add")
    once = admin.inner_text("code.secret")
    admin.goto(f"{project}/members")
    admin.fill("#name", "bob")
    admin.click("form.fields button")
    bob = visit(chrome, server, "bob", password=once)
    bob.fill("#old", once)
    bob.fill("#new", PASSWORD)
    bob.fill("#again", PASSWORD)
    bob.click("main form button")
    bob.wait_for_url(f"{server.url}/")
    opened(admin, project, 3, marks=3)
    opened(bob, project, 3, marks=3)
    for page in (admin, bob):
        page.evaluate("() => dispatchEvent(new Event('focus'))")  # coming back to a page, one is told who is there
        page.wait_for_selector("#others:visible")
    assert admin.inner_text("#others-names") == "bob"
    for page in (admin, bob):
        page.click("#text .run:text-is('Fever')")
    admin.keyboard.press("n")
    saved(admin)
    bob.keyboard.press("2")
    bob.wait_for_selector("#conflicts-bar:visible")
    bob.click("#conflicts-open")
    both = bob.inner_text("#conflicts-list")
    assert "Yours" in both
    assert "Now, by admin" in both
    assert "NIL, no entity" in both
    kept = [meaning(mark) for mark in sheet(bob)["marks"]]
    assert "USER Fever NIL" in kept  # nothing was overwritten
    bob.reload()
    bob.wait_for_selector("#conflicts-bar:visible")  # nor lost
    bob.click("#conflicts-open")
    bob.click("text=Keep mine")
    mine = [meaning(mark) for mark in sheet(bob)["marks"] if mark["text"] == "Fever"]
    assert mine != ["USER Fever NIL"]
    assert mine[0].startswith("USER Fever D")
    admin.evaluate("() => dispatchEvent(new Event('focus'))")
    admin.wait_for_function("() => !document.getElementById('mention-means').textContent.startsWith('NIL')")
    alone = {"others": [], "version": 0}  # so that bob does not hear of it in time
    bob.route("**/presence*", lambda route: route.fulfill(json=alone))
    for page in (admin, bob):  # mark the same words
        select(page, "again and", "again and")
        page.wait_for_function("() => document.getElementById('mention-text').textContent === 'again and'")
        if page is admin:
            saved(page)
    bob.wait_for_selector("#conflicts-bar:visible")
    bob.click("#conflicts-open")
    assert "Now, by admin" in bob.inner_text("#conflicts-list")
    bob.click("text=Keep mine")
    bob.wait_for_selector("#conflicts-bar", state="hidden")
    assert [mark["text"] for mark in sheet(bob)["marks"]].count("again and") == 1  # in the place of admin's
    admin.keyboard.press("f")
    admin.keyboard.press("f")  # though not all is decided
    admin.wait_for_url(lambda url: not url.endswith("/documents/3"))
    bob.click("#text .run:text-is('Fever')")
    bob.keyboard.press("n")
    bob.wait_for_selector("#conflicts-bar:visible")
    bob.click("#conflicts-open")
    bob.click("text=Reopen it and keep mine")
    bob.wait_for_selector("#conflicts-bar", state="hidden")
    saved(bob)
    assert not sheet(bob)["done"]
    assert "USER Fever NIL" in [meaning(mark) for mark in sheet(bob)["marks"]]
    admin.goto(f"{project}/members")
    admin.click("button:has-text('Take out: bob')")
    opened(admin, project, 3, marks=None)
    assert "bob" in sheet(admin)["people"].values()  # who is no member any more still has a name
    bob.keyboard.press("g")
    bob.keyboard.press("Tab")
    bob.keyboard.press("Enter")
    bob.wait_for_selector("#stuck:visible")
    assert "There is no such project, or you are not in it." in bob.inner_text("#stuck-said")
    assert "1 decision kept" in bob.inner_text("#saved")
    for page in (admin, bob):
        assert not [one for one in page.complaints if "409" not in one and "404" not in one]
        page.context.close()


def test_all_predictions_at_once_and_notes_on_a_document(
    chrome: Any, server: Server, project: str, tmp_path: Path
) -> None:
    page = visit(chrome, server, "admin")
    texts = {"x": "Fever and cough in MS. Then she slept.", "y": "Nothing of note."}
    path = made(page, server, "At once", pubtator(tmp_path / "at_once.pubtator", texts), mode="shared")
    first = 1 + len(TEXTS)
    opened(page, path, first, marks=3)
    for key, did, left in (("A", "USER", 3), ("D", "", 0)):
        page.keyboard.press(key)
        assert "3 mentions of this document would be" in page.inner_text("#bulk-said")
        page.keyboard.press("Enter")
        assert [mark["label"] for mark in sheet(page)["marks"]] == [did] * left
        page.keyboard.press("u")  # all of it
        page.wait_for_function("() => document.querySelectorAll('#text .letter.pred').length === 3")
        assert [mark["label"] for mark in sheet(page)["marks"]] == ["PRED"] * 3
    page.keyboard.press("U")
    page.wait_for_selector("#text .letter", state="detached")
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelectorAll('#text .letter').length === 3")
    page.click("#text .run:text-is('Fever')")
    page.focus("#candidates button >> nth=2")
    before = page.evaluate("() => document.activeElement.dataset.entity")
    with page.expect_response("**/refresh*"):
        page.keyboard.press("Control+s")  # what comes from the server is drawn
    page.wait_for_timeout(100)
    assert page.evaluate("() => document.activeElement.dataset.entity") == before
    page.click("#text .run:text-is('Fever')")
    version = sheet(page)["version"]
    page.keyboard.press("t")
    page.keyboard.type("half of a ty")
    page.keyboard.press("Escape")  # leaves it as it was
    assert page.input_value("#type") == sheet(page)["marks"][0]["type"]
    assert sheet(page)["version"] == version
    page.keyboard.press("t")
    page.keyboard.type("Symptom")
    page.keyboard.press("Enter")
    assert page.inner_text("#mention-means") == "not linked yet"  # the model said it of a disease
    page.keyboard.press("Enter")
    select(page, "slept", "slept", beyond=page.locator("#search"))
    assert now(page) == "slept."
    assert meaning(sheet(page)["marks"][0]) == "USER Fever D005334"
    log = page.request.get(f"{path}/export/file?write_as=log").text()
    events = [event for event in map(json.loads, log.splitlines()) if event["by"] is not None]
    of_model = json.loads(page.text_content("#data"))
    assert len(of_model["model"]) > 8
    for event in events:
        if event["kind"] not in ("undo", "redo"):  # which offer nothing
            assert (event["model"], event["knowledge"]) == (of_model["model"], of_model["knowledge"]), event["kind"]
    linked = next(event for event in events if event["kind"] == "link")
    retyped = next(event for event in events if event["kind"] == "span")
    assert "D005334" in {one["entity"] for one in linked["shown"]} & {one["entity"] for one in retyped["shown"]}
    page.goto(f"{path}/documents/{first + 1}")
    page.keyboard.press("G")
    assert page.inner_text("#note-title") == "Flag the document"
    page.keyboard.press("Control+Enter")
    assert list(sheet(page)["flags"]) == [""]
    page.click("#flag-document")
    assert not sheet(page)["flags"]
    page.keyboard.press("C")
    page.keyboard.type("short")
    page.keyboard.press("Control+Enter")
    assert [(one["text"], one["mark"]) for one in sheet(page)["comments"]] == [("short", "")]
    assert "of the document: short" in page.inner_text("#document-notes")
    assert not page.complaints
    page.context.close()


def test_what_the_server_does_not_take_is_left_out_and_what_comes_late_is_not_shown(
    chrome: Any, server: Server, project: str
) -> None:
    page = visit(chrome, server, "admin")
    opened(page, project, 2, marks=None)

    def refuse(route: Any) -> None:
        if '"kind":"comment"' in route.request.post_data:
            route.fulfill(status=422, json={"detail": "it does not fit"})
        else:
            route.continue_()

    page.route("**/events*", refuse)
    page.keyboard.press("c")
    page.keyboard.type("kept")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#stuck:visible")
    page.keyboard.press("n")
    assert "(comment): It does not fit." in page.inner_text("#stuck-said")
    assert "2 decisions kept" in page.inner_text("#saved")
    page.click("#stuck-again")
    page.wait_for_selector("#stuck:visible")
    page.click("#stuck-leave")
    saved(page)
    assert page.inner_text("#conflicts-count").startswith("1 decision of yours")
    page.unroute("**/events*")
    page.click("#conflicts-open")
    page.click("text=Keep mine")
    assert "kept" in [one["text"] for one in sheet(page)["comments"]]

    late: list[Any] = []
    page.route("**/refresh*", lambda route: late.append((route, route.fetch())))
    page.keyboard.press("Control+s")
    for _ in range(100):
        if late:
            break
        page.wait_for_timeout(50)
    page.click("#text .letter >> nth=0")
    page.keyboard.press("d")
    saved(page)
    left = page.locator("#text .letter").count()
    route, answer = late[0]
    route.fulfill(response=answer)
    page.wait_for_timeout(300)
    assert page.locator("#text .letter").count() == left
    page.context.close()


def test_modules_count_as_python_does_and_show_marks_side_by_side(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    said = page.evaluate(MODULES)
    text = "a 😀b, née 🧬"
    assert said["length"] == len(text)
    assert said["units"] == [len(text[:point].encode("utf-16-le")) // 2 for point in (0, 2, 3, len(text))]
    assert said["points"] == [0, 2, 2, 3]  # the second half of a pair is of the pair
    assert said["slice"] == text[2:4]
    assert said["tokens"] == ["a", "😀", "b", ",", "née", "🧬"]
    assert said["snapped"] == [{"start": 3, "end": 9}, None]
    assert said["moved"] == [3, 5, 11]
    lane = said["lanes"]
    assert lane["in"] == 0
    assert len(set(lane.values())) == 3  # all three lie over each other somewhere
    assert said["segments"] == [
        [0, 2, "out"],
        [2, 3, *sorted(["out", "in"], key=lambda id: -lane[id])],
        [3, 4, *sorted(["out", "in", "over"], key=lambda id: -lane[id])],
        [4, 9, *sorted(["out", "over"], key=lambda id: -lane[id])],
        [9, 12, "over"],
    ]
    offered_again, kept = [[[], 0], [[], 1]], [[["D1"], 0], [["D1"], 1]]
    assert said["corrected"] == [offered_again, offered_again, kept, kept]
    assert said["undone"]["marks"] == []  # the deletion was undone and done again
    assert said["undone"]["flags"] == {}
    page.context.close()


@pytest.mark.parametrize(
    "end",
    [
        "",
        "/samples",
        "/documents",
        "/documents/1",
        "/training",
        "/agreement",
        "/export",
        "/upload",
        "/members",
        "guide",
        "projects",
        "account",
        "account/password",
        "users",
        "api",
    ],
)
def test_axe_finds_nothing_serious(chrome: Any, server: Server, project: str, end: str) -> None:
    page = visit(chrome, server, "admin")
    if end == "/documents/1":
        opened(page, project, 1, marks=None)
    else:
        page.goto(f"{project}{end}" if end.startswith("/") or not end else f"/{end}")
    page.wait_for_selector("#job-progress", state="detached")  # a page with a job loads again when that is over
    assert serious(page) == []
    assert not page.complaints
    page.context.close()


def serious(page: Any) -> list[tuple[str, str]]:
    """What axe-core finds on a page as it is now."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_opens(chrome: Any, server: Server, project: str, scheme: str) -> None:
    page = visit(chrome, server, "admin", color_scheme=scheme)
    opened(page, project, 1, marks=None)
    page.wait_for_selector("#candidates li")
    found = {"candidates": serious(page)}
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    found["keys"] = serious(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("fev")
    page.wait_for_selector("#found-0")
    found["search"] = serious(page)
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.wait_for_selector("#note[open]")
    found["note"] = serious(page)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    found["span"] = serious(page)
    page.keyboard.press("Escape")
    page.goto("/")
    found["first page"] = serious(page)
    page.context.clear_cookies()
    page.goto("/login")
    found["login"] = serious(page)
    assert {where: its for where, its in found.items() if its} == {}
    page.context.close()


def test_at_200_per_cent_nothing_is_cut_off_or_hidden(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin", viewport=NARROW)
    opened(page, project, 1, marks=None)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.click("#help-keys button >> nth=0")
    page.keyboard.press("x")  # next is x now
    page.keyboard.press("Escape")
    first = page.inner_text("#mention-place")
    page.keyboard.press("x")
    assert page.inner_text("#mention-place") != first
    box = page.locator("#text .letter.current").bounding_box()
    assert 0 <= box["y"] <= NARROW["height"]
    page.context.close()


def test_who_was_signed_out_signs_in_again_and_what_waited_is_saved(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    opened(page, project, 2, marks=None)
    page.context.clear_cookies()
    page.keyboard.press("g")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#saved[data-state=signed-out]")
    other = page.context.new_page()
    other.goto("/login")
    other.fill("#name", "admin")
    other.fill("#password", PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url(f"{server.url}/")
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    page.wait_for_selector("#saved[data-state=saved]")
    page.context.close()


def test_the_sample_is_a_project_at_once(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    page.goto("/projects")
    token = page.get_attribute('meta[name="csrf"]', "content")
    answer = page.request.post("/projects/sample", form={"csrf": token})
    assert answer.ok and "Sample" in answer.text()
    count = len(Sample(Sample.Config()).read("test"))
    assert f"0</b> of {count} done" in answer.text()
    for end, status in (("archive", 200), ("models/1/use", 422), ("uploads/sample", 422)):
        assert page.request.post(f"{answer.url}/{end}", form={"csrf": token}).status == status, end
    page.context.close()
