"""Databases for tests: each test that asks for `database` or `database_url` runs twice, on SQLite and on a real PostgreSQL.

    def test_something(database: Database) -> None: ...    # open, its tables made, empty; `database.url` opens it elsewhere
    def test_opening(database_url: str) -> None: ...       # the URL of one that is nothing yet

Nothing need be imported: tests/conftest.py knows these fixtures. The server of PostgreSQL is started once, when a test first
wants it, from the system's packages (/usr/lib/postgresql/*/bin, or the PATH) in a temporary folder on a free port of
127.0.0.1, and stopped at the end; root starts it as the user `postgres`. Where it is missing those tests skip and say so.

Servers that tests start keep theirs in a file of SQLite; with `pytest --postgresql` each has a database there, too.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tripel.annotations.database import Database

NUMBERS = count(1)
servers = {"postgresql": ""}  # the URL of the one where servers under test keep all, if they do
PARENT_DIES = 1  # PR_SET_PDEATHSIG of Linux
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")  # only to test


def binaries() -> Path | None:
    """The folder of initdb and postgres; None where the system has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def lowered() -> Callable[[], None]:
    """What a child process does first: root becomes `postgres`, since PostgreSQL refuses root, and it ends with these tests,
    even where they are killed."""
    user = pwd.getpwnam("postgres") if not os.getuid() else None
    system = ctypes.CDLL(None)

    def become() -> None:
        if user is not None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        if hasattr(system, "prctl"):
            system.prctl(PARENT_DIES, signal.SIGINT)

    return become


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server, without the name of a database at its end."""
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    try:
        become = lowered()
    except KeyError:
        pytest.skip("run by root, and there is no user `postgres` to run PostgreSQL as")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as held:
        place = Path(held)
        if not os.getuid():
            shutil.chown(place, "postgres")
        data, port = place / "data", free_port()
        subprocess.run(
            [folder / "initdb", "--pgdata", data, "--username=tripel", "--auth=trust", "--encoding=UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=place,
            preexec_fn=become,
        )
        settings = [word for one in (*FAST, f"unix_socket_directories={place}") for word in ("-c", one)]
        with (
            (place / "log").open("wb") as log,
            subprocess.Popen(
                [folder / "postgres", "-D", data, "-p", str(port), *settings],
                stdout=log,
                stderr=log,
                cwd=place,
                preexec_fn=become,
            ) as server,
        ):
            url = f"postgresql+psycopg://tripel@127.0.0.1:{port}"
            try:
                wait_for(f"{url}/postgres", server)
                yield url
            finally:
                server.terminate()
                server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    engine = create_engine(url)
    end = time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            break
    engine.dispose()


def run_alone(url: str, statement: str) -> None:
    """A statement outside of transactions."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def created(server: str, *, template: str = "template1") -> Iterator[str]:
    """The URL of a new database of a server of PostgreSQL, which goes afterwards."""
    name = f"test_{next(NUMBERS)}"
    run_alone(f"{server}/postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
    yield f"{server}/{name}"
    run_alone(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def of_a_server(otherwise: str) -> Iterator[str]:
    """The URL of a database for a server under test: `otherwise`, or a new one of PostgreSQL where all are to be there."""
    if not servers["postgresql"]:
        yield otherwise
        return
    with created(servers["postgresql"]) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this test alone."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tripel.db'}"
        return
    with created(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of SQLite with its tables, to copy."""
    path = tmp_path_factory.mktemp("made") / "tripel.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def made_template(postgres: str) -> str:
    """The name of a database of PostgreSQL with its tables, to copy."""
    run_alone(f"{postgres}/postgres", "CREATE DATABASE made")
    Database.open(f"{postgres}/made").close()
    return "made"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open database of this test alone, its tables made."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(request.getfixturevalue('made_file'), tmp_path / 'tripel.db')}"
        else:
            template = request.getfixturevalue("made_template")
            url = stack.enter_context(created(request.getfixturevalue("postgres"), template=template))
        opened = Database.open(url)
        stack.callback(opened.close)
        yield opened
