"""Projects and who works in them. It knows no password and no page.

A role is of a member in a project: an annotator annotates, a reviewer also settles and sees everybody's sheets, an admin also
changes the project. An admin of the server is one in every project; that is for the door to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tripel.annotations import schema
from tripel.annotations.database import Database
from tripel.annotations.schema import members, projects, users

Role = Literal["annotator", "reviewer", "admin"]
Mode = Literal["shared", "blind"]
ROLES: tuple[Role, ...] = get_args(Role)
MODES: tuple[Mode, ...] = get_args(Mode)
LONGEST_TITLE, LONGEST_DESCRIPTION = 200, 10_000


@dataclass(frozen=True, kw_only=True)
class Project:
    """What is worked on."""

    id: int
    title: str
    description: str
    mode: Mode
    """`shared`: one sheet for each document; `blind`: one for each annotator, who sees no other's."""
    knowledge: str
    """The file of the knowledge base; empty where the model's own is used."""
    model: str
    """The folder of the run that predicts; empty where there is none yet."""
    created_at: datetime
    created_by: int
    archived_at: datetime | None
    erasing: bool
    """Whether some of it is gone already; see `erasing`."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A user in a project."""

    user: int
    name: str
    role: Role


def new(
    database: Database,
    *,
    title: str,
    by: int,
    description: str = "",
    mode: Mode = "shared",
    knowledge: str = "",
    model: str = "",
) -> Project:
    """A new project, whose maker is its admin. Raises ValueError for a title or description that cannot be kept."""
    if mode not in MODES:
        raise ValueError(f"a project is {' or '.join(MODES)}")
    values = {
        "title": plain(title, "title", most=LONGEST_TITLE),
        "description": plain(description, "description", most=LONGEST_DESCRIPTION, least=0),
        "mode": mode,
        "knowledge": knowledge,
        "model": model,
        "created_at": schema.now(),
        "created_by": by,
    }
    with database.begin() as connection:
        row = connection.execute(insert(projects).values(values).returning(projects)).one()
        connection.execute(insert(members).values(project=row.id, user=by, role="admin", added_at=schema.now()))
    return _project(row)


def get(database: Database, project: int) -> Project:
    """A project. Raises LookupError."""
    with database.connect() as connection:
        row = connection.execute(select(projects).where(projects.c.id == project)).one_or_none()
    if row is None:
        raise LookupError(f"there is no project {project}")
    return _project(row)


def of_user(database: Database, user: int, *, archived: bool = False) -> list[Project]:
    """The projects that a user is a member of, the newest first: those at work, or those in the archive."""
    with database.connect() as connection:
        rows = connection.execute(_listed(archived).join(members).where(members.c.user == user)).all()
    return [_project(row) for row in rows]


def all_of(database: Database, *, archived: bool = False) -> list[Project]:
    """Every project, the newest first: for an admin of the server."""
    with database.connect() as connection:
        return [_project(row) for row in connection.execute(_listed(archived)).all()]


def change(database: Database, project: int, **values: str) -> Project:
    """Another title, description, knowledge or model. Raises LookupError, ValueError."""
    if strange := values.keys() - {"title", "description", "knowledge", "model"}:
        raise ValueError(f"a project's {' and '.join(sorted(strange))} cannot be changed")
    if "title" in values:
        values["title"] = plain(values["title"], "title", most=LONGEST_TITLE)
    if "description" in values:
        values["description"] = plain(values["description"], "description", most=LONGEST_DESCRIPTION, least=0)
    return _updated(database, project, values)


def archive(database: Database, project: int) -> Project:
    """Put a project away: it can be read and exported, and nothing is added to it."""
    return _updated(database, project, {"archived_at": schema.now()})


