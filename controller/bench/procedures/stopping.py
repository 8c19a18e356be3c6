"""What removes the current, and how fast: every stop there is, and the unit's own when nobody speaks to it."""

from __future__ import annotations

from controller.bench.drive import BABBLE_S, Drive
from controller.bench.instruments import Deed, Meter
from controller.bench.measurement import Chart, Definition, Limits, Point, Series
from controller.bench.procedures.procedure import Procedure, Table, at_most
from controller.bench.stand import Stand
from controller.limits import UnitFacts

RAMP_MA_PER_S = 0.5
GAP_MS = 50.0
BY_HAND_S = 60.0  # a person reads what is to be done, and does it
TIGHT = 0.03  # a stop takes nearly all of its second by design
_TITLES = {
    "stop": "STOP", "stop_byte": "stop byte", "abort": "ABORT", "abort_bytes": "two stop bytes",
    "line_break": "BREAK on the line", "local_stop": "the unit's own stop button",
}  # fmt: skip
_BY_HAND: dict[str, Deed] = {"line_break": "line_break", "local_stop": "local_stop"}
_AT_ONCE = frozenset({"abort", "abort_bytes"})

# -- stops ---------------------------------------------------------------------------------------------------------


def _limit_ms(t: Table, way: str) -> float:
    return float(t["abort_ms"] if way in _AT_ONCE else t["stop_ms"])


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for way in t["ways"]:
        limit = _limit_ms(t, way)
        found += [
            Definition(
                name=f"stopping.{way}.time", title=f"{_TITLES[way]}: output quiet", unit="ms", limits=at_most(limit),
                how=f"from the order to the meter's readings staying at or below {t['quiet_ua']:g} uA",
                error_code="STP-1", instrument="meter", margin=TIGHT,
            ),
            Definition(
                name=f"stopping.{way}.ended", title=f"{_TITLES[way]}: run closed", unit="", limits=Limits(1, 1),
                how="outcome STOPPED or ABORTED, as the unit keeps it", error_code="STP-2",
            ),
        ]  # fmt: skip
    return found


