"""Projects and their members, and who is on a document."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from annotating import Work, mark, user

from tripel.annotations import ledger, presence, projects, schema
from tripel.annotations.database import Database


@pytest.fixture
def ada(database: Database) -> int:
    return user(database, "ada")


def test_a_project_is_made_changed_archived_and_resumed(database: Database, ada: int) -> None:
    made = projects.new(database, title=" Fevers ", description="of children", by=ada, mode="blind", model="runs/a")
    assert (made.title, made.mode, made.model, made.archived_at) == ("Fevers", "blind", "runs/a", None)
    assert projects.get(database, made.id) == made
    changed = projects.change(database, made.id, title="Fever", knowledge="kb.arrow")
    assert (changed.title, changed.description, changed.knowledge) == ("Fever", "of children", "kb.arrow")
    later = projects.new(database, title="Coughs", by=ada)
    assert [one.title for one in projects.of_user(database, ada)] == ["Coughs", "Fever"]
    archived = projects.archive(database, made.id)
    assert archived.archived_at is not None
    assert projects.of_user(database, ada) == projects.all_of(database) == [later]
    assert projects.of_user(database, ada, archived=True) == [archived]
    assert projects.resume(database, made.id) == changed


def test_projects_are_of_their_members(database: Database, ada: int) -> None:
    bob = user(database, "bob")
    made = projects.new(database, title="Fevers", by=ada)
    assert projects.of_user(database, bob) == []
    assert projects.role(database, made.id, bob) is None
    projects.set_role(database, made.id, bob, "annotator")
    assert projects.of_user(database, bob) == [made]
    projects.set_role(database, made.id, bob, "reviewer")
    assert [(one.name, one.role) for one in projects.members_of(database, made.id)] == [
        ("ada", "admin"),
        ("bob", "reviewer"),
    ]
    projects.remove(database, made.id, bob)
    assert projects.role(database, made.id, bob) is None


def test_an_admin_is_left(database: Database, ada: int) -> None:
    made = projects.new(database, title="Fevers", by=ada)
    with pytest.raises(ValueError, match="needs an admin"):
        projects.remove(database, made.id, ada)
    with pytest.raises(ValueError, match="needs an admin"):
        projects.set_role(database, made.id, ada, "annotator")
    projects.set_role(database, made.id, user(database, "bob"), "admin")
    projects.remove(database, made.id, ada)
    assert [one.name for one in projects.members_of(database, made.id)] == ["bob"]


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\0b", "a\ud800"])
def test_a_title_that_cannot_be_kept(database: Database, ada: int, title: str) -> None:
    with pytest.raises(ValueError, match="title"):
        projects.new(database, title=title, by=ada)
    assert projects.all_of(database) == []


def test_what_is_not_there(database: Database, ada: int) -> None:
    made = projects.new(database, title="Fevers", by=ada)
    for ask in (projects.get, projects.archive, projects.resume):
        with pytest.raises(LookupError, match="no project 9999"):
            ask(database, 9999)
    with pytest.raises(ValueError, match="no such user"):
        projects.set_role(database, made.id, 9999, "annotator")
    with pytest.raises(LookupError, match="no project 9999"):
        projects.set_role(database, 9999, ada, "annotator")
    with pytest.raises(ValueError, match="annotator, reviewer or admin"):
        projects.set_role(database, made.id, ada, "king")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mode cannot be changed"):
        projects.change(database, made.id, mode="blind")


def test_who_is_on_a_document(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work.begin(database, tmp_path)
    document, (ada, bob) = work.documents[0], work.users
    for _ in range(2):
        presence.here(database, document, ada)
    assert [one.user for one in presence.present(database, document)] == [ada]
    presence.here(database, document, bob)
    presence.here(database, work.documents[1], bob)
    assert [one.user for one in presence.present(database, document)] == [ada, bob]
    presence.gone(database, document, bob)
    assert [one.user for one in presence.present(database, document)] == [ada]
    now = schema.now()
    monkeypatch.setattr(schema, "now", lambda: now + timedelta(seconds=31))
    assert presence.present(database, document) == []
    assert presence.present(database, work.documents[1]) == []
    presence.here(database, document, bob)
    assert [one.user for one in presence.present(database, document)] == [bob]


def test_a_sheet_of_ones_own_where_annotators_are_blind(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path, mode="blind")
    ours, theirs = (work.sheet_id(user=number) for number in (0, 1))
    assert ours != theirs
    work.do("add", after=mark(10, 15), user=1)
    assert [len(ledger.sheet_now(database, sheet).marks) for sheet in (ours, theirs)] == [1, 2]
    assert work.sheet_id(user=0) == ours
    work.sound()
