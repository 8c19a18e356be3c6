"""The unit under test on its bench: sessions, the state it rests in between checks, runs, and the load.

A check begins with an open session in IDLE, no fault, telemetry at 100 ms, and the declared load on. It may leave the
unit as it likes: ``rest`` brings it back, first by a stop byte, which needs nothing to work.

Two clocks. Durations of the unit's own doings are taken from the uptime in its events and telemetry, so that the host's
latency has no part in them; what is measured from a byte of ours is bracketed by the unit's time before it
(``mark``), with the round trip as tolerance (``slack_ms``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controller.conform.check import NEEDS, Breach, Failed, NotRun
from controller.conform.talk import Heard, Talk, sealed
from controller.link import ByteLink
from controller.wire import Event, Reply, Telemetry, digest

DoorCall = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

SAFE_UA: Final = 100  # what may flow without --allow-output
OUTPUT_UA: Final = 1000
FULL_UA: Final = 4000
DOSE_UC: Final = 6000  # the smallest there is
TICK_MS: Final = 10
BENCH_OHM: Final = 5000  # what the door wires where nothing was declared
ROOM_MV: Final = 30_000  # of the voltage a load may need in a check that is not about its limit
WHOLE_LINES: Final = 100_000
_REST_TRIES: Final = 12
_BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPAN: Final = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``load_ohm``: the resistor at the terminals, as somebody declared it; None: nobody did."""

    load_ohm: int | None = None
    allow_output: bool = False
    lines: int = 2000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What HELLO said."""

    boot: int
    serial: str
    firmware: str
    model: str
    lease_ms: int
    imax_ua: int
    qmax_uc: int
    cap: tuple[str, ...]
    rate: int

    @property
    def simulated(self) -> bool:
        return "SIM" in self.cap


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in both clocks: the unit said ``unit_ms``, and we had it at ``host_s``."""

    unit_ms: int
    host_s: float


