"""Stopping: who wanted it and why, the stop byte at once, the sealed STOP when the line is free.

Everything that ends a run from this side comes through here: a person, a limit that did not hold, a pause that
nobody will answer. The first cause is kept, because the later ones follow from it. A stop is never taken back, and
an abort stays an abort through every repetition.
"""

from __future__ import annotations

from typing import Final

from controller.effects import Brake
from controller.engine.course import Course
from controller.limits import Breach
from controller.machine import SessionState, Trigger

BRAKE_AGAIN_S: Final = 1.0  # a second 0x18 within 500 ms is an ABORT (protocol 2.2); adapters batch and delay


class Stopping:
    """``asked_s`` is when the stop, or the newest abort, was wanted; ``breach`` the limit, if it was one."""

    def __init__(self, course: Course) -> None:
        self.asked_s: float | None = None
        self.cause = self.reason = ""
        self.breach: Breach | None = None
        self._course = course
        self._abort = False
        self._braked_s: float | None = None

    def trip(self, breach: Breach, now: float) -> None:
        """The host stops the unit, once."""
        if self.breach is None and self._course.result is None:
            self.breach = breach
            self._course.note("limit", limit=breach.limit, observed=breach.observed)
            self.because("limit", f"the host stopped the unit: {breach.limit}: {breach.observed}", now)

    def because(self, cause: str, reason: str, now: float, *, abort: bool = False) -> None:
        self.blame(cause, reason)
        self.stop(now, abort=abort)

    def blame(self, cause: str, reason: str) -> None:
        """Note who ended the run and why, unless that is known already."""
        self.cause = self.cause or cause
        self.reason = self.reason or reason

    def stop(self, now: float, *, abort: bool = False) -> None:
        course = self._course
        self._abort = self._abort or abort
        self.brake(now, again=abort)
        if self.asked_s is None or abort:
            self.asked_s = now
        if course.doubtful:
            return  # the questions go on; the sealed STOP follows when they are answered
        course.drop_asks()
        if course.state is not SessionState.STOPPING:
            course.fire(Trigger.STOP)
        course.ask("ABORT" if self._abort else "STOP")

    def repeat(self, now: float) -> None:
        """What was sent into a dead line did not arrive."""
        if self.asked_s is not None:
            self.brake(now)

    def brake(self, now: float, *, again: bool = False) -> None:
        """A STOP is repeated by the sealed one: a second stop byte too soon would be an ABORT."""
        if again or self._braked_s is None or now - self._braked_s > BRAKE_AGAIN_S:
            self._course.effects.append(Brake(self._abort))
            if self._course.state is not SessionState.LOST:
                self._braked_s = now
