"""The whole way in a real browser against a real server: by keyboard alone, by pointer alone, offline, and two people at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PASSWORD, TEXTS, Server, browser, pubtator, run, visit

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def server(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that was never started before."""
    base = tmp_path_factory.mktemp("browser")
    its = Server(run(base), base / "home")
    its.ready()
    yield its
    its.stop()


@pytest.fixture(scope="module")
def project(chrome: Any, server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """First start by keyboard alone: the password for once, one's own, a project, an upload. The path of the project."""
    file = pubtator(tmp_path_factory.mktemp("upload") / "texts.pubtator", TEXTS)
    page = visit(chrome, server, "admin", password=server.password)
    assert page.url.endswith("/account/password")
    for words in (server.password, PASSWORD, PASSWORD):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    follow(page, "Projects")
    assert "You are in no project yet" in page.inner_text("main")
    tab_to(page, "Title")
    page.keyboard.type("Neurology")
    page.keyboard.press("Enter")
    page.wait_for_url("**/upload")
    path = page.url.removesuffix("/upload").removeprefix(server.url)
    page.set_input_files("#file", file)  # the dialog is the system's
    tab_to(page, "See what is in it")
    page.keyboard.press("Enter")
    page.wait_for_selector("#store")
    assert "3 (3 new" in page.inner_text("dl.facts")
    documents = "() => fetch(location.pathname.replace('upload', 'documents')).then((answer) => answer.text())"
    assert "There are no documents yet" in page.evaluate(documents)
    tab_to(page, "Store them")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")
    assert not page.complaints
    page.context.close()
    return path


def follow(page: Any, name: str) -> None:
    """Go to a link by Tab, and open it."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def tab_to(page: Any, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        called = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " || e.labels?.[0]?.innerText || e.innerText || ''; }"
        )
        if called.strip().startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def sheet(page: Any) -> Any:
    """What stands on the sheet, as the server has it once all is saved."""
    saved(page)
    path = json.loads(page.text_content("#data"))["paths"]["sheet"]
    return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)["sheet"]


def saved(page: Any) -> None:
    page.wait_for_function("() => document.getElementById('saved').textContent === 'All saved'")


def now(page: Any) -> str:
    """The words of the mention at work."""
    return str(page.inner_text("#mention-text"))


def opened(page: Any, path: str, document: int, *, marks: int) -> None:
    """Open a document, and wait until the model has said what it finds."""
    page.goto(f"{path}/documents/{document}")
    page.wait_for_function(f"() => document.querySelectorAll('#text .letter').length === {marks}", timeout=60_000)


def meaning(mark: Any) -> str:
    return f"{mark['label']} {mark['text']} {'NIL' if mark['nil'] else '+'.join(mark['entities'])}"


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
    assert "USER and nausea D009325" in found
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
    assert not page.complaints
    page.context.close()


def select(page: Any, first: str, last: str, *, alt: bool = False) -> None:
    """Drag over a text from the beginning of one string to the end of another."""
    box = page.evaluate(
        """([first, last]) => {
            const text = document.getElementById("text");
            const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
            const whole = text.textContent;
            const places = [whole.indexOf(first), whole.indexOf(last) + last.length];
            const boxes = [];
            let reached = 0;
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                for (const [i, place] of places.entries()) {
                    const at = place - (i ? 1 : 0) - reached;
                    if (at >= 0 && at < node.length) {
                        const range = document.createRange();
                        range.setStart(node, at);
                        range.setEnd(node, at + 1);
                        const box = range.getBoundingClientRect();
                        boxes[i] = [i ? box.right - 0.5 : box.left + 0.5, (box.top + box.bottom) / 2];
                    }
                }
                reached += node.length;
            }
            return boxes;
        }""",
        [first, last],
    )
    if alt:
        page.keyboard.down("Alt")
    page.mouse.move(*box[0])
    page.mouse.down()
    page.mouse.move(*box[1], steps=4)
    page.mouse.up()
    if alt:
        page.keyboard.up("Alt")


def test_offline_for_a_while_and_a_reload_lose_nothing(chrome: Any, server: Server, project: str) -> None:
    page = visit(chrome, server, "admin")
    opened(page, project, 3, marks=3)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    page.keyboard.type("written offline")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#saved[data-state=offline]")
    assert "3 decisions kept in this browser" in page.inner_text("#saved")
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
    for page in (admin, bob):
        assert not [one for one in page.complaints if "409" not in one]
        page.context.close()
