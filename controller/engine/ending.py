"""How a run ended: the unit's word with its dose, a refusal with none, or silence with an interval.

The unit keeps the outcomes of its last runs, so the host never concludes an end from what it saw: it asks RUN, and
the answer is the result. Only where START has not left is the end certain without asking, and only where the unit
never answers again is the dose an interval, from what was last heard to what could have flowed since.
"""

from __future__ import annotations

import re
from typing import Final

from controller.effects import RunResult
from controller.engine.course import Course
from controller.engine.stopping import Stopping
from controller.limits import known_interval_uc, unknown_interval_uc
from controller.machine import SessionState, Trigger
from controller.wire.spec import FAULT_TEXT, UnitState

_OUTCOME: Final = re.compile("DONE|STOPPED|ABORTED|FAULT:[0-9]{2}|LINK|RESET|TIMEOUT")
_REASONS: Final = {
    "DONE": "",
    "STOPPED": "stopped at the unit or by another connection",
    "ABORTED": "aborted at the unit or by another connection",
    "RESET": "the unit was reset during the run; its dose may count up to a second more than flowed",
    "LINK": "the unit lost its host, and nobody resumed within 10 min",
    "TIMEOUT": "paused, and nobody resumed within 10 min",
}


class Ending:
    """``fault`` is the code of the first fault that the unit told of."""

    def __init__(self, course: Course, stopping: Stopping) -> None:
        self.fault: int | None = None
        self._course = course
        self._stopping = stopping

    def conclude(self, now: float) -> None:
        """The unit has no current and no open run: ask what became of ours."""
        course = self._course
        if course.began_s is None:
            seen = course.newest
            if seen is not None and seen.state is UnitState.FAULT:
                first = (seen.faults & -seen.faults).bit_length()
                self.told(f"FAULT:{self.fault or first:02d}", 0, now)
            elif course.state is SessionState.STOPPING:
                self.told("STOPPED", 0, now)
        elif not course.end_asked:
            course.end_asked = True
            course.ask_run()

    def told(self, out: str, q_uc: int, now: float) -> None:
        """The run ended with the outcome ``out`` and this dose; a word that is no outcome says neither."""
        course = self._course
        if _OUTCOME.fullmatch(out) is None:
            self.abandon(f"the unit says that the run ended as {out}, which is no outcome", now)
            return
        if out.startswith("FAULT:"):
            self.fault = int(out[6:])
            self._stopping.blame("", FAULT_TEXT.get(self.fault, out))
            course.fire(Trigger.TRIP)
        else:
            self._stopping.blame("link" if out == "LINK" else "", _REASONS[out])
            done = out == "DONE" and course.machine.can(Trigger.ENDED)
            course.fire(Trigger.ENDED if done else Trigger.ENDED_EARLY)
        self._finish(out, q_uc, known_interval_uc(q_uc, out, course.prescription.i_ua), now)

    def refuse(self, reason: str, now: float, code: int | None = None) -> None:
        """Certain: nothing was delivered."""
        self._course.fire(Trigger.REFUSE)
        self._stopping.blame("", reason)
        self._finish("REFUSED", 0, (0, 0), now, code)

    def abandon(self, reason: str, now: float) -> None:
        """Nobody knows how it ended: from what was last heard to what the unit could have delivered since."""
        course = self._course
        if course.machine.can(Trigger.DOUBT):
            course.fire(Trigger.DOUBT)
        course.fire(Trigger.ABANDON)
        self._stopping.blame("", reason)
        interval = (0, 0) if course.began_s is None else self._unknown_uc()
        self._finish("UNKNOWN", interval[1], interval, now)

    def _unknown_uc(self) -> tuple[int, int]:
        course, p = self._course, self._course.prescription
        return unknown_interval_uc(course.monitor.heard_uc, p.i_ua, p.q_uc, p.loss, course.facts.lease_ms)

    def _finish(
        self, outcome: str, q_uc: int, interval_uc: tuple[int, int], now: float, code: int | None = None
    ) -> None:
        course, stopping = self._course, self._stopping
        course.drop_asks()
        late = outcome == "DONE" and stopping.breach is None  # a stop that came too late ended nothing
        course.result = RunResult(
            run=course.run, outcome=outcome, q_uc=q_uc, low_uc=interval_uc[0], high_uc=interval_uc[1],
            peak_ua=course.monitor.peak_ua, duration_s=0.0 if course.began_s is None else now - course.began_s,
            fault=self.fault if outcome.startswith("FAULT") else None, refused=code,
            breach=stopping.breach, cause="" if late else stopping.cause, reason="" if late else stopping.reason,
        )  # fmt: skip
