"""A bundle: a folder that links wherever it is copied to, with an account of every file. It copies nothing and links nothing.

BUNDLE/bundle.json      what it is, what made it, what finds mentions; size and SHA-256 of every other file
BUNDLE/recognizer/      the model that finds mentions, where one came with it
BUNDLE/...              encoder, index, knowledge base and whatever else links, as in a run
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tripel.files import fingerprint, read_json, write_json
from tripel.linking.finding import moved

BUNDLE = "bundle.json"
FORMAT = 1
RECOGNIZER = "recognizer"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a bundle."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What `bundle.json` says."""

    format: int = FORMAT
    tripel: str
    """The version that made it."""
    python: str
    packages: dict[str, str | None]
    made_from: str
    """The name of the run."""
    encoder: str
    """Fingerprint."""
    knowledge_base: str
    """Fingerprint."""
    concepts: int
    names: int
    recognizer: str = ""
    """What finds mentions: `recognizer`, the folder in it; a name with its settings, of which one may be that folder; empty where
    nothing does."""
    restricted: dict[str, int | None]
    """Vocabularies whose names a licence restricts, and how far; None where that is not known."""
    notice: str = ""
    """What that means for whoever passes it on; empty where nothing is restricted."""
    files: dict[str, File]

    def save(self, folder: Path) -> None:
        """Write `bundle.json`."""
        write_json(folder / BUNDLE, TypeAdapter(Bundle).dump_python(self, mode="json"))

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read what `save` wrote. Raises ValueError where it is something else, or of a later version."""
        path = folder / BUNDLE
        if not path.is_file():
            raise ValueError(f"{folder}: not a bundle (no {BUNDLE}); `tripel bundle RUN FOLDER` makes one")
        values = read_json(path)
        found = values.get("format") if isinstance(values, dict) else None
        if isinstance(found, int) and found > FORMAT:
            raise ValueError(
                f"{path}: of format {found}, and this version of tripel reads {FORMAT}; install a later one"
            )
        try:
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{path}: damaged ({place}: {first['msg']}); copy the bundle again") from None


def recognizer(folder: Path) -> str:
    """What finds mentions where nothing else is said; empty for a folder that is no bundle, or one without."""
    if not (folder / BUNDLE).exists():
        return ""
    return moved(Bundle.load(folder).recognizer, lambda place: str(folder / place) if place == RECOGNIZER else place)


def checked(folder: Path, progress: Callable[[int, int], None]) -> tuple[str, bool]:
    """What is not as it was made, in words, and whether all is."""
    found, made = list(differences(folder, progress)), Bundle.load(folder)
    if found:
        told = f"{len(found)} of {len(made.files)} files are not as they were made; copy the bundle again"
        return "\n".join([*found, f"{folder}: {told}"]), False
    return f"{folder}: {len(made.files)} files are as they were made\n{seal(folder)}", True


def seal(folder: Path) -> str:
    """What tells whether the account itself is the one that was made."""
    return f"SHA-256 of {BUNDLE}: {fingerprint(folder / BUNDLE)}"


def counted(folder: Path, progress: Callable[[int, int], None]) -> dict[str, File]:
    """Size and SHA-256 of every file but `bundle.json`, by path with slashes, in their order."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / BUNDLE)
    total, done, found = sum(path.stat().st_size for path in paths), 0, {}
    for path in paths:
        size = path.stat().st_size
        found[path.relative_to(folder).as_posix()] = File(size, fingerprint(path))
        done += size
        progress(done, total)
    return found


def differences(folder: Path, progress: Callable[[int, int], None]) -> Iterator[str]:
    """What is not as `bundle.json` says, file by file: missing, changed, or new."""
    said, found = Bundle.load(folder).files, counted(folder, progress)
    for name in sorted(said.keys() | found.keys()):
        if name not in found:
            yield f"missing: {name}"
        elif name not in said:
            yield f"new: {name}"
        elif found[name] != said[name]:
            yield f"changed: {name} ({found[name].size:,} bytes, {said[name].size:,} expected)"
