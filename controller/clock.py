"""Time as a dependency: nothing in the core asks what time it is, and nothing anywhere sleeps.

``now()`` is monotonic seconds of *unit* time: a simulator that runs at twenty times real time has a
clock that runs twenty times as fast, so that every time-out of the protocol keeps its meaning.
Deadlines are absolute. Turning a deadline into real waiting is the clock's business
(``real_seconds_until``), so that a scaled clock needs no help from its callers; the idea is trio's.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and the civil time that belongs to them."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""

    def utc_s(self) -> float:
        """Seconds since 1970 UTC, for labels only; it may jump."""

    def real_seconds_until(self, deadline: float) -> float:
        """Seconds of wall time to wait for ``deadline``; 0 when it has passed."""


class SystemClock:
    """The machine's own clocks, ``rate`` times as fast (1 unless the unit is simulated faster)."""

    # An odd offset makes a direct use of time.monotonic() somewhere else show at once.
    _OFFSET_S = 86_413.5

    def __init__(self, rate: float = 1.0) -> None:
        self._rate = rate
        self._start = time.monotonic()
        self._start_utc = time.time()

    @property
    def rate(self) -> float:
        return self._rate

    def now(self) -> float:
        return self._OFFSET_S + (time.monotonic() - self._start) * self._rate

    def utc_s(self) -> float:
        if self._rate == 1.0:
            return time.time()
        return self._start_utc + (self.now() - self._OFFSET_S)

    def real_seconds_until(self, deadline: float) -> float:
        return max(0.0, (deadline - self.now()) / self._rate)
