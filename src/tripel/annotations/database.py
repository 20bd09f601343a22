"""The database that everything decided is kept in: a file of SQLite, or a server of PostgreSQL. It knows no table's meaning.

What was committed is on the disk: SQLite writes ahead (WAL) with synchronous=FULL. Opening brings the tables to the version of
this code; two processes that open at once wait for each other.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

WAIT_S = 30  # for another writer; a decision takes milliseconds
CONNECTIONS = 20  # kept open: more readers at once than threads that answer requests
MIGRATING = 0x747269  # the lock of PostgreSQL that migrations hold, any number that is ours
PRAGMAS = (
    f"busy_timeout={WAIT_S * 1000}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what is erased is overwritten
)
SQLITE, POSTGRES = "sqlite", "postgresql+psycopg"


class Database:
    """An open database. `begin` to write, `connect` to read; any thread may."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.url = engine.url.render_as_string(hide_password=False)
        """Opens the same database again, in another process. It may hold a password: never show it."""
        self._writing = threading.Lock() if engine.dialect.name == SQLITE else None
        self._writer = 0

    @classmethod
    def open(cls, url: str) -> Database:
        """Open `sqlite:///FILE` (made where it is not there, for its owner alone) or `postgresql+psycopg://USER@HOST/NAME`.

        Raises ValueError where the URL is none, nothing answers there, or a later version made the tables. A password is never
        in the message.
        """
        address = _address(url)
        shown = address.render_as_string(hide_password=True)
        if address.drivername == SQLITE:
            _prepare(Path(str(address.database)))
        database = cls(_engine(address, shown))
        try:
            with database.begin() as connection:
                _migrate(connection)
        except CommandError:
            database.close()
            raise ValueError(
                f"{shown}: its tables are of another version of tripel; install the version that made them, or a later one"
            ) from None
        except DBAPIError as error:
            database.close()
            said = str(error.orig).strip().splitlines()[:1]
            raise ValueError(f"{shown}: no database answers ({''.join(said)}); is it running, and yours?") from None
        return database

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that may write: committed when the block ends well, else nothing of it happened."""
        if self._writing is None:
            with self.engine.begin() as connection:
                yield connection
            return
        assert self._writer != threading.get_ident(), "a transaction within a transaction would wait for itself"
        writing = self.engine.connect().execution_options(tripel_begin="IMMEDIATE")
        with self._writing, writing as connection, connection.begin():
            self._writer = threading.get_ident()
            try:
                yield connection
            finally:
                self._writer = 0

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one state throughout."""
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"} if self._writing is None else {}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def settle(self) -> None:
        """Write what waits in the log of SQLite into its file, so that what was erased is on the disk no more."""
        if self._writing is not None:
            with self._writing, closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _address(url: str) -> URL:
    expected = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        address = make_url(url)
    except ArgumentError:
        raise ValueError(f"not the URL of a database; expected {expected}") from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername=POSTGRES)
    if address.drivername not in (SQLITE, POSTGRES):
        raise ValueError(f"a database of {address.drivername}; expected {expected}")
    if address.drivername == SQLITE and address.database in (None, "", ":memory:"):
        raise ValueError("a database in memory would keep nothing; expected sqlite:///FILE")
    return address


def _prepare(path: Path) -> None:
    """An empty file that only its owner reads, where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}); name a file in a folder of yours") from None


def _engine(address: URL, shown: str) -> Engine:
    pool = {"pool_size": CONNECTIONS, "max_overflow": CONNECTIONS}
    if address.drivername == POSTGRES:
        try:
            return create_engine(address, pool_pre_ping=True, **pool)
        except ImportError as error:
            raise ValueError(f"{shown}: {error.name} is missing; pip install 'tripel[serve,postgres]'") from None
    engine = create_engine(address, connect_args={"timeout": WAIT_S}, **pool)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, record: object) -> None:
    """Of each connection to SQLite; transactions are begun by `_begin`, not by the driver."""
    del record
    connection.isolation_level = None
    for pragma in PRAGMAS:
        _patiently(connection, f"PRAGMA {pragma}")


def _patiently(connection: Any, statement: str) -> None:
    """SQLite does not wait by itself, whatever its timeout, where several at once would give a new file its log."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    """A writer waits for the others at once, since a reader that turns writer halfway cannot wait."""
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('tripel_begin', 'DEFERRED')}")


def _migrate(connection: Connection) -> None:
    if connection.dialect.name != SQLITE:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
    config = Config()
    config.set_main_option("script_location", "tripel.annotations:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
