"""Each fault that a bench can provoke: does the unit see it, is it the right one, and how long does it take.

``code`` is the fault as the unit latched it, ``time`` is by the meter, from the moment at which load or hands did it. A
fault that nobody at this station can provoke is not measured. What the host's own monitor would stop first is looked at
with telemetry every 500 ms, so that it is the unit that is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from controller.bench.drive import Drive
from controller.bench.errors import NotInTime
from controller.bench.instruments import Deed, Quantity
from controller.bench.measurement import Definition, Limits, Point
from controller.bench.procedures.procedure import Procedure, Table, at_most, ua_of
from controller.bench.procedures.stopping import BY_HAND_S, timed, timing
from controller.bench.stand import Stand
from controller.limits import UnitFacts
from controller.machine import SessionState
from controller.wire import UnitState

RAMP_MA_PER_S = 0.5
JUDGED_FROM_S = 30.0  # Z_HIGH is judged from 30 s into HOLD
LIMITED_S = 10.0  # COMPLIANCE with LIM=STOP trips after 10 s of limiting in total
# The host lets no plan be longer than TMAX, so the voltage limit stretches one: 0.2 mA.min at 1 mA are 13.5 s with
# both ramps, and at the 0.45 mA that 5 V leave into 10 kohm they would be 28 s.
CAP_S, CAP_MA, CAP_KOHM, CAP_DOSE, CAP_V = 15.0, 1.0, 10.0, 0.2, 5.0
STEP_SHARE = 1.6
# Less than the 25 % that would be a step of the load: 15 % more than asked for, and 15 % past the return lead.
OVER_SHARE, LEAK_SHARE = 1.15, 5.7
EDGE_S = 0.15  # of the ramp, until the meter sees more than the check's 50 uA
QUIET_MV = 1000.0  # nobody feels it, and a capacitance at an open output takes its time for less
Did = tuple[str, float | None]


class Trip(NamedTuple):
    """``code`` None: the unit pauses without a fault. ``provoke`` says on whose clock it was done, and when."""

    title: str
    code: int | None
    provoke: Callable[[Table, Stand, Drive], Did]
    current_ma: float | None = None  # else the table's
    load_kohm: float | None = None
    limits: dict[str, float] | None = None
    deed: Deed | None = None
    telemetry_ms: int = 20
    watch: Quantity = "current"
    grace_s: float = 0.0  # that the unit has before its time begins to count


def _host_now(stand: Stand) -> Did:
    return ("none", None) if stand.meter is None else (stand.meter.base, stand.meter.now())


def _turn(kohm: Callable[[Table], float]) -> Callable[[Table, Stand, Drive], Did]:
    def provoke(t: Table, stand: Stand, drive: Drive) -> Did:
        to = kohm(t)
        return stand.load.base, stand.load.turn(to if to == inf else to * 1000)

    return provoke


def _wait(seconds: float) -> Callable[[Table, Stand, Drive], Did]:
    """Nothing to provoke: it is there already, and the unit waits for so long before it judges."""

    def provoke(t: Table, stand: Stand, drive: Drive) -> Did:
        base, now_s = _host_now(stand)
        return base, None if now_s is None else now_s + seconds

    return provoke


def _hand(deed: Deed, amount: Callable[[Table], float] = lambda t: 0.0) -> Callable[[Table, Stand, Drive], Did]:
    def provoke(t: Table, stand: Stand, drive: Drive) -> Did:
        return ("none", None) if stand.hands is None else (stand.hands.base, stand.hands.do(deed, amount(t)))

    return provoke


TRIPS: dict[str, Trip] = {
    "open": Trip("open circuit", 1, _turn(lambda t: inf), watch="voltage"),  # its current goes with the contact
    "step": Trip("load rises at once", None, _turn(lambda t: STEP_SHARE * t["load_kohm"])),
    "short": Trip("short circuit", 6, _turn(lambda t: 0.0)),
    "z_low": Trip(
        "impedance below the window", 3, _turn(lambda t: 3.0), current_ma=0.15, load_kohm=5.0,
        limits={"impedance_min_kohm": 4.0},
    ),
    "z_high": Trip("impedance above the window", 2, _wait(JUDGED_FROM_S), current_ma=1.2, grace_s=JUDGED_FROM_S),
    "compliance": Trip(
        "voltage limit for 10 s", 4, _wait(LIMITED_S), current_ma=4.0, load_kohm=14.0, grace_s=LIMITED_S,
        limits={"impedance_max_kohm": 100.0},
    ),
    "overcurrent": Trip(
        "more current than asked for", 7, _hand("overcurrent", lambda t: OVER_SHARE * ua_of(t["current_ma"])),
        deed="overcurrent", telemetry_ms=500,
    ),
    "leak": Trip(
        "current past the return lead", 10, _hand("leak", lambda t: LEAK_SHARE * 1000 * t["load_kohm"]), deed="leak",
    ),
    "frozen_sensor": Trip("current channel frozen", 9, _hand("frozen_sensor"), deed="frozen_sensor"),
    "interlock": Trip("interlock open", 18, _hand("interlock"), deed="interlock"),
    "hot": Trip("over-temperature", 19, _hand("hot"), deed="hot"),
}  # fmt: skip


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for name in t["faults"]:
        if name == "time_cap":
            found += _declare_cap(t)
            continue
        trip = TRIPS[name]
        what = "paused without a fault" if trip.code is None else f"fault {trip.code:02d}"
        found += [
            Definition(
                name=f"trips.{name}.time", title=f"{trip.title}: output quiet", unit="ms", error_code="TRP-1",
                limits=at_most(t[f"{name}_ms"]), instrument="meter",
                how="from the moment it was done to the meter staying at or below "
                + (f"{t['quiet_ua']:g} uA" if trip.watch == "current" else f"{QUIET_MV:g} mV"),
            ),
            Definition(
                name=f"trips.{name}.code", title=f"{trip.title}: {what}", unit="", limits=Limits(1, 1),
                how="first fault of the run, as the unit told it", error_code="TRP-2",
            ),
        ]  # fmt: skip
        if name == "z_high":
            found.append(
                Definition(
                    name="trips.z_high.quiet", title=f"{t['z_high_quiet_kohm']:g} kohm does not trip", unit="",
                    limits=Limits(1, 1), how=f"the run goes on for {JUDGED_FROM_S + 3:g} s of HOLD", error_code="TRP-3",
                )
            )  # fmt: skip
    return found


def _declare_cap(t: Table) -> list[Definition]:
    share = t["time_cap_percent"] / 100
    return [
        Definition(
            name="trips.time_cap.time", title="longest on-time", unit="s", error_code="TRP-4", instrument="meter",
            limits=Limits(CAP_S * (1 - share) - EDGE_S, CAP_S * (1 + share) + 1.0),
            how=f"with current by the meter, TMAX {CAP_S:g} s, and down within 1 s",
        ),
        Definition(
            name="trips.time_cap.code", title="longest on-time: fault 12", unit="", limits=Limits(1, 1),
            how="first fault of the run, as the unit told it", error_code="TRP-2",
        ),
    ]  # fmt: skip


def _perform(t: Table, stand: Stand) -> None:
    points: list[Point] = []
    for name in t["faults"]:
        stand.ready()
        if name == "time_cap":
            _cap(t, stand)
            continue
        trip = TRIPS[name]
        if trip.deed is not None and (stand.hands is None or trip.deed not in stand.hands.deeds):
            stand.missing([f"trips.{name}.time", f"trips.{name}.code"], "nobody at this station can provoke it")
            continue
        value = _one(t, stand, name, trip)
        if value is not None:
            points.append(Point(len(points), value, None, t[f"{name}_ms"], trip.title))
        if name == "z_high":
            _quiet(t, stand)
    if points:
        stand.series(timing("trips", "Trips", points))


def _one(t: Table, stand: Stand, name: str, trip: Trip) -> float | None:
    current = t["current_ma"] if trip.current_ma is None else trip.current_ma
    usual = t["z_high_trip_kohm"] if name == "z_high" else t["load_kohm"]
    stand.fit(usual if trip.load_kohm is None else trip.load_kohm)
    try:
        with stand.deliver(current, name=trip.title, limits=trip.limits, telemetry_ms=trip.telemetry_ms) as drive:
            _begin(name, current, drive)
            drive.watch = trip.watch
            base, since_s = trip.provoke(t, stand, drive)
            patience_s = BY_HAND_S if base == "person" else 5.0
            longest_s = trip.grace_s + t[f"{name}_ms"] / 1000 + patience_s
            _await(drive, longest_s)
            if base == "person" and not drive.session.over and drive.session.state is not SessionState.PAUSED:
                raise NotInTime(f"{trip.title}: nobody did it in {BY_HAND_S:g} s, or the unit did not notice")
            drive.hold_quiet()
            quiet = t["quiet_ua"] if trip.watch == "current" else QUIET_MV
            value, why = timed(stand, drive, base, since_s, quiet, t[f"{name}_ms"])
            paused = drive.session.state is SessionState.PAUSED
    finally:
        if trip.deed is not None and stand.hands is not None:
            stand.hands.undo(trip.deed)
    stand.measured(f"trips.{name}.time", value, why)
    stand.measured(f"trips.{name}.code", 1.0 if _is_code(drive, trip.code, paused) else 0.0)
    return value


def _begin(name: str, current: float, drive: Drive) -> None:
    if name == "compliance":
        drive.until(lambda: bool(drive.samples) and drive.samples[-1].unit.limited, 60.0, "the voltage limit")
        return
    drive.to_hold(current / RAMP_MA_PER_S)
    if name != "z_high":
        drive.hold(3.0)


def _await(drive: Drive, longest_s: float) -> None:
    """Until the run is over or paused, or for as long as it may take and some more."""
    give_up_s = drive.session.unit.now + longest_s
    while drive.session.unit.now < give_up_s and not drive.session.over:
        if drive.session.state is SessionState.PAUSED:
            return
        drive.turn()


def _is_code(drive: Drive, code: int | None, paused: bool) -> bool:
    result = drive.result
    if code is None:
        return paused and (result is None or result.fault is None)
    return result is not None and result.fault == code


def _quiet(t: Table, stand: Stand) -> None:
    """Just inside the window nothing may trip."""
    stand.ready()
    stand.fit(t["z_high_quiet_kohm"])
    with stand.deliver(1.2, name="impedance inside the window") as drive:
        drive.to_hold(1.2 / RAMP_MA_PER_S)
        drive.run_to_end(JUDGED_FROM_S + 3.0)
        goes_on = not drive.session.over and drive.state is UnitState.HOLD
    stand.measured("trips.z_high.quiet", 1.0 if goes_on else 0.0)


def _cap(t: Table, stand: Stand) -> None:
    stand.fit(CAP_KOHM)
    limits = {"on_time_max_min": CAP_S / 60, "voltage_max_v": CAP_V}
    policy = {"resistance": "stretch"}
    with stand.deliver(CAP_MA, name="longest on-time", dose_ma_min=CAP_DOSE, limits=limits, policy=policy) as drive:
        drive.watch = "current"
        drive.run_to_end(CAP_S + 20.0)
        drive.hold_quiet()
        # Above the 50 uA of the contact check, which is not on-time.
        loud = [each.t_s for each in drive.readings if abs(each.value) > 60.0]
    stand.measured("trips.time_cap.time", loud[-1] - loud[0] if loud else None)
    stand.measured("trips.time_cap.code", 1.0 if _is_code(drive, 12, False) else 0.0)


TRIPS_PROCEDURE = Procedure("trips", "Trips", _declare, _perform)
