"""The log: appending, conflicts, undoing, spreading, predicting, and replaying what came of it."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import insert

from tripel.annotations import datasets, ledger, projects, schema
from tripel.annotations.beginning import sheet_for
from tripel.annotations.database import Database
from tripel.annotations.events import Mark, Proposal
from tripel.annotations.proposing import Conflict

NUMBERS = count(1)
TEXT = "Fever and cough after aspirin. Fever again."


def user(database: Database, name: str) -> int:
    with database.begin() as connection:
        row = insert(schema.users).values(name=name, password="", created_at=schema.now())
        return int(connection.execute(row.returning(schema.users.c.id)).scalar_one())


def project(database: Database, folder: Path, *, mode: projects.Mode = "shared") -> tuple[int, int, int]:
    """Its id, its admin and its first document: TEXT, with a gold fever."""
    ada = user(database, "ada")
    made = projects.new(database, title="Fevers", by=ada, mode=mode)
    path = folder / "a.jsonl"
    gold = {"start": 0, "end": 5, "type": "Disease", "entities": ["D005334"]}
    records = [{"id": "1", "text": TEXT, "mentions": [gold]}, {"id": "2", "text": "No Fever here, feverish. Fever!"}]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    dataset = datasets.upload(database, made.id, path, name="a.jsonl", by=ada)
    return made.id, ada, datasets.document_ids(database, dataset.id)[0]


def key() -> str:
    return f"key-{next(NUMBERS):08}"


def test_what_was_uploaded_is_gold(database: Database, tmp_path: Path) -> None:
    made, ada, document = project(database, tmp_path)
    sheet = ledger.sheet_now(database, sheet_for(database, document, user=ada))
    assert [(mark.text, mark.label, mark.entities) for mark in sheet.marks] == [("Fever", "GOLD", ("D005334",))]
    assert ledger.check(database, made) == []
