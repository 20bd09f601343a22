"""Names, and what one types of them, as words that can be compared: without case, diacritics, Greek letters and punctuation.

`β-Blocker, périndopril` is `beta blocker perindopril`. Shapes: N names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

GREEK = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon
    phi chi psi omega"""
SPELT = str.maketrans(
    {chr(0x3B1 + place): name for place, name in enumerate(GREEK.split())}
)  # from α on, with both sigmas
WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
ASCII_GAP = "[^a-z0-9]+"  # what stands between words where all is ASCII


def words(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    return WORD.findall(_folded(text))


def plain(names: pa.StringArray) -> pa.StringArray:
    """The words of each name with a blank between them [N]; Python looks only at names that are not ASCII."""
    lowered = pc.utf8_trim(pc.replace_substring_regex(pc.ascii_lower(names), ASCII_GAP, " "), " ")
    other = pc.invert(pc.string_is_ascii(names))
    theirs = [" ".join(words(name)) for name in names.filter(other).to_pylist()]
    return pc.replace_with_mask(lowered, other, pa.array(theirs, pa.string()))


def ranges(name: str, typed: Sequence[str], *, begun: bool) -> tuple[tuple[int, int], ...]:
    """Where a name has the typed words: characters [start, end), in order.

    The last typed word may be the beginning of one, and where all are only `begun`, each may.
    """
    whole, parts = (set[str](), typed) if begun else (set(typed), typed[-1:])
    return tuple(_ranges(name, whole, parts))


def _ranges(name: str, whole: set[str], parts: Sequence[str]) -> Iterator[tuple[int, int]]:
    for found in WORD.finditer(name):
        word = _folded(found[0])
        longest = max((len(part) for part in parts if word.startswith(part)), default=0)
        if word in whole or longest:
            alike = len(word) == len(found[0]) and word not in whole
            yield found.start(), found.start() + longest if alike else found.end()


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one)).translate(SPELT)
