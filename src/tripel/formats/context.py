"""The files of Le and Nguyen (2023) as a format: `corpora/context.py` reads them, this writes them and says what they hold.

A folder of `ID.context`, a block for each mention in its sentence, and `ID.txt`, its id and text. What is left of a document is
its sentences with mentions, tokens joined by blanks: offsets are other ones. A mention has one id and no type; those without
id, or that begin or end with white space, have no place, nor have documents without such a mention.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from tripel.corpora import context
from tripel.corpora.context import BAR, Block
from tripel.documents import Document, Mention
from tripel.formats.base import Format
from tripel.formats.entity_ids import coming_back
from tripel.formats.folders import Pair, file_name, id_of, pairs, replacing_folder, write_text_in
from tripel.formats.tokens import of_tokens, sentences, tokens
from tripel.problems import Problem


class Context(Format):
    """Blocks of labelled tokens."""

    ENDINGS: ClassVar[tuple[str, ...]] = (".context",)
    FOLDER: ClassVar[str] = ".context"
    REBUILDS: ClassVar[bool] = True

    def parse(self, path: Path, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents in the order of their names, or of one file, and problems; `skipped` counts as the corpus does."""
        for pair in [Pair(path.stem, path, path)] if path.is_file() else pairs(path, self.FOLDER, alone=True):
            if isinstance(pair, Problem):
                yield pair
                continue
            for found in context.parse(pair.marks, skipped=skipped):
                yield replace(found, id=id_of(found.id)) if isinstance(found, Document) else found

    def put(self, path: Path, documents: Iterable[Document]) -> None:
        """Write the folder."""
        with replacing_folder(path) as part:
            for document in documents:
                name, found = file_name(document.id), list(_blocks(document))
                write_text_in(part / f"{name}{self.FOLDER}", "".join(map(_block, found)))
                said = (f"{one.entity}{BAR}{' '.join(one.tokens[one.first : one.end])}\n" for one in found)
                write_text_in(part / f"{name}.txt", "".join(said))

    def held(self, document: Document) -> Document | None:
        """The text that blocks make, with a mention for each; None where there would be no block."""
        found = list(_blocks(document))
        return context.rebuilt(document.id, found) if found else None


def _blocks(document: Document) -> Iterator[Block]:
    """A block for each mention that has an id, in the order of the text."""
    kept = [(one, id) for one in document.mentions if of_tokens(one) and (id := _id(one))]
    found = tokens(document.text, [one for one, _ in kept])
    begins = {token.start: at for at, token in enumerate(found)}
    ends = {token.end: at for at, token in enumerate(found, 1)}
    places = deque(sorted((begins[one.start], ends[one.end], id) for one, id in kept))
    for sentence in sentences(document.text, found, [one for one, _ in kept]):
        words = tuple(token.text for token in found[sentence.start : sentence.stop])
        while places and places[0][0] in sentence:
            first, end, id = places.popleft()
            yield Block(0, words, first - sentence.start, end - sentence.start, id)


def _id(mention: Mention) -> str:
    return next(iter(coming_back(mention.entities, without="| ")), "")


def _block(block: Block) -> str:
    labels = ["O"] * len(block.tokens)
    labels[block.first] = f"B:{block.entity}"
    labels[block.first + 1 : block.end] = [f"I:{block.entity}"] * (block.end - block.first - 1)
    return "".join(f"{word}\t{label}\n" for word, label in zip(block.tokens, labels, strict=True)) + "\n"
