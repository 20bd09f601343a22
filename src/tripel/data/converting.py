"""Documents from a file of one format into a file of another, and the account of what did not come along. It knows no format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tripel import formats
from tripel.data.inputs import opened
from tripel.documents import Document


@dataclass
class Account:
    """What a conversion did."""

    documents: int = 0
    """Read; those that could not be written are counted in `lost`, too."""
    mentions: int = 0
    source: str = ""
    target: str = ""
    """The names of the two formats."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What the source holds and no document can, by kind."""
    lost: Counter[str] | None = None
    """What the documents hold and the target cannot, by kind; None where the target is no format of documents."""

    def __str__(self) -> str:
        said = f"{self.documents:,} documents, {self.mentions:,} mentions, {self.source} to {self.target}"
        if self.lost is not None:
            said += f"; lost: {_listed(self.lost)}" if self.lost else "; nothing lost"
        return said + (f"; left out on reading: {_listed(self.skipped)}" if self.skipped else "")


def convert(
    source: Path,
    target: Path,
    *,
    read_as: str = "",
    write_as: str = "",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Account:
    """Convert a file, a folder or, as `-`, standard input; formats are told by content and name where they are not given.

    `progress` is called with the documents done and 0, since how many there are is not known. Raises BadInput with every
    problem of the source, and ValueError where a format cannot be told or something is in the way; then nothing is written.
    """
    with opened(source, read_as=read_as) as found:
        account = Account(source=found.format, target=write_as or formats.detect(target))
        writer = formats.writer(account.target)
        refuse(target, overwrite=overwrite, folder=writer.FOLDER)
        account.lost = writer.write(target, _counted(found.documents(), account, progress))
        account.skipped = +found.skipped
    return account


def refuse(target: Path, *, overwrite: bool, folder: str) -> None:
    """Raises ValueError where something is at the place that must not be replaced."""
    if target.name.endswith(".gz"):
        raise ValueError(f"{target}: files are written plain; leave off .gz, and zip the file afterwards")
    if not target.exists():
        return
    if not overwrite:
        raise ValueError(f"{target} is there already; name another place, or say --overwrite")
    if target.is_dir() != bool(folder):
        raise ValueError(f"{target} is {'a folder' if target.is_dir() else 'a file'}; remove it, or name another place")
    strange = next((one for one in target.glob("*") if one.suffix not in (folder, ".txt")), None) if folder else None
    if strange:
        raise ValueError(f"{target} holds other files, such as {strange.name}; remove it, or name another place")


def _counted(
    documents: Iterable[Document], account: Account, progress: Callable[[int, int], None]
) -> Iterator[Document]:
    for document in documents:
        account.documents += 1
        account.mentions += len(document.mentions)
        progress(account.documents, 0)
        yield document


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
