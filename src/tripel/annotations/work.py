"""The process of one job: `python -m tripel.annotations.work JOB FOLDER`, started by `running`, which gives it a lock.

What it says of its end is one sentence without the text of any document; of a fault of the program, its kind and place.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from tripel.annotations import jobs
from tripel.annotations.database import Database
from tripel.annotations.noting import Note
from tripel.annotations.running import NUMBER, URL


def main(job: int, files: Path) -> None:
    """Do a job, and say in the database how it ended."""
    os.set_inheritable(NUMBER, False)  # it is this process's alone, to the end
    database = Database.open(os.environ[URL])
    jobs.is_process(database, job, os.getpid())
    its = jobs.get(database, job)
    if its.state != "running":
        return
    from tripel.annotations import retraining

    work = {"train": retraining.train, "predict": retraining.predict}[its.kind]
    try:
        result = work(database, its, files, Note(database, job))
    except (ValueError, LookupError, OSError) as error:
        print(place(error), file=sys.stderr)
        jobs.failed(database, job, str(error).partition("\n")[0])
    except Exception as error:
        print(place(error), file=sys.stderr)
        jobs.failed(database, job, f"a fault of the program: {place(error).splitlines()[-1]}")
    else:
        jobs.done(database, job, result)


def place(error: BaseException) -> str:
    """Where something was raised, line by line, and its kind; not its message, which may quote a text."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([*lines[:-1], f"{type(error).__name__} at {lines[-1]}"])


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
