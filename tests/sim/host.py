"""A host made of nothing but sealed lines, for tests of the simulator: docs/protocol.md and the naive decoder.

It owns no port and no clock. ``send`` writes bytes, ``receive`` returns some (or none, when none came in its time):
a world in virtual time, a socket and a pseudo-terminal look the same to it. KEEP leaves only when a telemetry line
came, so a unit that falls silent hears nothing from here.
"""

from __future__ import annotations

from collections.abc import Callable

from hw_sim.world import World
from tests import naive_wire

KEEP_MS = 250
PATIENCE = 2000  # receives that may come back empty before a test gives up


def seal(body: str) -> bytes:
    return f"{body}*{naive_wire.crc32(body.encode()):08X}\n".encode()


class Host:
    def __init__(self, send: Callable[[bytes], object], receive: Callable[[], bytes]) -> None:
        self._send = send
        self._receive = receive
        self._rest = ""
        self.sid = 0
        self.number = 0
        self.keeping = True
        self.telemetry: list[dict] = []  # fields, with ``ms``; newest last
        self.events: list[dict] = []  # fields, with ``name`` and ``ms``
        self.plain: list[str] = []
        self._replies: list[dict] = []
        self._kept_ms = 0
        self._newest = ""

    # -- lines ---------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """Take what came; keep the lease. False when nothing came."""
        data = self._receive()
        *lines, self._rest = (self._rest + data.decode("ascii")).split("\n")
        for line in lines:
            self._take(line)
        if self.keeping and self.telemetry and self.sid:
            self._keep()
        return bool(data)

    def _take(self, line: str) -> None:
        entry = naive_wire.decode_line(line)
        match entry["kind"]:
            case "telemetry":
                fields = {k: v if k in ("st", "fl") else int(v) for k, v in entry["fields"].items()}
                self.telemetry.append(fields | {"ms": int(entry["uptime_ms"])})
                self._newest = entry["number"]
            case "event":
                self.events.append(entry["fields"] | {"name": entry["name"], "ms": int(entry["uptime_ms"])})
            case "reply":
                self._replies.append(entry)
            case "plain":
                self.plain.append(line)
            case other:
                raise AssertionError(f"{other}: {line}")

    def _keep(self) -> None:
        newest = self.telemetry[-1]
        if newest["st"] in ("RAMP_UP", "HOLD") and newest["ms"] - self._kept_ms >= KEEP_MS:
            self._kept_ms = newest["ms"]
            self.number += 1
            self._send(seal(f">{self.sid:04X} {self.number:04X} KEEP t={self._newest}"))

    def until(self, done: Callable[[], bool], patience: int = PATIENCE) -> None:
        """Go on until ``done``; gives up after ``patience`` silent receives in a row."""
        silent = 0
        while not done():
            silent = 0 if self.turn() else silent + 1
            if silent > patience:
                raise AssertionError(f"nothing more came; newest: {self.telemetry[-1:]}, {self.events[-3:]}")

    # -- requests ------------------------------------------------------------------------------------------

    def ask(self, verb: str, **fields: str | int) -> dict:
        """A request in the session, and its reply."""
        self.number += 1
        return self._exchange(self.sid, self.number, verb, fields)

    def _exchange(self, sid: int, number: int, verb: str, fields: dict) -> dict:
        text = " ".join((f">{sid:04X} {number:04X} {verb}", *(f"{k}={v}" for k, v in fields.items())))
        self._send(b"\n" + seal(text))
        wanted = (f"{sid:04X}", f"{number:04X}", verb)
        found: list[dict] = []

        def answered() -> bool:
            found.extend(r for r in self._replies if (r["sid"], r["number"], r["verb"]) == wanted)
            self._replies.clear()
            return bool(found)

        self.until(answered)
        return found[0]

    def hello(self, **fields: str | int) -> dict:
        """Open a session; the reply's fields."""
        reply = self._exchange(0, 1, "HELLO", {"vmin": 1, "vmax": 1, "nonce": "5F2A90C1", "host": "test", **fields})
        assert reply["code"] == "00", reply
        self.sid = int(reply["fields"]["sid"], 16)
        self.number = 0
        self.telemetry.clear()
        return reply["fields"]

    def done(self, verb: str, **fields: str | int) -> dict:
        """A request that must be answered 00; the reply's fields."""
        reply = self.ask(verb, **fields)
        assert reply["code"] == "00", reply
        return reply["fields"]

    def query(self, line: str) -> str:
        """A plain query, and its answer."""
        self.plain.clear()
        self._send(line.encode() + b"\n")
        self.until(lambda: bool(self.plain))
        return self.plain.pop()

    # -- a run ---------------------------------------------------------------------------------------------

    def arm(self, **prescription: str | int) -> dict:
        """HELLO (unless open), TELE, PRES, ARM; the reply to ARM, whatever it is."""
        if not self.sid:
            self.hello()
        self.digest = self.done("PRES", **{"POL": "-", **prescription})["D"]
        return self.ask("ARM", D=self.digest)

    def start(self, run: str = "RUN1", **prescription: str | int) -> None:
        """A run, begun."""
        reply = self.arm(**prescription)
        assert reply["code"] == "00", reply
        for _ in range(20):  # X goes by real time where a server does: on a busy machine it may be too late (09)
            self.telemetry.clear()
            self.until(lambda: bool(self.telemetry))
            reply = self.ask("START", run=run, D=self.digest, X=self.telemetry[-1]["ms"] + 1000)
            if reply["code"] != "09":
                break
        assert reply["code"] == "00", reply

    def until_state(self, *states: str) -> dict:
        """Go on until an event says one of ``states``; that event. A run that ends otherwise is a failure."""
        seen = len(self.events)
        hits: list[dict] = []

        def there() -> bool:
            nonlocal seen
            for event in self.events[seen:]:
                if event["name"] == "STATE" and event["st"] in states:
                    hits.append(event)
                elif event["name"] == "STATE" and event["st"] in ("DONE", "FAULT") and not hits:
                    raise AssertionError(f"{event['st']} before {' or '.join(states)}: {self.events}")
            seen = len(self.events)
            return bool(hits)

        self.until(there)
        return hits[0]

    def run_facts(self, run: str = "RUN1") -> dict:
        return self.done("RUN", run=run)


class VirtualWire:
    """Send and receive on a world in virtual time: a receive lasts 10 ms of the world's time at most."""

    def __init__(self, world: World, line: str = "usb") -> None:
        self.world = world
        self.line = line
        self.conn = world.connect(line)

    def send(self, data: bytes) -> None:
        if self.conn in self.world.to_unit:
            self.world.put(self.conn, data)

    def receive(self) -> bytes:
        self.world.advance_to(self.world.now_us + 10_000, self.conn)
        return self.world.take(self.conn) if self.conn in self.world.to_host else b""


def virtual_host(world: World, line: str = "usb") -> Host:
    wire = VirtualWire(world, line)
    return Host(wire.send, wire.receive)
