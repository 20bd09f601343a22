"""Offline for a while, and two people at once: nothing is lost, nobody is overwritten."""

from __future__ import annotations

from typing import Any

from browsing import PASSWORD, Server, chrome, meaning, opened, project, saved, server, sheet, visit

__all__ = ["chrome", "project", "server"]  # fixtures, shared by all tests in a browser


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
