"""Send many requests, drawn from the description of every route, to a server in this process, and say what it answered.

    .venv/bin/python scripts/fuzz_api.py --examples 200 --start 7
    .venv/bin/python scripts/fuzz_api.py --examples 200 --database postgresql://tripel@localhost/fuzzed

Exit code 1 where a request made the server fail, or an answer of the API is not as it is described.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzzing import begun, fuzz
from opened import opened

from tripel.web.settings import Settings


def main() -> int:
    """Fuzz, and print the account."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--examples", type=int, default=100, help="requests for each route")
    words.add_argument("--start", type=int, default=int(time.time()), help="of the random numbers")
    words.add_argument("--database", default="", help="of PostgreSQL, empty; a new file of SQLite when left out")
    said = words.parse_args()
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.CRITICAL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with opened(base, settings=Settings(folder=base, links_per_minute=10**9), database=said.database) as its:
            known = begun(its, base)
            outcome = fuzz(its.browser("admin"), its.app, known=known, examples=said.examples, start=said.start)
    statuses = ", ".join(f"{count:,} of {status}" for status, count in sorted(outcome.statuses.items()))
    print(f"{outcome.requests:,} requests in {time.monotonic() - began:.0f} s, --start {said.start}: {statuses}")
    for fault in dict.fromkeys(outcome.faults):
        print(fault)
    print(f"{len(outcome.faults)} faults")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
