"""Without current: the self-test, what leaks when nothing should flow, and whether telemetry keeps its time."""

from __future__ import annotations

from controller.bench.measurement import Definition, Limits
from controller.bench.procedures.procedure import Procedure, Table, at_most, mean, ua_of, within, yes
from controller.bench.stand import Stand
from controller.errors import CommandRefused
from controller.limits import UnitFacts
from controller.sample import TimeAxis
from controller.wire import Telemetry

REST_S = 1.0
_SPAN = 1 << 16

# -- self-test -----------------------------------------------------------------------------------------------------


def _declare_self_test(t: Table, _: UnitFacts) -> list[Definition]:
    return [
        Definition(
            name="self_test.faults", title="faults latched", unit="", limits=Limits(0, 0), error_code="SLF-1",
            how="number of faults that STATUS shows after CLEAR of each, before any current",
        ),
        Definition(
            name="self_test.relay_open", title="output relay open at rest", unit="", limits=yes(), error_code="SLF-2",
            how="the relay's own feedback contact in STATUS: 1 is open",
        ),
        Definition(
            name="self_test.passed", title="self-test passed", unit="", limits=yes(), error_code="SLF-3",
            how="SELFTEST: relay, DAC at zero, converters, reference, memory",
        ),
        Definition(
            name="self_test.time", title="time of the self-test", unit="s", limits=at_most(t["longest_s"]),
            error_code="SLF-4", how="from SELFTEST to its answer, by the host's clock",
        ),
    ]  # fmt: skip


def _self_test(_: Table, stand: Stand) -> None:
    unit = stand.unit
    stand.measured("self_test.faults", float(stand.cleared()))
    reply = unit.ask("STATUS")
    stand.measured("self_test.relay_open", 0.0 if reply.flag("rl") else 1.0)
    began_s = unit.now
    try:
        passed = unit.self_test() == 0
    except CommandRefused:  # a fault is latched, which is no pass
        passed = False
    stand.measured("self_test.passed", 1.0 if passed else 0.0)
    stand.measured("self_test.time", unit.now - began_s)


SELF_TEST = Procedure("self_test", "Self-test", _declare_self_test, _self_test)

# -- leakage -------------------------------------------------------------------------------------------------------


def _declare_leakage(t: Table, _: UnitFacts) -> list[Definition]:
    rest = at_most(t["rest_ua"])
    how = f"mean of the meter's readings over {REST_S:g} s, magnitude; {t['load_kohm']:g} kohm fitted"
    set_ua = ua_of(t["current_ma"])
    return [
        Definition(
            name="leakage.idle", title="current in IDLE", unit="uA", limits=rest, how=how, error_code="LKG-1",
            instrument="meter",
        ),
        Definition(
            name="leakage.channels", title="delivery against return channel", unit="uA", error_code="LKG-2",
            limits=within(t["channels_percent"], t["channels_ua"], set_ua),
            how=f"mean difference of the unit's two channels at {t['current_ma']:g} mA",
        ),
        Definition(
            name="leakage.after_run", title="current after a run", unit="uA", limits=rest, how=how,
            error_code="LKG-3", instrument="meter",
        ),
        Definition(
            name="leakage.relay_open", title="output relay open after a run", unit="", limits=yes(),
            error_code="LKG-4", how="the relay's own feedback contact in STATUS, 1 s after STOP: 1 is open",
        ),
    ]  # fmt: skip


def _rest_ua(stand: Stand) -> float | None:
    seen = []
    end_s = stand.unit.now + REST_S
    while stand.unit.now < end_s:
        ua = stand.read("current")
        if ua is None:
            return None
        seen.append(ua)
        stand.wait(0.05)
    found = mean(seen)
    return None if found is None else abs(found)


def _leakage(t: Table, stand: Stand) -> None:
    stand.fit(t["load_kohm"])
    stand.measured("leakage.idle", _rest_ua(stand))
    with stand.deliver(t["current_ma"], name="leakage") as drive:
        drive.to_hold(t["current_ma"] / 0.5)
        drive.hold(1.0)
        since = len(drive.samples)
        drive.hold(1.0)
        off = [float(sample.unit.i_ua - sample.unit.i2_ua) for sample in drive.samples[since:]]
        stand.measured("leakage.channels", mean(off))
    stand.wait(1.0)
    relay = stand.unit.ask("STATUS").flag("rl")
    stand.measured("leakage.after_run", _rest_ua(stand))
    stand.measured("leakage.relay_open", 0.0 if relay else 1.0)


