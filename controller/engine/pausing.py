"""A pause: who asked for it, who may end it, and what becomes of one that nobody is there to answer.

The unit pauses by itself when the contact breaks or its host falls silent. Nothing resumes by itself: a person does,
after the contact was measured again. Where nobody is there, waiting ten minutes for the unit's own time-out would
leave a patient under dead electrodes, so the run is stopped and says why.
"""

from __future__ import annotations

from typing import Final

from controller.engine.course import Course
from controller.engine.raising import Raising
from controller.engine.stopping import Stopping
from controller.machine import SessionState, Trigger
from controller.wire.spec import ERROR_TEXT

_LINK_FAULT: Final = 1 << 10  # fault 11: the lease ran out


class Pausing:
    """``attended``: somebody may answer a pause."""

    def __init__(self, course: Course, stopping: Stopping, raising: Raising, *, attended: bool) -> None:
        self._course = course
        self._stopping = stopping
        self._raising = raising
        self._attended = attended
        self._asked = False

    def pause(self) -> bool:
        """Ask for a pause; False where there is nothing to pause."""
        if not self._course.machine.can(Trigger.PAUSE):
            return False
        self._asked = True
        self._course.ask("PAUSE")
        return True

    def pause_again(self) -> None:
        """Ask once more for what was asked for and has not arrived."""
        if self._asked:
            self.pause()

    def resume(self) -> bool:
        """Measure the contact and ramp up again; False where nothing is paused."""
        if self._course.state is not SessionState.PAUSED:
            return False
        self._raising.resuming, self._asked = True, False
        self._course.fire(Trigger.RESUME)
        self._raising.arm()
        return True

    def refused(self, code: int, now: float) -> None:
        """Resuming was refused: it stays paused until somebody decides."""
        self._raising.resuming, self._asked = False, True
        self._course.fire(Trigger.UNARMED)
        if not self._attended:
            self._stopping.because("contact", f"resuming was refused: {ERROR_TEXT.get(code, code)}", now)

    def reached(self, now: float, *, linked: bool = False) -> None:
        """A pause that nobody asked for, and that nobody is there to answer, ends the run."""
        if self._attended or self._asked:
            return
        seen = self._course.newest
        if linked or (seen is not None and seen.faults & _LINK_FAULT):
            self._stopping.because("link", "the unit lost its host and paused; nobody was there to resume", now)
        else:
            self._stopping.because("contact", "the contact broke and the unit paused; nobody was there to resume", now)