def _perform(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    points: list[Point] = []
    for way in t["ways"]:
        deed = _BY_HAND.get(way)
        if deed is not None and (stand.hands is None or deed not in stand.hands.deeds):
            stand.missing([f"stopping.{way}.time", f"stopping.{way}.ended"], "nobody at this station can do it")
            continue
        with stand.deliver(t["current_ma"], name=_TITLES[way]) as drive:
            drive.to_hold(t["current_ma"] / RAMP_MA_PER_S)
            drive.hold(1.0)
            drive.watch = "current"
            drive.hold(0.1)
            base, since_s = _order(stand, drive, way)
            drive.until(lambda: drive.session.over, BY_HAND_S, "the end of the run")
            drive.hold_quiet()
            value, why = timed(stand, drive, base, since_s, t["quiet_ua"], _limit_ms(t, way))
        stand.measured(f"stopping.{way}.time", value, why)
        result = drive.result
        wanted = "ABORTED" if way in _AT_ONCE else "STOPPED"
        stand.measured(f"stopping.{way}.ended", float(result is not None and result.outcome == wanted))
        if value is not None:
            points.append(Point(len(points), value, None, _limit_ms(t, way), _TITLES[way]))
    if points:
        stand.series(timing("stopping", "Stops", points))


def _order(stand: Stand, drive: Drive, way: str) -> tuple[str, float | None]:
    """Give the order; on whose clock, and when."""
    meter, unit = stand.meter, drive.session.unit
    deed = _BY_HAND.get(way)
    if deed is not None and stand.hands is not None:
        return stand.hands.base, stand.hands.do(deed)
    since_s = None if meter is None else meter.now()
    if way in ("stop_byte", "abort_bytes"):
        unit.brake(abort=way == "abort_bytes")
    else:
        unit.send(way.upper())
    return ("none" if meter is None else meter.base), since_s


def timed(
    stand: Stand, drive: Drive, base: str, since_s: float | None, quiet: float, limit_ms: float
) -> tuple[float | None, str]:
    """ms from ``since_s`` until the output stays quiet, or None and why it is not known.

    The host may have been busy (a disk that is slow, a machine that is loaded) and have read nothing for a while. Where
    the limit lies in such a gap, nobody knows on which side of it the unit was.
    """
    if drive.watch is None or not stand.reads(drive.watch):
        return None, f"no meter for {drive.watch} at this station"
    if since_s is None:
        return None, "done by a person, whose moment is not known to the meter's clock"
    if stand.meter is not None and stand.meter.base != base:
        return None, "what was done and what was read have no clock in common"
    loud_ms = drive.loud_until(since_s, quiet) * 1000
    quiet_s = drive.quiet_after(since_s, quiet)
    if quiet_s is None:  # no missing measurement: it is at least as late as we looked
        return drive.looked_s(since_s) * 1000, ""
    quiet_ms = quiet_s * 1000
    if quiet_ms - loud_ms > GAP_MS and loud_ms <= limit_ms < quiet_ms:
        return (
            None,
            f"between {max(loud_ms, 0):.0f} and {quiet_ms:.0f} ms: the meter was not read in between; try again",
        )
    return quiet_ms, ""


def timing(name: str, title: str, points: list[Point]) -> Series:
    return Series(
        name=name, chart=Chart.TIMING, title=title, group="", x_title="", x_unit="", y_title="time to quiet",
        y_unit="ms", points=tuple(points),
    )  # fmt: skip


STOPPING = Procedure("stopping", "Stops", _declare, _perform)

# -- lease ---------------------------------------------------------------------------------------------------------


def _declare_lease(t: Table, facts: UnitFacts) -> list[Definition]:
    return [
        Definition(
            name="lease.time", title="silence of the host: output quiet", unit="ms", error_code="LSE-1",
            limits=Limits(facts.lease_ms - t["early_ms"], facts.lease_ms + t["late_ms"]), instrument="meter",
            how=f"from the last KEEP to the meter staying at or below {t['quiet_ua']:g} uA; lease {facts.lease_ms} ms",
        ),
        Definition(
            name="lease.bytes", title="a host that sends, but no KEEP: output quiet", unit="ms", error_code="LSE-3",
            limits=Limits(facts.lease_ms - t["early_ms"], facts.lease_ms + t["late_ms"]), instrument="meter",
            how=f"as lease.time, while an empty line goes to the unit every {BABBLE_S:g} s",
        ),
        Definition(
            name="lease.no_return", title="no current afterwards", unit="uA", limits=at_most(t["quiet_ua"]),
            how="highest reading of the meter in the 2 s after", error_code="LSE-2", instrument="meter",
        ),
    ]  # fmt: skip


def _lease(t: Table, stand: Stand) -> None:
    if stand.meter is None or not stand.reads("current"):
        return  # nothing here is known without one, and a silent host should be a measured one
    stand.fit(t["load_kohm"])
    for name, babble in (("lease.time", b""), ("lease.bytes", b"\n")):
        stand.ready()
        time_ms, most_ua = _one_lease(t, stand, stand.meter, babble)
        stand.measured(name, time_ms)
        if not babble:
            stand.measured("lease.no_return", most_ua)


def _one_lease(t: Table, stand: Stand, meter: Meter, babble: bytes) -> tuple[float, float]:
    """(ms from the last KEEP until the output was quiet, the highest reading in the 2 s behind it)."""
    unit, quiet_ua = stand.unit, t["quiet_ua"]
    with stand.deliver(t["current_ma"], name="lease") as drive:
        drive.to_hold(t["current_ma"] / RAMP_MA_PER_S)
        drive.hold(1.0)
        drive.until(lambda: drive.samples[-1].unit.lease_ms > unit.facts.lease_ms - 100, 5.0, "a full lease")
        since_s = meter.now() - (unit.facts.lease_ms - drive.samples[-1].unit.lease_ms) / 1000
        longest_s = (unit.facts.lease_ms + 2 * t["late_ms"]) / 1000
        drive.watch_silently(longest_s, babble)
        quiet_s = drive.quiet_after(since_s, quiet_ua)
        time_ms = (drive.looked_s(since_s) if quiet_s is None else quiet_s) * 1000
        if quiet_s is None:
            unit.brake(abort=True)
        drive.readings.clear()
        drive.watch_silently(2.0)
        return time_ms, max(abs(each.value) for each in drive.readings)


LEASE = Procedure("lease", "Lease", _declare_lease, _lease)
