"""YAML and `key=value` words -> a checked dataclass, or one clear sentence. It knows no section by name.

YAML reads `1e-5` as a string; a typed field repairs it. Unknown keys are errors that name the neighbours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from tripel.files import write_text
from tripel.find import component, near

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Choice:
    """A component by name, with its own checked settings."""

    kind: str
    name: str
    settings: Any

    def make(self, *args: Any) -> Any:
        """The component itself."""
        return component(self.kind, self.name)(self.settings, *args)


def load(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read one YAML file and lay `section.key=value` words over it."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not YAML (bytes that are not UTF-8)") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ValueError(f"{path}{line}: not YAML ({getattr(error, 'problem', None) or 'cannot be read'})") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected `section: {{key: value}}`, found {type(values).__name__}")
    for word in overrides:
        _override(values, word)
    return values


def words(overrides: Iterable[str]) -> dict[str, Any]:
    """Settings from `key=value` words alone."""
    values: dict[str, Any] = {}
    for word in overrides:
        _override(values, word)
    return values


def save(path: Path, values: Mapping[str, Any]) -> None:
    """Write YAML that `load` reads back equal."""
    write_text(path, yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120))


def build(cls: type[T], values: Mapping[str, Any] | None, *, where: str) -> T:
    """A dataclass from a mapping. Raises ValueError that names the key, what came and what was expected."""
    given = {} if values is None else values
    if not isinstance(given, Mapping):
        raise ValueError(f"{where}: expected `key: value` lines, found {given!r}")
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]  # no type says that T is a dataclass
    for key in given:
        if key not in known:
            raise ValueError(f"{where}.{key} is not a setting; {near(str(key), known)}")
    try:
        return TypeAdapter(cls).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([where, *(str(part) for part in first["loc"])])
        raise ValueError(f"{place}: {first['msg']}, found {first['input']!r}") from None


def choose(kind: str, values: Mapping[str, Any] | None, *, where: str) -> Choice:
    """A component from `{name: ..., its settings}`."""
    if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
        raise ValueError(f"{where}: expected `name: <one of {kind}>`, found {values!r}")
    settings = {key: value for key, value in values.items() if key != "name"}
    name = values["name"]
    return Choice(kind, name, build(component(kind, name).Config, settings, where=where))


def dump(value: Any) -> Any:
    """Plain values for YAML and JSON; `build` and `choose` read them back equal."""
    if isinstance(value, Choice):
        return {"name": value.name, **dump(value.settings)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: dump(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [dump(item) for item in value]
    return value


def _override(values: dict[str, Any], word: str) -> None:
    path, equals, text = word.partition("=")
    if not equals or not path:
        raise ValueError(f"{word!r}: expected section.key=value")
    *parents, last = path.split(".")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f"{word!r}: expected a value in YAML after =; quote it where it holds brackets") from None
    place: Any = values
    for part in parents:
        place = place[_position(place, part, word)] if isinstance(place, list) else place.setdefault(part, {})
        if not isinstance(place, dict | list):
            raise ValueError(f"{word!r}: {part} holds a value, not settings")
    if isinstance(place, list):
        place[_position(place, last, word)] = value
    else:
        place[last] = value


def _position(items: list[Any], part: str, word: str) -> int:
    if not part.isdigit() or int(part) >= len(items):
        raise ValueError(f"{word!r}: {part!r} is not a position in a list of {len(items)}")
    return int(part)
