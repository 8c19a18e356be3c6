"""Defects of what guards the rest: watchdog, self-test, records, arming, detectors; and that nothing resumes itself."""

from __future__ import annotations

from typing import ClassVar, Final

from hw_sim.firmware import control, machine, output, post
from hw_sim.firmware.machine import ARMED, FAILED, PASSED, PAUSED, SELFTEST, move
from hw_sim.firmware.main import SELFTEST_TICKS, Firmware
from hw_sim.firmware.nvm import Store
from hw_sim.firmware.record import Record
from hw_sim.variants.build import Wires

RESUME_TICKS: Final = 300
NEVER_US: Final = 1 << 61
NEVER_TICKS: Final = 1 << 29
TRIED_TICKS: Final = 10
TRIED_NA: Final = 500_000


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


class NeverLooks(Firmware):
    """In a run nobody looks at voltage and current: none of the faults 01 to 06 and 08 can come."""

    def tick(self) -> None:
        s = self.rec
        s.c_open = s.c_zhi = s.c_zlo = s.c_track = s.lim_total = 0
        s.step_n = s.m_max = s.k_count = 0
        super().tick()


class OneChannel(Firmware):
    """The second channel is read, and compared with nothing; nor has anybody heard of a converter that stands still."""

    def tick(self) -> None:
        s = self.rec
        s.c_chan = s.c_leak = s.c_rail = s.c_code_i = s.c_code_i2 = 0
        super().tick()


class NoLongestTime(Firmware):
    """A run ends with its dose, however long that takes."""

    def tick(self) -> None:
        self.rec.tmax = NEVER_TICKS
        super().tick()


class NeverLocks(Firmware):
    """A pause is a pause: nobody counts them."""

    def tick(self) -> None:
        super().tick()
        self.rec.locked = 0


class TriesTheSource(Wires):
    """The self-test lets current flow to see whether it can, through whatever is connected."""

    def drive(self, s: Record) -> None:
        if s.st != SELFTEST or s.t_st >= TRIED_TICKS:
            self.board.drive(s)
            return
        relay, code = s.relay, s.dac
        s.relay = 1
        output.write_dac(s, TRIED_NA)
        self.board.drive(s)
        s.relay, s.dac = relay, code
