"""The versions of a project's model, and which of them is in use. Going back moves a pointer; each move is kept.

It knows folders and figures, not what links.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, insert, select, update

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.schema import models, projects, uses
from tripel.files import replacing
from tripel.linking import bundle
from tripel.recognizers.base import TAGGER

if TYPE_CHECKING:
    from tripel.searching.indexing import Stamp


@dataclass(frozen=True, kw_only=True)
class Model:
    """One version."""

    id: int
    project: int
    version: int
    """From 1, the one that the project began with."""
    folder: Path
    """A run, or another folder that links; a bundle where it was trained here."""
    recognizer: str
    """What finds mentions, as `Linker.load` takes it; empty where the folder has its own, or none does."""
    fingerprint: str
    """Of the encoder."""
    knowledge: str
    """Of the knowledge base."""
    job: int | None
    """That made it; None of the first."""
    scores: Mapping[str, Any]
    """`before` and `after` on the held-out documents, as `before_after.figures` has them; empty of the first."""
    made_by: int | None
    created_at: datetime
    in_use: bool


def begin(database: Database, project: int, folder: Path, *, recognizer: str = "", by: int | None) -> Model:
    """The model that a project begins with, in use from now on.

    Raises ValueError where the project has one already, or nothing lies there that links; LookupError where there is no project.
    """
    with database.begin() as connection:
        if _last(connection, project):
            raise ValueError("the project has a model already; train it, or use another version")
        made = _add(connection, project, folder, recognizer=recognizer, by=by, job=None, scores={})
        _use(connection, made, by=by)
        return _one(connection, project, made.version)


def add(
    database: Database,
    project: int,
    folder: Path,
    *,
    by: int | None,
    job: int,
    scores: Mapping[str, Any],
) -> Model:
    """Keep the version that a job made; it is not in use yet. The same job again is answered with what it made."""
    with database.begin() as connection:
        its = select(models).where(models.c.project == project, models.c.job == job)
        there = connection.execute(its).one_or_none()
        made = there or _add(connection, project, folder, recognizer="", by=by, job=job, scores=scores)
        return _one(connection, project, made.version)


def of(database: Database, project: int) -> list[Model]:
    """All versions, the newest first."""
    with database.connect() as connection:
        asked = select(models).where(models.c.project == project).order_by(models.c.version.desc())
        current = _current(connection, project)
        return [_model(row, current) for row in connection.execute(asked).all()]


def in_use(database: Database, project: int) -> Model:
    """The version in use. Raises ValueError where the project has no model."""
    with database.connect() as connection:
        current = _current(connection, project)
        row = connection.execute(select(models).where(models.c.id == current)).one_or_none()
    if row is None:
        raise ValueError("the project has no model yet; choose one for it")
    return _model(row, current)


def use(database: Database, project: int, version: int, *, by: int | None) -> Model:
    """Put a version into use: a new one, or an earlier one again. Raises LookupError where there is none."""
    with database.begin() as connection:
        row = _row(connection, project, version)
        if row.id != _current(connection, project):
            _use(connection, row, by=by)
        return _one(connection, project, version)


def packed(model: Model, output: Path) -> Path:
    """A version as one .tar file of a bundle, with what finds its mentions; unpacked, `tripel link` opens it.

    Of a folder that is none a bundle is made first, which takes seconds; nothing else that lies there is in it.
    """
    name = f"model-{model.project}-{model.version}"
    with (
        tempfile.TemporaryDirectory(dir=output.parent) as held,
        replacing(output) as part,
        tarfile.open(part, "w") as tar,
    ):
        folder = model.folder
        if not (folder / bundle.BUNDLE).exists():
            folder = Path(held, name)
            _bundle(model, folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, f"{name}/{path.relative_to(folder).as_posix()}", recursive=False, filter=_plain)
    return output


def finds(model: Model) -> str:
    """What finds mentions, as `Linker.load` takes it: as it was said, or of a bundle; empty where a run has its own, or none."""
    return model.recognizer or bundle.recognizer(model.folder)


def finds_itself(folder: Path) -> bool:
    """Whether what finds mentions is in a folder that links: a bundle says so, or it was trained with a tagger."""
    return (folder / TAGGER).exists() or bool(bundle.recognizer(folder))


def _bundle(model: Model, folder: Path) -> None:
    """Imported only here, since it brings torch along."""
    from tripel.linking import bundling

    bundling.make_bundle(model.folder, folder, finds=model.recognizer)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this machine: no owner, no rights but to read."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def _add(
    connection: Connection,
    project: int,
    folder: Path,
    *,
    recognizer: str,
    by: int | None,
    job: int | None,
    scores: Mapping[str, Any],
) -> Row[Any]:
    its = select(projects.c.id).where(projects.c.id == project).with_for_update(key_share=True)
    if connection.execute(its).one_or_none() is None:
        raise LookupError(f"there is no project {project}")
    stamp = _stamp(folder)
    values = {
        "project": project,
        "version": _last(connection, project) + 1,
        "folder": str(folder.absolute()),
        "recognizer": recognizer,
        "fingerprint": stamp.encoder,
        "knowledge": stamp.knowledge_base,
        "job": job,
        "scores": dict(scores),
        "made_by": by,
        "created_at": schema.now(),
    }
    return connection.execute(insert(models).values(values).returning(models)).one()


def _stamp(folder: Path) -> Stamp:
    """What made the index of a folder that links. Imported only here, since it brings torch along."""
    from tripel.linking.ranker import INDEX
    from tripel.searching.indexing import stamp_of

    return stamp_of(folder / INDEX)


def _use(connection: Connection, row: Row[Any], *, by: int | None) -> None:
    values = {"project": row.project, "model": row.id, "by": by, "at": schema.now()}
    connection.execute(insert(uses).values(values))
    connection.execute(update(projects).where(projects.c.id == row.project).values(model=row.folder))


def _last(connection: Connection, project: int) -> int:
    last = select(func.max(models.c.version)).where(models.c.project == project)
    return int(connection.execute(last).scalar_one() or 0)


def _current(connection: Connection, project: int) -> int | None:
    """The number of the model that was put into use last."""
    last = select(uses.c.model).where(uses.c.project == project).order_by(uses.c.id.desc()).limit(1)
    found: int | None = connection.execute(last).scalar_one_or_none()
    return found


def _row(connection: Connection, project: int, version: int) -> Row[Any]:
    row = connection.execute(
        select(models).where(models.c.project == project, models.c.version == version)
    ).one_or_none()
    if row is None:
        raise LookupError(f"project {project} has no version {version} of its model")
    return row


def _one(connection: Connection, project: int, version: int) -> Model:
    return _model(_row(connection, project, version), _current(connection, project))


def _model(row: Row[Any], current: int | None) -> Model:
    known = {name: getattr(row, name) for name in Model.__dataclass_fields__ if name not in ("folder", "in_use")}
    return Model(**known, folder=Path(row.folder), in_use=row.id == current)
