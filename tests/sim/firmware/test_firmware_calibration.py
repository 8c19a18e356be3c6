"""CAL: shown = raw (1 + gain/1e6) + off, what it moves, and what becomes of its record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim.firmware import calibration, control
from hw_sim.firmware.record import Record
from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]


def read(i: int, v: int, cal: tuple[int, int, int, int]) -> tuple[int, int]:
    """nA and mV of two codes."""
    s = Record()
    calibration.apply(s, cal)
    s.adc_i = s.adc_i2 = i
    s.adc_v = v
    control.tick(s)
    return s.i, s.v


# 65535 codes are 4 999 996 nA and 69 998 mV without calibration (76.295105 nA, 1.068146 mV a code).
@pytest.mark.parametrize(
    ("cal", "na", "mv"),
    [
        ((0, 0, 0, 0), 4_999_997, 70_000),
        ((50_000, 0, 50_000, 0), 5_249_997, 73_500),
        ((-50_000, 0, -50_000, 0), 4_749_997, 66_500),
        ((1000, 0, -1000, 0), 5_004_997, 69_930),
        ((0, 2000, 0, -2000), 6_999_997, 68_000),
        ((-1200, -3, 250, 7), 4_990_997, 70_025),
    ],
)
def test_full_scale_is_shown_to_2_ua_and_3_mv(cal: tuple[int, int, int, int], na: int, mv: int) -> None:
    got_na, got_mv = read(65_535, 65_535, cal)
    assert abs(got_na - na) <= 2000
    assert abs(got_mv - mv) <= 3


def test_no_product_of_a_reading_passes_2_to_the_30() -> None:
    for gain in range(-50_000, 50_001, 50):
        s = Record()
        calibration.apply(s, (gain, 0, gain, 0))
        assert max(65_535 * s.mul_i, 65_535 * s.frac_i, 65_535 * s.frac_v) < 2**30
        assert min(s.mul_i, s.frac_i, s.frac_v) >= 0


def test_without_calibration_every_code_is_what_it_was() -> None:
    s = Record()
    calibration.apply(s, (0, 0, 0, 0))
    assert (s.mul_i, s.frac_i, s.frac_v) == (76, 4835, 2233)


def test_the_jumper_and_idle_are_required(at: At) -> None:
    bench = at("IDLE")
    bench.world.act("jumper", "0")
    assert bench.code("CAL ch=I gain=100 off=0") == "04"
    bench.world.act("jumper", "1")
    assert bench.code("CAL ch=I gain=100 off=0") == "00"
    for state in ("STAGED", "ARMED", "HOLD", "PAUSED", "DONE", "FAULT"):
        assert at(state).code("CAL ch=I gain=100 off=0") == "04"


def test_a_unit_without_the_jumper_to_fit_does_not_know_the_verb(at: At) -> None:
    bench = at("IDLE")
    bench.world.hal.calibrates = False
    assert bench.code("CAL ch=I gain=100 off=0") == "01"


def test_what_was_before_is_told_and_undoes_it(at: At) -> None:
    bench = at("IDLE")
    assert bench.ask("CAL ch=I gain=-1200 off=-3")["fields"] == {"ch": "I", "gain": "-1200", "off": "-3"}
    bench.ask("CAL ch=V gain=500 off=20")
    bench.ask("CAL ch=I gain=700 off=2")
    told = bench.named("CAL")
    assert told[-1] == {"ch": "I", "gain": "700", "off": "2", "wasgain": "-1200", "wasoff": "-3"}
    assert told[1] == {"ch": "V", "gain": "500", "off": "20", "wasgain": "0", "wasoff": "0"}
    bench.ask("CAL ch=I gain={wasgain} off={wasoff}".format(**told[-1]))
    assert bench.world.firmware.store.cal == (-1200, -3, 500, 20)


def test_the_current_that_flows_follows_the_calibration_and_the_dose_with_it(at: At) -> None:
    """The delivery channel of this unit reads 0.1 % high: gain -1000 ppm makes the true current right."""
    shown: list[tuple[float, float]] = []
    for gain in (0, -1000, 20_000):
        bench = at("IDLE")
        bench.ask(f"CAL ch=I gain={gain} off=0")
        bench.begin(I=2000, Q=60_000, TU=4000, TD=2000)
        bench.until("HOLD")
        bench.advance(5)
        before, told = bench.true_uc, int(bench.status()["q"])
        bench.advance(10)
        shown.append((bench.true_ua, (int(bench.status()["q"]) - told) / (bench.true_uc - before)))
        assert bench.state == "HOLD"
        assert 1990 < int(bench.status()["i"]) < 2010
    assert [ua / 2000 for ua, _ in shown] == pytest.approx([1 / 1.001, 1.0, 1 / 1.001 / 1.02], abs=0.001)
    assert [share for _, share in shown] == pytest.approx([1.001, 1.0, 1.001 * 1.02], abs=0.001)


def test_a_calibration_that_is_off_by_more_than_the_channels_may_differ_is_caught(at: At) -> None:
    """The trim takes the current 3 % up: 3.89 mA and 4.12 mA differ by more than 5 % and 20 uA; the return channel is
    not calibrated.
    """
    bench = Bench("1k").to("IDLE")
    bench.ask("CAL ch=I gain=-50000 off=-20")
    bench.begin(I=4000, Q=240_000, TU=8000, TD=4000)
    bench.until("FAULT", within_s=20)
    assert bench.named("FAULT")[-1]["name"] == "SENSOR"


def test_an_offset_does_not_keep_the_bridge_from_turning(at: At) -> None:
    bench = at("IDLE")
    bench.ask("CAL ch=I gain=0 off=15")
    bench.prescribe(POL="-")
    assert bench.arm()["code"] == "00"


def test_the_voltage_follows_and_the_zero_of_the_next_arming_does_not_take_it_away(at: At) -> None:
    bench = at("IDLE")
    bench.ask("CAL ch=V gain=10000 off=50")
    bench.begin(I=2000, Q=60_000, TU=4000, TD=2000)
    bench.until("HOLD")
    bench.advance(2)
    true_mv = bench.world.truth()["v_mv"]
    assert abs(int(bench.status()["v"]) - (true_mv * 1.0015 * 1.01 + 50)) < 10


def test_it_survives_a_reset(at: At) -> None:
    bench = at("IDLE")
    bench.ask("CAL ch=I gain=-1200 off=-3")
    before = bench.world.firmware.rec.mul_i, bench.world.firmware.rec.frac_i, bench.world.firmware.rec.off_i
    bench.world.act("power_cycle")
    bench.ticks(40)
    s = bench.world.firmware.rec
    assert (s.mul_i, s.frac_i, s.off_i) == before == (76, 3335, -3000)


def test_a_memory_that_refuses_leaves_the_calibration_as_it_was(at: At) -> None:
    bench = at("IDLE")
    bench.world.act("nvm_full")
    assert bench.code("CAL ch=I gain=-1200 off=-3") == "17"
    assert bench.world.firmware.store.cal == (0, 0, 0, 0)
    assert bench.world.firmware.rec.frac_i == 4835
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    assert bench.named("CAL") == []
