"""Data and what lies outside: corpora and terminologies of the data folder, wandb, and the hub where that is asked for."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tripel import offline
from tripel.data import fetching
from tripel.data.archives import matches
from tripel.files import data_folder
from tripel.findings import Finding, ok, warning
from tripel.kb import library
from tripel.problems import BadInput
from tripel.terminologies import fetched
from tripel.training.journal import logged_in

TERMINOLOGIES = {"mesh": fetched.mesh, "ctd": fetched.ctd, "umls": fetched.umls}
HUB = "https://huggingface.co"
SECONDS = 5.0  # that an answer may take


def findings() -> Iterator[Finding]:
    """All but the network."""
    yield from data(data_folder())
    yield wandb()


def data(folder: Path) -> Iterator[Finding]:
    """What lies in the data folder."""
    said = "TRIPEL_DATA" if os.environ.get("TRIPEL_DATA") else "TRIPEL_DATA is not set"
    if not folder.is_dir():
        do = "set TRIPEL_DATA, or `tripel data fetch NAME`; the embedded sample needs neither"
        yield warning("data", f"{folder} ({said}): no such folder", do)
        return
    corpora = [
        name for name, source in fetching.SOURCES.items() if name not in TERMINOLOGIES and _lies(folder / name, source)
    ]
    yield ok("corpora", f"{', '.join(corpora) or 'none but the embedded sample'} in {folder} ({said})")
    yield ok("terminologies", f"{', '.join(_terminologies()) or 'none but that of the sample'}")
    bases = sorted(
        path.parent for path in (*folder.glob("*/" + library.VERSIONS), *folder.glob("*/*/" + library.VERSIONS))
    )
    if bases:
        yield ok("kb build", ", ".join(f"{path} ({len(library.versions(path))} versions)" for path in bases))


def _lies(folder: Path, source: fetching.Source) -> bool:
    return folder.is_dir() and any(matches(path.name, source.usable) for path in folder.iterdir())


def _terminologies() -> Iterator[str]:
    for name, place in TERMINOLOGIES.items():
        try:
            place()
        except BadInput:
            continue
        yield name


def wandb() -> Finding:
    """Whether runs are sent, and where to."""
    mode = os.environ.get("WANDB_MODE", "online")
    if mode != "online":
        return ok(
            "wandb", f"WANDB_MODE={mode}: runs are {'not kept' if mode == 'disabled' else 'kept here and not sent'}"
        )
    if logged_in():
        return ok("wandb", "logged in: numbers and settings of runs are sent; WANDB_MODE=offline keeps them here")
    return ok("wandb", "not logged in: runs are kept here and not sent")


def network(asked: bool) -> Finding:
    """Whether the hub answers, where that is asked for."""
    if offline.enforced():
        return ok("network", "closed (--offline or TRIPEL_OFFLINE)")
    if not asked:
        return ok("network", "not asked; --network asks the hub for an answer")
    place = os.environ.get("HF_ENDPOINT") or HUB
    try:
        with urllib.request.urlopen(urllib.request.Request(place, method="HEAD"), timeout=SECONDS):
            return ok("network", f"{place} answers")
    except urllib.error.HTTPError as error:
        error.close()
        return ok("network", f"{place} answers ({error.code})")
    except (OSError, ValueError) as error:
        do = "encoders of the hub need it, everything else does not: bring a folder, or say encoder.model=embedded"
        return warning("network", f"{place} does not answer ({getattr(error, 'reason', error)})", do)
