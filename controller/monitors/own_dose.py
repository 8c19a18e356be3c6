"""The second opinion on a dose: readings times the unit's time, added up on this side of the wire."""

from __future__ import annotations

from controller.wire import Telemetry
from controller.wire.spec import ENERGISED


class OwnDose:
    """The dose of the run under way, by the readings: ``uc``, and ``slack_uc`` for what was not seen."""

    __slots__ = ("_flowed", "_last", "_run", "slack_uc", "uc")

    def __init__(self) -> None:
        self.uc = self.slack_uc = 0.0
        self._last: Telemetry | None = None
        self._flowed = False
        self._run: object = None

    def add(self, seen: Telemetry, run: object, dt_ms: int, missing: int) -> None:
        """``run`` is what tells one run from the next, ``dt_ms`` the time since the line before, 0 if not known."""
        last, self._last = self._last, seen
        flowed, self._flowed = self._flowed, seen.state in ENERGISED
        if run is not self._run:
            self._run = run
            self.uc = self.slack_uc = 0.0
        if last is None or not (self._flowed or flowed):
            return
        moved_uc = (seen.i_ua + last.i_ua) * dt_ms / 2000
        self.uc += moved_uc
        if self._flowed is not flowed:  # an end "at once" lies anywhere between two lines
            self.slack_uc += moved_uc
        if missing:
            self.slack_uc += max(seen.i_ua, last.i_ua, seen.set_ua, last.set_ua) * dt_ms / 1000
