"""A bar on standard error for work that takes more than a moment: rate and time left on a terminal, one line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

Progress = Callable[[int, int], None]
"""Called with what is done and the total."""


def silent(done: int, total: int) -> None:
    """A progress callback that says nothing."""


@contextmanager
def bar(what: str, *, unit: str = "it") -> Iterator[Callable[[int, int], None]]:
    """A callback that takes what is done and the total; a new stage of the work (another total) begins a new bar.

    unit: what is counted, in the plural; `B` is shown as MB, GB.
    """
    began = time.monotonic()
    shown: list[tqdm[Any]] = []

    def progress(done: int, total: int) -> None:
        if not shown or shown[0].total != total:
            _close(shown)
            shown.append(tqdm(total=total, desc=what, leave=False, disable=not sys.stderr.isatty(), **_counted(unit)))
        shown[0].update(done - shown[0].n)

    try:
        yield progress
    finally:
        _close(shown)
        print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def _counted(unit: str) -> dict[str, Any]:
    return {"unit": "B", "unit_scale": True} if unit == "B" else {"unit": unit if unit == "it" else f" {unit}"}


def _close(shown: list[tqdm[Any]]) -> None:
    while shown:
        shown.pop().close()
