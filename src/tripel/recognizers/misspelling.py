"""Names that a text nearly says: words a letter apart, hyphens for blanks. It knows a trie of names, and no entities.

A word may stand for any word of the names that is one letter apart and begins alike (inserted, left out, replaced or two
neighbours swapped); words with digits stand for themselves. Such words are put together left to right, as long as some name
begins so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from tripel.recognizers.lexicon import Names
from tripel.recognizers.reading import Folded

SHORTEST_WORD = 5  # shorter words are too near to each other
MOST_EDITS = 3  # of a name
WORD = re.compile(r"[^\W\d_]+")

Close = tuple[tuple[str, int], ...]


class Misspelt:
    """Finds names with a few letters changed. `misspelt.within(fold(text))` gives them and how like they are."""

    def __init__(self, names: Names, *, similarity: float) -> None:
        self.names = names
        self.share = 1 - similarity + 1e-9  # of a name's letters that may be other ones
        self.known = {word for name in names.trie.iterkeys() for word in WORD.findall(name)}
        self.by_shape: dict[tuple[str, int], list[str]] = defaultdict(list)
        for word in sorted(self.known):
            self.by_shape[word[0], len(word)].append(word)

    def within(self, text: Folded, close: Callable[[str], Close]) -> Iterator[tuple[int, int, int, float]]:
        """Where such a name stands, folded, its key, and how like it is: less than 1.

        A single word that the names know is no misspelling of another. `close` is the method, or a cache of it.
        """
        for place, (first, end) in enumerate(text.words):
            for last, name, edits in self._from(text, place, close):
                alone = last == end and text.text[first:last] in self.known
                if not alone and self.names.loose_K[self.names.trie[name]]:
                    yield first, last, self.names.trie[name], 1 - edits / len(name)

    def _from(self, text: Folded, place: int, close: Callable[[str], Close]) -> Iterator[tuple[int, str, int]]:
        """Names that begin at a word: where each ends, the name, and its edits."""
        begun, before = {"": 0}, text.words[place][0]
        for first, end in text.words[place:]:
            gaps = _gaps(text.text[before:first])
            begun = self._longer(begun, gaps, close(text.text[first:end]))
            if not begun:
                return
            for name, edits in begun.items():
                if edits and edits <= self.share * len(name) and name in self.names.trie:
                    yield end, name, edits
            before = end

    def _longer(self, begun: dict[str, int], gaps: Close, words: Close) -> dict[str, int]:
        """What was put together so far with another gap and word behind it, where some name begins so."""
        longer: dict[str, int] = {}
        for start, edits in begun.items():
            for gap, more in gaps if start else (("", 0),):
                for word, most in words:
                    its, total = start + gap + word, edits + more + most
                    if total <= min(MOST_EDITS, longer.get(its, MOST_EDITS + 1) - 1) and self.names.begins(its):
                        longer[its] = total
        return longer

    def close(self, word: str) -> Close:
        """The word itself, and words of names that are one letter apart."""
        found = [(word, 0)]
        if len(word) < SHORTEST_WORD or not WORD.fullmatch(word):
            return tuple(found)
        for length in range(len(word) - 1, len(word) + 2):
            near = self.by_shape.get((word[0], length), ())
            hits = process.extract(word, near, scorer=OSA.distance, processor=None, score_cutoff=1, limit=None)
            found += [(other, 1) for other, edits, _ in hits if edits]
        return tuple(found)


def _gaps(gap: str) -> Close:
    """What may stand between two words of a name where a text has this."""
    swapped: dict[str, Close] = {" ": ((" ", 0), ("-", 1)), "-": (("-", 0), (" ", 1), ("", 1))}
    return swapped.get(gap, ((gap, 0),))
