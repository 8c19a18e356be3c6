"""The power goes, or the processor hangs, in the middle of a run: no current, none comes back, no dose is lost."""

from __future__ import annotations

from controller.bench.instruments import Deed
from controller.bench.measurement import Definition, Limits
from controller.bench.procedures.procedure import Procedure, Table, at_most
from controller.bench.procedures.stopping import BY_HAND_S, timed
from controller.bench.stand import Stand
from controller.errors import LinkLost
from controller.limits import UnitFacts

RAMP_MA_PER_S = 0.5
QUIET_UA = 50.0
_CASES: tuple[tuple[Deed, str, str], ...] = (
    ("power_cycle", "power off and on", "off_ms"), ("hang", "processor hangs", "watchdog_ms"),
)  # fmt: skip


def _declare(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for deed, title, limit in _CASES:
        found += [
            Definition(
                name=f"restart.{deed}.time", title=f"{title}: output quiet", unit="ms", limits=at_most(t[limit]),
                how=f"from the moment it was done to the meter staying at or below {QUIET_UA:g} uA",
                error_code="RST-1", instrument="meter",
            ),
            Definition(
                name=f"restart.{deed}.after", title=f"{title}: current afterwards", unit="uA",
                limits=at_most(t["rest_ua"]), error_code="RST-2", instrument="meter",
                how=f"highest reading in the {t['after_s']:g} s after the unit answers again",
            ),
            Definition(
                name=f"restart.{deed}.closed", title=f"{title}: run closed RESET", unit="", limits=Limits(1, 1),
                how="outcome of the run, as the unit keeps it", error_code="RST-3",
            ),
            Definition(
                name=f"restart.{deed}.dose", title=f"{title}: dose told less what flowed", unit="uC", margin=0.0,
                limits=Limits(-(t["dose_percent"] / 100 * 10_000 + t["dose_uc"]), None), error_code="RST-4",
                how="dose of the run as the unit keeps it, less charge by the meter", instrument="meter",
            ),
        ]  # fmt: skip
    return found


def _perform(t: Table, stand: Stand) -> None:
    for deed, title, limit in _CASES:
        if stand.hands is None or deed not in stand.hands.deeds:
            names = [f"restart.{deed}.{what}" for what in ("time", "after", "closed", "dose")]
            stand.missing(names, "nobody at this station can do it")
            continue
        _one(t, stand, deed, title, t[limit])
        stand.ready()


def _one(t: Table, stand: Stand, deed: Deed, title: str, limit_ms: float) -> None:
    stand.fit(t["load_kohm"])
    before_uc = stand.read("charge")
    with stand.deliver(t["current_ma"], name=title, telemetry_ms=100) as drive:
        drive.to_hold(t["current_ma"] / RAMP_MA_PER_S)
        drive.hold(2.5)  # past a record of the dose, so that what came after it is what is asked about
        drive.watch = "current"
        hands = stand.hands
        since_s = None if hands is None else hands.do(deed)
        result = drive.run_to_end(BY_HAND_S)
        drive.hold_quiet()
        base = "none" if hands is None else hands.base
        value, why = timed(stand, drive, base, since_s, QUIET_UA, limit_ms)
    stand.measured(f"restart.{deed}.time", value, why)
    closed = result is not None and (result.outcome == "RESET" or result.outcome == "FAULT:16")
    stand.measured(f"restart.{deed}.closed", 1.0 if closed else 0.0)
    after_uc = stand.read("charge")
    known = before_uc is not None and after_uc is not None and result is not None
    told = result.q_uc - (after_uc - before_uc) if known and result and after_uc and before_uc is not None else None
    stand.measured(f"restart.{deed}.dose", told, "no meter for charge at this station")
    stand.measured(f"restart.{deed}.after", _afterwards(t, stand))


def _afterwards(t: Table, stand: Stand) -> float | None:
    if not stand.reads("current"):
        return None
    seen = []
    end_s = stand.unit.now + t["after_s"]
    while stand.unit.now < end_s:
        try:
            stand.wait(0.05)
        except LinkLost:  # a unit on USB vanishes with its power
            stand.unit.lost()
            stand.unit.link.reopen(stand.unit.now + 0.5)
        seen.append(abs(stand.read("current") or 0.0))
    return max(seen, default=0.0)


RESTART = Procedure("restart", "Restart", _declare, _perform)
