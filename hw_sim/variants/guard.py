"""Defects of what guards the rest: watchdog, self-test, records, arming, and that nothing resumes by itself."""

from __future__ import annotations

from typing import ClassVar, Final

from hw_sim.firmware import control, machine, post
from hw_sim.firmware.machine import ARMED, FAILED, PASSED, PAUSED, move
from hw_sim.firmware.main import SELFTEST_TICKS, Firmware
from hw_sim.firmware.nvm import Store
from hw_sim.variants.build import Wires

RESUME_TICKS: Final = 300
NEVER_US: Final = 1 << 61


class ControlDead(Firmware):
    """The interrupt of the control step is off, the loop that talks goes on; nobody feeds the watchdog."""

    def tick(self) -> None:
        self.hal.sense(self.rec)
        self.held(1)


class Unwatched(Firmware):
    """The watchdog was left off after the last hour of debugging."""

    WATCHDOG_US: ClassVar[int] = NEVER_US


class PassesAlways(Firmware):
    """The self-test waits its time and is content."""

    def _self_test(self) -> None:
        s = self.rec
        if s.t_st < SELFTEST_TICKS:
            return
        self.tested = 0
        self.trial = post.AT_POWER_ON
        move(s, FAILED if s.fl else PASSED)
        self.session.self_tested(0)
        self.after()


class SeesNothingWrong(Wires):
    """What it would look at is a constant."""

    def reference_mv(self) -> int:
        return post.REFERENCE_MV


class ArmedForever(Firmware):
    """Nobody counts the time since ARM."""

    def tick(self) -> None:
        if self.rec.st == ARMED:
            self.rec.t_st = 0
        super().tick()


class ResumesItself(Firmware):
    """Three seconds after a pause, whatever it was for, the run goes on."""

    def tick(self) -> None:
        super().tick()
        s = self.rec
        if s.st == PAUSED and s.is_open and s.t_st >= RESUME_TICKS:
            s.st = ARMED
            control.begin(s, 1)
            move(s, machine.START)
            self.after()
            self.hal.drive(s)


class DefaultsInstead(Store):
    """What does not check is as if it had never been written."""

    def load(self) -> None:
        super().load()
        self.bad = False
        self.lost = ()

    def sound(self) -> bool:
        return self.save_system(self.fl, self.first)
