"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def parsed(text: str) -> int:
    """`8GB` -> bytes. Raises ValueError that shows the form."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*([KMGT]B)\s*", text.upper())
    if not found:
        raise ValueError(f"{text!r}: expected a size such as 8GB or 500MB")
    return int(float(found[1]) * UNITS[found[2]])


def said(size: float) -> str:
    """Bytes -> `1.5 GB`."""
    unit = next((name for name, value in reversed(UNITS.items()) if size >= value), "KB")
    return f"{size / UNITS[unit]:.1f} {unit}"
