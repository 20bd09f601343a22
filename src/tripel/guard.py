"""An audit hook (PEP 578) that refuses what would reach a network, and names who asked. Nothing can take it out again.

It sees what Python's own sockets do. Sockets between processes, loopback, and this machine's own addresses and name are let
through. It knows no environment and no library: `offline` does.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

STANDARD = f"{Path(os.__file__).parent}{os.sep}"
INSTALLED = ("site-packages", "dist-packages")
LONGEST = 253  # characters of a host's name
INSIDE = {getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)}
SENDING = {
    "connect": 0,
    "connect_ex": 0,
    "sendto": -1,
    "sendmsg": 3,
}  # methods of sockets, and where the address stands


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something asked for the network and was refused."""

    target: str
    """Host and port."""
    by: str
    """The innermost file:line and function outside the standard library."""
    through: tuple[str, ...]
    """The packages that called it, innermost first."""

    def __str__(self) -> str:
        through = f", called through {', '.join(self.through)}" if self.through else ""
        return (
            f"offline: {self.target} was asked for by {self.by}{through}. Nothing may leave this machine under --offline or"
            " TRIPEL_OFFLINE: bring what is needed to it first, or leave it out"
        )


class Refused(OSError):
    """The network was asked for. An OSError, so that libraries take it as they take a machine without a network."""


class Guard:
    """What looks at every event of this process, and what it saw."""

    def __init__(self, note: Callable[[str, str, str], None]) -> None:
        """`note` is told each attempt and each program as it is seen: `attempts` or `programs`, what, and by whom."""
        self.note = note
        self.enforced = False
        self.attempts: list[Attempt] = []
        self.programs: dict[str, str] = {}
        self._looking = threading.local()  # whether this thread is asking for itself
        self._events: dict[str, Callable[..., None]] = {
            "socket.connect": self.sent,
            "socket.sendto": self.sent,
            "socket.sendmsg": self.sent,
            "socket.getaddrinfo": self.looked_up,
            "socket.gethostbyname": self.looked_up,
            "socket.gethostbyaddr": self.told_back,
            "socket.getnameinfo": self.told_back,
            "subprocess.Popen": self.started,
            "os.posix_spawn": self.started,
            "os.exec": self.started,
            "os.system": self.started,
        }

    def begin(self) -> None:
        """Look at everything from here on."""
        if not self.enforced:
            self.enforced = True
            for name, place in SENDING.items():
                setattr(socket.socket, name, self._asked_first(getattr(socket.socket, name), place))
            sys.addaudithook(self.see)

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """The audit hook. Raises Refused."""
        look = self._events.get(event)
        if look is not None:
            look(*args)

    def sent(self, its: socket.socket, address: Any = None) -> None:
        """Something goes to an address."""
        if its.family in INSIDE or address is None:
            return
        host, port = address[:2] if isinstance(address, tuple) and len(address) > 1 else (address, None)
        if not self._here(host):
            self._refuse(host, port)

    def looked_up(self, host: Any, port: Any = None, *_: Any) -> None:
        """A name is turned into an address; a number is one already, and no one is asked."""
        if host is not None and _number(host) is None and not self._here(host):
            self._refuse(host, port)

    def told_back(self, host: Any) -> None:
        """An address is turned into a name."""
        host, port = host[:2] if isinstance(host, tuple) else (host, None)
        if not self._here(host):
            self._refuse(host, port)

    def started(self, program: Any, words: Any = None, *_: Any) -> None:
        """A program begins; only its name is kept, and Python's is not, since it is watched as well."""
        named = words is not None and isinstance(program, str | bytes | os.PathLike)
        name = Path(os.fsdecode(program)).name if named else "a shell"
        if not name.startswith("python") and name not in self.programs:
            self.programs[name] = ""
            self.note("programs", name, "")

    def _here(self, host: Any) -> bool:
        """Whether a name or address is this machine's own."""
        name = _said(host).lower()
        if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(".localhost"):
            return True
        address = _number(host)
        return address is not None and (address.is_loopback or address.is_unspecified or self._own(address, name))

    def _own(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, name: str) -> bool:
        """What goes to an address of one's own comes from it. A datagram socket tells without sending anything."""
        if getattr(self._looking, "now", False):
            return True
        self._looking.now = True
        try:
            with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as its:
                its.connect((name, 9))
                return _number(its.getsockname()[0]) == address
        except OSError:
            return False
        finally:
            self._looking.now = False

    def _refuse(self, host: Any, port: Any) -> None:
        attempt = Attempt(_place(_said(host), port), *_asking())
        self.attempts.append(attempt)
        self.note("attempts", attempt.target, attempt.by)
        raise Refused(str(attempt))

    def _asked_first(self, method: Callable[..., Any], place: int) -> Callable[..., Any]:
        """A method of sockets that asks before C turns a name into an address, which it does before any event."""

        @functools.wraps(method)
        def asked(its: socket.socket, *args: Any) -> Any:
            if -len(args) <= place < len(args):
                self.sent(its, args[place])
            return method(its, *args)

        return asked


def _number(host: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that is written, if it is one; IPv4 in IPv6 as IPv4."""
    try:
        found = ipaddress.ip_address(_said(host).partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _said(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def _place(host: str, port: Any) -> str:
    name = f"[{host}]" if ":" in host else host[:LONGEST]
    return name if port is None else f"{name}:{_said(port)}"


def _asking() -> tuple[str, tuple[str, ...]]:
    """Who asks: the innermost frame outside the standard library and outside this file, and the packages that called it."""
    outside = [frame for frame in _frames() if not _standard(frame.f_code.co_filename)]
    if not outside:
        return f"a thread of the standard library ({threading.current_thread().name}) for what waits for it", ()
    first = outside[0].f_code
    names = list(dict.fromkeys(map(_package, outside)))
    ours = next((place for place, name in enumerate(names) if name.startswith("tripel")), len(names))
    return f"{first.co_filename}:{outside[0].f_lineno} in {first.co_qualname}", tuple(names[1 : ours + 1])


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _package(frame: FrameType) -> str:
    """`urllib3`, or of tripel the module."""
    name = str(frame.f_globals.get("__name__", ""))
    return name if name.startswith("tripel.") else name.partition(".")[0]


def _standard(file: str) -> bool:
    if file == __file__ or file.startswith("<frozen"):
        return True
    return file.startswith(STANDARD) and not any(part in file for part in INSTALLED)
