"""What is wrong with the unit's code from a moment on: the defects of the known-bad firmwares, put in and taken out.

One and the same class is a variant from the start (`hw_sim.variants`) and a fault here. It stays over a reset, as
code does, until it is lifted; but for F02, a control step that is dead until the watchdog has done its work.
"""

from __future__ import annotations

from typing import Final

from hw_sim.faults.fault import Arguments, Bench, Course, Fault, Strike, one_of
from hw_sim.variants import Defect, put_in, table, take_out

UNFED_S: Final = 0.11  # a watchdog of 120 ms has not gone off by then


def _in(defect: Defect) -> Strike:
    def strike(bench: Bench, args: Arguments) -> None:
        put_in(bench, defect)

    return strike


def _out(defect: Defect) -> Strike:
    def lift(bench: Bench, args: Arguments) -> None:
        take_out(bench, defect)

    return lift


def _unfed(bench: Bench, args: Arguments, elapsed_s: float) -> float | None:
    """The watchdog was last fed when the control step died; where it is off, all stays as it is."""
    if elapsed_s < UNFED_S:
        return UNFED_S - elapsed_s
    if not hasattr(bench.make, "WATCHDOG_US"):
        take_out(bench, table.CONTROL_DEAD)
        bench.act("hang")
        bench.fed_us = bench.now_us - round(elapsed_s * 1e6)
    return None


def _new_code(bench: Bench, args: Arguments) -> None:
    if args.word("what") == "version":
        put_in(bench, table.NEW_VERSION)
        bench.act("power_cycle")
    else:
        put_in(bench, table.NEW_SCHEMA)


def _old_code(bench: Bench, args: Arguments) -> None:
    take_out(bench, table.NEW_VERSION if args.word("what") == "version" else table.NEW_SCHEMA)


def _fault(number: str, name: str, what: str, defect: Defect, course: Course | None = None) -> Fault:
    return Fault(number, name, what, _in(defect), lift=_out(defect), course=course)


FAULTS: Final = (
    _fault("F02", "control-dead", "the control step is dead while telemetry lives", table.CONTROL_DEAD, _unfed),
    _fault("F03", "watchdog-off", "a processor that stops is not reset", table.UNWATCHED),
    _fault("F12", "runs-retries", "a request that is sent again is executed again", table.RETRY_TWICE),
    _fault("F14", "old-telemetry", "telemetry repeats old values under new numbers", table.OLD_TELEMETRY),
    _fault("F15", "no-ramp-down", "the output stands through the ramp-down and is cut then", table.NO_RAMP_DOWN),
    _fault("F16", "set-point-dose", "the dose is counted from the set-point", table.SET_POINT_DOSE),
    _fault("F17", "cleared-dose", "the dose begins anew with RESUME", table.CLEARED_DOSE),
    _fault("F19", "blind-self-test", "the self-test always passes", table.SELF_TEST),
    Fault(
        "F20", "new-firmware", "the firmware changes in mid-session: another version, or another schema", _new_code,
        (one_of("what", "version", "schema", what="a reset into a new version, or a new key in telemetry"),),
        lift=_old_code,
    ),
    _fault("F21", "slow-stop", "a stop waits until telemetry is out", table.SLOW_STOP),
    _fault("F22", "subtracted-twice", "what a run did not deliver is subtracted twice", table.SUBTRACTED_TWICE),
    _fault("F24", "auto-resume", "a paused run goes on by itself", table.AUTO_RESUME),
    _fault("F25", "armed-forever", "an arming never expires", table.ARMED_FOREVER),
    _fault("F26", "no-crc", "the check of a line is skipped", table.CRC_SKIPPED),
    _fault("F27", "wrong-sequence", "a reply carries the number of another request", table.OTHER_NUMBER),
)  # fmt: skip
