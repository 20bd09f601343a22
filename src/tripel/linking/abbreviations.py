"""What the short forms in a document stand for, by Ab3P (Sohn et al. 2008). Text and offsets are never rewritten.

A short form means what its own document defines, nothing else: MS is multiple sclerosis in one text and mitral
stenosis in the next. Ab3P is C++ and one object of it serves all documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pyab3p import Ab3p

from tripel.characters import whole
from tripel.documents import Document, Mention

# Ab3P stops at a NUL. It splits a text into sentences and looks for them in it again, with runs of blanks made one and
# the other two characters changed; what it cannot find it writes, text and all, to standard error, and loses its place.
# So they go beforehand; then it is silent (U+0000 to U+2FFF, and 5,892 abstracts of two corpora, were tried).
LOSES_ITS_PLACE = str.maketrans({"_": "-", "`": "'", "\0": " "})

# It holds a sentence, with blanks around brackets, in 100,000 bytes and writes on behind them: the process then ends. A character
# has up to four bytes; one with such blanks has three.
LONGEST = 20_000  # characters that it is given at once
LONGEST_WORD = 100  # it writes what stands around one of 1,000 bytes to standard output
OVERLAP = 1_000  # of them it was given before: longer than a definition


def expand(document: Document) -> Document:
    """The same document; mentions that are a short form it defines, give or take a plural s, carry the long form."""
    if not document.mentions:
        return document
    long_forms = defined(document.text)
    return document.having(mentions=[_expanded(mention, long_forms) for mention in document.mentions])


def defined(text: str) -> dict[str, str]:
    """Each short form a text defines with its long form; the surest one where it defines several."""
    found = [one for piece in _pieces(_plain(text)) for one in _ab3p().get_abbrs(piece)]
    return {one.short_form: one.long_form for one in sorted(found, key=lambda found: found.prec)}


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces of whole words that Ab3P can hold. They overlap, so that what is parted by one is whole in the next."""
    start = 0
    while len(text) - start > LONGEST:
        again, end = start + LONGEST - OVERLAP, start + LONGEST
        yield text[start : text.rfind(" ", again, end) + 1 or end]
        start = text.find(" ", again, end) + 1 or again
    yield text[start:]


def _expanded(mention: Mention, long_forms: dict[str, str]) -> Mention:
    short = _plain(mention.text)
    long = next((long_forms[form] for form in (short, short.removesuffix("s"), f"{short}s") if form in long_forms), "")
    return mention.having(long_form=long) if long else mention


def _plain(text: str) -> str:
    return " ".join(word[:LONGEST_WORD] for word in whole(text).translate(LOSES_ITS_PLACE).split())


@cache
def _ab3p() -> Ab3p:
    return Ab3p()
