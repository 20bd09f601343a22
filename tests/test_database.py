"""The database: what it keeps, who may open it, what it refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.schema import read, written


def add_user(database: Database, name: str) -> None:
    with database.begin() as connection:
        connection.execute(insert(schema.users).values(name=name, password="", created_at=schema.now()))


def users(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(connection.execute(select(schema.users.c.name)).scalars())


def test_what_is_committed_is_there_when_it_is_opened_again(database_url: str) -> None:
    first = Database.open(database_url)
    add_user(first, "ada")
    first.close()
    again = Database.open(database_url)
    assert users(again) == ["ada"]
    again.close()


def test_a_block_that_fails_changes_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as connection:
            connection.execute(insert(schema.users).values(name="ada", password="", created_at=schema.now()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert users(database) == []


def test_a_reader_sees_one_state_throughout(database: Database) -> None:
    with database.connect() as connection:
        assert connection.execute(select(schema.users.c.name)).all() == []
        add_user(database, "ada")
        assert connection.execute(select(schema.users.c.name)).all() == []
    assert users(database) == ["ada"]


def test_writers_of_many_threads_wait_for_each_other(database: Database) -> None:
    threads = [threading.Thread(target=add_user, args=(database, f"user {number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users(database)) == 20


def test_a_transaction_within_a_transaction_is_our_mistake(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    with database.begin(), pytest.raises(AssertionError, match="wait for itself"):
        add_user(database, "ada")
    add_user(database, "ada")
    database.close()


OPENING = """
import sys
from sqlalchemy import insert
from tripel.annotations import schema
from tripel.annotations.database import Database

database = Database.open(sys.argv[1])
with database.begin() as connection:
    connection.execute(insert(schema.users).values(name=sys.argv[2], password="", created_at=schema.now()))
"""


def test_processes_that_open_at_once_make_the_tables_once(database_url: str) -> None:
    words = [[sys.executable, "-W", "error", "-c", OPENING, database_url, f"user {number}"] for number in range(4)]
    processes = [subprocess.Popen(one, stderr=subprocess.PIPE, text=True) for one in words]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    database = Database.open(database_url)
    assert len(users(database)) == 4
    database.close()


def test_the_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_tables_of_a_later_version_are_refused(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(ValueError, match="another version of tripel"):
        Database.open(database.url)


def test_sqlite_writes_through_to_the_disk_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.db"
    database = Database.open(f"sqlite:///{path}")
    with database.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in asked}
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "secure_delete": 1,
    }
    assert {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}["a.db"] == 0o600
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    database.close()


def test_what_refers_to_nothing_is_refused(database: Database) -> None:
    values = {
        "digest": "a",
        "user": 99,
        "created_at": schema.now(),
        "seen_at": schema.now(),
        "expires_at": schema.now(),
    }
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(insert(schema.logins).values(values))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not the URL of a database"),
        ("mysql://root@localhost/a", "a database of mysql"),
        ("sqlite://", "in memory would keep nothing"),
        ("sqlite:///:memory:", "in memory would keep nothing"),
        ("sqlite:////proc/tripel/a.db", "cannot be written"),
        ("postgresql://tripel:hunter2@127.0.0.1:1/a", "no database answers"),
    ],
)
def test_what_is_no_database_is_said_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        Database.open(url)
    assert "hunter2" not in str(refused.value)


def test_another_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("Fever fell. " * 1000, encoding="utf-8")
    with pytest.raises(ValueError, match="file is not a database"):
        Database.open(f"sqlite:///{path}")


def test_moments_are_utc_and_sort_as_text() -> None:
    moments = [datetime(2026, 3, 1, 9, 30, tzinfo=UTC), datetime(2026, 3, 1, 9, 30, 0, 1, tzinfo=UTC)]
    assert [read(written(one)) for one in moments] == moments
    assert sorted(map(written, moments)) == [written(one) for one in moments]
    east = datetime(2026, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert written(east) == written(moments[0]) == "2026-03-01T09:30:00.000000Z"
    with pytest.raises(ValueError, match="time zone"):
        written(datetime(2026, 3, 1))


def test_nothing_of_the_log_needs_torch_or_a_server() -> None:
    code = """
import sys
from tripel.annotations import adjudication, blind, datasets, exporting, ledger, presence, projects, settled
assert not {"torch", "transformers", "fastapi", "uvicorn"} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
