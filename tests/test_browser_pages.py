"""Every page of a project is read by axe-core; the modules of the annotation page are asked alone."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import PASSWORD, Server, chrome, opened, project, server, visit

__all__ = ["chrome", "project", "server"]  # fixtures, shared by all tests in a browser


NARROW = {"width": 640, "height": 450}  # 1280 by 900 at 200 %
MODULES = """async () => {
    const { Text } = await import("/static/annotate/text.js");
    const { lanes, segments } = await import("/static/annotate/lanes.js");
    const { folded } = await import("/static/annotate/sheet.js");
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
        undone: folded(sheet, [deleted, flag, { kind: "undo" }, { kind: "undo" }, { kind: "redo" }]),
    };
}"""


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
    ],
)
def test_axe_finds_nothing_serious(chrome: Any, server: Server, project: str, end: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = visit(chrome, server, "admin")
    if end == "/documents/1":
        opened(page, project, 1, marks=None)
    else:
        page.goto(f"{project}{end}" if end.startswith("/") or not end else f"/{end}")
    page.wait_for_selector("#job-progress", state="detached")  # a page with a job loads again when that is over
    found = axe.Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
    assert not page.complaints
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
