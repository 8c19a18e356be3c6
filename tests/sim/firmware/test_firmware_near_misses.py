"""What comes near a fault and must not trip it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.firmware.bench import Bench
from tests.sim.firmware.mishaps import Happening, Mishap, act, mended, off_for, reads, scaled, sensor, source, stuck


def load_for(spec: str, ms: int, back: str) -> Happening:
    def change(bench: Bench) -> None:
        bench.world.act("load", spec)
        bench.ticks(ms // 10)
        bench.world.act("load", back)

    return change


def source_for(share: float, ms: int) -> Happening:
    def weaken(bench: Bench) -> None:
        source(share)(bench)
        bench.ticks(ms // 10)
        source(1 / share)(bench)

    return weaken


def sensor_for(spoil: Happening, ms: int) -> Happening:
    def change(bench: Bench) -> None:
        spoil(bench)
        bench.ticks(ms // 10)
        mended(bench)

    return change


LOW: dict[str, Any] = {"I": 150, "TU": 1000, "TD": 1000, "Q": 60_000}
NEAR_MISSES: dict[str, tuple[Happening, dict[str, Any]]] = {
    "open for 40 ms": (off_for(40), {}),
    "8 % more impedance for 400 ms, ZMAX between": (load_for("5k4", 400, "5k"), {"ZMAX": 5200, "hold": 31}),
    "above ZMAX before 30 s of HOLD": (act("load", "5k4"), {"ZMAX": 5200}),
    "above ZMAX below 1 mA": (act("load", "5k4"), {"ZMAX": 5200, "hold": 31, "I": 990}),
    "below ZMIN for 400 ms": (load_for("190R", 400, "240R"), {"load": "240R"}),
    "below ZMIN at 90 uA": (act("load", "150R"), {"load": "240R", **LOW, "I": 90}),
    "a step up of 20 %": (load_for("6k", 1000, "5k"), {}),
    "a step down of 20 %": (act("load", "4k"), {}),
    "a step at 150 uA": (act("load", "7k"), LOW),
    "a step of 90 mV": (load_for("330R", 500, "270R"), {"load": "270R"}),
    "4 % too much": (source(1.04), {}),
    "20 % too much for 40 ms": (source_for(1.2, 40), {}),
    "4 % too little": (source(0.96), {}),
    "8 % too little for 90 ms": (source_for(0.92, 90), {}),
    "channels 4 % apart": (scaled("adc_i2", 1.04), {}),
    "channels 5 % + 15 uA apart": (scaled("adc_i2", 0.95, -190), {}),
    "channels far apart for 80 ms": (sensor_for(scaled("adc_i2", 0.5), 80), {}),
    "a code stuck for 900 ms": (sensor_for(stuck("adc_i"), 900), {}),
    "out of range for 80 ms": (sensor_for(reads("adc_v", 65_535), 80), LOW),
}


@pytest.mark.parametrize("ua", [100, 1000, 4000])
@pytest.mark.parametrize("load", ["short", "10R", "47R", "100R"])
def test_the_noise_of_a_few_millivolts_trips_nothing_where_zmin_is_0(load: str, ua: int) -> None:
    bench = Bench(load).to("RAMP_UP", I=ua, Q=60_000, TU=2 * ua, TD=ua, ZMIN=0, TMAX=3_600_000)
    bench.advance(20)
    assert bench.named("FAULT") == bench.named("WARN") == []


def test_a_voltage_read_below_zero_is_not_below_a_zmin_of_0() -> None:
    bench = Bench("short").to("HOLD", Q=60_000, ZMIN=0)
    sensor(lambda s: setattr(s, "adc_v", s.adc_v - 6))(bench)
    bench.advance(10)
    assert (bench.state, bench.named("FAULT")) == ("HOLD", [])
    assert (bench.status()["v"], bench.status()["z"]) == ("0", "0")


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_a_near_miss_trips_nothing(case: str) -> None:
    happens, fields = NEAR_MISSES[case]
    load, hold = str(fields.get("load", "5k")), float(fields.get("hold", 2))
    held = {key: value for key, value in fields.items() if key not in ("load", "hold")}
    bench = Mishap(happens=happens, id="", name="", within_ms=0, load=load, hold_s=hold, fields=held).bench()
    happens(bench)
    bench.advance(4)
    assert (bench.state, bench.named("FAULT"), bench.named("WARN")) == ("HOLD", [], [])
