"""What an error is and where it was raised, without its words, which may quote a text."""

from __future__ import annotations

import traceback
from pathlib import Path

OURS = Path(__file__).parent


def kind(error: BaseException) -> str:
    """Its class, the system's word for it where it is of the system, and the file and line where it was raised."""
    told = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    path, line = _raised(error)
    return f"{type(error).__name__}{told} at {path.name}:{line}"


def quotes_nothing(error: BaseException) -> bool:
    """Whether its words can be shown: ours hold no text of documents, nor do those of the system."""
    return isinstance(error, OSError) or OURS in _raised(error)[0].parents


def _raised(error: BaseException) -> tuple[Path, int]:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename), last.lineno or 0
