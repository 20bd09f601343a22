"""Reading a Metathesaurus of full size: rows a second and peak memory. The release is invented; nothing of UMLS is in it.

    python scripts/benchmarks/umls_memory.py                  3.2 million concepts, 8.6 million English names
    python scripts/benchmarks/umls_memory.py --concepts 100000

It writes MRCONSO, MRSTY and MRDEF to a temporary folder (1.6 GB at full size), builds the knowledge base from them as a
run does, saves it, and opens it again.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from tripel.knowledge import KnowledgeBase
from tripel.progress import bar
from tripel.terminologies.umls import Umls

CONCEPTS = 3_200_000
LANGUAGES = ("ENG", "ENG", "ENG", "FRE", "ENG", "SPA", "ENG")  # other languages stand between rows of one concept
SYLLABLES = [a + b for a in "bcdfghklmnprstv" for b in "aeiou"]


def main() -> None:
    """Write, read, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concepts", type=int, default=CONCEPTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = invent(folder, asked.concepts)
        before = peak()
        began = time.monotonic()
        with bar("reading") as progress:
            kb = KnowledgeBase.of(counted(Umls(Umls.Config(path=str(folder))), progress, asked.concepts))
        kb.save(folder / "knowledge.arrow")
        spent = time.monotonic() - began
        size = sum(path.stat().st_size for path in folder.glob("*.RRF")) / 2**30
        print(
            f"{rows:,} rows of MRCONSO ({size:.2f} GiB in all tables) -> {len(kb):,} concepts, {len(kb.names):,} names"
        )
        print(
            f"{spent:.0f} s, {rows / spent:,.0f} rows/s, peak memory {peak():,.0f} MiB ({before:,.0f} before reading)"
        )


def counted(source, progress, total):  # type: ignore[no-untyped-def]  # it wraps what it is given
    """Entities, with a bar."""
    for number, entity in enumerate(source.entities(), 1):
        if number % 10_000 == 0:
            progress(number, total)
        yield entity


def invent(folder: Path, concepts: int) -> int:
    """A release of so many concepts; gives the rows of MRCONSO."""
    rng = random.Random(1)
    rows = 0
    with (
        (folder / "MRCONSO.RRF").open("w") as names,
        (folder / "MRSTY.RRF").open("w") as types,
        (folder / "MRDEF.RRF").open("w") as definitions,
    ):
        for number in range(concepts):
            cui = f"C{number:07d}"
            for place in range(rng.choice((1, 2, 3, 4, 7))):
                words = " ".join("".join(rng.choices(SYLLABLES, k=rng.randint(2, 5))) for _ in range(rng.randint(1, 5)))
                language, first = LANGUAGES[place], "PY" if not place else "SN"
                names.write(
                    f"{cui}|{language}|{first[0]}|L{rows:08d}|PF|S{rows:08d}|{first[1]}|A{rows:08d}||{rows}||MSH|PT|D{rows}"
                    f"|{words}|0|N|256|\n"
                )
                rows += 1
            types.write(f"{cui}|T{number % 200:03d}|A1.{number % 20}|Type {number % 200}|AT{number}|256|\n")
            if number % 12 == 0:
                definitions.write(f"{cui}|A{number}|AT{number}||MSH|{'What it is. ' * 15}|N|256|\n")
    return rows


def peak() -> float:
    """Peak memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