def resume(database: Database, project: int) -> Project:
    """Take a project out of the archive. Raises LookupError, or ValueError where it is being erased."""
    with database.begin() as connection:
        whole = (projects.c.id == project) & projects.c.erasing.is_(False)
        row = connection.execute(
            update(projects).where(whole).values(archived_at=None).returning(projects)
        ).one_or_none()
    if row is None:
        get(database, project)
        raise ValueError("the project is being erased; erase it again to end that")
    return _project(row)


def place(folder: Path, project: int) -> Path:
    """Where what belongs to a project and to no job lies; `folder` is where the server keeps files."""
    return folder / "projects" / str(project)


def role(database: Database, project: int, user: int) -> Role | None:
    """The role of a user in a project; None where they are no member, or there is no such project."""
    with database.connect() as connection:
        found = select(members.c.role).where(members.c.project == project, members.c.user == user)
        return connection.execute(found).scalar_one_or_none()


def members_of(database: Database, project: int) -> list[Member]:
    """The members of a project by name."""
    asked = select(members.c.user, users.c.name, members.c.role).select_from(members.join(users))
    with database.connect() as connection:
        rows = connection.execute(asked.where(members.c.project == project).order_by(users.c.name)).all()
    return [Member(user=row.user, name=row.name, role=row.role) for row in rows]


def set_role(database: Database, project: int, user: int, role: Role) -> None:
    """Add a member, or change what one may do. Raises ValueError, also where no admin would be left."""
    if role not in ROLES:
        raise ValueError(f"a member is {', '.join(ROLES[:-1])} or {ROLES[-1]}")
    with database.begin() as connection:
        _keep_an_admin(connection, project, without=None if role == "admin" else user)
        if connection.execute(select(users.c.id).where(users.c.id == user)).one_or_none() is None:
            raise ValueError("there is no such user; make an account first")
        where = (members.c.project == project) & (members.c.user == user)
        changed = connection.execute(update(members).where(where).values(role=role)).rowcount
        if not changed:
            connection.execute(insert(members).values(project=project, user=user, role=role, added_at=schema.now()))


def remove(database: Database, project: int, user: int) -> None:
    """Take a member out; what they decided stays. Raises ValueError where no admin would be left."""
    with database.begin() as connection:
        _keep_an_admin(connection, project, without=user)
        connection.execute(delete(members).where(members.c.project == project, members.c.user == user))


def plain(said: str, what: str, *, most: int, least: int = 1) -> str:
    """A text that every database keeps, without blanks around it. Raises ValueError."""
    said = said.strip()
    if not least <= len(said) <= most:
        raise ValueError(f"a {what} of {len(said)} characters; expected {least} to {most}")
    if not schema.storable(said):
        raise ValueError(f"a {what} with a NUL or half a character in it; leave that out")
    return said


def _listed(archived: bool) -> Any:
    there = projects.c.archived_at.is_not(None) if archived else projects.c.archived_at.is_(None)
    return select(projects).where(there).order_by(projects.c.id.desc())


def _updated(database: Database, project: int, values: dict[str, Any]) -> Project:
    with database.begin() as connection:
        done = update(projects).where(projects.c.id == project).values(values).returning(projects)
        row = connection.execute(done).one_or_none()
    if row is None:
        raise LookupError(f"there is no project {project}")
    return _project(row)


def _keep_an_admin(connection: Connection, project: int, *, without: int | None) -> None:
    """Locks the project, so that two admins cannot take each other out at once."""
    there = select(projects.c.id).where(projects.c.id == project).with_for_update(key_share=True)
    if connection.execute(there).one_or_none() is None:
        raise LookupError(f"there is no project {project}")
    left = select(func.count()).where(
        members.c.project == project, members.c.role == "admin", members.c.user != without
    )
    if without is not None and not connection.execute(left).scalar_one():
        raise ValueError("a project needs an admin; make another member one first")


def _project(row: Row[Any]) -> Project:
    names: Iterable[str] = Project.__dataclass_fields__
    return Project(**{name: row._mapping[name] for name in names})
