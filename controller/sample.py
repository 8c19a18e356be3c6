"""One telemetry line of a treatment, on the treatment's own time axis."""

from __future__ import annotations

from typing import NamedTuple

from controller.wire import Telemetry, UnitState

_SPAN_MS = 1 << 32


class Sample(NamedTuple):
    """What the unit reported ``t_s`` seconds into the treatment; ``phase`` counts from 1."""

    t_s: float
    phase: int
    unit: Telemetry

    @property
    def state(self) -> UnitState:
        return self.unit.state

    @property
    def current_ma(self) -> float:
        return self.unit.i_ua / 1000

    @property
    def voltage_v(self) -> float:
        return self.unit.v_mv / 1000

    @property
    def impedance_ohm(self) -> int | None:
        """None below 20 uA, where it means nothing."""
        return self.unit.impedance_ohm

    @property
    def dose_ma_min(self) -> float:
        """Dose of this phase's run so far."""
        return self.unit.q_uc / 60_000


class TimeAxis:
    """Seconds since the first line, by the unit's clock; by the host's across a reset of the unit.

    The unit's uptime has no jitter but wraps at 2^32 ms and starts anew at each boot.
    """

    def __init__(self) -> None:
        self._last_ms: int | None = None
        self._t_ms = 0
        self._host_s = 0.0

    def at(self, uptime_ms: int, host_s: float) -> float:
        if self._last_ms is not None:
            step_ms = (uptime_ms - self._last_ms) % _SPAN_MS
            if step_ms > _SPAN_MS // 2:  # backwards: the unit was reset
                step_ms = max(0, round((host_s - self._host_s) * 1000))
            self._t_ms += step_ms
        self._last_ms = uptime_ms
        self._host_s = host_s
        return self._t_ms / 1000
