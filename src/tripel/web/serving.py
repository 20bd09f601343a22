"""From a command to a running server: the database is opened, the first password printed, the model loaded in the background."""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tripel.annotations import blind
from tripel.annotations.database import Database
from tripel.annotations.running import Runner
from tripel.annotations.sampling.mix import SAMPLING
from tripel.find import component
from tripel.web.app import create_app
from tripel.web.batching import Batcher, Model
from tripel.web.knowledge_bases import KNOWLEDGE
from tripel.web.settings import LOOPBACK, Settings

LINKING = (KNOWLEDGE, "index")  # in every folder that links
LONGEST_NAME = 100  # of a folder in a form
PATIENCE = 10  # seconds in which requests may end when the server stops


def serve(
    run: Path,
    *,
    folder: Path,
    database: str = "",
    password_file: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    hosts: Sequence[str] = (),
    https: bool = False,
    proxies: Sequence[str] = (),
    recognizer: str = "",
    iri: str = "",
    also: Sequence[str] = (),
    hierarchy: Path | None = None,
    strategies: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> None:
    """Serve until a signal to stop. `also`: other folders that link, each as NAME=FOLDER.

    Raises ValueError where `run` or one of these does not link, the hierarchy or a strategy is none, the port is taken or no
    database answers.
    """
    _check(run)
    settings = Settings(
        hosts=tuple(hosts),
        https=https,
        folder=folder,
        run=run,
        recognizer=recognizer,
        iri=iri,
        also=tuple(_named(also)),
        hierarchy=hierarchy,
        strategies=tuple(strategies),
    )
    for strategy in strategies:
        component(SAMPLING, strategy)
    if hierarchy is not None:
        blind.hierarchy_of(hierarchy)
    folder.mkdir(parents=True, exist_ok=True)
    url = _with_password(database, password_file) if database else f"sqlite:///{folder / 'annotations.db'}"
    with _listening(host, port) as listening:
        opened = Database.open(url)
        shutil.rmtree(settings.downloads, ignore_errors=True)
        try:
            batcher = Batcher(lambda: _load(run, recognizer))
            app = create_app(database=opened, batcher=batcher, settings=settings)
            _welcome(app.state.services.accounts.first(), listening, database=url, settings=settings, say=say)
            with _jobs(Runner(opened, url, folder)):
                _run(app, listening, proxies)
        finally:
            opened.close()


@contextmanager
def _jobs(runner: Runner) -> Iterator[None]:
    """Jobs run while the server does; those that were running go on, and are found again."""
    runner.start()
    try:
        yield
    finally:
        runner.stop()


def _run(app: FastAPI, listening: socket.socket, proxies: Sequence[str]) -> None:
    """Until a signal; neither paths nor queries of requests are logged, since they may say what a text is about."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=PATIENCE,
    )
    with suppress(KeyboardInterrupt):  # uvicorn has stopped in order, and says so once more
        uvicorn.Server(config).run(sockets=[listening])


def _with_password(database: str, file: Path | None) -> str:
    """The URL of a database with the password that a file holds. Raises ValueError where there is no such file, or no URL."""
    if file is None:
        return database
    try:
        return make_url(database).set(password=file.read_text().strip()).render_as_string(hide_password=False)
    except ArgumentError:
        raise ValueError("not the URL of a database; expected postgresql://USER@HOST/NAME") from None


def _named(also: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Raises ValueError for a word that is no NAME=FOLDER, a name that comes twice, and a folder that does not link."""
    seen = set()
    for words in also:
        name, _, folder = words.partition("=")
        name = name.strip()
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or not folder:
            raise ValueError(f"--also {words}: expected NAME=FOLDER, a name of at most {LONGEST_NAME} characters")
        if name in seen:
            raise ValueError(f"--also names {name} twice")
        seen.add(name)
        _check(Path(folder))
        yield name, Path(folder)


def _check(run: Path) -> None:
    """Say at once, before anything is loaded, where a folder cannot link."""
    if not run.is_dir():
        raise ValueError(f"{run}: no such folder; `tripel train` or `tripel index build` makes one")
    missing = [name for name in LINKING if not (run / name).exists()]
    if missing:
        raise ValueError(f"{run} does not link: {' and '.join(missing)} missing; `tripel doctor {run}` tells more")


def _load(run: Path, recognizer: str) -> Model:
    from tripel.web.model import Served  # and torch, which takes seconds

    return Served.load(run, recognizer=recognizer)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise ValueError(f"cannot listen on {host}, port {port} ({error.strerror}); give another --port") from None
        yield listening


def _welcome(
    password: str | None, listening: socket.socket, *, database: str, settings: Settings, say: Callable[[str], None]
) -> None:
    host, port = listening.getsockname()[:2]
    name = settings.hosts[0] if settings.hosts else f"localhost:{port}"
    say(f"annotations are kept in {make_url(database).render_as_string(hide_password=True)}")
    say(f"files are kept in {settings.folder.absolute()}")
    if password is not None:
        say(f"sign in as admin with the password {password} (for once: you choose your own)")
    if host not in LOOPBACK and not settings.hosts:
        say(f"it listens on {host}, but answers to localhost alone: name the hosts it is reached by with --host-name")
    say(f"open {'https' if settings.https else 'http'}://{name}/ ; stop with Ctrl-C. The model loads meanwhile.")
