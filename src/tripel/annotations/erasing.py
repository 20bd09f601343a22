"""An archived project goes for good: its jobs end, its files go, and last its rows, since they say which files are its.

Stopped in between, it is in the archive still, cannot be taken out of it, and goes on when it is asked for again. Uploads that
wait to be stored are the pages' to drop.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import delete, select, update

from tripel.annotations import jobs, projects, schema
from tripel.annotations.database import Database
from tripel.annotations.running import PATIENCE_S, alive
from tripel.annotations.schema import documents, models

LOOKS_S = 0.1  # between looks at a job that is to end
ENDING_S = PATIENCE_S + 10.0  # in which a job has ended, once that is asked


def begin(database: Database, project: int) -> None:
    """From now on it is being erased: it stays in the archive, nothing is added to it, and its jobs are to end.

    Raises LookupError, or ValueError where it is not in the archive.
    """
    with database.begin() as connection:
        there = select(schema.projects).where(schema.projects.c.id == project).with_for_update()
        row = connection.execute(there).one_or_none()
        if row is None:
            raise LookupError(f"there is no project {project}")
        if row.archived_at is None:
            raise ValueError("only a project in the archive can be erased; archive it first")
        connection.execute(update(schema.projects).where(schema.projects.c.id == project).values(erasing=True))
    for job in jobs.of(database, project):
        jobs.cancel(database, job.id)


def erase(
    database: Database, project: int, folder: Path, *, needed: Sequence[Path] = (), ending: float = ENDING_S
) -> None:
    """Delete a project: all that is kept of it in the database and in `folder`, where the server keeps files.

    Of a model that was trained in it and that another project works with the bundle stays, until that project is erased, too.
    needed: folders of other models that stay. ending: seconds that its jobs have to end. Raises as `begin` does, and ValueError
    where a job does not end or a file cannot be deleted; then it is to be asked for again.
    """
    begin(database, project)
    its = [job.id for job in jobs.of(database, project)]
    _end(database, its, folder, ending)
    gone, kept = _models(database, project, its, folder, needed)
    try:
        _delete(projects.place(folder, project))
        for job in sorted({*its, *gone}):
            place = jobs.place(folder, job)
            for path in place.glob("*") if job in kept else [place]:
                if path.name != jobs.MODEL or job not in kept:
                    _delete(path)
    except OSError as error:
        raise ValueError(
            f"{error.filename}: cannot be deleted ({error.strerror}); mend that, and erase again"
        ) from None
    _delete_rows(database, project)
    database.settle()


def _end(database: Database, its: Iterable[int], folder: Path, ending: float) -> None:
    """Wait until no job is at work. Whoever started their processes ends them, as with every job that is cancelled."""
    late = time.monotonic() + ending
    for job in its:
        while alive(folder, job):
            if time.monotonic() > late:
                raise ValueError("a job of the project has not ended yet; erase it again in a minute")
            time.sleep(LOOKS_S)
        jobs.cancelled(database, job)  # also where it was about to begin: a process that finds that ends


def _models(
    database: Database, project: int, its: Iterable[int], folder: Path, needed: Iterable[Path]
) -> tuple[set[int], set[int]]:
    """Jobs whose folder holds a model of the project: those of projects that are gone, and those that are needed elsewhere."""
    asked = select(models.c.project, models.c.folder, models.c.recognizer)
    with database.connect() as connection:
        rows = connection.execute(asked).all()
        known = set(connection.execute(select(schema.jobs.c.id)).scalars())
    theirs = [row for row in rows if row.project != project]
    mine = _jobs(folder, [said for row in rows if row.project == project for said in (row.folder, row.recognizer)])
    others = _jobs(folder, [*map(str, needed), *(said for row in theirs for said in (row.folder, row.recognizer))])
    return mine - known, others & {*mine, *its}


def _jobs(folder: Path, paths: Iterable[str]) -> set[int]:
    """The jobs in whose folders these lie."""
    home, found = jobs.place(folder, 0).parent.resolve(), set[int]()
    for path in (Path(said).resolve() for said in paths if said):
        if home in path.parents and (number := path.relative_to(home).parts[0]).isdigit():
            found.add(int(number))
    return found


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _delete_rows(database: Database, project: int) -> None:
    with database.begin() as connection:
        connection.execute(select(schema.projects.c.id).where(schema.projects.c.id == project).with_for_update())
        its = select(documents.c.id).where(documents.c.project == project)
        for table in reversed(schema.metadata.sorted_tables):
            if "project" in table.c:
                connection.execute(delete(table).where(table.c.project == project))
            elif "document" in table.c:
                connection.execute(delete(table).where(table.c.document.in_(its)))
        connection.execute(delete(schema.projects).where(schema.projects.c.id == project))
