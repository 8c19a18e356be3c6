"""The dose: what the unit reports, and what really flowed, in short and in long runs and over a pause."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from controller.bench.drive import Drive
from controller.bench.instruments import Reading
from controller.bench.measurement import Definition, Limits
from controller.bench.procedures.procedure import Procedure, Table
from controller.bench.stand import Stand
from controller.limits import UnitFacts
from controller.units import uc_from_ma_min
from controller.wire import UnitState

RAMP_MA_PER_S = 0.5
LONGEST_GAP_S = 0.5  # between two readings of a meter that the charge is added up from


class Case(NamedTuple):
    """One run; half-way ``pause`` pauses and resumes it, ``stop`` ends it there."""

    name: str
    dose_ma_min: float
    half_way: str = ""


def _cases(t: Table) -> list[Case]:
    longest = max(t["doses_ma_min"])
    cases = [Case(f"{dose:g}", dose) for dose in sorted(t["doses_ma_min"])]
    cases += [Case("paused", longest, "pause")] if t["with_pause"] else []
    return cases + ([Case("stopped", longest, "stop")] if t["with_stop"] else [])


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for name, dose, half_way in _cases(t):
        asked = uc_from_ma_min(dose)
        at = f"{dose:g} mA.min" + (f", {name} half-way" if half_way else "")
        reported = t["reported_percent"] / 100 * asked + t["both_uc"]
        delivered = t["delivered_percent"] / 100 * asked + t["both_uc"]
        found.append(
            Definition(
                name=f"dose.delivered.{name}",
                title=f"{at}: told less than flowed",
                unit="uC",
                limits=Limits(-delivered, delivered),
                error_code="DOS-1",
                instrument="meter",
                how="dose that the unit tells less charge by the meter, check and ramps included",
            )
        )
        if half_way == "stop":
            continue
        found += [
            Definition(
                name=f"dose.reported.{name}", title=f"{at}: told less prescribed", unit="uC",
                limits=Limits(-reported, reported), how="dose that the unit tells at the end less the prescribed one",
                error_code="DOS-2",
            ),
            Definition(
                name=f"dose.ended.{name}", title=f"{at}: delivered to its end", unit="", limits=Limits(1, 1),
                how="outcome DONE, as the unit keeps it", error_code="DOS-3",
            ),
        ]  # fmt: skip
    return found


def _charge(stand: Stand, drive: Drive, before: float | None) -> float | None:
    """By a meter for charge, or added up from its readings of current; None: neither, or they are too far apart."""
    after = stand.read("charge")
    if after is not None and before is not None:
        return after - before
    return integral_uc(drive.readings)


def integral_uc(readings: list[Reading]) -> float | None:
    """Trapezia over |current|; None where a gap is too long to say."""
    total = 0.0
    for (t0, i0), (t1, i1) in pairwise(readings):
        if t1 - t0 > LONGEST_GAP_S:
            return None
        total += (abs(i0) + abs(i1)) / 2 * (t1 - t0)
    return total if len(readings) > 1 else None


def _perform(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    for case in _cases(t):
        _one(t, stand, case)


def _one(t: Table, stand: Stand, case: Case) -> None:
    name, dose, half_way = case
    seconds = dose / t["current_ma"] * 60
    before = stand.read("charge")
    with stand.deliver(t["current_ma"], name=f"dose {name}", dose_ma_min=dose, telemetry_ms=100) as drive:
        drive.watch = "current" if before is None else None
        if half_way:
            drive.to_hold(t["current_ma"] / RAMP_MA_PER_S)
            drive.until(lambda: _told(drive) > uc_from_ma_min(dose) // 2, seconds + 60.0, "half of the dose")
        if half_way == "stop":
            drive.stop()
        elif half_way == "pause":
            drive.pause()
            drive.hold(1.0)
            drive.resume()
        result = drive.run_to_end(1.5 * seconds + 60.0)
        drive.hold_quiet()
        flowed = _charge(stand, drive, before)
    outcome = "none" if result is None else result.outcome
    if result is not None and outcome not in ("UNKNOWN", "REFUSED"):
        off = None if flowed is None else result.q_uc - (flowed - _sense_uc(drive))
        stand.measured(f"dose.delivered.{name}", off, "the meter's readings are too far apart to add up")
        if half_way != "stop":
            stand.measured(f"dose.reported.{name}", float(result.q_uc - uc_from_ma_min(dose)))
    if half_way != "stop":
        stand.measured(f"dose.ended.{name}", 1.0 if outcome == "DONE" else 0.0)


def _told(drive: Drive) -> int:
    return drive.samples[-1].unit.q_uc if drive.samples else 0


def _sense_uc(drive: Drive) -> float:
    """What the contact checks passed, which is no dose: 50 uA for as long as they took."""
    in_check = sum(1 for sample in drive.samples if sample.state is UnitState.CHECK)
    return 50.0 * in_check * 0.1


DOSE = Procedure("dose", "Dose", _declare, _perform)
