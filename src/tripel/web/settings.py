"""What a server is told when it starts. It opens and loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tripel.linking.finding import folders

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server is reached, where it keeps files, and what it bears."""

    folder: Path = Path("annotations")
    """Where files are kept: trained models, indexes, uploads on their way."""
    run: Path = Path("run")
    """The folder that links, which the server was started with: what new projects begin with."""
    recognizer: str = ""
    """What finds mentions for it, as `Linker.load` takes it; empty where the run has its own, or none does."""
    also: tuple[tuple[str, Path], ...] = ()
    """Other folders that link, each under a name: what new projects may begin with besides."""
    hierarchy: Path | None = None
    """A file that `Hierarchy.read` reads, for agreement by hierarchy."""
    strategies: tuple[str, ...] = ()
    """Strategies of sampling of one's own, by their dotted paths, besides those that come with it."""
    hosts: tuple[str, ...] = ()
    """Names by which browsers reach it besides those of this machine, each with its port where it has one."""
    https: bool = False
    """Whether it always stands behind TLS, so that cookies are never sent without."""
    body: int = 8 * MEGABYTE
    """Bytes of a request."""
    upload: int = 256 * MEGABYTE
    """Bytes of an upload, by those who are signed in."""
    stranger: int = MEGABYTE // 16
    """Bytes of a request by somebody who is not signed in."""
    idle: timedelta = timedelta(hours=12)
    """After so long without a request a session ends."""
    session: timedelta = timedelta(days=7)
    """After so long a session ends whatever happens."""
    iri: str = ""
    """What stands before an id in the knowledge base of INCEpTION, such as http://id.nlm.nih.gov/mesh/"""
    links_per_minute: int = 600
    """Requests to link by one user or one token."""

    @property
    def models(self) -> list[Path]:
        """The folders that it was started with, of models and of what finds mentions."""
        return [self.run, *(folder for _, folder in self.also), *folders(self.recognizer)]

    @property
    def downloads(self) -> Path:
        """Where files lie while they are being sent; emptied when the server starts, should an earlier one have been killed."""
        return self.folder / "downloads"

    def knows(self, host: str) -> bool:
        """Whether a host, as in `localhost:8000`, is one of this server's. A name that was configured without a port has any."""
        return _name(host) in LOOPBACK or self.named(host)

    def named(self, host: str) -> bool:
        """Whether it is one of those configured."""
        known = {one.lower() for one in self.hosts}
        return host.lower() in known or _name(host) in known


def _name(host: str) -> str:
    """Without its port."""
    name, _, port = host.lower().rpartition(":")
    return name if port.isdecimal() else host.lower()
