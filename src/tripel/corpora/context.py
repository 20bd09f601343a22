"""Corpora as Le and Nguyen (2023) prepare them: labelled tokens, a block for each mention, and its strings beside them.

    PMID.context      token <tab> B:id, I:id or O; a blank line after each block
    PMID.txt          id||mention, a line for each block

A block is a sentence and one mention in it: the token at B and those right after it with the same id at I. Other I in a block
are left over from mentions that have blocks of their own. Text is rebuilt, so offsets are not those of the publication: tokens
are joined by single blanks, and sentences, too; neighbouring blocks with equal tokens are one sentence until a mention comes
again. Such files have no types, no titles and no sentences without a mention.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tripel.corpora.base import Corpus
from tripel.corpora.lines import Line, is_id, numbered
from tripel.documents import Document, Mention
from tripel.problems import BadInput, Problem

LABEL = re.compile(r"O|(?P<place>[BI]):(?P<id>\S+)")
BAR = "||"
CUT = "mentions that begin or end within a token"  # the whole token is the mention then


class Context(Corpus):
    """A folder of such files for each split."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        path: str
        """The folder of `train`, `dev` and `test`, each with PMID.context and PMID.txt."""
        drop_overlaps: bool = False
        """Drop mentions that overlap a longer or an earlier one."""

    def __init__(self, config: Config) -> None:
        super().__init__(folder=Path(config.path), drop_overlaps=config.drop_overlaps)

    def parse(self, split: str, skipped: Counter[str]) -> Iterator[Document | Problem]:
        """Documents in the order of their ids, and problems."""
        folder = self.folder / split
        paths = sorted(folder.glob("*.context"))
        if not paths:
            found = "no PMID.context" if folder.is_dir() else "no such folder"
            raise BadInput([Problem(str(folder), 0, found, "files PMID.context and PMID.txt; say where with path=")])
        for path in sorted({*folder.glob("*.txt")} - {path.with_suffix(".txt") for path in paths}):
            yield Problem(str(path), 0, "mentions alone", f"{path.stem}.context beside it; add it, or remove the file")
        for path in paths:
            yield from parse(path, skipped=skipped)


@dataclass(frozen=True, slots=True)
class Block:
    """A sentence, and tokens [first, end) of it as a mention; `line` is where it begins."""

    line: int
    tokens: tuple[str, ...]
    first: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True)
class _Said:
    """A line of the file beside it."""

    line: int
    entity: str
    mention: str


def parse(path: Path, *, skipped: Counter[str] | None = None) -> Iterator[Document | Problem]:
    """The document of a .context file with the .txt file beside it, or all that is wrong with both.

    `skipped` counts documents without a sentence, of which nothing can be rebuilt, and mentions that are not whole tokens.
    """
    skipped = Counter() if skipped is None else skipped
    beside = path.with_suffix(".txt")
    blocks, said = list(_blocks(path)), list(_said(beside))
    sound = [block for block in blocks if isinstance(block, Block)]
    mentions = [one for one in said if isinstance(one, _Said)]
    problems = [one for one in (*blocks, *said) if isinstance(one, Problem)]
    problems = problems or list(_misaligned(beside, sound, mentions, skipped))
    if problems:
        yield from problems
    elif sound:
        yield rebuilt(path.stem, sound)
    else:
        skipped["documents without a sentence"] += 1


def _blocks(path: Path) -> Iterator[Block | Problem]:
    """Each block, or the first thing that is wrong with it."""
    lines: list[Line] = []
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
            return
        if line.text.strip():
            lines.append(line)
        elif lines:
            yield _block(path, lines)
            lines = []
    if lines:
        yield _block(path, lines)


def _block(path: Path, lines: Sequence[Line]) -> Block | Problem:
    tokens, labels = [], []
    for line in lines:
        token, tab, cell = line.text.partition("\t")
        label = LABEL.fullmatch(cell.strip())
        if line.damaged:
            return Problem(str(path), line.number, "bytes that are not UTF-8", "UTF-8; convert the file with iconv")
        if not tab or not token.strip() or not label:
            found = f"a line of {len(line.text)} characters that is no token with its label"
            return Problem(str(path), line.number, found, "a token, a tab, and B:id, I:id or O")
        tokens.append(token.strip())
        labels.append((label["place"], label["id"]))
    begins = [place for place, (kind, _) in enumerate(labels) if kind == "B"]
    if len(begins) != 1:
        found = f"a block with {len(begins)} tokens at B"
        return Problem(str(path), lines[0].number, found, "one, for one mention; a blank line after each block")
    first = end = begins[0]
    entity = labels[first][1]
    while labels[end + 1 : end + 2] == [("I", entity)]:
        end += 1
    return Block(lines[0].number, tuple(tokens), first, end + 1, entity)


def _said(path: Path) -> Iterator[_Said | Problem]:
    for line in numbered(path):
        if isinstance(line, Problem):
            yield line
        elif line.damaged:
            yield Problem(str(path), line.number, "bytes that are not UTF-8", "UTF-8; convert the file with iconv")
        elif line.text.strip():
            entity, _, mention = (part.strip() for part in line.text.partition(BAR))
            found = f"a line of {len(line.text)} characters that is no id and mention"
            yield (
                _Said(line.number, entity, mention)
                if entity and mention
                else Problem(str(path), line.number, found, "id||mention")
            )


def _misaligned(path: Path, blocks: Sequence[Block], said: Sequence[_Said], skipped: Counter[str]) -> Iterator[Problem]:
    """Where the two files do not tell of the same mentions."""
    if len(blocks) != len(said):
        yield Problem(str(path), 0, f"{len(said)} mentions beside {len(blocks)} blocks", "a line for each block")
        return
    for block, one in zip(blocks, said, strict=True):
        shown, written = _bare(block.tokens[block.first : block.end]), _bare([one.mention])
        if one.entity != block.entity:
            ids = f"{one.entity} for {block.entity}" if is_id(one.entity) and is_id(block.entity) else "another id"
            yield Problem(str(path), one.line, ids, f"the id at B in the block at line {block.line}")
        elif shown not in written and written not in shown:
            expected = f"what tokens [{block.first}, {block.end}) of the block at line {block.line} say"
            yield Problem(str(path), one.line, f"a mention of {len(one.mention)} characters", expected)
        else:
            skipped[CUT] += shown != written


def _bare(parts: Sequence[str]) -> str:
    """Letters alone, since tokens have lost the blanks between them, and perhaps the case."""
    return "".join("".join(parts).split()).casefold()


def rebuilt(id: str, blocks: Sequence[Block]) -> Document:
    """The document that blocks make: tokens and sentences joined by blanks, a mention for each block."""
    text, begin = "", 0
    tokens: tuple[str, ...] = ()
    seen: set[tuple[int, int, str]] = set()
    mentions = []
    for block in blocks:
        here = (block.first, block.end, block.entity)
        if block.tokens != tokens or here in seen:
            begin = len(text) + 1 if text else 0
            text = " ".join([*([text] if text else []), *block.tokens])
            tokens, seen = block.tokens, set()
        seen.add(here)
        end = begin + len(" ".join(tokens[: block.end]))
        start = end - len(" ".join(tokens[block.first : block.end]))
        mentions.append(Mention(start=start, end=end, text=text[start:end], entities=(block.entity,)))
    return Document(id=id, text=text).having(mentions=mentions)
