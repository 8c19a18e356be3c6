"""Defects of the output: ramps, switching off, limits, regulation. Published code has every one of them.

Each acts on the control record before or behind the tick of the good firmware, or on the board's wires.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from hw_sim.firmware import output
from hw_sim.firmware.machine import ARMED, CHECK, DONE, HOLD, PAUSING, RAMP_DOWN, RAMP_UP
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.record import Record
from hw_sim.firmware.session import Session
from hw_sim.variants.build import Wires

RAMP_TICKS: Final = 100  # how long the ramp that does not run was meant to last
FULL_CODE: Final = 4095
DISABLE_MS: Final = 500
MEAN_TICKS: Final = 100
WOUND_MAX_NA: Final = 5_000_000
BUFFER: Final = 32


class NoRampDown(Firmware):
    """``for (i = 255; i < 0; i--)``: the output stands for as long as the ramp should last, and then is cut."""

    def tick(self) -> None:
        s = self.rec
        if s.st == RAMP_DOWN:
            s.n_off = 0 if s.t_st < RAMP_TICKS else s.prog
        super().tick()


class FlipsAtFullDrive(NoRampDown):
    """Behind the ramp that did not run the bridge turns, which the ramp was there for."""

    def tick(self) -> None:
        s = self.rec
        if s.st == RAMP_DOWN and s.t_st == 0:
            s.bridge = -s.bridge
        super().tick()


class DelayedRamp(Session):
    """The ramp is timed by delays; what the loop does between them comes on top, and is as long again."""

    def _do_pres(self, args: dict[str, Any]) -> Any:  # noqa: ANN401 - (code, text), without types in the firmware
        code, text = super()._do_pres(args)  # type: ignore[no-untyped-call]
        if not code:
            self.unit.rec.n_up //= 2
        return code, text


class LeftOn(Wires):
    """DONE is told, and the pins stay as the treatment had them, which nobody reads again, until the next run."""

    def _left(self, s: Record) -> bool:
        return bool(s.st == DONE and s.why == output.DONE)

    def sense(self, s: Record) -> None:
        self.board.sense(s)
        if self._left(s):
            s.relay_fb = 0

    def drive(self, s: Record) -> None:
        if not self._left(s):
            self.board.drive(s)
            return
        s.relay = 1
        output.write_dac(s, s.ua * 1000)
        self.board.drive(s)
        s.relay = s.dac = 0


class ZeroIsFull(Wires):
    """A source whose current falls with the code: 0, which is what everything starts with, is all of it."""

    def drive(self, s: Record) -> None:
        code = s.dac
        s.dac = code or FULL_CODE
        self.board.drive(s)
        s.dac = code


class Polled(Firmware):
    """Switching on is done at once, switching off by a task that looks every half second."""

    OWN: ClassVar[tuple[str, ...]] = ("on_ms", "on_code")
    on_ms = -DISABLE_MS
    on_code = 0


class PolledOff(Wires):
    def drive(self, s: Record) -> None:
        unit, now_ms = self.unit, self.board.uptime_ms()
        if s.relay:
            unit.on_ms, unit.on_code = now_ms, s.dac
        elif now_ms - unit.on_ms < DISABLE_MS:
            s.relay, code = 1, s.dac
            s.dac = unit.on_code
            self.board.drive(s)
            s.relay, s.dac = 0, code
            return
        self.board.drive(s)


class NarrowImpedance(Firmware):
    """``(uint16_t) ohm``: 430 kohm are 36 784, and a good contact."""

    def after(self) -> None:
        s = self.rec
        if s.note & output.NOTE_CHECK:
            s.chk_z &= 0xFFFF
            if s.chk_res == 16 and s.chk_z and s.chk_z >= s.zmin and s.told == CHECK:
                s.chk_res = 0
                s.st = ARMED
                s.t_st = 0
        super().after()


class WindsUp(Firmware):
    """An integrator without a bound: what an open circuit does not take is asked for all the more."""

    OWN: ClassVar[tuple[str, ...]] = ("wound",)
    wound = 0

    def tick(self) -> None:
        super().tick()
        s = self.rec
        if not RAMP_UP <= s.st <= HOLD:
            self.wound = 0
            return
        short = s.prog - s.i
        if self.wound or short * 10 > s.prog + 200_000:
            self.wound = min(max(self.wound + short // 8, 0), WOUND_MAX_NA)
            output.write_dac(s, s.prog + self.wound)
            self.hal.drive(s)


class SlowOverCurrent(Firmware):
    """More than was asked for is judged by the mean of a second, and by nothing else below the hardware's limit."""

    OWN: ClassVar[tuple[str, ...]] = ("excess_na", "mean_ticks")
    excess_na = 0
    mean_ticks = 0

    def tick(self) -> None:
        s = self.rec
        if not RAMP_UP <= s.st <= PAUSING:
            self.excess_na = self.mean_ticks = 0
            super().tick()
            return
        s.c_over = 0
        if s.i > s.prog:
            s.c_track = 0
        super().tick()
        self.excess_na += s.i - s.prog - s.prog // 20 - 20_000
        self.mean_ticks += 1
        if self.mean_ticks == MEAN_TICKS:
            if self.excess_na > 0:
                output.trip_now(s, 7)
                self.after()
                self.hal.drive(s)
            self.excess_na = self.mean_ticks = 0


class Overrun(Firmware):
    """A plain line goes into 32 bytes, however long it is; the set-point lies behind them."""

    def receive(self, conn: int, data: bytes) -> None:
        receiver = self.receivers.get(conn)
        begun = receiver.buf if receiver is not None else b""
        super().receive(conn, data)
        for line in (begun + data).replace(b"\r", b"\n").split(b"\n"):
            if len(line) > BUFFER and line[:1] != b">":
                self.rec.tgt = int.from_bytes(line[BUFFER : BUFFER + 4], "little")
