"""Models of projects that a server asks, without one: who waits for which, and what one that fails keeps from the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from annotating import RECORDS, Work, upload
from opened import HOME, Opened, opened
from sqlalchemy import insert, update

from tripel.annotations import overlay, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.live import Live
from tripel.annotations.models import Model
from tripel.documents import Document, Linked
from tripel.web.pages.sheets import ASKING

ENOUGH_S = 30.0
THREADS = 40  # that answer all other requests


@dataclass
class Pretended:
    """What becomes of the index of each project, by its number."""

    may_open: dict[int, threading.Event] = field(default_factory=dict)
    """Of those that take until they may."""
    opening: list[int] = field(default_factory=list)
    learnt: list[int] = field(default_factory=list)
    ailing: set[int] = field(default_factory=set)


class Nothing:
    """Links nothing."""

    ranker = SimpleNamespace(encoder=None, kb=None)

    def stream(self, documents: Iterable[Document], *, given: bool) -> Iterator[Linked]:
        return iter([Linked(one, ()) for one in documents])


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    its = Pretended()

    class Overlay:
        read = 0

        def __init__(self, database: Database, files: Path, model: Model) -> None:
            self.model = model

        def link(self) -> Nothing:
            its.opening.append(self.model.project)
            if self.model.project in its.may_open:
                assert its.may_open[self.model.project].wait(ENOUGH_S)
            return Nothing()

        def catch_up(self, encoder: object, kb: object) -> None:
            if self.model.project in its.ailing:
                raise OSError("Fever after aspirin")
            its.learnt.append(self.model.project)

    monkeypatch.setattr(overlay, "Overlay", Overlay)
    return its


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """On SQLite alone: who waits for what knows no database."""
    made = Database.open(f"sqlite:///{tmp_path / 'tripel.db'}")
    yield made
    made.close()


def project(database: Database, folder: Path) -> int:
    """One with a model in use, which lies nowhere."""
    made = Work.begin(database, folder, people=1).project
    version(database, made, 1)
    return made


def version(database: Database, project: int, number: int) -> None:
    values = {"version": number, "folder": "", "fingerprint": "", "knowledge": "", "scores": {}}
    now = schema.now()
    with database.begin() as connection:
        adding = insert(schema.models).values(project=project, created_at=now, **values).returning(schema.models.c.id)
        model = connection.execute(adding).scalar_one()
        connection.execute(insert(schema.uses).values(project=project, model=model, at=now))


ASKED = Document(id="asked", text="Fever.")


def until(true: object) -> None:
    end = time.monotonic() + ENOUGH_S
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_open_project_answers_and_learns_while_others_are_opened(
    database: Database, tmp_path: Path, pretended: Pretended
) -> None:
    live = Live(database, tmp_path)
    quick, slow, new = (project(database, tmp_path) for _ in range(3))
    assert live.link(quick, ASKED, given=True).document == ASKED
    pretended.may_open[slow] = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(live.link, slow, ASKED, given=True) for _ in range(2)]
        until(lambda: slow in pretended.opening)
        for asked in (quick, new):  # one that is open, and one to be opened
            assert pool.submit(live.link, asked, ASKED, given=True).result(ENOUGH_S / 3).document == ASKED
        assert pool.submit(live.is_open, quick).result(ENOUGH_S / 3) and not live.is_open(slow)
        pool.submit(live.learn).result(ENOUGH_S / 3)
        assert sorted(pretended.learnt) == [quick, new]
        pretended.may_open[slow].set()
        assert [one.result(ENOUGH_S).document for one in waiting] == [ASKED, ASKED]
    assert pretended.opening == [quick, slow, new], "each was opened once"


def test_nobody_else_waits_while_the_next_version_is_opened(
    database: Database, tmp_path: Path, pretended: Pretended
) -> None:
    live = Live(database, tmp_path)
    first, other = (project(database, tmp_path) for _ in range(2))
    for one in (first, other):
        live.link(one, ASKED, given=True)
    version(database, first, 2)
    assert not live.is_open(first)
    pretended.may_open[first] = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(live.link, first, ASKED, given=True)
        until(lambda: pretended.opening.count(first) == 2)
        pool.submit(live.learn).result(ENOUGH_S / 3)
        assert pretended.learnt == [other], "what is being opened learns as it is"
        pretended.may_open[first].set()
        waiting.result(ENOUGH_S)
    assert live.is_open(first)


def test_one_that_fails_keeps_no_other_from_learning(
    database: Database, tmp_path: Path, pretended: Pretended, capsys: pytest.CaptureFixture[str]
) -> None:
    live = Live(database, tmp_path)
    first, second, third = (project(database, tmp_path) for _ in range(3))
    for one in (first, second, third):
        live.link(one, ASKED, given=True)
    pretended.ailing = {first, second}
    live.learn()
    assert pretended.learnt == [third]
    said = [f"learning from annotations of project {one}: OSError; trying again" for one in (first, second)]
    assert capsys.readouterr().err.splitlines() == said
    pretended.ailing.clear()
    live.learn()
    assert pretended.learnt == [third, first, second, third]


def test_a_project_that_is_being_erased_is_held_and_opened_no_more(
    database: Database, tmp_path: Path, pretended: Pretended
) -> None:
    live = Live(database, tmp_path)
    gone = project(database, tmp_path)
    live.link(gone, ASKED, given=True)
    projects.archive(database, gone)
    with database.begin() as connection:
        connection.execute(update(schema.projects).values(erasing=True))
    live.forget(gone)
    live.learn()
    assert pretended.learnt == []
    with pytest.raises(ValueError, match="being erased"):
        live.link(gone, ASKED, given=True)


# The routes


def test_who_waits_for_a_model_keeps_nobody_from_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may = threading.Event()
    with opened(tmp_path) as server:
        asyncio.run(_crowd(server, tmp_path, may, monkeypatch))


async def _crowd(server: Opened, folder: Path, may: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """More ask the model than there are threads, and all others are answered before it answers."""
    ann = server.accounts.named("ann")
    assert ann is not None
    made = projects.new(server.database, title="Fevers", by=ann.id).id
    (document, _) = upload(server.database, made, folder, RECORDS, by=ann.id)
    live, asking = server.app.state.services.live, []

    def link(project: int, document: Document, *, given: bool) -> Linked:
        asking.append(project)
        assert may.wait(ENOUGH_S)
        raise ValueError("nothing that finds mentions")

    monkeypatch.setattr(live, "begin", lambda project: True)
    monkeypatch.setattr(live, "link", link)
    token = server.program(ann.id, "read", "annotate").headers["authorization"]
    place = f"/api/projects/{made}/documents/{document}"
    transport = httpx2.ASGITransport(app=server.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=HOME, headers={"authorization": token}) as client:
        crowd = [asyncio.create_task(client.post(f"{place}/refresh")) for _ in range(ASKING + THREADS)]
        end = time.monotonic() + ENOUGH_S
        while len(asking) < ASKING:
            assert time.monotonic() < end, [one.result().text for one in crowd if one.done()]
            await asyncio.sleep(0.01)
        time_event = {"key": "key-12345678", "kind": "comment", "text": "cough"}
        saving = client.post(f"{place}/events", json={"events": [time_event]})
        saved = await asyncio.wait_for(saving, ENOUGH_S / 3)
        assert saved.status_code == 200 and saved.json()["sheet"]["comments"]
        assert not any(one.done() for one in crowd) and len(asking) == ASKING
        may.set()
        assert {(await one).status_code for one in crowd} == {409}
