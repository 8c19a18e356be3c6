"""An engine and an honest unit with everything between them that can go wrong, step by step.

Stands where ``Session``, ``Unit`` and the link stand: it performs effects, carries one request at a time, filters what
is not of the host's session, and loses what it is told to lose. It also holds what must be true at every step.
"""

from controller.effects import Ask, Brake
from controller.engine import Engine
from controller.exchange import Confirmed, Refused, Uncertain, Verdict
from controller.treatment import Prescription
from controller.wire import Reply
from tests.unit.core.story import FACTS, RUN, USUAL
from tests.unit.core.unit_model import LEASED, STEP_S, ModelUnit

SILENCE_S = {"ARM": 5.0, "START": 2.0}
QUESTIONS = {"HELLO", "STATUS", "RUN"}
DISTURBANCES = (
    "stop", "abort", "pause", "resume", "fault", "contact", "reset", "local stop", "steal", "unplug", "unplug for good",
    "lose request", "lose reply", "lose byte", "lose lines", "double line",
)  # fmt: skip


class Pair:
    def __init__(self, prescription: Prescription, *, attended: bool) -> None:
        self.engine = Engine(prescription, RUN, FACTS, attended=attended)
        self.unit = ModelUnit(prescription.fields())
        self.now = 1000.0
        self.sid = 0
        self.unplugged = self.deaf = 0
        self.fates: list[str] = []
        self.byte_lost = self.doubled = self.stop_asked = False
        self.out: tuple[Ask, Verdict | None, float] | None = None
        self.braked_s = self.heard_s = -1.0
        self._greet()
        self.engine.start()

    def _greet(self) -> None:
        self.sid = int(self.unit.ask(0, "HELLO", {}).fields["sid"], 16)

    def disturb(self, what: str) -> None:
        unit = self.unit
        match what:
            case "stop" | "abort" | "pause" | "resume":
                done = self.engine.order(what, self.now, "a person")
                self.stop_asked |= done and what in ("stop", "abort")
            case "fault":
                unit.fault(7)
            case "contact":
                unit.lose_contact()
            case "reset":
                unit.reset()
            case "local stop":
                unit.stop()
            case "steal":
                unit.ask(0, "HELLO", {})
            case "unplug" | "unplug for good":
                self._unplug(20 if what == "unplug" else 400)
            case "lose request" | "lose reply":
                self.fates.append(what)
            case "lose byte":
                self.byte_lost = True
            case "lose lines":
                self.deaf = 6
            case "double line":
                self.doubled = True
        self._perform()

    def _unplug(self, steps: int) -> None:
        if not self.unplugged:
            self.unit.close_session()
            self.unit.lease_s = min(self.unit.lease_s, 1.0)
            self.sid, self.out = 0, None
            self.engine.on_lost(self.now)
        self.unplugged = steps

    def step(self) -> None:
        self.now += STEP_S
        self.unit.step()
        if self.unplugged:
            self.unplugged -= 1
            self.unit.events.clear()
            if not self.unplugged:
                self.engine.on_link()
        else:
            self._hear()
        self.engine.on_time(self.now)
        self._perform()
        for _ in range(4):  # an answer takes a few ms, so several requests fit into a step
            if self.out is None and not self.engine.over:
                self._send()
            self._answer()
        self._perform()

    def _hear(self) -> None:
        heard = [event for event in self.unit.events if self.sid and event.sid == self.sid]
        self.unit.events.clear()
        for event in heard:
            self.engine.on_event(event, self.now)
        if self.unit.sid:
            line = self.unit.line()
            if line.sid == self.sid and not self.deaf:
                self.heard_s = self.now
                for _ in range(1 + self.doubled):
                    self.engine.on_telemetry(line, self.now)
                self.doubled = False
        self.deaf = max(0, self.deaf - 1)

    def _perform(self) -> None:
        while self.engine.effects:
            effect = self.engine.effects.popleft()
            if isinstance(effect, Brake) and not self.unplugged:
                again, self.braked_s = self.now - self.braked_s, self.now
                assert effect.abort or again > 0.5, "a second stop byte within 500 ms is an ABORT"
                if not self.byte_lost:
                    (self.unit.abort if effect.abort else self.unit.stop)()
                self.byte_lost = False

    def _send(self) -> None:
        self._perform()  # what brakes goes before what asks
        ask = self.engine.take_ask()
        if ask is None:
            return
        self._must_be_allowed(ask)
        if ask.verb != "HELLO" and not self.sid:
            self.out = (ask, Uncertain("session"), self.now)
            return
        fate = self.fates.pop(0) if self.fates else ""
        reply = None if fate == "lose request" else self.unit.ask(self.sid, ask.verb, ask.fields)
        if fate or reply is None:
            self.out = (ask, Uncertain(ask.verb), self.now + SILENCE_S.get(ask.verb, 1.0))
        else:
            waits = 1.05 if ask.verb == "ARM" and not reply.code else 0.0
            self.out = (ask, self._verdict(ask, reply), self.now + waits)

    def _verdict(self, ask: Ask, reply: Reply) -> Verdict:
        if reply.code:
            return Refused(ask.verb, reply.code, reply)
        usual = {} if ask.verb in ("STATUS", "RUN") else USUAL.get(ask.verb, {})
        return Confirmed(ask.verb, Reply(reply.sid, 1, 0, ask.verb, {**usual, **reply.fields}))

    def _answer(self) -> None:
        if self.out is None or self.now < self.out[2]:
            return
        ask, verdict, _ = self.out
        self.out = None
        if ask.verb == "ARM" and isinstance(verdict, Confirmed) and self.unit.state != "ARMED":
            verdict = Refused("ARM", 17 if self.unit.state == "FAULT" else 13, Reply(self.sid, 1, 13, "ARM", {}))
        match verdict:
            case Confirmed("HELLO", reply):
                self.sid = reply.hexa("sid")
            case Uncertain() | Refused(code=5):
                self.sid = 0
        assert verdict is not None
        self.engine.on_verdict(verdict, self.now)

    def _must_be_allowed(self, ask: Ask) -> None:
        engine, newest = self.engine, self.engine.course.newest
        assert not (self.stop_asked and ask.raising), f"{ask.verb} after a stop"
        assert engine.state.name != "LOST"
        assert engine.state.name != "UNCERTAIN" or ask.verb in QUESTIONS
        if ask.verb == "KEEP":
            assert newest is not None
            assert (newest.sid, newest.state.value in LEASED) == (self.sid, True)
            assert ask.fields == {"t": f"{newest.number:04X}"}
            assert self.now - self.heard_s <= 1.001
            assert engine.state.name in ("RAMPING_UP", "HOLDING")
