"""The host in the search: the driver's own Unit, Exchange, codec and Engine, on a line in memory.

Only the loop around them is ours: what ``controller.session`` does between two reads, without a journal. It is short
on purpose and calls public names: one frame in, then everything that is due, until nothing more is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from controller.clock import Clock
from controller.effects import Brake
from controller.engine import Engine, Order
from controller.exchange import Confirmed, Exchange, Refused, Uncertain, Verdict
from controller.limits import UnitFacts
from controller.link import ControlRequest
from controller.machine import SessionState
from controller.treatment import Prescription
from controller.treatment.prescription import Pole
from controller.unit import Item, Unit
from controller.wire import Event, Request, Telemetry

TELEMETRY_MS: Final = 250
# The smallest dose that the protocol takes, at the current that keeps ramps and hold short: 6.25 s in all.
PRESCRIPTION: Final = Prescription(
    i_ua=1500, q_uc=6000, pole=Pole.NEGATIVE, tu_ms=3000, td_ms=1500, tmax_ms=20_000, cont="PAUSE"
)


class Now(Clock):
    """The time of the search."""

    seed = 1

    def __init__(self) -> None:
        self.at_s = 0.0

    def now(self) -> float:
        return self.at_s

    def utc_s(self) -> float:
        return 1_800_000_000.0

    def real_seconds_until(self, deadline: float) -> float:
        return 0.0


class InMemory:
    """A ByteLink whose bytes the search carries."""

    port = "the search"
    simulated = True

    def __init__(self) -> None:
        self.clock = Now()
        self.coming = b""
        self.going: list[bytes] = []

    def read(self, deadline: float) -> bytes:
        data, self.coming = self.coming, b""
        return data

    def write(self, data: bytes) -> None:
        self.going.append(data)

    def set_rate(self, rate: float) -> None:
        pass

    def requests(self) -> list[ControlRequest]:
        return []

    def wake(self) -> None:
        pass

    def reopen(self, deadline: float) -> bool:
        return True

    def close(self) -> None:
        pass


class Judged(NamedTuple):
    """A verdict, and the request it was about, with its bytes."""

    verdict: Verdict
    request: Request
    data: bytes


Stage = Literal["greeting", "asking", "run", "away"]


class Host:
    """One program on the host, from its HELLO to the end of its one run; ``stage`` away: it never began one."""

    def __init__(self, life: int, exchange: type[Exchange] = Exchange) -> None:
        self.life = life
        self.run = f"RUN{life}"
        self.link = InMemory()
        self.unit = Unit(self.link)
        self.unit.exchange = exchange()
        self.unit.entropy._drawn = 1000 * life  # nonces of its own
        self.stage: Stage = "greeting"
        self.engine: Engine | None = None
        self.stopped = self.port_lost = False
        self.judged: list[Judged] = []  # since the search last looked

    @property
    def state(self) -> SessionState:
        """What it believes; READY until its run has begun."""
        return SessionState.READY if self.engine is None else self.engine.state

    @property
    def over(self) -> bool:
        return self.stage == "away" or (self.engine is not None and self.engine.over)

    def begin(self, now_s: float) -> None:
        self.link.clock.at_s = now_s
        self.unit.send("HELLO")

    def hear(self, data: bytes, now_s: float) -> None:
        """One frame has arrived, or none: what is due is done."""
        if self.over:
            return
        self.link.clock.at_s = now_s
        self.link.coming = data
        pending = self.unit.exchange._pending
        for item in self.unit.pump(now_s):
            if isinstance(item, Confirmed | Refused | Uncertain) and pending is not None:
                self.judged.append(Judged(item, pending.request, pending.data))
            self._take(item, now_s)
            self._perform()
        self._go_on(now_s)

    def order(self, what: Order, now_s: float) -> bool:
        """What a person asks."""
        self.link.clock.at_s = now_s
        if self.engine is None or not self.engine.order(what, now_s, "the operator"):
            return False
        self._perform()
        self._go_on(now_s)
        return True

    def lose_port(self, now_s: float) -> None:
        self.link.clock.at_s = now_s
        self.unit.lost()
        self.port_lost = True
        if self.engine is None:
            self.stage = "away"
        else:
            self.engine.on_lost(now_s)
            self._go_on(now_s)

    def find_port(self, now_s: float) -> None:
        self.link.clock.at_s = now_s
        self.unit.lost()
        self.port_lost = False
        if self.engine is not None:
            self.engine.on_link()
            self._go_on(now_s)

    def _take(self, item: Item, now_s: float) -> None:
        engine = self.engine
        match item:
            case Telemetry() if engine is not None:
                engine.on_telemetry(item, now_s)
            case Event() if engine is not None:
                engine.on_event(item, now_s)
            case Confirmed() | Refused() | Uncertain() if engine is not None:
                engine.on_verdict(item, now_s)
            case Confirmed("HELLO", reply):
                self.unit._facts = UnitFacts.of(reply)
                self.stage = "asking"
                self._send("TELE", {"ms": TELEMETRY_MS})
            case Confirmed("TELE", _):
                self.stage = "run"
                self.engine = Engine(PRESCRIPTION, self.run, self.unit.facts, attended=True)
                self.engine.start()
            case Refused() | Uncertain():
                self.stage = "away"  # the program ends here, with an error
            case _:
                pass

    def _send(self, verb: str, fields: Mapping[str, str | int]) -> None:
        self.unit.send(verb, fields)

    def _go_on(self, now_s: float) -> None:
        """As ``Session.step``: one request if the line is free, then time; until nothing more comes of it."""
        engine = self.engine
        while engine is not None and not engine.over:
            before = len(self.link.going)
            if not self.port_lost:
                self._ask_next(engine, now_s)
            engine.on_time(now_s)
            self._perform()
            exchange = self.unit.exchange
            waits = engine.asks and (exchange.pending is None or engine.asks[0].verb in ("STOP", "ABORT"))
            if len(self.link.going) == before and (self.port_lost or not waits):
                return

    def _ask_next(self, engine: Engine, now_s: float) -> None:
        exchange = self.unit.exchange
        if not engine.asks:
            return
        verb = engine.asks[0].verb
        if exchange.pending is not None and verb not in ("STOP", "ABORT"):
            return
        if not exchange.open and verb != "HELLO":
            engine.asks.popleft()
            engine.on_verdict(Uncertain("session"), now_s)
            return
        ask = engine.take_ask()
        if ask is not None:
            self._send(ask.verb, ask.fields)

    def _perform(self) -> None:
        engine = self.engine
        while engine is not None and engine.effects:
            effect = engine.effects.popleft()
            if isinstance(effect, Brake) and not self.port_lost:
                self.unit.brake(abort=effect.abort)
