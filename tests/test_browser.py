"""A document is annotated in a real browser against a real server: by keyboard alone, and by pointer alone."""

from __future__ import annotations

from typing import Any

from browsing import Server, chrome, follow, meaning, now, opened, project, saved, select, server, sheet, tab_to, visit

__all__ = ["chrome", "project", "server"]  # fixtures, shared by all tests in a browser


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
