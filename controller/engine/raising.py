"""PRES, ARM, START and RESUME: all that raises, and what must be confirmed before each.

The prescription is compared integer by integer with what the unit says it holds, and its digest with ours; the
contact is measured; telemetry must be coming, because what nobody can watch is not started; and START carries a
deadline in the unit's own time, so that one which was held up on the way starts nothing.
"""

from __future__ import annotations

from typing import Final

from controller.effects import Ask
from controller.engine.course import Course
from controller.engine.ending import Ending
from controller.engine.stopping import Stopping
from controller.limits import SafetyMonitor
from controller.machine import SessionState, Trigger
from controller.wire import Reply, digest
from controller.wire.spec import DEADLINE_MARGIN_MS, ERROR_TEXT, PRESCRIPTION_KEYS

ATTEMPTS: Final = 3  # at starting a run of which the unit says that it never heard


class Raising:
    """``resuming`` from the order to resume until it is confirmed, refused or made out of date."""

    def __init__(self, course: Course, stopping: Stopping, ending: Ending) -> None:
        self.resuming = False
        self._course = course
        self._stopping = stopping
        self._ending = ending
        self._fields = course.prescription.fields()
        self._digest = f"{digest(self._fields):08X}"
        self._attempts = 0

    def begin(self) -> None:
        """The prescription goes to the unit; the monitor begins anew."""
        course, p = self._course, self._course.prescription
        self._attempts += 1
        course.monitor = SafetyMonitor(p.i_ua, p.q_uc)
        course.fire(Trigger.STAGE)
        course.ask("PRES", **self._fields)

    def begin_again(self, now: float) -> None:
        """The unit never heard of the run, so it may be prepared once more."""
        if self._attempts < ATTEMPTS:
            self.begin()
        else:
            self._ending.refuse("the unit did not answer while the run was being prepared", now)

    def arm(self) -> None:
        self._course.ask("ARM", D=self._digest)

    def staged(self, held: Reply, now: float) -> None:
        """PRES is confirmed: what the unit ``held`` after it must be what was meant."""
        meant = {**{key: self._fields[key] for key in PRESCRIPTION_KEYS}, "D": self._digest}
        wrong = [f"{key}={held.word(key)} for {value}" for key, value in meant.items() if held.word(key) != value]
        if wrong:
            self._stopping.brake(now)  # unstage what nobody meant
            self._ending.refuse("the unit holds another prescription than the one meant: " + ", ".join(wrong), now)
            return
        self._course.fire(Trigger.STAGED)
        self.arm()

    def checked(self, z_ohm: int, now: float) -> None:
        """ARM is confirmed: the contact is good enough for the unit."""
        course = self._course
        course.note("contact", z_ohm=z_ohm)
        course.fire(Trigger.CHECKED)
        seen = course.newest
        if seen is None:
            self._stopping.brake(now)
            self._ending.refuse("the unit sends no telemetry, so nobody could watch the run", now)
            return
        # The newest unit time known plus 1000 ms (section 5).
        x = (seen.uptime_ms + DEADLINE_MARGIN_MS) & 0xFFFFFFFF
        if course.began_s is None:
            course.began_s = now
        # Before anything else that may wait, because X runs out.
        if self.resuming:
            course.asks.appendleft(Ask("RESUME", {"run": course.run, "X": x}))
        else:
            course.asks.appendleft(Ask("START", {"run": course.run, "D": self._digest, "X": x}))

    def started(self) -> bool:
        """START or RESUME is confirmed; False where a stop or a doubt came first, and nothing moves."""
        self._course.known = True
        if self._course.state is not SessionState.STARTING:
            return False
        self._course.fire(Trigger.STARTED)
        self.resuming = False
        return True

    def refused(self, code: int, now: float) -> None:
        """Certain: this run was not started."""
        self._course.began_s = None
        self._ending.refuse(ERROR_TEXT.get(code, f"error {code:02d}"), now, code)
