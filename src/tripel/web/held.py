"""Uploads that were looked at and wait to be stored, under names of ours; what nobody stores is gone after a day."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tripel.files import read_json, write_json

UPLOADS = "uploads"  # the folder among the server's files
HELD = re.compile(r"[0-9a-f]{32}")
FORGOTTEN = 24 * 60 * 60  # seconds
LONGEST_NAME = 200


@dataclass(frozen=True)
class Held:
    """A file that somebody sent."""

    id: str
    path: Path
    name: str
    """As they called it."""


def hold(folder: Path, source: BinaryIO, *, name: str, project: int, user: int) -> Held:
    """Keep a file. `folder` is where the server keeps files."""
    _sweep(folder / UPLOADS)
    id = secrets.token_hex(16)
    place = folder / UPLOADS / id
    place.mkdir(parents=True)
    called = name.replace("\\", "/").rpartition("/")[2][-LONGEST_NAME:] or "upload"
    with (place / "file").open("wb") as out:
        shutil.copyfileobj(source, out)
    write_json(place / "about.json", {"name": called, "project": project, "user": user})
    return Held(id, place / "file", called)


def find(folder: Path, id: str, *, project: int, user: int) -> Held | None:
    """What the same person sent to the same project."""
    place = folder / UPLOADS / id
    if not HELD.fullmatch(id) or not (place / "about.json").is_file():
        return None
    about = read_json(place / "about.json")
    if (about["project"], about["user"]) != (project, user):
        return None
    return Held(id, place / "file", about["name"])


def drop(folder: Path, id: str) -> None:
    """It is stored, or not wanted."""
    if HELD.fullmatch(id):
        shutil.rmtree(folder / UPLOADS / id, ignore_errors=True)


def drop_all(folder: Path, project: int) -> None:
    """Nothing that was sent to a project is to be stored any more. Raises ValueError where a file cannot be deleted."""
    for about in (folder / UPLOADS).glob("*/about.json"):
        try:
            if read_json(about)["project"] == project:
                shutil.rmtree(about.parent)
        except FileNotFoundError:  # it was just stored or dropped
            continue
        except OSError as error:
            raise ValueError(f"{error.filename}: cannot be deleted ({error.strerror})") from None


def _sweep(uploads: Path) -> None:
    for place in uploads.glob("*") if uploads.is_dir() else ():
        if HELD.fullmatch(place.name) and time.time() - place.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(place, ignore_errors=True)
