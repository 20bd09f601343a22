"""What a Python loads when it starts with this folder on its path, as `offline.enforce` sees to: its network is closed, too.

It imports tripel from the folder that it lies in, in any Python with any packages; tripel alone imports nothing else.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

HERE = Path(__file__).parent
OLDEST = (3, 11)  # that can read tripel


def begin() -> None:
    """Close the network where that is asked for, then load the module of this name that is hidden by this one, if any."""
    if sys.version_info >= OLDEST:
        root = str(HERE.parents[1])
        sys.path.insert(0, root)
        importlib.import_module("tripel")
        sys.path.remove(root)
    other = PathFinder.find_spec("sitecustomize", [path for path in sys.path if Path(path) != HERE])
    if other is not None and other.loader is not None:
        module = importlib.util.module_from_spec(other)
        sys.modules[other.name] = module
        other.loader.exec_module(module)


if __name__ == "sitecustomize":
    begin()