class Bench(Talk):
    """``door`` is the bench door, where there is one; ``hours`` whether time costs nothing here."""

    facts: Facts

    def __init__(self, link: ByteLink, options: Options, door: DoorCall | None = None) -> None:
        super().__init__(link, FULL_UA if options.allow_output else SAFE_UA)
        self.options = options
        self.door = door
        self.hours = link.simulated
        self.round_trip_s = 0.0
        self.run = ""
        self.digest = ""
        self._runs = 0
        self._nonces = int(link.clock.utc_s() * 1000) % _SPAN
        self._wired: int | None = None

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def has(self) -> frozenset[str]:
        """The needs that are met."""
        opts = self.options
        met = {
            "load": opts.load_ohm is not None or self.door is not None or self.facts.simulated,
            "output": opts.allow_output, "door": self.door is not None, "hours": self.hours,
            "long": opts.lines >= WHOLE_LINES, "tcp": self.link.port.startswith("socket:"),
        }  # fmt: skip
        return frozenset(need for need, is_met in met.items() if is_met)

    @property
    def load_ohm(self) -> int | None:
        """Of the load, if it is known."""
        return BENCH_OHM if self.door is not None and self.options.load_ohm is None else self.options.load_ohm

    @property
    def ua(self) -> int:
        """What a check passes that needs only some current."""
        return OUTPUT_UA if self.options.allow_output and self.bears(OUTPUT_UA) else SAFE_UA

    def bears(self, ua: int) -> bool:
        """Whether the load lets ``ua`` through with room to spare; one that nobody declared is taken for 5k."""
        return ua * (self.load_ohm or BENCH_OHM) <= ROOM_MV * 1000

    def needs_room(self, ua: int) -> None:
        if not self.bears(ua):
            raise NotRun(f"{ua} uA through {self.load_ohm} ohm leave too little of the voltage; use a smaller resistor")

    @property
    def slack_ms(self) -> int:
        """What two legs of the line may take, on top of what the unit promises: three round trips and a tick."""
        return TICK_MS + round(3000 * self.round_trip_s)

    # -- sessions --------------------------------------------------------------------------------------------------

    def nonce(self) -> str:
        self._nonces = (self._nonces * 1_103_515_245 + 12_345) % _SPAN
        return f"{self._nonces:08X}"

    def opening(self, verb: str = "HELLO", more: str = "", *, nonce: str = "") -> str:
        """The text of a HELLO or TAKE as it should be."""
        return f"{verb} vmin=1 vmax=1 nonce={nonce or self.nonce()} host=conform{more}"

    def open_by(self, text: str, number: int = 1) -> Reply:
        """Send an opening request in session 0000; where it opens one, that is ours from then on."""
        body = self.body(text, sid=0, number=number)
        reply = self.answered(sealed(body), text.split(" ", 1)[0], sid=0, number=number).reply
        if reply.code == 0:
            self.sid, self.number = reply.hexa("sid"), 0
        return reply

    def hello(self, more: str = "") -> Reply:
        """A new session."""
        reply = self.open_by(self.opening(more=more))
        if reply.code:
            raise Failed("HELLO: 00", f"{reply.code:02d}")
        self.facts = _facts(reply)
        return reply

    def measure(self) -> None:
        """The round trip: the slowest of twenty."""
        for _ in range(20):
            sent_s = self.now_s
            self.done("STATUS")
            self.round_trip_s = max(self.round_trip_s, self.now_s - sent_s)

    # -- rest ------------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """IDLE, no fault, an open session, the declared load. Raises Breach when that cannot be had."""
        self.keeping = False
        if self.door is not None:
            self._mend()
        for _ in range(_REST_TRIES):
            if self._comes_to_rest():
                return
        raise Breach("the unit cannot be brought to IDLE by STOP, HELLO and CLEAR")

    def _mend(self) -> None:
        """What was done to the bench is undone: faults lifted, the load as it was."""
        for fault in self.do("faults")["faults"]:
            self.do("lift_fault", fault=fault["number"])
        self.wire(self.load_ohm or BENCH_OHM)

    def _comes_to_rest(self) -> bool:
        self.write(b"\x03\n*CLS\n", quiet=True)
        try:
            reply = self.open_by(self.opening())
        except Failed:  # still booting, or a line of noise: asked again
            return False
        if reply.code == 18:
            self.listen(0.3)
            return False
        if reply.code:
            raise Breach(f"the unit refuses HELLO: {reply.code:02d}")
        self.facts = _facts(reply)
        status = self.done("STATUS")
        state = status.fields.get("st")
        if state == "FAULT":
            self._clear(status.hexa("fl"))
        elif state in ("BOOT", "SELFTEST"):
            self.listen(0.3)
        return state == "IDLE"

    def _clear(self, faults: int) -> None:
        """Each latched fault, once its cause has been gone for 2 s."""
        self.listen(2.3)
        for code in range(1, 21):
            if faults >> code - 1 & 1:
                self.say(f"CLEAR id={code:02d}")

    def forget(self) -> None:
        """What was heard so far belongs to the check before."""
        self.heard.clear()
        self.log.clear()
        self.strays.clear()

    # -- the unit's state ------------------------------------------------------------------------------------------

    def status(self) -> Reply:
        return self.done("STATUS")

    @property
    def state(self) -> str:
        return self.status().word("st")

    def is_in(self, state: str, why: str) -> None:
        came = self.state
        if came != state:
            raise Failed(f"{state} ({why})", came)

    def mark(self) -> Mark:
        """Now, by the unit and by us."""
        reply = self.status()
        return Mark(reply.integer("now"), self.now_s)

    def since_ms(self, mark: Mark, sent_s: float, unit_ms: int) -> int:
        """From a byte sent at ``sent_s`` to the unit's moment ``unit_ms``; too long by a round trip at most."""
        return (unit_ms - mark.unit_ms) % _SPAN - round((sent_s - mark.host_s) * 1000)

    def event(self, name: str, timeout_s: float, since: int | None = None, **fields: str) -> Event:
        """The next event of this name with these fields. Raises Failed when it does not come."""

        def is_it(heard: Heard) -> bool:
            m = heard.message
            return isinstance(m, Event) and m.name == name and all(m.fields.get(k) == v for k, v in fields.items())

        found = self.until(is_it, timeout_s, since)
        if found is None or not isinstance(found.message, Event):
            text = " ".join((name, *(f"{k}={v}" for k, v in fields.items())))
            raise Failed(f"event {text} within {timeout_s:g} s", "none")
        return found.message

    def comes(self, state: str, timeout_s: float, since: int | None = None) -> Event:
        """The event that the unit is in ``state``."""
        return self.event("STATE", timeout_s, since, st=state)

    def history(self) -> list[Event]:
        """The last eight events, as EVENTS sends them again."""
        last = self.done("EVENTS n=0000").hexa("last")
        at = len(self.heard)
        self.done(f"EVENTS n={(last - 7) & 0xFFFF:04X}")
        self.until(lambda h: isinstance(h.message, Event) and h.message.number == last, 0.5, at)
        return self.events("", at)

    def telemetry(self, since: int = 0) -> list[Telemetry]:
        return [h.message for h in self.heard[since:] if isinstance(h.message, Telemetry)]

    # -- runs ------------------------------------------------------------------------------------------------------

    def pres(self, ua: int | None = None, uc: int | None = None, **fields: int | str) -> str:
        """The text of a prescription, with the steepest ramps unless told otherwise."""
        ua = self.ua if ua is None else ua
        text = {"I": ua, "Q": 600_000 if uc is None else uc, "TU": 2 * ua, "TD": ua, "POL": "-"} | fields
        return "PRES " + " ".join(f"{key}={value}" for key, value in text.items())

    def stage(self, ua: int | None = None, uc: int | None = None, **fields: int | str) -> Reply:
        if (self.ua if ua is None else ua) > self.ceiling_ua:
            raise NotRun(NEEDS["output"])
        reply = self.done(self.pres(ua, uc, **fields))
        self.digest = reply.word("D")
        if int(self.digest, 16) != digest(reply.fields):
            raise Failed(f"D={digest(reply.fields):08X}, the CRC-32 of the canonical text", f"D={self.digest}")
        return reply

    def arm(self) -> Reply:
        if "load" not in self.has:
            raise NotRun(NEEDS["load"])
        return self.done(f"ARM D={self.digest}")

    def new_run(self) -> str:
        """A run id nobody has used: the time, and a count."""
        self._runs += 1
        n, text = int(self.link.clock.utc_s() * 1000) * 1000 + self._runs, ""
        while n:
            n, digit = divmod(n, 36)
            text = _BASE36[digit] + text
        self.run = f"CF{text}"
        return self.run

    def x(self, ahead_ms: int = 1000) -> int:
        """A deadline so far from the unit's now."""
        return (self.mark().unit_ms + ahead_ms) % _SPAN

    def start_text(self, *, run: str = "", x: int | None = None) -> str:
        return f"START run={run or self.new_run()} D={self.digest} X={self.x() if x is None else x}"

    def start(self) -> Event:
        """From ARMED; the event of RAMP_UP. KEEPs go out from here on."""
        text, at = self.start_text(), len(self.heard)
        self.done(text)
        self.keeping = True
        return self.comes("RAMP_UP", 0.5, at)

    def begin(self, ua: int | None = None, uc: int | None = None, **fields: int | str) -> Event:
        """A run, from IDLE to RAMP_UP."""
        self.stage(ua, uc, **fields)
        self.arm()
        return self.start()

    def hold(self, ua: int | None = None, uc: int | None = None, **fields: int | str) -> Event:
        """A run, from IDLE to HOLD; the event of HOLD."""
        at = len(self.heard)
        self.begin(ua, uc, **fields)
        tu_ms = int(fields.get("TU", 2 * (self.ua if ua is None else ua)))
        return self.comes("HOLD", tu_ms * 0.00101 + 1.0, at)

    def resume(self) -> Event:
        """From PAUSED, with the contact check that it takes."""
        self.arm()
        at = len(self.heard)
        self.done(f"RESUME run={self.run} X={self.x()}")
        self.keeping = True
        return self.comes("RAMP_UP", 0.5, at)

    def outcome(self, run: str = "") -> tuple[str, int]:
        """Outcome and charge of a run, as RUN says them."""
        reply = self.done(f"RUN run={run or self.run}")
        return reply.word("out"), reply.integer("q")

    # -- the bench -------------------------------------------------------------------------------------------------

    def do(self, verb: str, **arguments: object) -> Mapping[str, Any]:
        """A call of the bench door."""
        if self.door is None:
            raise NotRun("no bench door")
        self._log(f"# {verb} {' '.join(str(value) for value in arguments.values())}".rstrip())
        return self.door(verb, arguments)

    def wire(self, ohm: int | None) -> None:
        """A decade box at the terminals, turned to ``ohm``; 0 is a short, None an open lead."""
        if ohm == self._wired and ohm is not None:
            return
        self.do("load", spec="open" if ohm is None else f"decade:{ohm}" if ohm else "short")
        self._wired = ohm


def _facts(reply: Reply) -> Facts:
    return Facts(
        boot=reply.integer("boot"), serial=reply.word("sn"), firmware=reply.word("fw"), model=reply.word("model"),
        lease_ms=reply.integer("lease"), imax_ua=reply.integer("imax"),
        qmax_uc=reply.integer("qmax"), cap=tuple(reply.word("cap").split(",")),
        rate=reply.integer("rate"),
    )  # fmt: skip
