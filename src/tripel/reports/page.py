"""A report as a value, and as a page, as Markdown, and as LaTeX tables. It counts nothing and runs nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tripel.files import write_text
from tripel.reports.pages import rendered
from tripel.reports.tables import Table

PAGE, MARKDOWN, LATEX = "report.html", "report.md", "tables"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A table, by the name of its LaTeX file, and what it is of."""

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    table: Table


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG in the folder of the report."""

    kind: ClassVar[str] = "picture"
    path: Path
    caption: str
    names_entities: bool = False
    """It shows names of the knowledge base, which not everyone may have."""

    @property
    def encoded(self) -> str:
        """As a page holds it."""
        return base64.b64encode(self.path.read_bytes()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """A mention that was not linked right: its text and what stands around it, what is right, what was said."""

    document: str
    start: int
    end: int
    before: str
    mention: str
    after: str
    outcome: str
    right: tuple[str, ...]
    said: tuple[str, ...]
    others: tuple[str, ...] = ()
    """Systems that did link it right."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors to be looked through. They stand on the page alone: they hold text of documents."""

    kind: ClassVar[str] = "errors"
    caption: str
    errors: Sequence[Error]

    @property
    def outcomes(self) -> list[str]:
        """What went wrong, each once."""
        return list(dict.fromkeys(one.outcome for one in self.errors))

    @property
    def others(self) -> list[str]:
        """Systems that linked some of them right, each once."""
        return sorted({name for one in self.errors for name in one.others})


Block = Text | Shown | Picture | Errors


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together."""

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Report:
    """Sections under a title."""

    title: str
    sections: Sequence[Section]

    def write(self, folder: Path) -> Path:
        """The page, which holds everything; Markdown beside its pictures; a LaTeX file for each table. Gives the page."""
        write_text(folder / PAGE, self.html())
        write_text(folder / MARKDOWN, self.markdown(folder))
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Shown):
                    write_text(folder / LATEX / f"{block.name}.tex", f"% {block.caption}\n{block.table.latex()}\n")
        return folder / PAGE

    def html(self) -> str:
        """One page that needs nothing else; whatever stands in a cell is escaped."""
        return rendered("report.html", report=self)

    def markdown(self, folder: Path) -> str:
        """Without the errors, which hold text of documents: it is said where they are."""
        parts = [f"# {self.title}"]
        for section in self.sections:
            parts += [f"## {section.heading}", *(_said(block, folder) for block in section.blocks)]
        return "\n\n".join(parts) + "\n"


def _said(block: Block, folder: Path) -> str:
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Shown):
        return f"{block.caption}\n\n{block.table}"
    if isinstance(block, Picture):
        return f"![{block.caption}]({block.path.relative_to(folder)})"
    return f"{block.caption} They are in [{PAGE}]({PAGE}), with the text around them."
