"""No network: where that is asked for, every attempt to reach one is an error that names who asked. It knows nothing of linking.

    tripel --offline link ...          for a command
    TRIPEL_OFFLINE=1 python ...        for a script; the network is closed when it imports tripel
    tripel.offline.enforce()           from here on; first, before other libraries are imported

Each of them also holds in every Python that is started from there. Programs that are not Python, and libraries whose compiled
code has sockets of its own, are not seen: docs/offline-and-private.md says what to do about them.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tripel.guard import Guard
from tripel.guard import Refused as Refused

VARIABLE = "TRIPEL_OFFLINE"
SEEN = "TRIPEL_OFFLINE_SEEN"  # the file where this process and those it starts write down what was seen, if anything
FLAGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_MODE": "offline",
    "WANDB_BASE_URL": "http://127.0.0.1:9",  # code may ask for online all the same, of a program that is not Python: nowhere
    "WANDB_ERROR_REPORTING": "false",  # wandb tells its makers of its own faults, offline too
    "RAY_USAGE_STATS_ENABLED": "0",
}
STARTUP = str(Path(__file__).parent / "startup")  # what a Python loads when it starts


def enforce() -> None:
    """Close the network, here and in every Python that is started from here. It cannot be opened again."""
    silent = os.environ.get("WANDB_MODE") == "disabled"
    os.environ.update({**FLAGS, VARIABLE: "1", **({"WANDB_MODE": "disabled"} if silent else {})})
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([STARTUP, *filter(None, paths)]))
    if SEEN not in os.environ:
        os.environ[SEEN] = str(Path(tempfile.gettempdir()) / f"tripel-offline-{secrets.token_hex(8)}")
        atexit.register(_forget, Path(os.environ[SEEN]), os.getpid())
    hub: Any = sys.modules.get("huggingface_hub.constants")
    if hub is not None:  # it has read its flag already, and would try again and again
        hub.HF_HUB_OFFLINE = True
    GUARD.begin()


def heed() -> None:
    """Close the network where the environment asks for it."""
    if os.environ.get(VARIABLE, "").lower() not in ("", "0", "false", "no"):
        enforce()


def enforced() -> bool:
    """Whether the network is closed."""
    return GUARD.enforced


def account() -> str:
    """What was refused so far, here and in what was started from here, and which programs nobody here can watch."""
    seen: dict[str, dict[str, str]] = {"attempts": {one.target: one.by for one in GUARD.attempts}, "programs": {}}
    seen["programs"].update(GUARD.programs)
    for kind, what, by in _written_down():
        seen[kind].setdefault(what, by)
    refused = ", ".join(f"{target} (by {by})" for target, by in seen["attempts"].items())
    said = f"refused {refused}" if refused else "no attempt to reach a network"
    beside = f"; not watched, since not Python: {', '.join(seen['programs'])}" if seen["programs"] else ""
    return f"offline: {said}{beside}"


def _write_down(kind: str, what: str, by: str) -> None:
    """One line of JSON, for the account of whoever started this process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(os.environ[SEEN], flags, 0o600), "w", encoding="utf-8") as out:
            out.write(json.dumps([kind, what, by]) + "\n")
    except (OSError, KeyError):  # it is still refused, and in this process's own account
        return


def _written_down() -> Iterator[tuple[str, str, str]]:
    path = Path(os.environ.get(SEEN, ""))
    if path.is_file():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def _forget(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # and not a fork of it
        path.unlink(missing_ok=True)


GUARD = Guard(_write_down)
