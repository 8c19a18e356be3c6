"""A unit on a bench, worked by hand: lines in, lines out, and time.

Everything that is sent is sealed with the naive decoder's CRC and everything sealed that the unit says is read by
the naive decoder, which fails the test when the line is not of the page; no code of the driver takes part. The line
is ``direct``, so that an answer is there in the same instant and every time in a test is the unit's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hw_sim.firmware.machine import NAMES
from hw_sim.world import World
from tests.naive_wire import crc32, decode_line

TICK_US = 10_000
ENERGISED = ("RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING")


def seal(body: str) -> bytes:
    return f"{body}*{crc32(body.encode()):08X}\n".encode()


class Bench:
    def __init__(self, load: str = "5k", *, world: World | None = None, seed: int = 1, **parameters: Any) -> None:
        self.world = World(load=load, seed=seed, **parameters) if world is None else world
        self.conn = self.world.connect("direct")
        self.sid = 0
        self.number = 0
        self.digest = ""
        self.newest = "0000"  # number of the newest telemetry line
        self.telemetry: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.plain: list[str] = []
        self._rest: dict[int, bytes] = {}

    # -- what the unit is ------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        return NAMES[self.world.firmware.rec.st]

    @property
    def now_ms(self) -> int:
        return self.world.hal.uptime_ms() & 0xFFFFFFFF

    @property
    def true_ua(self) -> float:
        return self.world.plant.i_a * 1e6

    @property
    def true_uc(self) -> float:
        return self.world.plant.q_c * 1e6

    # -- lines -----------------------------------------------------------------------------------------------

    def put(self, data: bytes, conn: int | None = None) -> list[str]:
        """Write bytes; the lines that come back at once."""
        self.world.put(self.conn if conn is None else conn, data)
        return self.hear(conn)

    def hear(self, conn: int | None = None) -> list[str]:
        at = self.conn if conn is None else conn
        *lines, self._rest[at] = (self._rest.get(at, b"") + self.world.take(at)).split(b"\n")
        heard = [line.decode("ascii") for line in lines]
        for line in heard:
            self._sort(line)
        return heard

    def _sort(self, line: str) -> None:
        if line[0] == "~":
            self.newest = line[6:10]
            self.telemetry.append(line)
            return
        message: dict[str, Any] = decode_line(line)
        assert message["kind"] != "noise", line
        if message["kind"] == "plain":
            self.plain.append(line)
        else:
            {"reply": self.replies, "event": self.events}[message["kind"]].append({**message, "line": line})

    def ask(self, text: str, conn: int | None = None) -> dict[str, Any]:
        """The next request of the session; its reply, which has to come at once."""
        self.number += 1
        return self.send(self.sid, self.number, text, conn)

    def send(self, sid: int, number: int, text: str, conn: int | None = None) -> dict[str, Any]:
        before = len(self.replies)
        self.put(seal(f">{sid:04X} {number:04X} {text}"), conn)
        assert len(self.replies) == before + 1, (text, self.replies[before:])
        return self.replies[-1]

    def silent(self, sid: int, number: int, text: str, conn: int | None = None) -> None:
        """A request that gets no answer now."""
        before = len(self.replies)
        self.put(seal(f">{sid:04X} {number:04X} {text}"), conn)
        assert self.replies[before:] == []

    def code(self, text: str) -> str:
        return str(self.ask(text)["code"])

    def query(self, text: str) -> str | None:
        """A plain line; its answer, None if there is none."""
        before = len(self.plain)
        self.put(text.encode("latin-1") + b"\n")
        assert len(self.plain) <= before + 1
        return self.plain[-1] if len(self.plain) > before else None

    def status(self) -> dict[str, str]:
        fields: dict[str, str] = self.ask("STATUS")["fields"]
        return fields

    def named(self, name: str) -> list[dict[str, str]]:
        """The fields of all events of a name, oldest first."""
        return [event["fields"] for event in self.events if event["name"] == name]

    # -- the verbs in their usual order ------------------------------------------------------------------------

    def hello(self, more: str = "", *, verb: str = "HELLO", nonce: str = "5F2A90C1") -> dict[str, Any]:
        reply = self.send(0, 1, f"{verb} vmin=1 vmax=1 nonce={nonce} host=bench{more}")
        if reply["code"] == "00":
            self.sid, self.number = int(reply["fields"]["sid"], 16), 0
        return reply

    def prescribe(self, **fields: int | str) -> dict[str, Any]:
        held = {"I": 1000, "Q": 6000, "TU": 2000, "TD": 4000, "POL": "+"} | fields
        reply = self.ask("PRES " + " ".join(f"{key}={value}" for key, value in held.items()))
        self.digest = reply["fields"].get("D", "")
        return reply

    def arm(self) -> dict[str, Any]:
        before = len(self.replies)
        self.number += 1
        self.put(seal(f">{self.sid:04X} {self.number:04X} ARM D={self.digest}"))
        self.until(lambda: len(self.replies) > before, within_s=2.5)
        return self.replies[before]

    def start(self, run: str = "R1") -> dict[str, Any]:
        return self.ask(f"START run={run} D={self.digest} X={(self.now_ms + 500) % 2**32}")

    def resume(self, run: str = "R1") -> dict[str, Any]:
        return self.ask(f"RESUME run={run} X={(self.now_ms + 500) % 2**32}")

    def begin(self, run: str = "R1", **fields: int | str) -> None:
        """From nothing to RAMP_UP."""
        if not self.sid:
            self.hello()
        assert self.prescribe(**fields)["code"] == "00"
        assert self.arm()["code"] == "00"
        assert self.start(run)["code"] == "00"

    # -- time --------------------------------------------------------------------------------------------------

    def ticks(self, n: int = 1) -> None:
        """Time without a KEEP."""
        self.world.advance_to(self.world.now_us + n * TICK_US)
        self.hear()

    def keep(self) -> None:
        if self.sid and self.state in ("RAMP_UP", "HOLD"):
            self.ask(f"KEEP t={self.newest}")

    def advance(self, seconds: float) -> None:
        """Time with a KEEP every 500 ms of an energised unit."""
        left = round(seconds * 100)
        while left > 0:
            self.keep()
            self.ticks(min(left, 50))
            left -= 50

    def until(self, reached: Callable[[], bool] | str, within_s: float = 60.0) -> int:
        """Tick by tick, with KEEPs, until a state or a condition; the ticks it took."""

        def met() -> bool:
            return self.state == reached if isinstance(reached, str) else reached()

        for n in range(round(within_s * 100)):
            if met():
                return n
            if n % 50 == 0:
                self.keep()
            self.ticks()
        assert met(), f"not reached within {within_s} s: {self.state}"
        return round(within_s * 100)

    def trace(self, seconds: float, *, keep: bool = True) -> list[float]:
        """The true current of each tick, in uA."""
        currents = []
        for n in range(round(seconds * 100)):
            if keep and n % 50 == 0:
                self.keep()
            self.ticks()
            currents.append(self.true_ua)
        return currents

    def to(self, state: str, **fields: int | str) -> Bench:
        """Bring a fresh unit into ``state`` by the shortest way; a run, if any, is R1."""
        if state == "SELFTEST":
            self.world.act("power_cycle")
            self.hello()
            return self
        self.hello()
        if state == "IDLE":
            return self
        assert self.prescribe(**fields)["code"] == "00"
        if state == "STAGED":
            return self
        if state == "CHECK":
            self.number += 1
            self.put(seal(f">{self.sid:04X} {self.number:04X} ARM D={self.digest}"))
            self.ticks(30)
            return self
        assert self.arm()["code"] == "00"
        if state == "ARMED":
            return self
        assert self.start()["code"] == "00"
        if state == "RAMP_UP":
            self.ticks(50)
            return self
        if state == "DONE":
            self.until("DONE")
            return self
        self.until("HOLD")
        if state == "RAMP_DOWN":
            self.until("RAMP_DOWN")
        elif state in ("PAUSING", "PAUSED"):
            self.ask("PAUSE")
            self.until(state)
        elif state == "FAULT":
            self.world.act("lift", "drug")
            self.until("FAULT")
        assert self.state == state
        return self
