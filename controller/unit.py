"""One unit on one line: bytes in, messages out, one request at a time.

``Unit`` is what a program opens. It adds to the pure ``Exchange`` a link, a clock and a decoder, and nothing that
decides about current: that is the engine's. Its calls block until there is an answer, which is never longer than
the protocol's time-outs; the only waiting happens in ``ByteLink.read``.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar
from zlib import crc32

from controller.errors import CommandRefused, ProtocolViolation, Unacknowledged
from controller.exchange import Confirmed, Exchange, Refused, Uncertain, Verdict
from controller.limits import UnitFacts
from controller.link import ByteLink
from controller.treatment import Treatment
from controller.wire import Event, LineDecoder, Noise, Plain, Reply, Telemetry, UnitState, parse
from controller.wire.spec import ERROR_TEXT, STOP_BYTE

if TYPE_CHECKING:
    from controller.session import Session

T = TypeVar("T")
Item: TypeAlias = Telemetry | Event | Verdict | Plain
Steps: TypeAlias = Generator[float, list[Item], T]  # yields until when it would read, is sent what came

VERSION: Final = 1
HOST_WORD: Final = "ionto"
BOOT_PATIENCE_S: Final = 5.0  # a board that resets when its port is opened
PLAIN_TIMEOUT_S: Final = 0.5
QUIET_UA: Final = 50
STARTING: Final = (UnitState.BOOT, UnitState.SELFTEST)
EARLY_S: Final = 1e-6  # a wait may end a rounding early; without this it would be repeated for ever
_BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Entropy:
    """Nonces and run ids: from the system, or in virtual time from the seed, so that runs repeat bit for bit."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._drawn = 0

    def number(self) -> int:
        """32 bits."""
        if self._seed is None:
            return secrets.randbits(32)
        self._drawn += 1
        return crc32(b"%d %d" % (self._seed, self._drawn))

    def run_id(self, utc_s: float) -> str:
        """26 characters 0-9 A-Z: the time first, so that ids sort, then 64 bits."""
        return _base36(round(utc_s * 1000), 10) + _base36(self.number() << 32 | self.number(), 16)


def _readable(data: bytes) -> str:
    """Bytes for a sentence: printable ASCII as it is, the rest as escapes."""
    return data.decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")


