"""What a run was made with: versions, code and machine, for `environment.json`. It names no user, host or folder."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("tripel", "torch", "transformers", "tokenizers", "accelerate", "numpy", "scipy", "faiss-cpu")


def describe() -> dict[str, Any]:
    """Plain values for JSON; what cannot be found out is None."""
    return {
        "git": git_hash(Path(__file__).parent),
        "python": platform.python_version(),
        "packages": versions(),
        "platform": platform.platform(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "gpus": torch.cuda.device_count(),
    }


def versions() -> dict[str, str | None]:
    """Of the packages that results hang on; None where one is not installed under this name."""
    return {name: _version(name) for name in PACKAGES}


def git_hash(folder: Path) -> str | None:
    """The commit that a folder's files belong to, with `-dirty` where they differ from it; None where it has none.

    A package that was installed inside somebody else's checkout does not belong to it.
    """
    tracked = _git(folder, "ls-files")
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else None


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:
        return None


def cores() -> int | None:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1)
    except (ValueError, OSError, AttributeError):
        return None
