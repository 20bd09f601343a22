"""Who comes in and who does not: passwords, sessions, tokens, hosts, forged requests; and what is said to those refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from opened import HOME, PASSWORD, Opened, csrf, opened
from sqlalchemy import update
from starlette.testclient import TestClient

from tripel.annotations import passwords, schema
from tripel.annotations.accounts import digest
from tripel.web.entry import network
from tripel.web.limiting import FREE, Budget, Pauses
from tripel.web.security import COOKIE
from tripel.web.settings import Settings

OPEN = {"/healthz", "/readyz", "/login", "/static/linked.css"}


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Opened]:
    with opened(tmp_path, database=database_url) as its:
        yield its


def test_the_first_password_is_for_once(server: Opened, tmp_path: Path) -> None:
    assert server.accounts.first() is None, "there are users already"
    user, once = server.accounts.add("eve")
    assert user.must_change
    browser = server.browser("eve", password=once)
    assert browser.get("/").status_code == 403 and "/account/password" in browser.get("/").text
    token = csrf_of(browser, "/account/password")
    for wrong in (
        {"old": "no", "new": "long enough", "again": "long enough"},
        {"old": once, "new": "short", "again": "short"},
        {"old": once, "new": "long enough", "again": "long enougH"},
        {"old": once, "new": once, "again": once},
    ):
        assert browser.post("/account/password", data={"csrf": token, **wrong}).status_code == 422
    answer = browser.post(
        "/account/password", data={"csrf": token, "old": once, "new": "long enough", "again": "long enough"}
    )
    assert answer.status_code == 200 and "Link a text" in answer.text
    assert server.accounts.check("EVE", "long enough") is not None and server.accounts.check("eve", once) is None


def csrf_of(browser: TestClient, path: str) -> str:
    found = re.search(r'<meta name="csrf" content="(\w+)">', browser.get(path).text)
    assert found
    return found[1]


def test_passwords_are_kept_as_scrypt_with_their_parameters(server: Opened) -> None:
    kept = passwords.hashed("correct horse", passwords.Hardness(n=1 << 8, p=2))
    assert kept.startswith("scrypt$256$8$2$") and "correct" not in kept
    assert passwords.fits("correct horse", kept) and not passwords.fits("correct horsf", kept)
    assert kept != passwords.hashed("correct horse", passwords.Hardness(n=1 << 8, p=2)), "each has its salt"
    assert passwords.Hardness() == passwords.Hardness(n=1 << 15, r=8, p=3)


def test_the_cookie_cannot_be_read_by_scripts_or_sent_from_elsewhere(server: Opened) -> None:
    browser = server.browser()
    answer = browser.post("/login", data={"name": "ann", "password": PASSWORD}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "secure" not in cookie
    secret = browser.cookies[COOKIE]
    with server.database.connect() as connection:
        assert secret not in str(connection.execute(schema.logins.select()).all()), "only its hash is kept"


def test_behind_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    with opened(tmp_path, settings=Settings(https=True, hosts=("annotate.example.org",))) as its:
        answer = TestClient(its.app, base_url="https://annotate.example.org").post(
            "/login", data={"name": "ann", "password": PASSWORD}, follow_redirects=False
        )
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"]


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5000, "../../etc/passwd", "' OR 1=1 --", digest("x")])
def test_forged_cookies_open_nothing(server: Opened, cookie: str) -> None:
    client = server.browser()
    client.cookies.set(COOKIE, cookie)
    assert client.get("/account", follow_redirects=False).headers["location"] == "/login?next=%2Faccount"
    assert client.get("/api/openapi.json").status_code == 401


def test_what_the_database_holds_of_a_session_does_not_open_it(server: Opened) -> None:
    browser = server.browser("ann")
    forged = server.browser()
    forged.cookies.set(COOKIE, digest(browser.cookies[COOKIE]))
    assert forged.get("/account", follow_redirects=False).status_code == 303


def test_sessions_end(server: Opened) -> None:
    ann, user = server.browser("ann"), server.accounts.named("ann")
    assert user is not None
    past = datetime.now(UTC) - timedelta(hours=13)
    with server.database.begin() as connection:
        connection.execute(update(schema.logins).values(seen_at=past))
    assert ann.get("/account", follow_redirects=False).status_code == 303, "it was idle too long"
    first, second = server.browser("ann"), server.browser("ann")
    second.post("/logout")
    assert second.get("/account", follow_redirects=False).status_code == 303
    assert first.get("/account").status_code == 200
    server.accounts.change_password(user.id, "another password")
    assert first.get("/account", follow_redirects=False).status_code == 303, "a new password ends every session"


def test_nobody_ends_the_session_of_another_or_revokes_their_token(server: Opened) -> None:
    ann, bob = server.browser("ann"), server.browser("bob")
    user = server.accounts.named("ann")
    assert user is not None
    token, secret = server.accounts.issue(user.id, "hers", ["read"])
    login = server.accounts.sessions(user.id)[0]
    bob.post(f"/account/sessions/{login.id}/end")
    bob.post(f"/account/tokens/{token.id}/revoke")
    assert ann.get("/account").status_code == 200
    assert server.accounts.token(secret) is not None
    ann.post(f"/account/tokens/{token.id}/revoke")
    assert server.accounts.token(secret) is None


def test_who_is_shut_out_is_out_at_once(server: Opened) -> None:
    bob, admin = server.browser("bob"), server.browser("admin")
    user = server.accounts.named("bob")
    assert user is not None
    program = server.program(user.id, "read")
    assert program.get("/api/openapi.json").status_code == 200
    assert admin.post(f"/users/{user.id}/active", data={"active": "false"}).status_code == 200
    assert bob.get("/account", follow_redirects=False).status_code == 303
    assert program.get("/api/openapi.json").status_code == 401
    assert server.browser().post("/login", data={"name": "bob", "password": PASSWORD}).status_code == 401


def test_somebody_always_runs_the_server(server: Opened) -> None:
    admin, user = server.browser("admin"), server.accounts.named("admin")
    assert user is not None
    assert admin.post(f"/users/{user.id}/active", data={"active": "false"}).status_code == 422
    assert admin.post(f"/users/{user.id}/admin", data={"admin": "false"}).status_code == 422
    assert admin.get("/users").status_code == 200


def test_users_are_for_administrators(server: Opened) -> None:
    ann = server.browser("ann")
    for path in ("/users", "/users/1/password", "/users/1/active", "/users/1/admin"):
        answer = ann.get(path) if path == "/users" else ann.post(path)
        assert answer.status_code == 403, path
    admin = server.browser("admin")
    made = admin.post("/users", data={"name": "Carl", "admin": "false"})
    secret = re.search(r'class="secret" tabindex="0">([\w-]+)<', made.text)
    assert secret and server.accounts.check("carl", secret[1]) is not None
    for name in ("Carl", "", "a b", "<script>", "é", "x" * 65, "a\0b"):
        assert admin.post("/users", data={"name": name}).status_code == 422, name
    assert admin.post("/users/9223372036854775807/password").status_code == 404
    assert admin.post("/users/9223372036854775808/password").status_code == 422


def test_every_change_needs_the_token_against_forgery(server: Opened) -> None:
    """Whatever routes there are: none that changes something goes without it, and none is open but those that must be."""
    browser = server.browser("admin")
    token = browser.headers.pop("x-csrf-token")
    checked = 0
    for route in iter_route_contexts(server.app.routes):
        path = re.sub(r"\{[^}]*\}", "1", route.path or "")
        for method in getattr(route, "methods", None) or ():
            if route.path not in OPEN:
                answer = server.browser().request(method, path, follow_redirects=False)
                assert answer.status_code in (303, 401), (method, path, answer.status_code)
                assert answer.headers.get("location", "/login").startswith("/login"), path
            if method in ("POST", "PUT", "PATCH", "DELETE") and route.path not in OPEN:
                for sent in ({}, {"x-csrf-token": "0" * len(token)}):
                    answer = browser.request(method, path, headers=sent)
                    assert answer.status_code == 403, (method, path, answer.status_code, answer.text[:200])
                checked += 1
    assert checked >= 10
    assert browser.post("/", data={"csrf": token, "text": "fever"}).status_code == 200
    assert browser.post("/", data={"csrf": csrf(server.browser("ann")), "text": "fever"}).status_code == 403, (
        "of another session"
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": HOME}, 200),
        ({"sec-fetch-site": "same-origin", "origin": HOME}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost.evil.example:8000"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 403),
        ({"authorization": "Basic YTpi", "origin": HOME}, 200),
        ({"authorization": "Basic YTpi", "origin": "http://evil.example"}, 403),
        ({"origin": "http://[evil"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": HOME}, 403),
    ],
)
def test_pages_of_others_change_nothing(server: Opened, headers: dict[str, str], status: int) -> None:
    browser = server.browser("ann")
    assert browser.post("/", data={"text": "fever"}, headers=headers).status_code == status
    assert (
        server.browser().post("/login", data={"name": "ann", "password": PASSWORD}, headers=headers).status_code
        == status
    )


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8000", True),
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("127.0.0.1:1", True),
        ("[::1]:8000", True),
        ("annotate.example.org", True),
        ("annotate.example.org:8443", True),
        ("with-port.example.org:8443", True),
        ("with-port.example.org", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example:localhost", False),
        ("", False),
    ],
)
def test_hosts_that_were_not_configured_are_refused(tmp_path: Path, host: str, known: bool) -> None:
    settings = Settings(hosts=("annotate.example.org", "with-port.example.org:8443"))
    assert settings.knows(host) == known
    with opened(tmp_path, settings=settings) as its:
        assert (its.browser().get("/login", headers={"host": host}).status_code == 200) == known
        assert its.browser().get("/healthz", headers={"host": host}).status_code == 200


def test_behind_a_proxy_nobody_has_to_switch_the_checks_off(tmp_path: Path) -> None:
    """The proxy asks by an inner name; the browser says the outer one."""
    with opened(tmp_path, settings=Settings(hosts=("annotate.example.org",), https=True)) as its:
        client = TestClient(its.app, base_url="http://127.0.0.1:8000", follow_redirects=False)
        origin = {"origin": "https://annotate.example.org", "sec-fetch-site": "same-origin"}
        answer = client.post("/login", data={"name": "ann", "password": PASSWORD}, headers=origin)
        assert answer.status_code == 303 and answer.headers["location"] == "/"


def test_tokens_do_what_their_scopes_say(server: Opened) -> None:
    user = server.accounts.named("ann")
    assert user is not None
    wish = {"documents": [{"text": "fever"}]}
    assert server.program(user.id, "link").post("/api/link", json=wish).status_code == 200
    assert server.program(user.id, "read", "annotate", "admin").post("/api/link", json=wish).status_code == 403
    assert server.program(user.id, "link").get("/api/openapi.json").status_code == 403
    assert server.program(user.id, "admin").get("/users").status_code == 403, "pages are for people"
    late, secret = server.accounts.issue(user.id, "late", ["link"], expires=datetime.now(UTC) - timedelta(seconds=1))
    assert late.expires is not None and server.accounts.token(secret) is None
    for wrong in (f"Bearer {secret}x", "Bearer", "Basic YTpi", "Bearer " + "x" * 4000, "bearer \x00"):
        client = TestClient(server.app, base_url=HOME)
        answer = client.post("/api/link", json=wish, headers={"authorization": wrong})
        assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json", wrong


def test_a_token_is_shown_once_and_kept_as_a_hash(server: Opened) -> None:
    browser = server.browser("ann")
    made = browser.post("/account/tokens", data={"name": "<b>mine</b>", "scope": ["link", "read"], "days": "30"})
    secret = re.search(r"tripel_[\w-]{43}", made.text)
    assert secret and "&lt;b&gt;mine&lt;/b&gt;" in made.text and "<b>mine" not in made.text
    assert "tripel_" not in browser.get("/account").text.replace("tripel_session", "")
    with server.database.connect() as connection:
        assert secret[0] not in str(connection.execute(schema.tokens.select()).all())
    for wrong in ({"name": "x", "scope": []}, {"name": "", "scope": ["read"]}, {"name": "x", "scope": ["root"]}):
        assert browser.post("/account/tokens", data=wrong).status_code == 422


def test_guessing_passwords_takes_longer_and_longer(server: Opened) -> None:
    browser = server.browser()
    said = [browser.post("/login", data={"name": "ann", "password": f"guess {n}"}).status_code for n in range(FREE + 1)]
    assert said == [401] * FREE + [429]
    answer = browser.post("/login", data={"name": "ann", "password": PASSWORD})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1, "the right one has to wait, too"
    assert browser.post("/login", data={"name": "bob", "password": PASSWORD}).status_code == 429, "by address, too"


def test_who_signs_in_between_guesses_is_not_forgiven_those_at_others(server: Opened) -> None:
    browser = server.browser()
    for _ in range(FREE):
        assert (
            browser.post("/login", data={"name": "bob", "password": PASSWORD}, follow_redirects=False).status_code
            == 303
        )
        assert browser.post("/login", data={"name": "ann", "password": "a guess"}).status_code == 401
    assert browser.post("/login", data={"name": "bob", "password": PASSWORD}).status_code == 429


def test_many_guesses_at_once_are_as_many(server: Opened) -> None:
    def guess(n: int) -> int:
        return server.browser().post("/login", data={"name": "ann", "password": f"guess {n}"}).status_code

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(guess, range(12)))
    assert sorted(said) == [401] * FREE + [429] * (12 - FREE)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.7", "10.0.0.7"), ("2001:db8::1:2:3:4", "2001:db8::/64"), ("testclient", "testclient"), ("", "")],
)
def test_a_stranger_has_a_network(address: str, expected: str) -> None:
    assert network(address) == expected


def test_pauses_double_and_end() -> None:
    at = 0.0
    pauses = Pauses(60.0, clock=lambda: at)
    waits = []
    for _ in range(FREE + 8):
        pauses.failed("ann")
        waits.append(pauses.left("ann"))
    assert waits == [0.0] * (FREE - 1) + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert pauses.left("bob") == 0
    at = 59.0
    assert pauses.left("ann") == 1.0
    pauses.succeeded("ann")
    assert pauses.left("ann") == 0


def test_a_budget_refills() -> None:
    at = 0.0
    budget = Budget(60, clock=lambda: at)
    assert [budget.take("ann") for _ in range(60)] == [0.0] * 60
    assert budget.take("ann") == pytest.approx(1.0) and budget.take("bob") == 0
    at = 1.0
    assert budget.take("ann") == 0 and budget.take("ann") > 0


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/\tevil", "javascript:x", ""]
)
def test_signing_in_leads_to_pages_of_ours_alone(server: Opened, path: str) -> None:
    answer = server.browser().post(
        "/login", data={"name": "ann", "password": PASSWORD, "next": path}, follow_redirects=False
    )
    assert answer.headers["location"] == "/"
    answer = server.browser().post(
        "/login", data={"name": "ann", "password": PASSWORD, "next": "/projects/3"}, follow_redirects=False
    )
    assert answer.headers["location"] == "/projects/3"


def test_pages_run_no_script_that_is_not_ours(server: Opened) -> None:
    for path in ("/login", "/nothing", "/static/base.css", "/healthz"):
        headers = server.browser().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    for path in ("/", "/account", "/users", "/api"):
        html = server.browser("admin").get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style| style=|\son\w+=|https?://(?!localhost)", html), path


def test_more_than_may_be_sent_is_not_read(tmp_path: Path) -> None:
    with opened(tmp_path, settings=Settings(body=10_000, stranger=2_000, upload=20_000)) as its:
        stranger, ann = its.browser(), its.browser("ann")
        assert stranger.post("/login", content=b"x" * 3_000).status_code == 413
        assert ann.post("/", content=b"x" * 11_000).status_code == 413
        assert ann.post("/nothing/upload", content=b"x" * 11_000).status_code == 404
        assert ann.post("/nothing/upload", content=b"x" * 21_000).status_code == 413

        def endless() -> Iterator[bytes]:
            for _ in range(100):
                yield b"x" * 1000

        headers = {"content-type": "application/json"}
        assert ann.post("/api/link", content=endless(), headers=headers).status_code == 413, "nothing was announced"
        assert ann.post("/", content=b"", headers={"content-length": "-1"}).status_code == 413


def test_what_fails_inside_is_told_by_its_number_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path) as its:

        @its.app.get("/broken")
        def broken() -> None:
            raise KeyError("the secret of a patient")

        answer = its.browser().get("/broken", headers={"accept": "*/*"})
        assert answer.status_code == 500 and answer.json()["number"] in caplog.text
        assert "patient" not in answer.text + caplog.text and "KeyError" not in answer.text
        assert "test_door.py" in caplog.text and "KeyError" in caplog.text
        assert answer.headers["content-security-policy"]
        assert "Internal Server Error" in its.browser().get("/broken").text
