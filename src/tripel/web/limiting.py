"""How often something may be done: a budget that refills, and a pause that grows with every failure. Kept in memory alone."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

REMEMBERED = 10_000  # keys; who has not been seen for longest is forgotten first
FREE = 5  # failures that cost nothing
FORGOTTEN = 3600.0  # seconds after which failures do not count


@dataclass
class Budget:
    """So many a minute, and as many at once, for each key."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str) -> float:
        """0 where it is allowed, else the seconds until it is."""
        now = self.clock()
        with self._lock:
            left, then = self._left.pop(key, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - then) * self.per_minute / 60)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute


@dataclass
class Pauses:
    """After some failures in a row each further one doubles the pause, up to `longest` seconds, for each key."""

    longest: float
    clock: Callable[[], float] = time.monotonic
    _failures: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def left(self, key: str) -> float:
        """Seconds until the next try; 0 where it may be now."""
        with self._lock:
            return self._wait(key)

    def failed(self, key: str) -> None:
        """Count a failure."""
        with self._lock:
            self._count(key)

    def begin(self, key: str) -> float:
        """As `left`; where it may be now, the try counts as failed until it succeeded, so that many at once are as many."""
        with self._lock:
            wait = self._wait(key)
            if not wait:
                self._count(key)
        return wait

    def succeeded(self, key: str) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(key, None)

    def _wait(self, key: str) -> float:
        failures, last = self._failures.get(key, (0, 0.0))
        pause = min(self.longest, 2.0 ** (failures - FREE)) if failures >= FREE else 0.0
        return max(0.0, last + pause - self.clock())

    def _count(self, key: str) -> None:
        now = self.clock()
        failures, last = self._failures.pop(key, (0, now))
        self._failures[key] = (failures + 1 if now - last < FORGOTTEN else 1, now)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)


@dataclass
class Limits:
    """Of a server."""

    links: Budget
    account: Pauses = field(default_factory=lambda: Pauses(60.0))
    """By account, from wherever: short, since a stranger can cause it."""
    address: Pauses = field(default_factory=lambda: Pauses(900.0))
    """By address, whatever the account."""
