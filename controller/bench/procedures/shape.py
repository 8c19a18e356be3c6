"""The course of the current: ramps, the compliance limit, and a long hold."""

from __future__ import annotations

from itertools import pairwise

from controller.bench.instruments import Reading
from controller.bench.measurement import Chart, Definition, Limits, Point, Series
from controller.bench.procedures.procedure import Procedure, Table, at_most, mean, ua_of
from controller.bench.stand import MAX_DOSE_MA_MIN, Stand
from controller.limits import UnitFacts
from controller.wire import UnitState

MARK_S = 0.2  # of a ramp's plot: 10 s of it are 50 points
SETTLE_S = 5.0
LONGEST_GAP_S = 0.5  # between two readings of a meter that a step is told from
FAR_APART = "the meter's readings are too far apart to see a ramp"
HOLD_EVERY_S = 0.1

# -- ramp ----------------------------------------------------------------------------------------------------------


def _declare_ramp(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    set_ua = ua_of(t["current_ma"])
    for slew in t["slews_ma_per_s"]:
        share = t["slew_percent"] / 100
        ends = f"through the meter's readings from 10 to 90 % of {t['current_ma']:g} mA"
        for way, asked in (("up", slew), ("down", 2 * slew)):
            found.append(
                Definition(
                    name=f"ramp.{way}.{slew:g}", title=f"slew {way}, {asked:g} mA/s asked", unit="mA/s",
                    limits=Limits(asked * (1 - share), asked * (1 + share)), how=f"slope of the straight line {ends}",
                    error_code="RMP-1" if way == "up" else "RMP-2", instrument="meter",
                )
            )  # fmt: skip
        found += [
            Definition(
                name=f"ramp.shape.{slew:g}", title=f"straightness at {slew:g} mA/s", unit="uA", error_code="RMP-3",
                limits=at_most(t["shape_percent"] / 100 * set_ua), how=f"largest distance from the line {ends}",
                instrument="meter",
            ),
            Definition(
                name=f"ramp.overshoot.{slew:g}", title=f"overshoot at {slew:g} mA/s", unit="uA", error_code="RMP-4",
                limits=Limits(None, t["overshoot_percent"] / 100 * set_ua + t["overshoot_ua"]), instrument="meter",
                how="highest reading less the set-point",
            ),
        ]  # fmt: skip
    return found


def _ramp(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    for slew in t["slews_ma_per_s"]:
        _one_ramp(t, stand, slew)


def _one_ramp(t: Table, stand: Stand, slew: float) -> None:
    set_ua = ua_of(t["current_ma"])
    ramp_s = t["current_ma"] / slew
    # Both ramps and some 2 s of plateau; doses are in steps of 0.1 mA.min.
    dose = max(0.1, round(t["current_ma"] * (0.75 * ramp_s + 2.0) / 60 + 0.1, 1))
    name = f"ramp {slew:g} mA/s"
    with stand.deliver(t["current_ma"], name=name, dose_ma_min=dose, up_ma_per_s=slew, down_ma_per_s=2 * slew) as drive:
        drive.watch = "current"
        drive.to_hold(ramp_s)
        drive.until(lambda: drive.state in (UnitState.RAMP_DOWN, UnitState.DONE), 600.0, "the ramp down")
        drive.run_to_end(ramp_s + 20.0)
        drive.hold_quiet()
        seen = [Reading(at, abs(ua)) for at, ua in drive.readings]
    if not seen:
        return
    top = max(range(len(seen)), key=lambda n: seen[n].value)
    reached = next((n for n, each in enumerate(seen) if each.value >= 0.98 * set_ua), top)
    left = next((n for n in range(len(seen) - 1, -1, -1) if seen[n].value >= 0.98 * set_ua), top)
    up, down = seen[: reached + 1], seen[left:]
    line = _line(up, set_ua)
    stand.measured(f"ramp.up.{slew:g}", _slew(up, set_ua), FAR_APART)
    stand.measured(f"ramp.down.{slew:g}", _slew(down, set_ua), FAR_APART)
    stand.measured(f"ramp.shape.{slew:g}", None if line is None else line[1], "there was no ramp to measure")
    stand.measured(f"ramp.overshoot.{slew:g}", seen[top].value - set_ua)
    stand.series(_overlay(seen, slew))


def _slew(seen: list[Reading], set_ua: int) -> float | None:
    """In mA/s, without sign. A step instead of a ramp is as steep as it was seen; no way at all is 0.

    None: the meter looked away while the current went from one end to the other.
    """
    line = _line(seen, set_ua)
    if line is not None:
        return abs(line[0]) / 1000
    low, high = 0.1 * set_ua, 0.9 * set_ua
    for (t0, i0), (t1, i1) in pairwise(seen):
        if (i0 - low) * (i1 - low) <= 0 or (i0 - high) * (i1 - high) <= 0:
            return None if t1 - t0 > LONGEST_GAP_S else abs(i1 - i0) / (t1 - t0) / 1000
    return 0.0


def _line(seen: list[Reading], set_ua: int) -> tuple[float, float] | None:
    """Slope in uA/s and the largest distance from it, between 10 and 90 % of the set-point."""
    part = [each for each in seen if 0.1 * set_ua <= each.value <= 0.9 * set_ua]
    if len(part) < 3:
        return None
    n = len(part)
    t0, i0 = sum(p.t_s for p in part) / n, sum(p.value for p in part) / n
    spread = sum((p.t_s - t0) ** 2 for p in part)
    if spread == 0:
        return None
    slope = sum((p.t_s - t0) * (p.value - i0) for p in part) / spread
    return slope, max(abs(p.value - i0 - slope * (p.t_s - t0)) for p in part)


def _overlay(seen: list[Reading], slew: float) -> Series:
    """From where the current begins to rise, a point every MARK_S."""
    began = next((each.t_s for each in seen if each.value > 60), seen[0].t_s)  # above the check's 50 uA
    points: list[Point] = []
    for at, ua in seen:
        if at >= began and (not points or at - began >= points[-1].x + MARK_S):
            points.append(Point(round(at - began, 3), round(ua / 1000, 5)))
    return Series(
        name=f"ramp.{slew:g}", chart=Chart.RAMP, title="Ramps", group=f"{slew:g} mA/s", x_title="time", x_unit="s",
        y_title="current", y_unit="mA", points=tuple(points),
    )  # fmt: skip


RAMP = Procedure("ramp", "Ramps", _declare_ramp, _ramp)

# -- compliance ----------------------------------------------------------------------------------------------------


def _declare_compliance(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for volts in t["voltages_v"]:
        at = f"VMAX {volts:g} V, {t['current_ma']:g} mA into {t['load_kohm']:g} kohm"
        found += [
            Definition(
                name=f"compliance.voltage.{volts:g}V", title=f"voltage held at {at}", unit="V", error_code="CMP-1",
                limits=Limits(t["low_share"] * volts, t["high_share"] * volts), instrument="meter",
                how="current by the meter times the fitted load, mean over 2 s",
            ),
            Definition(
                name=f"compliance.flag.{volts:g}V", title=f"limit told at {at}", unit="", limits=Limits(1, 1),
                how="lim in telemetry, in every line of the same 2 s", error_code="CMP-2",
            ),
        ]  # fmt: skip
    return found


def _compliance(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    for volts in t["voltages_v"]:
        with stand.deliver(
            t["current_ma"], name=f"compliance {volts:g} V", policy={"resistance": "stretch"},
            limits={"voltage_max_v": volts, "impedance_max_kohm": 100.0},
        ) as drive:  # fmt: skip
            drive.until(lambda: bool(drive.samples) and drive.samples[-1].unit.limited, 60.0, "the limit")
            drive.hold(SETTLE_S)
            since = len(drive.samples)
            drive.watch = "current"
            drive.hold(2.0)
            true_ua = mean([abs(each.value) for each in drive.readings])
            told = [sample.unit.limited for sample in drive.samples[since:]]
        held_v = None if true_ua is None else true_ua * t["load_kohm"] / 1000
        stand.measured(f"compliance.voltage.{volts:g}V", held_v)
        stand.measured(f"compliance.flag.{volts:g}V", sum(told) / len(told) if told else None)


COMPLIANCE = Procedure("compliance", "Compliance limit", _declare_compliance, _compliance)

# -- hold ----------------------------------------------------------------------------------------------------------


def _declare_hold(t: Table, _: UnitFacts) -> list[Definition]:
    return [
        Definition(
            name="hold.drift", title=f"drift over {t['minutes']:g} min at {t['current_ma']:g} mA", unit="uA",
            limits=at_most(t["drift_percent"] / 100 * ua_of(t["current_ma"]) + t["drift_ua"]), instrument="meter",
            how=f"largest distance of a mean over {t['mean_s']:g} s from the first", error_code="HLD-1",
        ),
        Definition(
            name="hold.gaps", title="telemetry lost meanwhile", unit="", limits=Limits(0, 0), error_code="HLD-2",
            how="gaps in the numbers of telemetry",
        ),
    ]  # fmt: skip


def _hold(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    most = t["drift_percent"] / 100 * ua_of(t["current_ma"]) + t["drift_ua"]
    points: list[Point] = []
    dose = min(MAX_DOSE_MA_MIN, round(t["current_ma"] * (t["minutes"] + 2.0), 1))
    with stand.deliver(t["current_ma"], name="hold", dose_ma_min=dose, telemetry_ms=100) as drive:
        drive.to_hold(t["current_ma"] / 0.5)
        drive.hold(SETTLE_S)
        drive.watch = "current"
        stand.unit.every_s = HOLD_EVERY_S
        began_s = drive.session.unit.now
        while drive.session.unit.now - began_s < t["minutes"] * 60:
            drive.readings.clear()
            drive.hold(t["mean_s"])
            ua = mean([abs(each.value) for each in drive.readings])
            if ua is not None:
                first = points[0].y if points else ua
                points.append(Point(round(drive.session.unit.now - began_s, 1), ua, first - most, first + most))
        numbers = [sample.unit.number for sample in drive.samples]
    stand.measured("hold.drift", max(abs(p.y - points[0].y) for p in points) if points else None)
    stand.measured("hold.gaps", float(sum((b - a) % 65536 != 1 for a, b in pairwise(numbers))))
    if points:
        stand.series(
            Series(
                name="hold", chart=Chart.DRIFT, title="Long hold", group=f"{t['current_ma']:g} mA", x_title="time",
                x_unit="s", y_title="current", y_unit="uA", points=tuple(points),
            )
        )  # fmt: skip


HOLD = Procedure("hold", "Long hold", _declare_hold, _hold)
