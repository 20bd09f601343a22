"""What `tripel doctor` does: runs every check-up in turn. It mends nothing, and goes on where a package is missing or broken."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tripel.findings import Finding, problem

CHECKUPS = ("packages", "machine", "indexes", "data")  # those that miss nothing first


def examine(run: Path | None = None, *, network: bool = False) -> Iterator[Finding]:
    """Every finding. The network is asked only where that is said."""
    for name in CHECKUPS:
        yield from _of(name, lambda its: its.findings())
    yield from _of("data", lambda its: [its.network(network)])
    if run is not None:
        yield from _of("run", lambda its: its.findings(run))


def _of(name: str, look: Callable[..., Iterator[Finding] | list[Finding]]) -> Iterator[Finding]:
    """What a check-up finds, or that what it needs cannot be imported."""
    try:
        yield from look(importlib.import_module(f"tripel.checkups.{name}"))
    except ImportError as error:
        do = f"install {(error.name or 'it').partition('.')[0]} again, then ask again"
        yield problem(name, f"not looked at: {error}", do)
