"""A component's name is the name of its module: `my_idea` is class `MyIdea` in `<kind>/my_idea.py`.

The file system is the registry. A dotted path (`my_package.my_idea`) reaches code outside the package.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import Any

KINDS = ("corpora", "formats", "terminologies", "indexes", "objectives", "recognizers")


def names(kind: str) -> list[str]:
    """All names of a kind: the modules of `tripel.<kind>` that hold a class called like them."""
    package = importlib.import_module(f"tripel.{kind}")
    return [found.name for found in pkgutil.iter_modules(package.__path__) if _declares(kind, found.name)]


def component(kind: str, name: str) -> type[Any]:
    """The class behind a name. Raises ValueError that lists the neighbours of an unknown one."""
    if "." in name and all(part.isidentifier() for part in name.split(".")):
        module_path, class_name = name, camel(name.rpartition(".")[2])
    elif name.isidentifier() and name in names(kind):
        module_path, class_name = f"tripel.{kind}.{name}", camel(name)
    else:
        raise ValueError(f"unknown name {name!r} in {kind}; {near(name, names(kind))}")
    try:
        found: type[Any] = getattr(importlib.import_module(module_path), class_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ValueError(
            f"{name!r} in {kind}: expected a module {module_path} with a class {class_name} ({error})"
        ) from None
    return found


def near(name: str, known: list[str]) -> str:
    """'did you mean x?' or the list of what there is."""
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there is {', '.join(sorted(known))}"


def camel(name: str) -> str:
    """`prototype_triplet` -> `PrototypeTriplet`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _declares(kind: str, name: str) -> bool:
    spec = importlib.util.find_spec(f"tripel.{kind}.{name}")
    if spec is None or spec.origin is None:
        return False
    return f"\nclass {camel(name)}" in Path(spec.origin).read_text(encoding="utf-8")
