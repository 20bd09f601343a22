"""Every document of the real corpora through every format and back: does what it holds come back, and what does it not hold?

    TRIPEL_DATA=... python scripts/benchmarks/round_trips.py

Equal up to the order of documents and mentions.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tripel import formats
from tripel.corpora.bc5cdr import Bc5cdr
from tripel.corpora.medmentions import Medmentions
from tripel.documents import Document
from tripel.find import names
from tripel.problems import Problem
from tripel.reports.tables import Table


def main() -> None:
    """All splits of both, one format after the other."""
    corpora = {"BC5CDR": Bc5cdr(Bc5cdr.Config()), "MedMentions": Medmentions(Medmentions.Config())}
    documents = {
        name: [one for split in ("train", "dev", "test") for one in corpus.read(split)]
        for name, corpus in corpora.items()
    }
    rows = []
    for name in names("formats"):
        if formats.of(name).WRITES:
            rows += [[name, corpus, *there_and_back(name, its)] for corpus, its in documents.items()]
    print(Table(["format", "corpus", "documents", "mentions", "back as held", "documents/s", "not held"], rows))


def there_and_back(name: str, made: list[Document]) -> list[str]:
    """Write, read, compare."""
    form = formats.of(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{form.ENDINGS[0]}"
        began = time.monotonic()
        lost = form.write(path, made)
        found = list(form.read(path))
        seconds = time.monotonic() - began
    wrong = [one for one in found if isinstance(one, Problem)]
    back = [one for one in found if isinstance(one, Document)]
    held = [kept for document in made if (kept := form.held(document)) is not None]
    equal = not wrong and ordered(back) == ordered(held)
    mentions = sum(len(one.mentions) for one in back)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in lost.most_common())
    return [
        f"{len(back):,}",
        f"{mentions:,}",
        "yes" if equal else f"NO, {len(wrong)} problems",
        f"{len(made) / seconds:.0f}",
        kinds,
    ]


def ordered(documents: Iterable[Document]) -> list[Document]:
    """By id, their mentions by place."""
    sorted_ = (one.having(mentions=sorted(one.mentions, key=repr)) for one in documents)
    return sorted(sorted_, key=lambda one: one.id)


if __name__ == "__main__":
    main()
