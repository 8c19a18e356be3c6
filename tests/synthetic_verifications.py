"""Verifications as the bench leaves them, without a bench: hundreds for a yield, one of each kind for a report."""

from __future__ import annotations

import json
from math import exp, sin
from pathlib import Path

from controller.bench.measurement import Chart, Definition, Limits, Measurement, Point, Series
from controller.bench.record import Detail, Instrument, PhaseRecord, Verdict, VerificationRecord
from tests.synthetic_runs import FIRST_S, run_id

LOADS_KOHM = (1.0, 5.0, 10.0)
SET_POINTS_MA = (0.1, 0.5, 1.0, 2.0, 3.0, 4.0)
HASH = "5c" * 32


def definition(name: str, title: str, unit: str, low: float | None, high: float | None, **more) -> Definition:
    how = more.pop("how", "mean of the meter over 5 s")
    return Definition(
        name=name, title=title, unit=unit, limits=Limits(low, high), how=how, error_code=name.split(".")[0].upper(),
        instrument=more.pop("instrument", "meter"), **more,
    )  # fmt: skip


def limit_ua(set_ma: float) -> float:
    return 1000 * set_ma * 0.02 + 5


def accuracy(gain: float, metered: bool) -> tuple[PhaseRecord, list[Series]]:
    measurements, series = {}, []
    for load in LOADS_KOHM:
        points = []
        for ma in SET_POINTS_MA:
            limit = limit_ua(ma)
            error = 1000 * ma * (gain - 1) + 1.5 * sin(7 * ma + load)
            made = definition(
                f"accuracy.{ma:g}mA.{load:g}kohm", f"Current error at {ma:g} mA into {load:g} kΩ", "uA", -limit, limit
            )
            each = made.measured(error, calibrated="2026-03-01") if metered else made.unmeasured("there is no meter")
            measurements[made.name] = each
            points.append(Point(ma, error, -limit, limit))
        if metered:
            series.append(Series(
                name=f"accuracy.{load:g}", chart=Chart.ERROR, title="Current error against limits",
                group=f"{load:g} kΩ", x_title="set-point", x_unit="mA", y_title="error", y_unit="uA",
                points=tuple(points),
            ))  # fmt: skip
    return phase("accuracy", "Current accuracy", measurements, 1), series


def trips(late_ms: float) -> tuple[PhaseRecord, list[Series]]:
    times = {"open lead": 84.0 + late_ms, "overcurrent": 12.0, "compliance": 940.0, "lease": 1985.0, "cover open": 3.1}
    measurements, points = {}, []
    for number, (name, value) in enumerate(times.items()):
        high = {"open lead": 100.0, "overcurrent": 20.0, "compliance": 1000.0, "lease": 2000.0, "cover open": 5.0}[name]
        made = definition(
            f"trip.{name.replace(' ', '_')}.time", f"Time to zero after {name}", "ms", None, high,
            how="bench door: cause to zero current",
        )  # fmt: skip
        measurements[made.name] = made.measured(value)
        points.append(Point(float(number), value, None, high, name))
    series = Series(
        name="trips", chart=Chart.TIMING, title="Trip times", group="", x_title="", x_unit="", y_title="time to zero",
        y_unit="ms", points=tuple(points),
    )  # fmt: skip
    return phase("trips", "Faults: trip times", measurements, 2), [series]


def ramps_and_hold(samples: int) -> list[Series]:
    made = []
    for slew in (0.1, 0.2, 0.5):
        times = [2.5 / slew * n / samples for n in range(samples)]
        points = tuple(Point(t, min(2.0, slew * t) * (1 - exp(-20 * t))) for t in times)
        made.append(Series(
            name=f"ramp.{slew}", chart=Chart.RAMP, title="Ramps laid over each other", group=f"{slew:g} mA/s",
            x_title="time", x_unit="s", y_title="current", y_unit="mA", points=points,
        ))  # fmt: skip
    drift = tuple(Point(2400.0 * n / samples, 4 * (1 - exp(-n / samples * 3)) + 0.4 * sin(n), -45, 45)
                  for n in range(samples))  # fmt: skip
    made.append(Series(
        name="hold.drift", chart=Chart.DRIFT, title="Drift over a long hold", group="2 mA, 5 kΩ", x_title="time",
        x_unit="s", y_title="error", y_unit="uA", points=drift,
    ))  # fmt: skip
    return made


def phase(name: str, title: str, measurements: dict[str, Measurement], number: int, **more) -> PhaseRecord:
    begun = round(FIRST_S * 1000) + number * 60_000
    return PhaseRecord(
        name=name, title=title, measurements=measurements, start_time_millis=begun, end_time_millis=begun + 60_000,
        **more,
    )  # fmt: skip


def verification(
    *, serial: str = "SN0042", gain: float = 1.001, late_ms: float = 0.0, metered: bool = True, overdue: bool = False,
    simulated: bool = False, operator: str | None = "Anna", samples: int = 200, started_s: float = FIRST_S,
    number: int = 0, ended: Verdict | None = None, recipe: str = "acceptance", family: str | None = "IONTO-4",
    attempt: int = 1,
) -> VerificationRecord:  # fmt: skip
    first, errors = accuracy(gain, metered)
    second, times = trips(late_ms)
    third = phase(
        "dose", "Dose accuracy", {"dose.full": definition("dose.full", "Full dose", "mA.min", 39.4, 40.6).unmeasured(
            "not reached" if ended else "left out by the recipe")}, 3,
        outcome_details=(Detail("LINE", "the line went silent for 4 s"),) if ended else (), ended=ended,
    )  # fmt: skip
    meter = Instrument(
        role="meter", name="Keysight 34465A", driver="visa", serial="MY5400", calibrated="2026-03-01", due="2027-03-01",
        overdue=overdue,
    )  # fmt: skip
    load = Instrument(role="load", name="decade box", driver="prompts", note="set by hand")
    start = round(started_s * 1000)
    return VerificationRecord(
        id=run_id(started_s, number), test_name=recipe, dut_id=serial, station_id="bench 3", operator_id=operator,
        start_time_millis=start, end_time_millis=start + 754_000, attempt=attempt, phases=(first, second, third),
        series=(*errors, *times, *ramps_and_hold(samples)), instruments=(meter, load) if metered else (load,),
        metadata={
            "recipe": {"name": recipe, "description": "what a unit is delivered by", "family": family, "sha256": HASH},
            "unit": {
                "serial": serial, "model": "IONTO-4", "firmware": "1.0.0", "boot": 163, "port": "/dev/ttyACM0",
                "simulated": simulated,
            },
            "station": {"name": "bench 3", "location": "lab 2", "time_zone": "Europe/Berlin"},
            "host": {"version": "0.1.0", "python": "3.11.7", "platform": "Linux"}, "seed": None,
        },
        files={"wire.log": "ab" * 32},
    )  # fmt: skip


def put(shelf: Path, record: VerificationRecord) -> Path:
    """Its folder on a shelf."""
    folder = shelf / record.id
    folder.mkdir(parents=True)
    (folder / "wire.log").write_text(f"# ionto wire log 1  run-set={record.id}  utc=-  unit={record.dut_id}  seed=-\n")
    (folder / "verification.json").write_text(json.dumps(record.as_dict(), indent=1) + "\n")
    return folder
