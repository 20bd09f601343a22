"""The tables. It knows what is stored, not what it means.

Moments are UTC, kept as text that sorts by time, so that both databases answer alike. The migrations make these tables; a change
here needs one there, and a test compares the two. They also add what refuses to change or delete an event.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

WRITTEN = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """A moment as text: `2026-03-01T09:30:00.000000Z`. Raises ValueError for one without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone; expected one in UTC, as in 2026-03-01T09:30:00Z")
    return moment.astimezone(UTC).strftime(WRITTEN)


def read(said: str) -> datetime:
    """The moment that `written` wrote."""
    return datetime.strptime(said, WRITTEN).replace(tzinfo=UTC)


def storable(said: str) -> bool:
    """Whether every database keeps a text: no NUL in it, and no half of a character."""
    return "\0" not in said and not any("\ud800" <= letter <= "\udfff" for letter in said)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else written(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        return None if value is None else read(str(value))


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only where they are INTEGER


def _id() -> Column[int]:
    return Column("id", NUMBER, primary_key=True, autoincrement=True)


def _of(name: str, target: str, *, primary: bool = False, optional: bool = False) -> Column[int]:
    return Column(name, NUMBER, ForeignKey(f"{target}.id"), primary_key=primary, nullable=optional)


# Who may come in: accounts

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", String(200), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("admin", Boolean, nullable=False, default=False),
    Column("must_change", Boolean, nullable=False, default=False),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    sqlite_autoincrement=True,
)
logins = Table(
    "logins",
    metadata,
    Column("digest", String(64), primary_key=True),
    _of("user", "users"),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("digest", String(64), nullable=False, unique=True),
    _of("user", "users"),
    Column("name", String(200), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
)

# What is worked on: projects, their members and their documents

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("title", String(200), nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("mode", String(10), nullable=False),
    Column("knowledge", Text, nullable=False, default=""),
    Column("model", Text, nullable=False, default=""),
    Column("created_at", Moment, nullable=False),
    _of("created_by", "users"),
    Column("archived_at", Moment),
    Column("erasing", Boolean, nullable=False, default=False),
    sqlite_autoincrement=True,
)
members = Table(
    "members",
    metadata,
    _of("project", "projects", primary=True),
    _of("user", "users", primary=True),
    Column("role", String(10), nullable=False),
    Column("added_at", Moment, nullable=False),
)
datasets = Table(
    "datasets",
    metadata,
    _id(),
    _of("project", "projects"),
    Column("version", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("format", String(40), nullable=False),
    Column("documents", Integer, nullable=False),
    Column("mentions", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    _of("created_by", "users"),
    UniqueConstraint("project", "version"),
    sqlite_autoincrement=True,
)
documents = Table(
    "documents",
    metadata,
    _id(),
    _of("project", "projects"),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("title_end", Integer, nullable=False),
    UniqueConstraint("project", "name", "digest"),
    sqlite_autoincrement=True,
)
placed = Table(
    "dataset_documents",
    metadata,
    _of("dataset", "datasets", primary=True),
    _of("document", "documents", primary=True),
    Column("place", Integer, nullable=False),
    Column("mentions", JSON, nullable=False),
    Index(None, "document"),
)

# What was decided

sheets = Table(
    "sheets",
    metadata,
    _id(),
    _of("document", "documents"),
    Column("kind", String(10), nullable=False),
    Column("owner", NUMBER, nullable=False, default=0),
    Column("version", NUMBER, nullable=False, default=0),
    Column("done", Boolean, nullable=False, default=False),
    Column("state", JSON, nullable=False),
    UniqueConstraint("document", "kind", "owner"),
    sqlite_autoincrement=True,
)
events = Table(
    "events",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    _of("project", "projects"),
    _of("document", "documents"),
    _of("sheet", "sheets"),
    _of("by", "users", optional=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("mark", String(64)),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("model", String(80), nullable=False, default=""),
    Column("knowledge", String(80), nullable=False, default=""),
    Column("digest", String(64), nullable=False),
    Index(None, "sheet", "seq"),
    Index(None, "project", "seq"),
    sqlite_autoincrement=True,
)
presence = Table(
    "presence",
    metadata,
    _of("document", "documents", primary=True),
    _of("user", "users", primary=True),
    Column("seen_at", Moment, nullable=False),
)

# What is drawn to be annotated, and by which rule

samples = Table(
    "samples",
    metadata,
    _id(),
    _of("project", "projects"),
    _of("document", "documents"),
    _of("user", "users"),
    Column("strategy", String(100), nullable=False),
    Column("arm", String(10), nullable=False),
    Column("seed", NUMBER, nullable=False),
    Column("model", String(80), nullable=False),
    Column("drawn_at", Moment, nullable=False),
    Index(None, "project", "user"),
    sqlite_autoincrement=True,
)

# What is trained: jobs, the models they made, and which of these was used when

jobs = Table(
    "jobs",
    metadata,
    _id(),
    _of("project", "projects"),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("result", JSON, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("cancelling", Boolean, nullable=False, default=False),
    Column("attempts", Integer, nullable=False, default=0),
    _of("asked_by", "users", optional=True),
    Column("asked_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("seen_at", Moment),
    Column("ended_at", Moment),
    Column("process", Integer),
    Index(None, "project", "state"),
    sqlite_autoincrement=True,
)
models = Table(
    "models",
    metadata,
    _id(),
    _of("project", "projects"),
    Column("version", Integer, nullable=False),
    Column("folder", Text, nullable=False),
    Column("recognizer", Text, nullable=False, default=""),
    Column("fingerprint", String(80), nullable=False),
    Column("knowledge", String(80), nullable=False),
    _of("job", "jobs", optional=True),
    Column("scores", JSON, nullable=False),
    _of("made_by", "users", optional=True),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("project", "version"),
    sqlite_autoincrement=True,
)
uses = Table(
    "model_uses",
    metadata,
    _id(),
    _of("project", "projects"),
    _of("model", "models"),
    _of("by", "users", optional=True),
    Column("at", Moment, nullable=False),
    Index(None, "project"),
    sqlite_autoincrement=True,
)
