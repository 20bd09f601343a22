"""The database: what it keeps, who may open it, what it refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from tripel.annotations import schema
from tripel.annotations.database import Database


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
