"""What `tripel annotations` says and writes: of the database of a server, whether that runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path

from tripel.annotations import blind, datasets, exporting, ledger, projects
from tripel.annotations.agreement import Agreement
from tripel.annotations.database import Database
from tripel.annotations.settled import GIVEN

FILE = "annotations.db"  # of SQLite, in the folder of a server


@contextmanager
def opened(folder: Path, database: str) -> Iterator[Database]:
    """The database of a server. Raises ValueError where there is none, and for a LookupError of what is done with it."""
    if not database and not (folder / FILE).exists():
        raise ValueError(f"{folder}: no annotations here; name the --folder or the --database of `tripel serve`")
    found = Database.open(database or f"sqlite:///{folder / FILE}")
    try:
        yield found
    except LookupError as error:
        raise ValueError(str(error)) from None
    finally:
        found.close()


def moment(said: str) -> datetime | None:
    """The end of a day, or a moment, in UTC where nothing else is said; None for nothing. Raises ValueError."""
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(f"{said}: no date; expected 2026-03-01 (to its end) or 2026-03-01T09:30, in UTC") from None
    if len(said) == len("2026-03-01"):
        found = datetime.combine(found, time.max)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def table(database: Database) -> str:
    """Every project, a line each: its number, its mode, its last data set, its title."""
    found = [*projects.all_of(database), *projects.all_of(database, archived=True)]
    return "\n".join(_line(database, one) for one in sorted(found, key=lambda one: one.id)) or "no project yet"


def export(
    database: Database,
    project: int,
    target: Path,
    *,
    write_as: str,
    until: str = "",
    dataset: int = 0,
    silver: bool = False,
    text: bool = True,
    only_done: bool = False,
) -> str:
    """Write documents; what was written and what was lost. `dataset` is a version, 0 for the last one, or that of `until`.

    Raises as `exporting` does.
    """
    _refuse(target)
    chosen = [one.id for one in datasets.of_project(database, project) if dataset == one.version]
    if dataset and not chosen:
        raise ValueError(f"project {project} has no data set {dataset}; `tripel annotations list` names the last")
    account = exporting.export(
        database,
        project,
        target,
        write_as=write_as,
        dataset=chosen[0] if chosen else None,
        labels=(*GIVEN, exporting.SILVER) if silver else GIVEN,
        until=moment(until),
        text=text,
        only_done=only_done,
    )
    lost = ", ".join(f"{count:,} {what}" for what, count in sorted(account.lost.items()))
    written = f"{_counted(account.documents, 'document')}, {_counted(account.mentions, 'mention')}"
    return f"{target}: {written}; lost: {lost or 'nothing'}"


def log(database: Database, project: int, target: Path, *, until: str = "", text: bool = True) -> str:
    """Write the events; how many."""
    _refuse(target)
    count = exporting.export_events(database, project, target, until=moment(until), text=text)
    return f"{target}: {_counted(count, 'event')}"


def check(database: Database, project: int) -> list[str]:
    """What is wrong with the log of a project. Raises LookupError where there is no such project."""
    projects.get(database, project)
    return ledger.check(database, project)


def agreement(database: Database, project: int, *, hierarchy: Path | None) -> str:
    """Figures of the annotators of a project."""
    names = {one.user: one.name for one in projects.members_of(database, projects.get(database, project).id)}
    return "\n".join(_figures(blind.agreed(database, project, hierarchy=hierarchy), names))


def _line(database: Database, project: projects.Project) -> str:
    last = datasets.latest(database, project.id)
    has = f"data set {last.version}, {_counted(last.documents, 'document')}" if last else "no documents"
    return f"{project.id}\t{project.mode}\t{has}\t{project.title}{' (archived)' if project.archived_at else ''}"


def _figures(found: Agreement, names: dict[int, str]) -> Iterator[str]:
    yield f"{_counted(found.documents, 'document')} that two or more annotators marked done"
    for pair in found.pairs:
        a, b = (names.get(user, f"user {user}") for user in (pair.a, pair.b))
        yield f"{a} and {b}: {_counted(pair.documents, 'document')}, {pair.marks_a:,} and {pair.marks_b:,} marks"
        yield f"  spans     F1 {_said(pair.strict)} strict, {_said(pair.lenient)} overlapping"
        by_type = ", ".join(f"{_said(its)} {type or 'without a type'}" for type, its in pair.strict_by_type.items())
        if by_type:
            yield f"  by type   F1 {by_type}"
        near = found.hierarchy or f"{_said(pair.near)} on average"
        yield f"  concepts  {_said(pair.concept)} equal of {_counted(pair.linked, 'span')} that both linked; by hierarchy {near}"
    yield f"Krippendorff's alpha: {_said(found.alpha_words)} over words, {_said(found.alpha_concepts)} over concepts"


def _said(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _refuse(target: Path) -> None:
    if target.exists():
        raise ValueError(f"{target} is there already; name another place")
