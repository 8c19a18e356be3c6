"""The brain of one run: (message | verdict | time | request, now) in, effects and asks out. Pure.

The engine owns the machine of ``controller.machine`` and decides what to do after a move has succeeded. It never
sends: whoever holds the link performs ``effects`` at once and takes one of ``asks`` whenever the line is free.

1. Nothing is raised but from a state that a confirmed answer led to.
2. KEEP is asked for here and nowhere else, next to the safety monitor, and only for fresh telemetry.
3. An unanswered request makes the run UNCERTAIN; only HELLO, STATUS and RUN are asked until the unit has said what
   is true. Energised is taken up again untouched; paused stays paused; nothing resumes by itself.
4. Stopping asks for nothing: a stop byte goes out at once, the sealed STOP follows when the line is free.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, TypeAlias

from controller.effects import RAISING, Ask, Brake, Effect, Note, RunResult
from controller.errors import ProtocolViolation
from controller.exchange import Confirmed, Refused, Uncertain, Verdict
from controller.limits import (
    STALE_S,
    Breach,
    SafetyMonitor,
    UnitFacts,
    known_interval_uc,
    unknown_interval_uc,
)
from controller.machine import SessionMachine, SessionState, Trigger
from controller.treatment import Prescription
from controller.wire import Event, Reply, Telemetry, digest
from controller.wire.spec import (
    DEADLINE_MARGIN_MS,
    ENERGISED,
    ERROR_TEXT,
    FAULT_TEXT,
    KEEP_PERIOD_S,
    LEASED,
    PRESCRIPTION_KEYS,
    UnitState,
)

Order: TypeAlias = Literal["stop", "abort", "pause", "resume"]

# KEEP goes with the telemetry line before it is due, if the next one would come late: no wake-up for it alone.
EARLY_S: Final = 0.06
STOP_PATIENCE_S: Final = 1.5  # a ramp to zero takes 1 s; after this it becomes an ABORT
BRAKE_AGAIN_S: Final = 1.0  # a second 0x18 within 500 ms is an ABORT (protocol 2.2); adapters batch and delay
GIVE_UP_S: Final = 30.0  # of doubt, or of a stop whose end nobody tells
ATTEMPTS: Final = 3  # at starting a run of which the unit says that it never heard

_S = SessionState
_STARTING: Final = frozenset({_S.STAGING, _S.CHECKING, _S.STARTING})
_KEPT: Final = frozenset({_S.RAMPING_UP, _S.HOLDING})
_WATCHED: Final = _KEPT | {_S.RAMPING_DOWN, _S.PAUSING}
_AT_REST: Final = frozenset({_S.READY, _S.STAGING, _S.CHECKING, _S.PAUSED})
_CLOSED: Final = frozenset({UnitState.DONE, UnitState.IDLE, UnitState.STAGED, UnitState.FAULT})
_REASONS: Final = {
    "STOPPED": "stopped at the unit or by another connection",
    "ABORTED": "aborted at the unit or by another connection",
    "RESET": "the unit was reset during the run; its dose may count up to a second more than flowed",
    "LINK": "the unit lost its host, and nobody resumed within 10 min",
    "TIMEOUT": "paused, and nobody resumed within 10 min",
}
_FOLLOW: Final = {
    UnitState.HOLD: Trigger.REACHED,
    UnitState.RAMP_DOWN: Trigger.TURNED,
    UnitState.PAUSING: Trigger.PAUSE,
    UnitState.PAUSED: Trigger.PAUSED,
}
_FOUND: Final = {
    UnitState.RAMP_UP: Trigger.FOUND_RAMPING_UP,
    UnitState.HOLD: Trigger.FOUND_HOLDING,
    UnitState.RAMP_DOWN: Trigger.FOUND_RAMPING_DOWN,
    UnitState.PAUSING: Trigger.FOUND_PAUSING,
    UnitState.PAUSED: Trigger.FOUND_PAUSED,
}


class Engine:
    """One run of one prescription; over when ``result`` is there. ``attended``: somebody may answer a pause."""

    def __init__(self, prescription: Prescription, run: str, facts: UnitFacts, *, attended: bool) -> None:
        self.prescription = prescription
        self.run = run
        self.machine = SessionMachine()
        self.state = self.machine.state  # a plain copy: every telemetry line asks for it several times
        self.monitor = SafetyMonitor(prescription.i_ua, prescription.q_uc)
        self.effects: deque[Effect] = deque()
        self.asks: deque[Ask] = deque()
        self.result: RunResult | None = None
        self.newest: Telemetry | None = None
        self.gaps = 0
        self._facts = facts
        self._attended = attended
        self._fields = prescription.fields()
        self._digest = f"{digest(self._fields):08X}"
        self._outstanding = False
        self._heard_s = 0.0  # when the newest telemetry came
        self._heard = False  # any in this session
        self._keep_due_s = 0.0
        self._attempts = 0
        self._began_s: float | None = None  # START left: from here on current may have flowed
        self._known = False  # the unit has said that it knows the run
        self._resuming = False
        self._pause_asked = False
        self._stop_asked_s: float | None = None
        self._abort = False
        self._braked_s: float | None = None
        self._doubt_since_s: float | None = None
        self._concluding = False
        self._cause = self._reason = ""
        self._breach: Breach | None = None
        self._fault: int | None = None
        self._event_number: int | None = None
        self._missed: list[Ask] = []  # EVENTS, to be asked when the unit has said what is true
        self._was_reset = False
        self._found = UnitState.IDLE
        self._look_again = False  # the next telemetry counts as a change: what was found may be old

    @property
    def over(self) -> bool:
        return self.result is not None

    # -- orders from outside -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: the prescription goes to the unit."""
        self._attempts += 1
        self.monitor = SafetyMonitor(self.prescription.i_ua, self.prescription.q_uc)
        self._fire(Trigger.STAGE)
        self.asks.append(Ask("PRES", self._fields))

    def order(self, what: Order, now: float, by: str) -> bool:
        """Obey a stop or abort always, a pause or resume where it is possible; else False, and nothing is done."""
        if self.over:
            return False
        match what:
            case "stop" | "abort":
                self._cause = self._cause or "operator"
                self._reason = self._reason or f"stopped by {by}"
                self._stop(now, abort=what == "abort")
            case "pause":
                if not self.machine.can(Trigger.PAUSE):
                    return False
                self._pause_asked = True
                self.asks.append(Ask("PAUSE"))
            case "resume":
                if self.state is not _S.PAUSED:
                    return False
                self._resuming, self._pause_asked = True, False
                self._fire(Trigger.RESUME)
                self.asks.append(Ask("ARM", {"D": self._digest}))
        self._note("operator", what=what, by=by)
        return True

    def take_ask(self) -> Ask | None:
        """The next request to send, if any; to be called only while none is outstanding."""
        if not self.asks:
            return None
        self._outstanding = True
        return self.asks.popleft()

    # -- what the unit says ------------------------------------------------------------------------------------

    def on_telemetry(self, seen: Telemetry, now: float) -> None:
        last = self.newest
        if (
            last is not None
            and (seen.number != (last.number + 1) & 0xFFFF or seen.sid != last.sid)
            and not self._is_news(last, seen)
        ):
            return
        self.newest, self._heard_s, self._heard = seen, now, True
        breach = self.monitor.judge(seen)
        if breach is not None:
            self.trip(breach, now)
        if last is None or seen.state is not last.state or self._look_again:
            self._look_again = False
            self._follow(seen.state, now)

    def _is_news(self, last: Telemetry, seen: Telemetry) -> bool:
        """Count what is missing before this line. One that comes twice is no news, and may not pass for fresh."""
        missing = seen.number  # of a new session, which begins with 0000
        if seen.sid == last.sid:
            missing = (seen.number - last.number - 1) & 0xFFFF
            if missing >= 0x8000:
                return False
        if missing:
            self.gaps += missing
            self._note("gap", telemetry=missing)
        return True

    def on_event(self, event: Event, now: float) -> None:
        if self._event_number is not None:
            ahead = (event.number - self._event_number) & 0xFFFF
            if not ahead or ahead > 0x8000:
                return  # an old one, sent again
            if ahead > 1:
                self._note("gap", events=ahead - 1)
                self._ask_again(self._event_number + 1, ahead - 1)
        self._event_number = event.number
        if event.name == "FAULT" and self._fault is None:
            self._fault = event.fault_code("id")
        elif event.name == "STATE":
            self._follow(event.state("st"), now)

    def _ask_again(self, first: int, missing: int) -> None:
        """An answer to EVENTS brings eight at most, and the unit keeps the last 64."""
        missed = range(first + max(0, missing - 64), first + missing, 8)
        asks = [Ask("EVENTS", {"n": f"{number & 0xFFFF:04X}"}) for number in missed]
        if self.state in (_S.UNCERTAIN, _S.LOST):
            self._missed += asks
        elif not self.over:
            self.asks.extend(asks)

    def on_verdict(self, verdict: Verdict, now: float) -> None:
        self._outstanding = False
        if verdict.verb != "KEEP" or not isinstance(verdict, Confirmed):
            facts = {"code": verdict.code} if isinstance(verdict, Refused) else {}
            self._note("verdict", verb=verdict.verb, answer=type(verdict).__name__, **facts)
        if self.over or self.state is _S.LOST:
            return
        match verdict:
            case Confirmed(verb, reply):
                self._confirmed(verb, reply, now)
            case Refused(verb, code, reply):
                self._refused(verb, code, reply, now)
            case Uncertain():
                self._doubt(now)

    def on_lost(self, now: float) -> None:
        """The port vanished; the unit's lease takes over."""
        self._outstanding = self._concluding = False
        self.asks.clear()
        if self.over or self.state is _S.LOST:
            return
        if self._doubt_since_s is None:
            self._doubt_since_s = now
        self._fire(Trigger.LOSE)
        if self._began_s is None and self._stop_asked_s is not None:
            self._told("STOPPED", 0, now)
        elif self._began_s is None:
            self._cause = "link"
            self._refuse("the port was lost before the run was started; nothing was delivered", None, now)

    def on_link(self) -> None:
        """The port is back: ask what is true."""
        if self.state is _S.LOST:
            self._fire(Trigger.FOUND_LINK)
            self._hello()

    # -- time --------------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Whatever is due: giving up, blindness, a stop that is not obeyed, KEEP."""
        if self.result is not None:
            return
        if self._doubt_since_s is not None and now - self._doubt_since_s > GIVE_UP_S:
            self._cause = self._cause or "link"
            self._abandon("the unit did not answer any more", now)
        elif self.state is _S.UNCERTAIN:
            if not self._outstanding and not self.asks:
                self._hello()
        elif self.state is not _S.LOST:
            self._watch(now)

    def _watch(self, now: float) -> None:
        """What is due while the unit tells of itself, or should."""
        seen = self.newest
        flows = seen is not None and seen.state in ENERGISED
        age_s = now - self._heard_s
        blind = age_s > STALE_S
        if blind and (flows or self.state in _WATCHED):
            self.trip(Breach("telemetry at most 1 s old while current flows", f"{age_s:.1f} s old"), now)
        if self._outstanding or self.asks:
            return
        if self._stop_asked_s is not None:
            self._insist(now - self._stop_asked_s, seen if flows or blind else None, now)
        elif self.state is _S.PAUSED:
            if blind:
                self._doubt(now)  # another host may have taken the session
        elif now + EARLY_S >= self._keep_due_s and seen is not None and self._owes_keep(seen):
            self._keep_due_s = max(now, self._keep_due_s) + KEEP_PERIOD_S
            self.asks.append(Ask("KEEP", {"t": f"{seen.number:04X}"}))

    def _owes_keep(self, seen: Telemetry) -> bool:
        return self.state in _KEPT and seen.state in LEASED and self._heard

    def _insist(self, since_s: float, flowing: Telemetry | None, now: float) -> None:
        """On the stop that was asked for ``since_s`` ago."""
        if flowing is not None and since_s > STOP_PATIENCE_S:
            self._note("limit", limit="STOP is obeyed within 1 s", observed=flowing.state.name)
            self._stop(now, abort=True)
        elif flowing is None and since_s > GIVE_UP_S:
            self._abandon("the unit stopped, but did not say how the run ended", now)

    def wake_s(self, now: float) -> float:
        """When ``on_time`` wants to be called at the latest."""
        due_s = self._keep_due_s
        return due_s if now < due_s < now + KEEP_PERIOD_S else now + KEEP_PERIOD_S

    # -- the path of a run -------------------------------------------------------------------------------------

    def _confirmed(self, verb: str, reply: Reply, now: float) -> None:
        match verb:
            case "HELLO":
                self._greeted(UnitFacts.of(reply), now)
            case "STATUS":
                self._found = reply.state("st")
                self.asks.append(Ask("RUN", {"run": self.run}))
            case "RUN":
                if self.state is _S.UNCERTAIN:
                    self._found = reply.state("st")  # newer than the answer to STATUS, which may have come twice late
                self._told(reply.word("out"), reply.integer("q"), now)
            case "PRES" if self.state is _S.STAGING:
                self._staged(reply, now)
            case "ARM" if self.state is _S.CHECKING:
                self._note("contact", z_ohm=reply.integer("z"))
                self._fire(Trigger.CHECKED)
                self._start_or_resume(now)
            case "START" | "RESUME":
                self._known = True
                if self.state is _S.STARTING:
                    self._go(now)
            case "PAUSE" if self.machine.can(Trigger.PAUSE):
                self._fire(Trigger.PAUSE)
            case "STOP" | "ABORT" if reply.state("st") in _CLOSED:
                self._conclude(now)
            case _:
                pass

    def _go(self, now: float) -> None:
        self._fire(Trigger.STARTED)
        self._resuming = False
        self._follow_newest(now)

    def _staged(self, reply: Reply, now: float) -> None:
        held = {key: reply.word(key) for key in PRESCRIPTION_KEYS}
        wrong = [f"{key}={held[key]} for {self._fields[key]}" for key in held if held[key] != self._fields[key]]
        if reply.word("D") != self._digest:
            wrong.append(f"D={reply.word('D')} for {self._digest}")
        if wrong:
            self._brake(now)  # unstage what nobody meant
            self._refuse("the unit holds another prescription than the one meant: " + ", ".join(wrong), None, now)
            return
        self._fire(Trigger.STAGED)
        self.asks.append(Ask("ARM", {"D": self._digest}))

    def _start_or_resume(self, now: float) -> None:
        seen = self.newest
        if seen is None:
            self._brake(now)
            self._refuse("the unit sends no telemetry, so nobody could watch the run", None, now)
            return
        # The newest unit time known plus 1000 ms (section 5).
        x = (seen.uptime_ms + DEADLINE_MARGIN_MS) & 0xFFFFFFFF
        if self._began_s is None:
            self._began_s = now
        # Before anything else that may wait, because X runs out.
        if self._resuming:
            self.asks.appendleft(Ask("RESUME", {"run": self.run, "X": x}))
        else:
            self.asks.appendleft(Ask("START", {"run": self.run, "D": self._digest, "X": x}))

    def _refused(self, verb: str, code: int, reply: Reply, now: float) -> None:
        if code in (5, 7, 8):
            self._doubt(now)  # this request was not executed, but the session is gone
        elif verb == "START" and code == 15:
            self._known = True
            if self.state is _S.STARTING and reply.fields.get("out") == "RUNNING":
                self._go(now)
            else:
                self._conclude(now)
        elif verb in RAISING and self.state in _STARTING:
            if self._resuming:
                self._resuming, self._pause_asked = False, True  # stays paused until somebody decides
                self._fire(Trigger.UNARMED)
                if not self._attended:
                    self._stop_because("contact", f"resuming was refused: {ERROR_TEXT.get(code, code)}", now)
                self._follow_newest(now)  # the run may have ended meanwhile
            else:
                self._began_s = None
                self._refuse(ERROR_TEXT.get(code, f"error {code:02d}"), code, now)
        elif verb == "RUN" and code == 6:
            self._never_started(now)
        elif verb in ("HELLO", "STATUS", "RUN"):
            self._abandon(f"the unit refuses {verb} to this host: {ERROR_TEXT.get(code, code)}", now)

    def _follow_newest(self, now: float) -> None:
        if self.newest is not None:
            self._follow(self.newest.state, now)

    def _follow(self, st: UnitState, now: float) -> None:
        """The unit's state moved: move with it."""
        if self.over or self.state is _S.LOST:
            return
        if self.state is _S.UNCERTAIN:
            self._found = st  # newer than the answer to STATUS
            return
        trigger = _FOLLOW.get(st)
        if trigger is not None and self.machine.can(trigger):
            self._fire(trigger)
            if trigger is Trigger.PAUSED:
                self._on_pause(now)
        elif st in _CLOSED:
            self._conclude(now)
        elif st in LEASED and self.state in _AT_REST:
            self.trip(Breach("current only after START or RESUME", f"{st.name} in {self.state.name}"), now)

    def _on_pause(self, now: float, *, linked: bool = False) -> None:
        """A pause that nobody asked for, and that nobody is there to answer, ends the run."""
        if self._attended or self._pause_asked:
            return
        if linked or (self.newest is not None and self.newest.faults & (1 << 10)):
            self._stop_because("link", "the unit lost its host and paused; nobody was there to resume", now)
        else:
            self._stop_because("contact", "the contact broke and the unit paused; nobody was there to resume", now)

    # -- stopping ----------------------------------------------------------------------------------------------

    def trip(self, breach: Breach, now: float) -> None:
        """The host stops the unit."""
        if self._breach is None and not self.over:
            self._breach = breach
            self._note("limit", limit=breach.limit, observed=breach.observed)
            self._stop_because("limit", f"the host stopped the unit: {breach.limit}: {breach.observed}", now)

    def _stop_because(self, cause: str, reason: str, now: float) -> None:
        self._cause = self._cause or cause
        self._reason = self._reason or reason
        self._stop(now, abort=False)

    def _stop(self, now: float, *, abort: bool) -> None:
        self._abort = self._abort or abort
        self._brake(now, again=abort)
        if self._stop_asked_s is None or abort:
            self._stop_asked_s = now
        if self.state in (_S.UNCERTAIN, _S.LOST):
            return  # the questions go on; the sealed STOP follows when they are answered
        self.asks.clear()
        self._concluding = False
        if self.state is not _S.STOPPING:
            self._fire(Trigger.STOP)
        self.asks.append(Ask("ABORT" if self._abort else "STOP"))

    def _brake(self, now: float, *, again: bool = False) -> None:
        """A STOP is repeated by the sealed one: a second stop byte too soon would be an ABORT."""
        if again or self._braked_s is None or now - self._braked_s > BRAKE_AGAIN_S:
            self.effects.append(Brake(self._abort))
            if self.state is not _S.LOST:
                self._braked_s = now

    # -- ends --------------------------------------------------------------------------------------------------

    def _conclude(self, now: float) -> None:
        """The unit has no current and no open run: ask what became of ours."""
        if self._began_s is None:
            seen = self.newest
            if seen is not None and seen.state is UnitState.FAULT:
                first = (seen.faults & -seen.faults).bit_length()
                self._told(f"FAULT:{self._fault or first:02d}", 0, now)
            elif self.state is _S.STOPPING:
                self._told("STOPPED", 0, now)
        elif not self._concluding:
            self._concluding = True
            self.asks.append(Ask("RUN", {"run": self.run}))

    def _told(self, out: str, q_uc: int, now: float) -> None:
        """RUN's answer: how the run ended, or that it is still open."""
        self._concluding = False
        if out == "RUNNING":
            if self.state is _S.UNCERTAIN:
                self._take_up(now)
            return
        if out.startswith("FAULT:"):
            if not out[6:].isdecimal():
                raise ProtocolViolation(f"the unit says that the run ended as {out}, which is no outcome", out)
            self._fault = int(out[6:])
            self._reason = self._reason or FAULT_TEXT.get(self._fault, out)
            self._fire(Trigger.TRIP)
        else:
            self._cause = self._cause or ("link" if out == "LINK" else "")
            self._reason = self._reason or _REASONS.get(out, "")
            self._fire(Trigger.ENDED if out == "DONE" and self.machine.can(Trigger.ENDED) else Trigger.ENDED_EARLY)
        self._finish(out, q_uc, known_interval_uc(q_uc, out, self.prescription.i_ua), now)

    def _refuse(self, reason: str, code: int | None, now: float) -> None:
        self._fire(Trigger.REFUSE)
        self._reason = reason
        self._finish("REFUSED", 0, (0, 0), now, code)

    def _abandon(self, reason: str, now: float) -> None:
        """Nobody knows how it ended: from what was last heard to what the unit could have delivered since."""
        if self.machine.can(Trigger.DOUBT):
            self._fire(Trigger.DOUBT)
        self._fire(Trigger.ABANDON)
        self._reason = self._reason or reason
        if self._began_s is None:
            self._finish("UNKNOWN", 0, (0, 0), now)
            return
        p = self.prescription
        heard_uc = 0 if self.newest is None else self.newest.q_uc
        interval = unknown_interval_uc(heard_uc, p.i_ua, p.q_uc, p.loss, self._facts.lease_ms)
        self._finish("UNKNOWN", interval[1], interval, now)

    def _finish(
        self, outcome: str, q_uc: int, interval_uc: tuple[int, int], now: float, code: int | None = None
    ) -> None:
        self.asks.clear()
        if outcome == "DONE" and self._breach is None:
            self._cause = self._reason = ""  # a stop that came too late ended nothing
        self.result = RunResult(
            run=self.run, outcome=outcome, q_uc=q_uc, low_uc=interval_uc[0], high_uc=interval_uc[1],
            peak_ua=self.monitor.peak_ua, duration_s=0.0 if self._began_s is None else now - self._began_s,
            fault=self._fault if outcome.startswith("FAULT") else None, refused=code,
            breach=self._breach, cause=self._cause, reason=self._reason,
        )  # fmt: skip

    # -- doubt -------------------------------------------------------------------------------------------------

    def _doubt(self, now: float) -> None:
        """Ask the unit what is true, in a new session."""
        if self._doubt_since_s is None:
            self._doubt_since_s = now
        self._concluding = False
        self.asks.clear()
        if self.state is not _S.UNCERTAIN:
            self._fire(Trigger.DOUBT)
        if self._stop_asked_s is not None:
            self._brake(now)
        self._hello()

    def _hello(self) -> None:
        self.asks.append(Ask("HELLO", {} if self._began_s is None else {"run": self.run}))

    def _greeted(self, facts: UnitFacts, now: float) -> None:
        if facts.serial != self._facts.serial:
            self._abandon(f"another unit answers: {facts.serial} instead of {self._facts.serial}", now)
            return
        if facts.boot != self._facts.boot:
            self._note("reset", boot=facts.boot, before=self._facts.boot)
            self._was_reset = self._began_s is not None
            self._event_number = None  # events are numbered from the boot
        self._facts = facts
        self._heard = False  # numbers of the session before name other lines in this one
        if self._stop_asked_s is not None:
            self._brake(now)  # what was sent into a dead line did not arrive
        self.asks.append(Ask("STATUS"))

    def _never_started(self, now: float) -> None:
        """The unit does not know the run: certain that nothing flowed, unless it has known it before."""
        if self._known:
            self._abandon("the unit does not know the run any more that it had confirmed", now)
            return
        self._began_s = self._doubt_since_s = None
        self._was_reset = False
        if self.state is _S.UNCERTAIN:
            self._fire(Trigger.FOUND_IDLE)
            if self._stop_asked_s is not None:
                self._fire(Trigger.STOP)
        if self.state is _S.STOPPING:
            self._told("STOPPED", 0, now)
        elif self._found is UnitState.FAULT:
            self._refuse(ERROR_TEXT[17], 17, now)
        elif self._attempts < ATTEMPTS:
            self.start()
        else:
            self._refuse("the unit did not answer while the run was being prepared", None, now)

    def _take_up(self, now: float) -> None:
        """Our run is open in the unit: go on from where it is, touching nothing."""
        self._heard_s = now  # telemetry of the new session has a second to come
        self._look_again = True
        self._doubt_since_s = None
        self._known, self._resuming = True, False
        self._fire(_FOUND.get(self._found, Trigger.FOUND_PAUSED))
        self._note("taken_up", st=self._found.value)
        self.asks.extend(self._missed)
        self._missed.clear()
        if self._was_reset:
            self.trip(Breach("a reset of the unit ends its run", "it says that the run goes on"), now)
        if self._stop_asked_s is not None:
            self._stop(now, abort=False)
        elif self.state is _S.PAUSED:
            self._on_pause(now, linked=True)
        elif self._pause_asked and self.machine.can(Trigger.PAUSE):
            self.asks.append(Ask("PAUSE"))  # what was asked for has not arrived

    # --------------------------------------------------------------------------------------------------------

    def _fire(self, trigger: Trigger) -> None:
        move = self.machine.fire(trigger)
        self.state = move.after
        self._note("state", st=move.after.name, was=move.before.name, by=trigger.name)

    def _note(self, kind: str, **facts: object) -> None:
        self.effects.append(Note(kind, facts))
