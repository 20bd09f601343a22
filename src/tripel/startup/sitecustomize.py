"""What a Python loads when it starts with this folder on its path, as `offline.enforce` sees to: its network is closed, too.

Any Python, with any packages: it imports `offline.py` from the file beside this folder, and knows nothing else of tripel.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

HERE = Path(__file__).parent


def begin() -> None:
    """Close the network where that is asked for, then load the module of this name that is hidden by this one, if any."""
    offline = importlib.util.spec_from_file_location("tripel.offline", HERE.parent / "offline.py")
    assert offline is not None
    _load(offline)
    sys.modules["tripel.offline"].heed()
    other = PathFinder.find_spec("sitecustomize", [path for path in sys.path if Path(path) != HERE])
    if other is not None:
        _load(other)


def _load(spec: ModuleSpec) -> None:
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    begin()
