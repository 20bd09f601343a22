"""What a container or a scheduler leaves to this process: memory and cores of its Linux control groups, of either version.

Each group is in the one above it, and the tightest of them holds. Elsewhere than on Linux there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 1 << 60  # bytes: version 1 writes a number near 2^63 where nothing is set


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the tightest group."""

    limit: int
    used: int
    """Without what the system drops when it needs room: files that were read and are not in use."""


def memory(root: Path = Path("/")) -> Memory | None:
    """The limit in bytes and how much of it is used; None where there is none."""
    found = [one for folder in _groups(root, "memory") if (one := _memory(folder)) is not None]
    return min(found, key=lambda one: one.limit, default=None)


def cores(root: Path = Path("/")) -> float | None:
    """Cores' worth of time that may be used; None where there is no limit."""
    return min((quota for folder in _groups(root, "cpu") if (quota := _quota(folder)) is not None), default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, the innermost first; in a container only the last may be there."""
    said = root / "proc" / "self" / "cgroup"
    for line in said.read_text().splitlines() if said.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mounted = root / "sys" / "fs" / "cgroup"
        top = mounted / controller if controllers else mounted
        inner = top / path.strip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(top) and folder.is_dir())


def _memory(folder: Path) -> Memory | None:
    for limit_name, used_name, idle in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit = _number(folder / limit_name)
        if limit is not None and limit < UNLIMITED:
            return Memory(limit, max(0, (_number(folder / used_name) or 0) - _told(folder / "memory.stat", idle)))
    return None


def _quota(folder: Path) -> float | None:
    both = folder / "cpu.max"  # "200000 100000", or "max 100000"
    if both.exists():
        quota, period = both.read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    allowed, period_of = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return allowed / period_of if allowed and period_of and allowed > 0 else None


def _number(path: Path) -> int | None:
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.lstrip("-").isdigit() else None


def _told(path: Path, name: str) -> int:
    pairs = (line.split() for line in path.read_text().splitlines()) if path.exists() else ()
    return next((int(value) for key, value in pairs if key == name), 0)
