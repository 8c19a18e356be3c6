"""No answer, or no port: ask the unit what is true, and go on from there.

HELLO opens a new session and says whether it is the same unit, started once; STATUS says what it does; RUN says what
became of our run. From the three answers there are four ways on: the run is open and is taken up as it is; it has
ended; it was never heard of and may be prepared again; or nobody will ever know. Nothing else is asked meanwhile,
and nothing raises.
"""

from __future__ import annotations

from typing import Final

from controller.effects import Ask
from controller.engine.course import Course
from controller.engine.ending import Ending
from controller.engine.pausing import Pausing
from controller.engine.raising import Raising
from controller.engine.stopping import Stopping
from controller.limits import Breach, UnitFacts
from controller.machine import SessionState, Trigger
from controller.wire.spec import ERROR_TEXT, UnitState

GIVE_UP_S: Final = 30.0

_S = SessionState
_FOUND: Final = {
    UnitState.RAMP_UP: Trigger.FOUND_RAMPING_UP,
    UnitState.HOLD: Trigger.FOUND_HOLDING,
    UnitState.RAMP_DOWN: Trigger.FOUND_RAMPING_DOWN,
    UnitState.PAUSING: Trigger.FOUND_PAUSING,
    UnitState.PAUSED: Trigger.FOUND_PAUSED,
}


class Doubt:
    """``found`` is the unit's newest word on its state, ``missed`` the EVENTS to ask for when the doubt is over."""

    def __init__(self, course: Course, stopping: Stopping, ending: Ending, raising: Raising, pausing: Pausing) -> None:
        self.found = UnitState.IDLE
        self.missed: list[Ask] = []
        self._course = course
        self._stopping = stopping
        self._ending = ending
        self._raising = raising
        self._pausing = pausing
        self._since_s: float | None = None
        self._was_reset = False

    # -- how it begins -----------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Ask the unit what is true, in a new session."""
        course = self._course
        self._begin_to_count(now)
        course.drop_asks()
        if course.state is not _S.UNCERTAIN:
            course.fire(Trigger.DOUBT)
        self._stopping.repeat(now)
        self._hello()

    def lose(self, now: float) -> None:
        """The port vanished; the unit's lease takes over."""
        course = self._course
        self._begin_to_count(now)
        course.fire(Trigger.LOSE)
        if course.began_s is not None:
            return
        if self._stopping.asked_s is not None:
            self._ending.told("STOPPED", 0, now)
        else:
            self._stopping.blame("link", "")
            self._ending.refuse("the port was lost before the run was started; nothing was delivered", now)

    def find_link(self) -> None:
        """The port is back."""
        self._course.fire(Trigger.FOUND_LINK)
        self._hello()

    def on_time(self, now: float, *, idle: bool) -> None:
        """Give up, or ask (again) if no question is out or waiting."""
        if self._since_s is not None and now - self._since_s > GIVE_UP_S:
            self._stopping.blame("link", "")
            self._ending.abandon("the unit did not answer any more", now)
        elif idle and self._course.state is _S.UNCERTAIN:
            self._hello()

    def _begin_to_count(self, now: float) -> None:
        if self._since_s is None:
            self._since_s = now

    def _hello(self) -> None:
        course = self._course
        course.asks.append(Ask("HELLO", {} if course.began_s is None else {"run": course.run}))

    # -- the three answers -------------------------------------------------------------------------------------

    def greeted(self, facts: UnitFacts, now: float) -> None:
        course, before = self._course, self._course.facts
        if facts.serial != before.serial:
            self._ending.abandon(f"another unit answers: {facts.serial} instead of {before.serial}", now)
            return
        if facts.boot != before.boot:
            course.note("reset", boot=facts.boot, before=before.boot)
            self._was_reset = course.began_s is not None
            course.events.restart()
        course.facts = facts
        course.heard = False  # numbers of the session before name other lines in this one
        self._stopping.repeat(now)
        course.ask("STATUS")

    def saw(self, found: UnitState) -> None:
        self.found = found
        self._course.ask_run()

    def refused(self, verb: str, code: int, now: float) -> None:
        """A question was refused: code 06 to RUN is an answer, all else ends in not knowing."""
        if verb == "RUN" and code == 6:
            self._never_started(now)
        else:
            self._ending.abandon(f"the unit refuses {verb} to this host: {ERROR_TEXT.get(code, code)}", now)

    # -- the ways on -------------------------------------------------------------------------------------------

    def _never_started(self, now: float) -> None:
        """The unit does not know the run: certain that nothing flowed, unless it has known it before."""
        course = self._course
        if course.known:
            self._ending.abandon("the unit does not know the run any more that it had confirmed", now)
            return
        course.began_s = self._since_s = None
        self._was_reset = False
        if course.state is _S.UNCERTAIN:
            course.fire(Trigger.FOUND_IDLE)
            if self._stopping.asked_s is not None:
                course.fire(Trigger.STOP)
        if course.state is _S.STOPPING:
            self._ending.told("STOPPED", 0, now)
        elif self.found is UnitState.FAULT:
            self._ending.refuse(ERROR_TEXT[17], now, 17)
        else:
            self._raising.begin_again(now)

    def take_up(self, now: float) -> None:
        """Our run is open in the unit: go on from where it is, touching nothing."""
        course = self._course
        course.heard_s = now  # telemetry of the new session has a second to come
        course.followed = None
        course.known, self._raising.resuming = True, False
        self._since_s = None
        course.fire(_FOUND.get(self.found, Trigger.FOUND_PAUSED))
        course.note("taken_up", st=self.found.value)
        course.asks.extend(self.missed)
        self.missed.clear()
        if self._was_reset:
            self._stopping.trip(Breach("a reset of the unit ends its run", "it says that the run goes on"), now)
        if self._stopping.asked_s is not None:
            self._stopping.stop(now)
        elif course.state is _S.PAUSED:
            self._pausing.reached(now, linked=True)
        else:
            self._pausing.pause_again()
