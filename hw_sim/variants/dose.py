"""Defects of the dose: what is counted, what is forgotten, what is taken away twice. Most of them pumps have had."""

from __future__ import annotations

from typing import Any, ClassVar

from hw_sim.firmware import output
from hw_sim.firmware.machine import PAUSING, RAMP_UP
from hw_sim.firmware.main import Firmware
from hw_sim.firmware.session import Session


class CountsSetPoint(Firmware):
    """What was asked for is counted, whatever flows."""

    def tick(self) -> None:
        s = self.rec
        st, q_uc, carry = s.st, s.q, s.carry
        super().tick()
        if RAMP_UP <= st <= PAUSING:
            n = carry + s.prog
            s.q, s.carry = q_uc + n // 100_000, n % 100_000


class CountsByClock(Firmware):
    """Current times what the clock says has passed; after 49.7 days it says less than nothing."""

    OWN: ClassVar[tuple[str, ...]] = ("last_ms", "charge_pc")
    last_ms = 0
    charge_pc = 0

    def tick(self) -> None:
        s = self.rec
        now_ms, st = self.now(), s.st
        if not s.on_time:
            self.charge_pc = 0
        super().tick()
        if RAMP_UP <= st <= PAUSING:
            self.charge_pc = max(0, self.charge_pc + s.i * (now_ms - self.last_ms))
            s.q = self.charge_pc // 1_000_000
        self.last_ms = now_ms


class ClearsOnResume(Session):
    """RESUME begins the run anew, its dose too."""

    def _do_resume(self, args: dict[str, Any]) -> tuple[int, str]:
        code, text = super()._do_resume(args)  # type: ignore[no-untyped-call]
        if not code:
            self.unit.rec.q = self.unit.rec.carry = 0
        return code, text


class ForgetsCommitted(Session):
    """The window of 24 h adds up what was given, and not what is about to be."""

    def _do_arm(self, args: dict[str, Any]) -> Any:  # noqa: ANN401 - (code, text), without types in the firmware
        s = self.unit.rec
        uc, s.uc = s.uc, 0
        reply = super()._do_arm(args)  # type: ignore[no-untyped-call]
        s.uc = uc
        return reply

    def _do_start(self, args: dict[str, Any]) -> Any:  # noqa: ANN401
        s = self.unit.rec
        uc, s.uc = s.uc, 0
        reply = super()._do_start(args)  # type: ignore[no-untyped-call]
        s.uc = uc
        return reply


def _closes(unit: Firmware) -> bool:
    """Whether the run has ended and its outcome is about to be recorded."""
    runs = unit.store.runs
    return bool(not unit.rec.is_open and runs and runs[-1][:2] == (unit.run, output.RUNNING))


class SubtractsTwice(Firmware):
    """Of a run that was cut short, what it did not deliver is taken from the dose once more."""

    def after(self) -> None:
        s = self.rec
        if _closes(self) and s.why != output.DONE:
            s.q = max(0, 2 * s.q - s.uc)
        super().after()


class NothingAtTheEnd(Firmware):
    """The dose is what is left to give, looked up; nothing is left, so nothing is found."""

    def after(self) -> None:
        if _closes(self) and self.rec.why == output.DONE:
            self.rec.q = 0
        super().after()
