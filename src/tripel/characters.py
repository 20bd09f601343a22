"""Characters that are none: halves of surrogate pairs, which a Python string can hold and UTF-8 cannot.

Tokenizers and whatever else is not written in Python refuse them with the whole text in their error, and texts may be clinical.
"""

from __future__ import annotations

import re

HALVES = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """The same text, as long as before, with U+FFFD in the place of each."""
    return HALVES.sub("\ufffd", text)
