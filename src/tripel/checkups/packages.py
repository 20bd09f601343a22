"""Packages: whether each that is needed is there, within the bounds that this installation declares; and the extras.

It imports none of them, so that it can tell of one that is missing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from tripel import __version__
from tripel.findings import Finding, ok, problem, warning

PACKAGE = "tripel"
IMPORTED_AS = {"faiss-cpu": "faiss", "torch": "torch"}  # conda calls these packages otherwise


def findings() -> Iterator[Finding]:
    """By what pip wrote down when tripel was installed."""
    try:
        wanted = [Requirement(line) for line in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        do = "`pip install --no-deps --editable .` in the checkout"
        yield warning("packages", f"tripel {__version__} is not installed: no bounds to compare with", do)
        return
    yield from needed(wanted)
    for extra in metadata.metadata(PACKAGE).get_all("Provides-Extra") or ():
        yield optional(extra, wanted)


def needed(wanted: Sequence[Requirement]) -> Iterator[Finding]:
    """What is missing or of another version, or that nothing is."""
    always = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    faults = [fault for one in always if (fault := _fault(one)) is not None]
    yield from faults
    if not faults:
        yield ok("packages", f"tripel {__version__}; all {len(always)} packages are there, within their bounds")


def optional(extra: str, wanted: Sequence[Requirement]) -> Finding:
    """Whether what an extra brings is there."""
    its = [one for one in wanted if one.marker and not one.marker.evaluate({"extra": ""})]
    faults = [fault for one in its if one.marker and one.marker.evaluate({"extra": extra}) and (fault := _fault(one))]
    if faults:
        return ok(f"[{extra}]", f"{faults[0].found}; `pip install 'tripel[{extra}]'` where you want it")
    return ok(f"[{extra}]", "installed")


def _fault(wanted: Requirement) -> Finding | None:
    """What is wrong with a package."""
    do = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        if wanted.name in IMPORTED_AS and importlib.util.find_spec(IMPORTED_AS[wanted.name]) is not None:
            return None
        return problem("packages", f"{wanted.name} is not installed", do)
    if wanted.specifier.contains(version, prereleases=True):
        return None
    return warning("packages", f"{wanted.name} {version} is outside {wanted.specifier}", do)