def _base36(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, rest = divmod(number, 36)
        text = _BASE36[rest] + text
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """An answer to STATUS. ``run`` is the open run, ``faults`` a mask: bit ``code - 1``."""

    state: UnitState
    set_ua: int
    i_ua: int
    v_mv: int
    z_ohm: int
    q_uc: int
    limited: bool
    faults: int
    run: str | None
    boot: int
    uptime_ms: int

    @classmethod
    def of(cls, reply: Reply) -> Status:
        run = reply.word("run")
        return cls(
            state=reply.state("st"), set_ua=reply.integer("set"), i_ua=reply.integer("i"), v_mv=reply.integer("v"),
            z_ohm=reply.integer("z"), q_uc=reply.integer("q"), limited=reply.flag("lim"), faults=reply.hexa("fl"),
            run=None if run == "-" else run, boot=reply.integer("boot"), uptime_ms=reply.integer("now"),
        )  # fmt: skip


class Unit:
    """A unit that has answered HELLO. Use it in a ``with`` block, or ``close()`` it.

    ``facts`` is what it said of itself, ``counters`` what was wrong on the line so far.
    """

    def __init__(self, link: ByteLink) -> None:
        self.link = link
        self.exchange = Exchange()
        self.counters: Counter[str] = Counter()
        self.entropy = Entropy(getattr(link.clock, "seed", None))
        self.log_sent: Callable[[str | bytes], None] | None = None
        self.log_received: Callable[[str | bytes], None] | None = None
        self._decoder = LineDecoder()
        self._facts: UnitFacts | None = None
        self._heard = b""  # of what was not IONTO, for the sentence that says so

    @classmethod
    def open(cls, port: str = "sim://", *, purpose: str = "a program that uses ionto") -> Self:
        """Open ``port`` and greet the unit on it.

        Args:
            port: a device, a pySerial URL (``sim://`` is the bundled simulator) or ``sn:SERIAL``.
            purpose: what others are told who want the port too.

        Raises:
            PortUnavailable: nothing was sent.
            ProtocolViolation: something else answers there, or nothing.
            CommandRefused: code 18, a run is in progress under another host.
        """
        from controller.serial_link import open_link

        unit = cls(open_link(port, purpose=purpose))
        try:
            unit.greet()
        except BaseException:
            unit.link.close()
            raise
        return unit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say BYE, which is a STOP, and give the port back. Safe to repeat."""
        with contextlib.suppress(Exception):  # the port may be gone: the lease does the rest
            if self.exchange.open and self.exchange.pending is None:
                self.ask("BYE")
        self.link.close()

    @property
    def facts(self) -> UnitFacts:
        """What the unit said in HELLO; ProtocolViolation before that."""
        if self._facts is None:
            raise ProtocolViolation("the unit was not greeted yet")
        return self._facts

    @property
    def now(self) -> float:
        return self.link.clock.now()

    # -- the line ----------------------------------------------------------------------------------------------

    def send(self, verb: str, fields: Mapping[str, str | int] | None = None) -> None:
        """Send a request; its verdict comes out of ``pump``. HELLO and TAKE get their standing fields here."""
        fields = dict(fields or {})
        if verb in ("HELLO", "TAKE"):
            fields = {
                "vmin": VERSION, "vmax": VERSION, "nonce": f"{self.entropy.number():08X}", "host": HOST_WORD,
                **fields, "utc": round(self.link.clock.utc_s()),
            }  # fmt: skip
        self.exchange.begin(verb, fields, self.now)
        self._write(self.exchange.first)

    def _write(self, data: bytes) -> None:
        if self.log_sent is not None:
            self.log_sent(data.strip(b"\n").decode("ascii"))
        self.link.write(data)

    def brake(self, *, abort: bool = False) -> None:
        """Send the stop byte (two for ABORT): obeyed at once, from any state, never answered."""
        self._write(STOP_BYTE * (2 if abort else 1))

    def pump(self, deadline: float) -> list[Item]:
        """Read once, until ``deadline`` or the next retransmission; return what came out of it.

        Raises:
            LinkLost: the port vanished.
        """
        exchange = self.exchange
        due = exchange.due
        data = self.link.read(deadline if due is None or due > deadline else due)
        items: list[Item] = []
        if data:
            if self._facts is None:
                self._heard = (self._heard + data)[-80:]
            for line in self._decoder.feed(data):
                self._take(line, items)
        if due is not None and exchange.due == due:
            late = exchange.on_time(self.now + EARLY_S)
            if isinstance(late, Uncertain):
                items.append(late)
            elif late is not None:
                self.counters["retries"] += 1
                self._write(late)
        return items

    def _take(self, line: str | Noise, items: list[Item]) -> None:
        if self.log_received is not None:
            self.log_received(line if isinstance(line, str) else line.raw)
        message = parse(line) if isinstance(line, str) else line
        if type(message) is Telemetry and message.sid == self.exchange.sid:  # nearly always
            items.append(message)
            return
        match message:
            case Telemetry() | Event():
                if message.sid == self.exchange.sid:
                    items.append(message)
                else:
                    self.counters["strays"] += 1
            case Reply():
                verdict = self.exchange.on_reply(message)
                if verdict is not None:
                    items.append(verdict)
                else:
                    self.counters["strays"] += 1
            case Plain():
                items.append(message)
            case Noise():
                self.counters[message.kind.name.lower()] += 1
            case _:
                self.counters["echoes"] += 1  # a request: our own, come back

    def lost(self) -> None:
        """The port vanished: what was outstanding is unknown, what was half received is void."""
        self.exchange.give_up()
        self._decoder = LineDecoder()

    # -- blocking calls ----------------------------------------------------------------------------------------

    def run(self, steps: Steps[T]) -> T:
        """Carry out one of the calls below that say what they wait for, blocking; asyncio has a loop of its own."""
        try:
            until = next(steps)
            while True:
                until = steps.send(self.pump(until))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def ask(self, verb: str, fields: Mapping[str, str | int] | None = None) -> Reply:
        """Send one request and wait for its answer.

        Raises:
            CommandRefused: certain: the unit did nothing.
            Unacknowledged: unknown; a new session was opened, ask ``status()`` first.
            LinkLost: the port vanished.
        """
        return self.run(self.asking(verb, fields))

    def asking(self, verb: str, fields: Mapping[str, str | int] | None = None) -> Steps[Reply]:
        """``ask`` for whoever does the waiting: yields until when, and takes what ``pump`` gave."""
        self.send(verb, fields)
        while True:
            for item in (yield self.now + 1.0):
                match item:
                    case Confirmed(_, reply):
                        return reply
                    case Refused(_, code, _):
                        raise CommandRefused(verb, code, ERROR_TEXT.get(code, "for a reason of its own"))
                    case Uncertain():
                        raise Unacknowledged(verb)
                    case _:
                        pass

    def greet(self, run: str | None = None) -> UnitFacts:
        """Open a session with HELLO; a board that is still starting gets the time for it.

        Raises:
            ProtocolViolation: what answers is not IONTO/1, or nothing does.
            CommandRefused: the unit is held by another host, or speaks no common version.
        """
        return self.run(self.greeting(run))

    def greeting(self, run: str | None = None) -> Steps[UnitFacts]:
        self.exchange.give_up()  # a run whose end nobody heard may have left a question out
        give_up = self.now + BOOT_PATIENCE_S
        while True:
            try:
                reply = yield from self.asking("HELLO", {} if run is None else {"run": run})
                break
            except Unacknowledged as exc:
                if self.now >= give_up:
                    raise ProtocolViolation(self._stranger(), _readable(self._heard)) from exc
        self._facts = UnitFacts.of(reply)
        self.link.set_rate(self._facts.rate)
        while Status.of((yield from self.asking("STATUS"))).state in STARTING and self.now < give_up:
            yield self.now + 0.1
        return self._facts

    def _stranger(self) -> str:
        if not self._heard:
            return (
                f"{self.link.port}: nothing answers. Is the unit switched on, and is this its port? "
                "`ionto ports` lists them"
            )
        if self.counters["strays"] or self.counters["bad_crc"]:  # sealed lines, but no answer whole and in time
            return (
                f"{self.link.port}: an ionto unit is there, but its answers come too late or not whole. Is the line "
                "slow, noisy, or read by another program too?"
            )
        return (
            f"{self.link.port}: this is not an ionto unit; it said {_readable(self._heard)}. "
            "Choose another port: `ionto ports` lists them"
        )

    def status(self) -> Status:
        """State, readings, dose and faults, now."""
        return Status.of(self.ask("STATUS"))

    def run_state(self, run: str) -> tuple[str, int]:
        """(outcome word, charge in uC) of one of the last 64 runs.

        Raises:
            CommandRefused: code 06, the unit does not know it.
        """
        reply = self.ask("RUN", {"run": run})
        return reply.word("out"), reply.integer("q")

    def self_test(self) -> int:
        """0 when the unit's self-test passed."""
        return self.ask("SELFTEST").integer("res")

    def clear(self, code: int) -> int:
        """Clear one latched fault; the mask of those left.

        Raises:
            CommandRefused: 17, its cause is still there; 04, it is not latched.
        """
        return self.ask("CLEAR", {"id": f"{code:02d}"}).hexa("fl")

    def stop(self) -> Status:
        """Stop byte, then a sealed STOP, then wait until the current is quiet; the status then."""
        return self.run(self.stopping())

    def stopping(self) -> Steps[Status]:
        self.brake()
        yield from self.asking("STOP")
        give_up = self.now + 2.0
        while True:
            seen = Status.of((yield from self.asking("STATUS")))
            if seen.i_ua <= QUIET_UA or self.now >= give_up:
                return seen
            yield self.now + 0.05

    def tell(self, text: str) -> None:
        """One line of the plain door, as ``STOP``, which answers nothing."""
        self._write(b"\n" + text.encode("ascii") + b"\n")

    def query(self, text: str) -> str:
        """One line of the plain door, as ``MEAS:ALL?``, and its answer.

        Raises:
            Unacknowledged: no answer; the error, if any, is in ``SYST:ERR?``.
        """
        self.tell(text)
        give_up = self.now + PLAIN_TIMEOUT_S
        while self.now < give_up:
            for item in self.pump(give_up):
                if isinstance(item, Plain):
                    return item.text
        raise Unacknowledged(text)

    # -- treatments --------------------------------------------------------------------------------------------

    def deliver(
        self, treatment: Treatment, *, out: Path | str | None = "runs", attended: bool = False, **options: object
    ) -> Session:
        """Deliver a treatment: iterate over the Session for its samples, or ``step`` it; leaving its block stops.

        Args:
            treatment: as loaded; checked against this unit's own limits first.
            out: folder under which the record goes; None keeps nothing on disk.
            attended: somebody will answer a pause with ``resume()``; else a pause nobody asked for ends the run.
            **options: ``operator``, ``station``, ``telemetry_ms``, ``confirm``: see Session.

        Raises:
            TreatmentError: the unit cannot deliver it; nothing was sent.
            RecordError: the record cannot be written; nothing was sent.
        """
        from controller.session import Session

        return Session(self, treatment, out=out, attended=attended, **options)  # type: ignore[arg-type]
