"""What comes in, and which room it concerns: telemetry, events, verdicts, time, orders.

This is also the hot path. One telemetry line is ``on_telemetry`` and ``on_time``; both read plain attributes only,
and members of an Enum are bound to names here, because asking the class for one costs 0.1 us (Python 3.11), more
than all else that ``on_time`` does when nothing is due.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from controller.effects import RAISING, Ask, RunResult
from controller.engine.course import Course
from controller.engine.doubt import GIVE_UP_S, Doubt
from controller.engine.ending import Ending
from controller.engine.pausing import Pausing
from controller.engine.raising import Raising
from controller.engine.sequence import lines_missing, pages
from controller.engine.stopping import Stopping
from controller.exchange import Confirmed, Refused, Uncertain, Verdict
from controller.limits import STALE_S, Breach, UnitFacts
from controller.machine import SessionState, Trigger
from controller.treatment import Prescription
from controller.wire import Event, Reply, Telemetry
from controller.wire.spec import ENERGISED, KEEP_PERIOD_S, LEASED, UnitState

Order: TypeAlias = Literal["stop", "abort", "pause", "resume"]

# KEEP goes with the telemetry line before it is due, if the next one would come late: no wake-up for it alone.
EARLY_S: Final = 0.06
STOP_PATIENCE_S: Final = 1.5  # a ramp to zero takes 1 s; after this it becomes an ABORT

_S = SessionState
_LOST: Final = _S.LOST
_PAUSED: Final = _S.PAUSED
_STARTING: Final = frozenset({_S.STAGING, _S.CHECKING, _S.STARTING})
_KEPT: Final = (_S.HOLDING, _S.RAMPING_UP)
_WATCHED: Final = frozenset({_S.RAMPING_UP, _S.HOLDING, _S.RAMPING_DOWN, _S.PAUSING})
_AT_REST: Final = frozenset({_S.READY, _S.STAGING, _S.CHECKING, _S.PAUSED})
_CLOSED: Final = frozenset({UnitState.DONE, UnitState.IDLE, UnitState.STAGED, UnitState.FAULT})
_FOLLOW: Final = {
    UnitState.HOLD: Trigger.REACHED,
    UnitState.RAMP_DOWN: Trigger.TURNED,
    UnitState.PAUSING: Trigger.PAUSE,
    UnitState.PAUSED: Trigger.PAUSED,
}


class Engine:
    """One run of one prescription; over when ``course.result`` is there. ``attended``: somebody may answer a pause."""

    def __init__(self, prescription: Prescription, run: str, facts: UnitFacts, *, attended: bool) -> None:
        self.course = course = Course(prescription, run, facts)
        self.effects = course.effects
        self.asks = course.asks
        self.gaps = 0
        self._stopping = Stopping(course)
        self._ending = Ending(course, self._stopping)
        self._raising = Raising(course, self._stopping, self._ending)
        self._pausing = Pausing(course, self._stopping, self._raising, attended=attended)
        self._doubt = Doubt(course, self._stopping, self._ending, self._raising, self._pausing)
        self._outstanding = False
        self._keep_due_s = 0.0

    @property
    def run(self) -> str:
        return self.course.run

    @property
    def state(self) -> SessionState:
        return self.course.state

    @property
    def result(self) -> RunResult | None:
        return self.course.result

    @property
    def over(self) -> bool:
        return self.course.result is not None

    # -- orders from outside -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: the prescription goes to the unit."""
        self._raising.begin()

    def order(self, what: Order, now: float, by: str) -> bool:
        """Obey a stop or abort always, a pause or resume where it is possible; else False, and nothing is done."""
        if self.over:
            return False
        match what:
            case "stop" | "abort":
                self._stopping.because("operator", f"stopped by {by}", now, abort=what == "abort")
                done = True
            case "pause":
                done = self._pausing.pause()
            case "resume":
                done = self._pausing.resume()
        if done:
            self.course.note("operator", what=what, by=by)
        return done

    def trip(self, breach: Breach, now: float) -> None:
        """The host stops the unit."""
        self._stopping.trip(breach, now)

    def take_ask(self) -> Ask | None:
        """The next request to send, if any; to be called only while none is outstanding."""
        if not self.asks:
            return None
        self._outstanding = True
        return self.asks.popleft()

    # -- what the unit says ------------------------------------------------------------------------------------

    def on_telemetry(self, seen: Telemetry, now: float) -> None:
        course = self.course
        last = course.newest
        if (
            last is not None
            and (seen.number != (last.number + 1) & 0xFFFF or seen.sid != last.sid)
            and not self._is_news(last, seen)
        ):
            return
        course.newest, course.heard_s, course.heard = seen, now, True
        breach = course.monitor.judge(seen)
        if breach is not None:
            self._stopping.trip(breach, now)
        if seen.state is not course.followed:
            course.followed = seen.state
            self._follow(seen.state, now)

    def _is_news(self, last: Telemetry, seen: Telemetry) -> bool:
        missing = lines_missing(last, seen)
        if missing:
            self.gaps += missing
            self.course.note("gap", telemetry=missing)
        return missing is not None

    def on_event(self, event: Event, now: float) -> None:
        missing = self.course.events.take(event.number)
        if missing is None:
            return
        if missing:
            self.course.note("gap", events=missing)
            self._ask_again(event.number, missing)
        if event.name == "FAULT" and self._ending.fault is None:
            self._ending.fault = event.fault_code("id")
        elif event.name == "STATE":
            self._follow(event.state("st"), now)

    def _ask_again(self, number: int, missing: int) -> None:
        questions = [Ask("EVENTS", {"n": first}) for first in pages(number, missing)]
        if self.course.doubtful:
            self._doubt.missed += questions
        elif not self.over:
            self.asks.extend(questions)

    def on_verdict(self, verdict: Verdict, now: float) -> None:
        course = self.course
        self._outstanding = False
        if verdict.verb == "KEEP" and isinstance(verdict, Confirmed):
            return  # four times a second, and nothing follows
        facts = {"code": verdict.code} if isinstance(verdict, Refused) else {}
        course.note("verdict", verb=verdict.verb, answer=type(verdict).__name__, **facts)
        if course.result is not None or course.state is _LOST:
            return
        match verdict:
            case Confirmed(verb, reply):
                self._confirmed(verb, reply, now)
            case Refused(verb, code, reply):
                self._refused(verb, code, reply, now)
            case Uncertain():
                self._doubt.begin(now)

    def on_lost(self, now: float) -> None:
        """The port vanished; the unit's lease takes over."""
        self._outstanding = False
        self.course.drop_asks()
        if not self.over and self.course.state is not _LOST:
            self._doubt.lose(now)

    def on_link(self) -> None:
        """The port is back: ask what is true."""
        if self.course.state is _LOST:
            self._doubt.find_link()

    # -- time --------------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Whatever is due: giving up, blindness, a stop that is not obeyed, KEEP."""
        course = self.course
        if course.result is not None:
            return
        if course.doubtful:
            self._doubt.on_time(now, idle=not self._outstanding and not self.asks)
            return
        seen = course.newest
        flows = seen is not None and seen.state in ENERGISED
        age_s = now - course.heard_s
        blind = age_s > STALE_S
        if blind and (flows or course.state in _WATCHED):
            self.trip(Breach("telemetry at most 1 s old while current flows", f"{age_s:.1f} s old"), now)
        if self._outstanding or self.asks:
            return
        stop_s = self._stopping.asked_s
        if stop_s is not None:
            self._insist(now - stop_s, seen if flows or blind else None, now)
        elif course.state is _PAUSED:
            if blind:
                self._doubt.begin(now)  # another host may have taken the session
        elif now + EARLY_S >= self._keep_due_s and seen is not None and self._owes_keep(seen):
            self._keep_due_s = max(now, self._keep_due_s) + KEEP_PERIOD_S
            self.asks.append(Ask("KEEP", {"t": f"{seen.number:04X}"}))

    def _owes_keep(self, seen: Telemetry) -> bool:
        return self.course.state in _KEPT and seen.state in LEASED and self.course.heard

    def _insist(self, since_s: float, flowing: Telemetry | None, now: float) -> None:
        """On the stop that was asked for ``since_s`` ago."""
        if flowing is not None and since_s > STOP_PATIENCE_S:
            self.course.note("limit", limit="STOP is obeyed within 1 s", observed=flowing.state.name)
            self._stopping.stop(now, abort=True)
        elif flowing is None and since_s > GIVE_UP_S:
            self._ending.abandon("the unit stopped, but did not say how the run ended", now)

    def wake_s(self, now: float) -> float:
        """When ``on_time`` wants to be called at the latest."""
        due_s = self._keep_due_s
        # Nearer than EARLY_S it is sent at once or not owed; a time a rounding ahead would be waited for for ever.
        return due_s if now + EARLY_S < due_s < now + KEEP_PERIOD_S else now + KEEP_PERIOD_S

    # -- the path of a run -------------------------------------------------------------------------------------

    def _confirmed(self, verb: str, reply: Reply, now: float) -> None:
        match verb:
            case "HELLO":
                self._doubt.greeted(UnitFacts.of(reply), now)
            case "STATUS":
                self._doubt.saw(reply.state("st"))
            case "RUN":
                self._answered(reply, now)
            case "PRES" if self.state is _S.STAGING:
                self._raising.staged(reply, now)
            case "ARM" if self.state is _S.CHECKING:
                self._raising.checked(reply.integer("z"), now)
            case "START" | "RESUME":
                self._started(now)
            case "PAUSE" if self.course.machine.can(Trigger.PAUSE):
                self.course.fire(Trigger.PAUSE)
            case "STOP" | "ABORT" if reply.state("st") in _CLOSED:
                self._ending.conclude(now)
            case _:
                pass

    def _answered(self, reply: Reply, now: float) -> None:
        """RUN's answer: how the run ended, or that it is still open."""
        if self.state is _S.UNCERTAIN:
            self._doubt.found = reply.state("st")  # newer than the answer to STATUS, which may have come twice late
        out, q_uc = reply.word("out"), reply.integer("q")
        self.course.end_asked = False
        if out != "RUNNING":
            self._ending.told(out, q_uc, now)
        elif self.state is _S.UNCERTAIN:
            self._doubt.take_up(now)

    def _started(self, now: float) -> None:
        if self._raising.started():
            self._follow_newest(now)

    def _refused(self, verb: str, code: int, reply: Reply, now: float) -> None:
        if code in (5, 7, 8):
            self._doubt.begin(now)  # this request was not executed, but the session is gone
        elif verb == "START" and code == 15:
            self._repeated(reply, now)
        elif verb in RAISING and self.state in _STARTING:
            if self._raising.resuming:
                self._pausing.refused(code, now)
                self._follow_newest(now)  # the run may have ended meanwhile
            else:
                self._raising.refused(code, now)
        elif verb in ("HELLO", "STATUS", "RUN"):
            self._doubt.refused(verb, code, now)

    def _repeated(self, reply: Reply, now: float) -> None:
        """The unit knows the run already: an earlier START arrived."""
        self.course.known = True
        if self.state is _S.STARTING and reply.fields.get("out") == "RUNNING":
            self._started(now)
        else:
            self._ending.conclude(now)

    def _follow_newest(self, now: float) -> None:
        if self.course.newest is not None:
            self._follow(self.course.newest.state, now)

    def _follow(self, st: UnitState, now: float) -> None:
        """The unit's state moved: move with it."""
        course = self.course
        if self.over or course.state is _LOST:
            return
        if course.state is _S.UNCERTAIN:
            self._doubt.found = st  # newer than the answer to STATUS
            return
        trigger = _FOLLOW.get(st)
        if trigger is not None and course.machine.can(trigger):
            course.fire(trigger)
            if trigger is Trigger.PAUSED:
                self._pausing.reached(now)
        elif st in _CLOSED:
            self._ending.conclude(now)
        elif st in LEASED and course.state in _AT_REST:
            self.trip(Breach("current only after START or RESUME", f"{st.name} in {course.state.name}"), now)