LEAKAGE = Procedure("leakage", "What flows when nothing should", _declare_leakage, _leakage)

# -- telemetry -----------------------------------------------------------------------------------------------------


def _declare_telemetry(t: Table, _: UnitFacts) -> list[Definition]:
    found = []
    for period in t["periods_ms"]:
        found += [
            Definition(
                name=f"telemetry.period.{period:g}ms", title=f"telemetry every {period:g} ms", unit="ms",
                limits=Limits(period * (1 - t["rate_percent"] / 100), period * (1 + t["rate_percent"] / 100)),
                how=f"mean over {t['lines']:g} lines, by the host's clock", error_code="TEL-1",
            ),
            Definition(
                name=f"telemetry.lost.{period:g}ms", title=f"lines lost at {period:g} ms", unit="", error_code="TEL-2",
                limits=Limits(0, 0), how=f"gaps in the numbers of {t['lines']:g} lines",
            ),
        ]  # fmt: skip
    return [
        *found,
        Definition(
            name="telemetry.clock", title="unit's clock against the host's", unit="%", error_code="TEL-3",
            limits=Limits(-t["rate_percent"], t["rate_percent"]), how="uptime in the lines, by the host's clock",
        ),
        Definition(
            name="telemetry.reply", title="longest answer to STATUS", unit="ms", limits=at_most(t["reply_ms"]),
            how="of 10 requests that were sent once, by the host's clock", error_code="TEL-4",
        ),
    ]  # fmt: skip


def _lines(stand: Stand, wanted: int, longest_s: float) -> list[tuple[float, Telemetry]]:
    seen: list[tuple[float, Telemetry]] = []
    give_up_s = stand.unit.now + longest_s
    while len(seen) <= wanted and stand.unit.now < give_up_s:
        stand.check()
        items = stand.unit.pump(min(give_up_s, stand.unit.now + 0.1))
        seen += [(stand.unit.now, item) for item in items if isinstance(item, Telemetry)]
    return seen


def _telemetry(t: Table, stand: Stand) -> None:
    clock_off: list[float] = []
    for period in t["periods_ms"]:
        stand.unit.ask("TELE", {"ms": round(period)})
        wanted = round(t["lines"])
        seen = _lines(stand, wanted, 0.002 * period * wanted + 2.0)[1:]  # the first may be of the period before
        axis = TimeAxis()
        unit_s = [axis.at(line.uptime_ms, at) for at, line in seen]
        if len(seen) > 2 and seen[-1][0] > seen[0][0]:
            host_s = seen[-1][0] - seen[0][0]
            stand.measured(f"telemetry.period.{period:g}ms", host_s * 1000 / (len(seen) - 1))
            lost = (seen[-1][1].number - seen[0][1].number) % _SPAN - (len(seen) - 1)
            stand.measured(f"telemetry.lost.{period:g}ms", float(lost))
            clock_off.append(100 * ((unit_s[-1] - unit_s[0]) / host_s - 1))
        else:
            stand.measured(f"telemetry.lost.{period:g}ms", float(wanted))
    stand.measured("telemetry.clock", clock_off[-1] if clock_off else None)
    answers = [_reply_ms(stand) for _ in range(10)]
    times_ms = [ms for ms in answers if ms is not None]
    stand.measured("telemetry.reply", max(times_ms, default=None), "the line lost something of every request or answer")


def _reply_ms(stand: Stand) -> float | None:
    """None: it was asked again, so the line lost something, and the time is the host's patience."""
    unit = stand.unit
    stand.wait(0.05)
    began_s, retries = unit.now, unit.counters["retries"]
    unit.status()
    return None if unit.counters["retries"] != retries else (unit.now - began_s) * 1000


TELEMETRY = Procedure("telemetry", "Telemetry and answers", _declare_telemetry, _telemetry)
