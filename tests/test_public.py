"""What is imported from `tripel`: there, documented, typed, and loaded only when it is asked for."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import tripel

ROOT = Path(__file__).parents[1]
NAMES = [name for name in tripel.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_documented_and_typed(name: str) -> None:
    its = getattr(tripel, name)
    assert its.__doc__ and its.__name__.rpartition(".")[2] == name
    if (ROOT / "src" / "tripel" / f"{name}.py").exists():
        assert inspect.ismodule(its), (
            f"the module tripel.{name} takes the place of what has its name once it is imported"
        )
    functions = [its] if inspect.isfunction(its) else [one for _, one in inspect.getmembers(its, inspect.isfunction)]
    for one in functions:
        if one.__name__.startswith("_") or not one.__module__.startswith("tripel"):
            continue
        assert one.__doc__, one
        assert "return" in typing.get_type_hints(one), one


def test_the_modules_that_pages_use_are_public() -> None:
    assert {name for name in NAMES if inspect.ismodule(getattr(tripel, name))} == {"offline"}


@pytest.mark.parametrize("name", NAMES)
def test_each_name_stands_on_a_page(name: str) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert f"tripel.{name}" in pages or f"`{name}" in pages


def test_another_name_is_an_error_that_lists_them() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Linkr'; there is offline, Candidate, Document"):
        tripel.Linkr  # noqa: B018
    assert set(NAMES) <= set(dir(tripel))


def test_importing_it_loads_nothing() -> None:
    code = "import sys, tripel; tripel.Document; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
