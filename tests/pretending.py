"""A process of a job that only pretends to work: it does what `orders/JOB` among the server's files says.

done | fail | exit | hang | hang once     (the last is done when it is started again)
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tripel.annotations import jobs
from tripel.annotations.database import Database
from tripel.annotations.running import NUMBER, URL


def main(job: int, files: Path) -> None:
    """Do as told."""
    os.set_inheritable(NUMBER, False)
    database = Database.open(os.environ[URL])
    jobs.is_process(database, job, os.getpid())
    path = files / "orders" / str(job)
    said = path.read_text()
    if said == "hang once":
        path.write_text("done")
    jobs.note(database, job, "pretending", 0.25)
    if said.startswith("hang"):
        time.sleep(120)
    elif said == "exit":
        sys.exit(3)
    elif said == "fail":
        jobs.failed(database, job, "there was too little\nto pretend")
    else:
        jobs.done(database, job, {"pretended": True})


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
