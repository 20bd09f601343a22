"""Damage good files of every format, again and again, and let their readers read them: none may fail, or tell the text.

    .venv/bin/python scripts/fuzz_readers.py --tries 5000 --start 7

Bytes are cut out, doubled, changed and put in, one to three times a file. What is read is either documents whose mentions are
where they say, or problems with what was found and what was expected.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from damaging import damage

from tripel import formats
from tripel.find import names
from tripel.reports.tables import Table


def main() -> None:
    """All formats that are written here, one after the other."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tries", type=int, default=1000, help="damaged files of each format")
    words.add_argument("--start", type=int, default=int(time.time()), help="of the random numbers")
    said = words.parse_args()
    rows = []
    for name in names("formats"):
        if formats.of(name).WRITES:
            with tempfile.TemporaryDirectory() as folder:
                came = damage(name, Path(folder), tries=said.tries, start=said.start)
            rows.append([name, f"{said.tries:,}", f"{came['documents']:,}", f"{came['none']:,}"])
            print(f"{name} is done", file=sys.stderr)
    print(
        f"--start {said.start}\n\n{Table(['format', 'damaged files', 'gave documents', 'gave problems alone'], rows)}"
    )


if __name__ == "__main__":
    main()
