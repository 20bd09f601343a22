"""Packages that only some recognizers need, imported when one is made."""

from __future__ import annotations

import importlib
from typing import Any


def imported(name: str) -> Any:
    """A package whose extra has its name. Raises ValueError in one sentence where it is missing or broken."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name == name:
            raise ValueError(f"{name} is not installed; pip install 'tripel[{name}]'") from None
        raise ValueError(f"{name} is installed and cannot be imported ({error})") from None
