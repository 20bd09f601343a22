"""What transformers loads from a folder or the hub: in silence, and with a word of advice where nothing may be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers.utils import logging

from tripel import offline


@contextmanager
def told_offline(source: str, *, say: str) -> Iterator[None]:
    """What to do for a name on the hub where nothing is fetched, in the place of the library's own words."""
    try:
        yield
    except OSError:
        if Path(source).exists() or not offline.enforced():
            raise
        raise ValueError(
            f"{source} is a name on the hub, and offline it must be in this machine's cache of it, where it is not; with a"
            f" network run `hf download {source} --local-dir FOLDER`, bring FOLDER here and say {say}"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's table of unused weights and its own progress bars."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # transformers gives these no types
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]
