"""The memory that a process holds, as the system counts it."""

from __future__ import annotations

import resource
import sys

UNIT = 1 if sys.platform == "darwin" else 1 << 10  # ru_maxrss counts bytes there, KiB elsewhere


def peak() -> int:
    """The most that this process has held so far, in bytes; what it shares with others counts as well."""
    return UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
