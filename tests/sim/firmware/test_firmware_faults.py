"""Faults 01 to 12 by the table of unit.md: each trips in its time, does what it says and stays until it is cleared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim.firmware.record import Record
from tests.sim.firmware.bench import Bench
from tests.sim.firmware.mishaps import Mishap, act, aftermath, mended, reads, runaway, scaled, sensor, source, stuck

At = Callable[..., Bench]

MISHAPS = {
    "drug lead off": Mishap(happens=act("lift", "drug"), id="01", name="OPEN", within_ms=50),
    "return lead off on skin": Mishap(happens=act("lift", "return"), id="01", name="OPEN", within_ms=50, load="skin"),
    "lead off at 20 uA": Mishap(
        happens=act("lift"), id="01", name="OPEN", within_ms=50, fields={"I": 20, "TU": 1000, "TD": 400, "Q": 60_000}
    ),
    "lead off at 5 V": Mishap(
        happens=act("lift"), id="01", name="OPEN", within_ms=50, load="1k", fields={"VMAX": 5000}
    ),
    "impedance above ZMAX": Mishap(
        happens=act("load", "5k4"), id="02", name="Z_HIGH", within_ms=500, ramps=True, hold_s=31, fields={"ZMAX": 5200}
    ),
    "impedance below ZMIN": Mishap(
        happens=act("load", "190R"), id="03", name="Z_LOW", within_ms=500, ramps=True, load="240R"
    ),
    "rise of 14 %": Mishap(
        happens=act("load", "5k7"), id="05", name="CONTACT", within_ms=10_000, ramps=True, hold_s=42
    ),
    "fall by 30 %": Mishap(happens=act("load", "3k5"), id="06", name="STEP", within_ms=100),
    "shorted": Mishap(happens=act("load", "short"), id="06", name="STEP", within_ms=100),
    "shorted at 200 uA": Mishap(
        happens=act("load", "short"), id="06", name="STEP", within_ms=100, fields={"I": 200, "TU": 1000, "TD": 1000}
    ),
    "20 % too much": Mishap(happens=source(1.2), id="07", name="OVERCURRENT", within_ms=50),
    "full scale": Mishap(
        happens=source(1.2), id="07", name="OVERCURRENT", within_ms=10, fields={"I": 4000, "TU": 8000, "TD": 8000}
    ),
    "runaway": Mishap(
        happens=runaway, id="07", name="OVERCURRENT", within_ms=10, fields={"I": 4000, "TU": 8000, "TD": 8000}
    ),
    "8 % too little": Mishap(happens=source(0.92), id="08", name="TRACKING", within_ms=100),
    "a dead source": Mishap(happens=source(0.0), id="08", name="TRACKING", within_ms=100),
    "a dead source at 50 uA": Mishap(
        happens=source(0.0), id="08", name="TRACKING", within_ms=100, fields={"I": 50, "TU": 1000, "TD": 1000}
    ),
    "return channel reads 10 % more": Mishap(happens=scaled("adc_i2", 1.1), id="09", name="SENSOR", within_ms=100),
    "return channel reads 7 % less": Mishap(happens=scaled("adc_i2", 0.93), id="09", name="SENSOR", within_ms=100),
    "delivery channel stuck": Mishap(happens=stuck("adc_i"), id="09", name="SENSOR", within_ms=1000),
    "return channel stuck": Mishap(happens=stuck("adc_i2"), id="09", name="SENSOR", within_ms=1000),
    "voltage out of range": Mishap(
        happens=reads("adc_v", 65_535), id="09", name="SENSOR", within_ms=100, fields={"I": 150, "TU": 1000, "TD": 1000}
    ),  # from 200 uA up the leap to 70 V is a STEP, and that is sooner
    "return channel at full scale": Mishap(happens=reads("adc_i2", 65_535), id="09", name="SENSOR", within_ms=100),
    "a fifth does not come back": Mishap(happens=scaled("adc_i2", 0.8), id="10", name="LEAKAGE", within_ms=100),
    "nothing comes back": Mishap(happens=reads("adc_i2", 37), id="10", name="LEAKAGE", within_ms=100),
}


@pytest.mark.parametrize("case", MISHAPS)
def test_a_mishap_trips_in_its_time_acts_and_is_latched(case: str) -> None:
    mishap = MISHAPS[case]
    bench = mishap.bench()
    mishap.happens(bench)
    ticks = bench.until(lambda: bool(bench.named("FAULT")), within_s=mishap.within_ms / 1000 + 0.1)
    assert bench.named("FAULT")[0]["id"] == mishap.id
    if mishap.ramps:
        assert ticks * 10 >= 0.5 * mishap.within_ms  # a mean is judged, not a reading
        assert bench.state == "RAMP_DOWN"
        assert bench.until("FAULT", within_s=1.0) <= 100
    bench.ticks(1)
    assert (bench.state, bench.true_ua) == ("FAULT", 0)
    assert not bench.world.truth()["relay_closed"]
    mended(bench) if "sense" in vars(bench.world.hal) else None
    aftermath(bench, mishap.id, mishap.name)


def test_a_fault_is_cleared_2_s_after_its_cause_without_a_reset(at: At) -> None:
    bench = at("FAULT")
    bench.ticks(198)
    assert bench.code("CLEAR id=01") == "17"
    bench.ticks(3)
    assert bench.ask("CLEAR id=01")["fields"] == {"fl": "0"}
    assert bench.state == "IDLE"
    assert bench.code(f"ARM D={bench.digest}") == "04"  # nothing is staged


def test_a_second_fault_is_latched_beside_the_first_and_survives_too(at: At) -> None:
    bench = at("FAULT")
    bench.world.firmware.rec.cmp_i = 1
    sensor(lambda s: setattr(s, "cmp_i", 1))(bench)
    bench.ticks(5)
    mended(bench)
    assert [e["id"] for e in bench.named("FAULT")] == ["01", "07"]
    assert bench.status()["fl"] == "41"
    assert bench.ask("RUN run=R1")["fields"]["out"] == "FAULT:01"  # the first cause
    bench.world.act("power_cycle")
    bench.ticks(250)
    bench.hello()
    assert bench.status()["fl"] == "41"
    assert bench.ask("CLEAR id=01")["fields"] == {"fl": "40"}
    assert bench.state == "FAULT"
    assert bench.ask("CLEAR id=07")["fields"] == {"fl": "0"}
    assert bench.state == "IDLE"


def test_a_fault_cannot_go_while_its_cause_is_there(at: At) -> None:
    bench = at("FAULT")
    reads("relay_fb", 1)(bench)  # the relay has welded
    bench.ticks(500)
    assert bench.code("CLEAR id=01") == "17"
    mended(bench)
    bench.ticks(201)
    assert bench.code("CLEAR id=01") == "00"


@pytest.mark.parametrize(("name", "code"), [("relay_fb", 1), ("adc_i", 500), ("adc_i2", 0), ("adc_v", 65_535)])
def test_a_failed_self_test_is_fault_14_and_stays_while_it_would_fail(bench: Bench, name: str, code: int) -> None:
    bench.hello()
    reads(name, code)(bench)
    bench.silent(bench.sid, 1, "SELFTEST")
    bench.ticks(30)
    assert bench.replies[-1]["fields"] == {"res": "1"}
    assert (bench.state, bench.query("*TST?")) == ("FAULT", "1")
    assert [(e["id"], e["name"], e["q"], e["run"]) for e in bench.named("FAULT")] == [("14", "SELFTEST", "0", "-")]
    bench.number = 1
    bench.ticks(300)
    assert bench.code("CLEAR id=14") == "17"
    bench.world.act("power_cycle")
    bench.ticks(30)
    bench.hello()
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "2000")
    mended(bench)
    bench.ticks(250)
    assert bench.code("CLEAR id=14") == "00"


# -- TIME_CAP ------------------------------------------------------------------------------------------------------


def test_tmax_is_on_time_and_ramps_down() -> None:
    bench = Bench().to("RAMP_UP", Q=60_000, TU=2000, TMAX=10_000)
    bench.until("HOLD")
    bench.advance(3)
    bench.ask("PAUSE")
    paused = bench.until("PAUSED")
    on_ms = 2000 + 3000 + paused * 10
    bench.advance(30)  # off-time does not count
    bench.arm()
    bench.resume()
    ticks = bench.until(lambda: bool(bench.named("FAULT")))
    assert abs(on_ms + ticks * 10 - 10_000) <= 1000  # a resume begins at a whole second of on-time
    assert bench.named("FAULT")[0]["name"] == "TIME_CAP"
    assert bench.state == "RAMP_DOWN"
    assert bench.until("FAULT") <= 100


def test_tmax_counts_whatever_the_sensors_say() -> None:
    """No detector at all: readings of a run that does not deliver, and the clock alone ends it."""
    bench = Bench().to("HOLD", I=100, Q=60_000, TU=200, TD=100, TMAX=5000)

    def calm(s: Record) -> None:
        s.adc_v = 500
        s.q = 0

    sensor(calm)(bench)
    bench.until(lambda: bool(bench.named("FAULT")), within_s=6)
    assert bench.named("FAULT")[0]["id"] == "12"
    aftermath_after_ramp(bench)


def aftermath_after_ramp(bench: Bench) -> None:
    mended(bench)
    bench.until("FAULT", within_s=1)
    aftermath(bench, "12", "TIME_CAP")


def test_a_contact_check_that_passes_too_much_is_an_overcurrent(at: At) -> None:
    bench = at("CHECK")
    source(3)(bench)
    bench.until("FAULT", within_s=0.2)
    bench.ticks(1)
    assert [(e["name"], e["run"]) for e in bench.named("FAULT")] == [("OVERCURRENT", "-")]
    assert (bench.replies[-1]["verb"], bench.replies[-1]["code"], bench.true_ua) == ("ARM", "17", 0)


def test_compliance_trips_and_is_latched() -> None:
    bench = Bench("20k").to("RAMP_UP", I=1000, Q=60_000, TU=2000, TD=1000, VMAX=10_000)
    bench.until("FAULT")
    aftermath(bench, "04", "COMPLIANCE")
