"""A process that annotates is killed, again and again: what it was told is kept is there, once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from annotating import Work
from sqlalchemy import text

from tripel.annotations import ledger
from tripel.annotations.database import Database

KILLS = 4
ANNOTATOR = """
import sys
from itertools import count
from tripel.annotations import ledger
from tripel.annotations.database import Database
from tripel.annotations.events import Mark, Proposal

url, sheet, user, first = sys.argv[1], *map(int, sys.argv[2:])
database = Database.open(url)
for number in count(first):
    mark = Mark(id=f"m{number}", start=number % 40, end=number % 40 + 2)
    ledger.append(database, sheet, Proposal(key=f"killed-{number}", kind="add", after=mark), by=user)
    print(f"killed-{number}", flush=True)
"""


def annotate_and_kill(work: Work, sheet: int, *, first: int, seconds: float) -> list[str]:
    """The keys that were acknowledged before SIGKILL."""
    words = [sys.executable, "-c", ANNOTATOR, work.database.url, str(sheet), str(work.users[0]), str(first)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        keys = [process.stdout.readline().strip()]
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        keys += process.stdout.read().split("\n")[:-1]  # a line that was cut is not acknowledged
    assert process.returncode == -signal.SIGKILL
    return keys


def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(database: Database, tmp_path: Path) -> None:
    work = Work.begin(database, tmp_path)
    sheet, rng = work.sheet_id(), random.Random(0)
    told = list[str]()
    for _ in range(KILLS):
        first = len(told) - 1 if told else 0  # the last one again, as a page does that heard no answer
        keys = annotate_and_kill(work, sheet, first=max(first, 0), seconds=rng.uniform(0.1, 0.4))
        assert len(keys) > 1
        told += [key for key in keys if key not in told]
    kept = [event.key for event in ledger.history(database, sheet=sheet) if event.kind == "add"]
    assert [key for key in told if key not in kept] == []
    assert max(Counter(kept).values()) == 1
    assert len(kept) - len(told) <= 1  # one that was kept as the process died
    assert sorted(mark.id for mark in work.sheet().marks if mark.label == "USER") == sorted(
        key.replace("killed-", "m") for key in kept
    )
    work.sound()
    if database.engine.dialect.name == "sqlite":
        with database.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
