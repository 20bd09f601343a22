"""Values of JSON objects that clients send: of the right kind, of a size that can be kept. It knows no event.

What is wrong is said by the names of values, never by what they hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tripel.annotations.schema import storable

LARGEST = 1 << 50  # of a number


def checked(
    record: Any, kinds: Mapping[str, type | tuple[type, ...]], *, needed: tuple[str, ...], what: str
) -> dict[str, Any]:
    """The known values of a JSON object, null as if missing. Raises ValueError for a strange name or kind of value."""
    if not isinstance(record, dict):
        raise ValueError(f"{what} that is no JSON object")
    if record.keys() - kinds.keys():
        raise ValueError(f"{what} with unknown names; expected some of {', '.join(kinds)}")
    known = {name: value for name, value in record.items() if value is not None}
    for name, value in known.items():
        kind = kinds[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{what} with another kind of value for {name}")
        if isinstance(value, str) and not storable(value):
            raise ValueError(f"{what} with a NUL or half a character in {name}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{what} with a number for {name} that is not finite")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"{what} with a number for {name} that is too large")
    if missing := [name for name in needed if name not in known]:
        raise ValueError(f"{what} without {' and '.join(missing)}")
    return known


def strings(values: Any, what: str) -> tuple[str, ...]:
    """The strings of a list, each once. Raises ValueError where something else is among them."""
    if not all(isinstance(one, str) and storable(one) for one in values):
        raise ValueError(f"{what} that are not all strings, without a NUL or half a character in them")
    return tuple(dict.fromkeys(values))


def pair(part: Any) -> tuple[int, int]:
    """A pair of offsets. Raises ValueError."""
    if not isinstance(part, list) or len(part) != 2 or not all(type(end) is int for end in part):
        raise ValueError("parts of a mark that are no pairs of offsets")
    return part[0], part[1]
