"""A server on a real database, with a model that links by looking words up, and people who have signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from databases import of_a_server
from fastapi import FastAPI
from starlette.testclient import TestClient

from tripel.annotations.accounts import Accounts
from tripel.annotations.database import Database
from tripel.annotations.passwords import Hardness
from tripel.documents import Candidate, Document, Link, Linked, Mention
from tripel.web.app import create_app
from tripel.web.batching import Batcher, Choice, Unfit
from tripel.web.settings import Settings

QUICK = Hardness(n=1 << 8, p=1)
HOME = "http://localhost:8000"
PASSWORD = "correct horse battery"
KNOWN = {
    "fever": ("D1", "Fever"),
    "multiple sclerosis": ("D2", "Multiple Sclerosis"),
    "ms": ("D2", "Multiple Sclerosis"),
}


class LookedUp:
    """A model in ten lines: what it knows is linked, wherever it stands; a given mention that it does not know is NIL."""

    version = "looked-up"
    finds = True

    def __call__(self, documents: Sequence[Document], *, given: bool, choice: Choice) -> list[Linked]:
        if "Nonsense" in choice.types:
            raise Unfit("no entity has types Nonsense")
        return [_linked(document if given else _found(document)) for document in documents]


def _found(document: Document) -> Document:
    spans = [
        match.span() for name in KNOWN for match in re.finditer(rf"\b{name}\b", document.text, re.IGNORECASE | re.ASCII)
    ]
    return document.having(
        mentions=[Mention(start=s, end=e, text=document.text[s:e], type="Disease") for s, e in spans]
    )


def _linked(document: Document) -> Linked:
    links = []
    for mention in document.mentions:
        known = KNOWN.get(mention.text.lower())
        candidates = (Candidate(known[0], 0.9, known[1], mention.text, "", 0.8),) if known else ()
        entity = known[0] if known else None
        links.append(Link(mention, candidates, entity, "linked" if known else "nil", "looked up"))
    return Linked(document, tuple(links))


@dataclass
class Opened:
    """The parts of a server that runs in this process."""

    app: FastAPI
    database: Database
    accounts: Accounts

    def browser(self, name: str = "", *, password: str = PASSWORD, base: str = HOME) -> TestClient:
        """A browser; with a name, signed in. It sends what a browser sends."""
        client = TestClient(self.app, base_url=base, headers={"accept": "text/html"}, raise_server_exceptions=False)
        if name:
            answer = client.post("/login", data={"name": name, "password": password}, headers={"origin": base})
            assert answer.status_code == 200, answer.text
            client.headers["x-csrf-token"] = csrf(client)
        return client

    def user(self, name: str, *, admin: bool = False) -> int:
        """A user with PASSWORD."""
        user, _ = self.accounts.add(name, admin=admin)
        self.accounts.change_password(user.id, PASSWORD)
        return user.id

    def program(self, user: int, *scopes: str) -> TestClient:
        """A program with a token."""
        _, secret = self.accounts.issue(user, "test", scopes)
        return TestClient(
            self.app, base_url=HOME, headers={"authorization": f"Bearer {secret}"}, raise_server_exceptions=False
        )


def csrf(client: TestClient) -> str:
    """The token against forgery, as pages hold it."""
    found = re.search(r'<meta name="csrf" content="(\w*)">', client.get("/account").text)
    assert found
    return found[1]


@contextmanager
def opened(
    folder: Path, *, settings: Settings | None = None, batcher: Batcher | None = None, database: str = ""
) -> Iterator[Opened]:
    """A server with the users `admin` (who runs it), `ann` and `bob`; its model is ready.

    Its database is a file of SQLite in the folder, if nothing else is said.
    """
    with of_a_server(f"sqlite:///{folder / 'annotations.db'}") if not database else nullcontext(database) as url:
        yield from _opened(url, folder, settings, batcher)


def _opened(url: str, folder: Path, settings: Settings | None, batcher: Batcher | None) -> Iterator[Opened]:
    kept = Database.open(url)
    accounts = Accounts(kept, hardness=QUICK)
    batcher = batcher or Batcher(LookedUp, wait=0)
    settings = settings or Settings(folder=folder)
    settings.folder.mkdir(exist_ok=True)
    app = create_app(database=kept, batcher=batcher, settings=settings, accounts=accounts)
    its = Opened(app, kept, accounts)
    for name in ("admin", "ann", "bob"):
        its.user(name, admin=name == "admin")
    with TestClient(app, base_url=HOME):
        yield its
    kept.close()
