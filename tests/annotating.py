"""Projects to annotate in tests: users, two short documents, and proposals as a page would make them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tripel.annotations import datasets, ledger, projects, schema
from tripel.annotations.appending import Appended
from tripel.annotations.beginning import sheet_for
from tripel.annotations.database import Database
from tripel.annotations.events import Kind, Mark, Proposal
from tripel.annotations.sheet import Sheet

NUMBERS = count(1)
FIRST = "Fever and cough after aspirin. Fever again."
SECOND = "No Fever here, Feverish. Fever!"
GOLD = {"start": 0, "end": 5, "type": "Disease", "entities": ["D005334"]}
RECORDS = ({"id": "1", "text": FIRST, "mentions": [GOLD]}, {"id": "2", "text": SECOND})


def key() -> str:
    """A new key of an event."""
    return f"key-{next(NUMBERS):08}"


def user(database: Database, name: str = "") -> int:
    """A new user."""
    with database.begin() as connection:
        values = {"name": name or f"user {next(NUMBERS)}", "password": "", "created_at": schema.now()}
        return int(connection.execute(insert(schema.users).values(values).returning(schema.users.c.id)).scalar_one())


def upload(database: Database, project: int, folder: Path, records: Sequence[Any], *, by: int) -> list[int]:
    """A data set of these records; the ids of its documents."""
    path = folder / f"{next(NUMBERS)}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    dataset = datasets.upload(database, project, path, name=path.name, by=by)
    return datasets.document_ids(database, dataset.id)


@dataclass
class Work:
    """A project that users work in."""

    database: Database
    project: int
    users: list[int]
    documents: list[int]

    @classmethod
    def begin(
        cls,
        database: Database,
        folder: Path,
        *,
        mode: projects.Mode = "shared",
        people: int = 2,
        records: Sequence[Any] = RECORDS,
    ) -> Work:
        users = [user(database) for _ in range(people)]
        made = projects.new(database, title="Fevers", by=users[0], mode=mode)
        for one in users[1:]:
            projects.set_role(database, made.id, one, "annotator")
        return cls(database, made.id, users, upload(database, made.id, folder, records, by=users[0]))

    def sheet(self, *, document: int = 0, user: int = 0) -> Sheet:
        """As it stands."""
        return ledger.sheet_now(self.database, self.sheet_id(document=document, user=user))

    def sheet_id(self, *, document: int = 0, user: int = 0) -> int:
        return sheet_for(self.database, self.documents[document], user=self.users[user])

    def do(
        self,
        kind: Kind,
        *,
        document: int = 0,
        user: int = 0,
        seen: int | None = None,
        key: str = "",
        **values: Any,
    ) -> Appended:
        """Append a proposal of a user, who has seen the sheet as it stands if nothing else is said."""
        sheet = self.sheet(document=document, user=user)
        proposal = Proposal(
            key=key or globals()["key"](), kind=kind, seen=sheet.version if seen is None else seen, **values
        )
        return ledger.append(self.database, sheet.id, proposal, by=self.users[user])

    def sound(self) -> None:
        """States are replays, and chains hold."""
        assert ledger.check(self.database, self.project) == []


def mark(start: int, end: int, id: str = "", **values: Any) -> Mark:
    """A mark with an id of its own."""
    return Mark(id=id or f"m{next(NUMBERS)}", start=start, end=end, **values)
