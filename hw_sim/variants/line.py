"""Defects of the line: who is heard, how often, in what order, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from hw_sim.firmware import control, machine, prescription, verbs, wire
from hw_sim.firmware.machine import (
    ARMED,
    BY_HOST,
    BY_PLAIN,
    BY_UNIT,
    DONE,
    FAULT,
    HOLD,
    PAUSED,
    PAUSING,
    RAMP_DOWN,
    RAMP_UP,
    move,
)  # fmt: skip
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.record import Record
from hw_sim.firmware.session import Session
from hw_sim.variants.build import Wires

BETWEEN_LINES: Final = 256  # bytes that are looked at between two lines of telemetry

TOLD_AGAIN_TICKS: Final = 100

Said = list[tuple[str, str]]
Fields = Said | None


class OnWithoutLink(Firmware):
    """Nobody asks whether the host is still there."""

    def tick(self) -> None:
        s = self.rec
        s.lease = s.lease_full
        super().tick()


class RenewedByAnything(Firmware):
    """Any byte is a sign of life."""

    def receive(self, conn: int, data: bytes) -> None:
        super().receive(conn, data)
        if RAMP_UP <= self.rec.st <= HOLD:
            control.keep(self.rec)


class AfterTelemetry(Firmware):
    """One loop for both directions: what came is looked at when telemetry is out, and stop bytes like the rest."""

    OWN: ClassVar[tuple[str, ...]] = ("came",)
    came: tuple[tuple[int, bytes], ...] = ()

    def receive(self, conn: int, data: bytes) -> None:
        self.came += ((conn, data),)

    def tick(self) -> None:
        super().tick()
        left = self.session.tele_left
        if not self.came or (left and left * 10 != self.session.tele_ms):
            return
        came, self.came, taken = self.came, (), 0
        for n, (conn, data) in enumerate(came):
            if taken >= BETWEEN_LINES:
                self.came = came[n:]
                break
            taken += len(data)
            super().receive(conn, data)
        self.hal.drive(self.rec)


class MaximumUnused(Session):
    """The highest current is a name in a header, and no line looks at it."""

    _asked_ua = 0

    def _execute(self, conn: int, sid: int, number: int, verb: str, fields: Fields) -> None:
        self._asked_ua = 0
        if verb == "PRES" and fields is not None:
            said = dict(fields).get("I", "")
            if wire.is_integer(said) and int(said) > verbs.I_MAX_UA:
                self._asked_ua = int(said)
                fields = [(key, str(verbs.I_MAX_UA) if key == "I" else text) for key, text in fields]
        super()._execute(conn, sid, number, verb, fields)

    def _do_pres(self, args: dict[str, Any]) -> Any:  # noqa: ANN401 - (code, text), without types in the firmware
        asked = {**args, "I": self._asked_ua or args["I"]}
        return prescription.stage(self.unit, asked)  # type: ignore[no-untyped-call]


class SetClearsStop(Session):
    """A set-point is a set-point: whoever sends one means that it should flow."""

    def _do_set(self, args: dict[str, Any]) -> tuple[int, str]:
        s = self.unit.rec
        if s.st not in (RAMP_DOWN, DONE):
            return super()._do_set(args)  # type: ignore[no-any-return, no-untyped-call]
        s.is_open = 1
        s.ua = args["I"]
        s.tgt = s.ua * 1000
        s.relay = 1
        s.st, s.t_st, s.by = RAMP_UP, 0, BY_HOST
        control.keep(s)
        self.unit.after()
        return 0, f"I={s.ua}"


class RunsRetries(Session):
    """A request that comes again is done again: its answer is kept nowhere."""

    def line(self, conn: int, line: str) -> None:
        body = wire.unseal(line)
        again = body is not None and conn == self.conn and body.encode() == self.last_line and not self.waiting
        request = wire.request(body) if again and body is not None else None
        if request is None:
            super().line(conn, line)
            return
        sid, number, verb, fields = request
        if verb != "START":
            self._execute(conn, sid, number, verb, fields)
            return
        unit = self.unit
        s = unit.rec
        s.st = ARMED
        control.begin(s, 0)
        move(s, machine.START, BY_HOST)
        unit.after()
        unit.hal.send(conn, self.last_reply)


class ReusesNumbers(Session):
    """The number of the last request is as good as the next."""

    def line(self, conn: int, line: str) -> None:
        body = wire.unseal(line)
        request = wire.request(body) if body is not None else None
        if (
            request is not None
            and body is not None
            and conn == self.conn
            and request[:2] == (self.sid, self.last)
            and self.last
            and body.encode() != self.last_line
        ):
            self.last -= 1
        super().line(conn, line)


class SkipsCheck(Session):
    """The eight digits behind the star are read and not compared."""

    def line(self, conn: int, line: str) -> None:
        body = line[:-9]
        if line[-9:-8] == "*" and wire.unseal(line) is None:
            line = wire.seal(body).decode().rstrip("\n")
        super().line(conn, line)


class RepeatsTelemetry(Session):
    """Number and time are new, the values those of the line in which the state last changed."""

    OWN: ClassVar[tuple[str, ...]] = ("said",)
    said: tuple[int, ...] = ()

    def telemetry(self) -> None:
        unit = self.unit
        live: Record = unit.rec
        old = Record()
        if self.said:
            old.restore(self.said)
        if not self.said or old.st != live.st:
            self.said = live.snapshot()
            old.restore(self.said)
        unit.rec = old
        try:
            super().telemetry()
        finally:
            unit.rec = live


class TakesAnyone(Session):
    """Who opens a session has it, run or no run."""

    def _hello(self, conn: int, number: int, verb: str, fields: Said, raw: bytes) -> None:
        if RAMP_UP <= self.unit.rec.st <= PAUSING:
            fields = [(key, text) for key, text in fields if key != "run"] + [("run", self.unit.run)]
        super()._hello(conn, number, verb, fields, raw)


class AnyVersion(Session):
    """There is one version of the language, so why look which ones the host speaks."""

    def _hello(self, conn: int, number: int, verb: str, fields: Said, raw: bytes) -> None:
        fields = [(key, "1" if key in ("vmin", "vmax") else text) for key, text in fields]
        super()._hello(conn, number, verb, fields, raw)


class TellsAgain(Firmware):
    """An alarm goes on until somebody comes."""

    def tick(self) -> None:
        super().tick()
        s = self.rec
        if s.st == FAULT and s.t_st and s.t_st % TOLD_AGAIN_TICKS == 0:
            self.tell_fault("-", s.f_q)


class TellsAsked(Firmware):
    """Events are sent where requests are answered; what the unit does by itself, telemetry shows."""

    def tell_state(self) -> None:
        s = self.rec
        if s.by == BY_UNIT:
            s.told = s.st
        super().tell_state()


class TellsTwice(Session):
    """Every line of telemetry goes out twice, the copy under the next number."""

    def telemetry(self) -> None:
        super().telemetry()
        super().telemetry()


class OutputByPlainLine(Firmware):
    """OUTPut ON does what it says: a run that is paused goes on."""

    def receive(self, conn: int, data: bytes) -> None:
        super().receive(conn, data)
        s = self.rec
        if b"OUTP ON\n" in data.upper() and s.st == PAUSED and s.is_open:
            s.st = ARMED
            control.begin(s, 1)
            move(s, machine.START, BY_PLAIN)
            self.after()


class AnswersAnother(Session):
    """The reply carries the number of the request before."""

    def _reply(self, sid: int, number: int, code: int, verb: str, fields: str = "") -> bytes:
        return super()._reply(sid, (number - 1) & 0xFFFF, code, verb, fields)


class NewVersion(Wires):
    """Another firmware than the session before spoke to."""

    def send(self, conn: int, data: bytes) -> bool:
        if data[:1] == b"<" and b" fw=" in data:
            data = _said_otherwise(data, lambda body: body.replace(" fw=1.", " fw=2."))
        return bool(self.board.send(conn, data))


class NewSchema(Wires):
    """A key that changes what the others mean, which upper case says."""

    def send(self, conn: int, data: bytes) -> bool:
        if data[:1] == b"~":
            data = _said_otherwise(data, lambda body: body + " SCALE=10")
        return bool(self.board.send(conn, data))


def _said_otherwise(line: bytes, said: Callable[[str], str]) -> bytes:
    body = wire.unseal(line.decode().rstrip("\n"))
    return line if body is None else wire.seal(said(body))
