"""Supply, temperature, interlock and the stop button: faults 13, 18, 19, refusals, and local before remote."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim import plant
from tests.sim.firmware.bench import Bench
from tests.sim.firmware.mishaps import aftermath

At = Callable[..., Bench]


def put(bench: Bench, **parameters: float) -> None:
    for name, value in parameters.items():
        plant.set_parameter(bench.world.plant, name, value)


def sag(bench: Bench, charge: float = 0.08) -> None:
    """OCV 6.16 V: low, and far from the brown-out."""
    put(bench, battery_charge=charge)


# -- interlock and heat ------------------------------------------------------------------------------------------

CAUSES = [("18", "INTERLOCK", {"interlock_open": 1}, {"interlock_open": 0}),
          ("19", "TEMPERATURE", {"unit_temp_c": 61}, {"unit_temp_c": 25}),
          ("19", "TEMPERATURE", {"unit_temp_missing": 1}, {"unit_temp_missing": 0})]  # fmt: skip


@pytest.mark.parametrize(("code", "name", "cause", "cure"), CAUSES)
def test_in_a_run_the_relay_opens_within_50_ms_and_the_fault_latches(
    code: str, name: str, cause: dict[str, float], cure: dict[str, float]
) -> None:
    bench = Bench().to("HOLD", Q=60_000)
    put(bench, **cause)
    bench.ticks(3)
    assert (bench.true_ua, bench.world.truth()["relay_closed"], bench.state) == (0, False, "FAULT")
    bench.ticks(300)
    assert bench.code(f"CLEAR id={code}") == "17"  # the cause is there
    assert bench.code("PRES I=1000 Q=6000 POL=+") == "17"
    put(bench, **cure)
    bench.ticks(1)
    aftermath(bench, code, name)


@pytest.mark.parametrize("state", ["IDLE", "STAGED", "CHECK", "ARMED", "RAMP_UP", "RAMP_DOWN", "PAUSING", "PAUSED"])
def test_an_open_interlock_is_a_fault_in_every_state(at: At, state: str) -> None:
    bench = at(state)
    put(bench, interlock_open=1)
    bench.ticks(2)
    assert (bench.state, bench.true_ua, bench.status()["fl"]) == ("FAULT", 0, "20000")
    assert len(bench.named("FAULT")) == 1
    bench.ticks(500)
    assert len(bench.named("FAULT")) == 1


def test_an_open_interlock_at_power_on_lets_the_self_test_end_and_is_a_fault_then(bench: Bench) -> None:
    put(bench, interlock_open=1)
    bench.world.act("power_cycle")
    bench.ticks(40)
    bench.hello()
    bench.ask("EVENTS n=0001")
    assert (bench.state, bench.query("*TST?"), bench.status()["fl"]) == ("FAULT", "0", "20000")


def test_60_degrees_are_not_over_60(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    put(bench, unit_temp_c=60 - bench.world.plant.rise_c)
    bench.advance(1)
    assert (bench.world.firmware.rec.temp_dc, bench.state) == (600, "HOLD")


def test_two_causes_are_two_events_and_the_first_is_kept(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    put(bench, interlock_open=1, unit_temp_c=80)
    bench.ticks(5)
    assert [e["id"] for e in bench.named("FAULT")] == ["18", "19"]
    assert bench.ask("RUN run=R1")["fields"]["out"] == "FAULT:18"


# -- supply ------------------------------------------------------------------------------------------------------


def test_a_low_supply_at_rest_refuses_is_warned_of_once_and_is_no_fault(at: At) -> None:
    bench = at("STAGED")
    sag(bench)
    bench.ticks(100)
    assert [e["id"] for e in bench.named("WARN")] == ["13"]
    for text in (f"ARM D={bench.digest}", "PRES I=100 Q=6000 POL=+", "SELFTEST"):
        assert bench.code(text) == "17"
    assert (bench.state, bench.status()["fl"]) == ("STAGED", "0")
    assert str(bench.query("SYST:STAT?")).endswith(", faults 0, relay open, supply low")
    put(bench, battery_charge=1.0)
    bench.ticks(1)
    assert str(bench.query("SYST:STAT?")).endswith(", relay open")
    assert bench.arm()["code"] == "00"


def test_a_supply_that_gets_low_while_armed_refuses_start(at: At) -> None:
    bench = at("ARMED")
    sag(bench)
    bench.ticks(2)
    assert bench.start()["code"] == "17"
    assert bench.state == "ARMED"


def test_batt_stop_ramps_down_within_a_second_and_latches() -> None:
    bench = Bench().to("HOLD", Q=60_000, BATT="STOP")
    sag(bench)
    bench.ticks(3)
    assert bench.state == "RAMP_DOWN"
    assert bench.until("FAULT", within_s=1.1) <= 100
    put(bench, battery_charge=1.0)
    bench.ticks(1)
    aftermath(bench, "13", "SUPPLY")


def test_batt_finish_is_warned_of_once_and_goes_on_to_the_dose() -> None:
    bench = Bench().to("HOLD", Q=12_000, BATT="FINISH")
    sag(bench)
    bench.until("DONE")
    assert (bench.named("FAULT"), [e["id"] for e in bench.named("WARN")]) == ([], ["13"])
    assert bench.ask("RUN run=R1")["fields"]["out"] == "DONE"


@pytest.mark.parametrize("batt", ["STOP", "FINISH"])
def test_just_above_the_brown_out_the_relay_opens_at_once_whatever_batt_says(batt: str) -> None:
    bench = Bench().to("HOLD", Q=60_000, BATT=batt)
    put(bench, battery_r_ohm=0.0, battery_charge=0.03)  # 5.2 V + 0.3 x 1.2 V = 5.56 V
    bench.ticks(3)
    assert (bench.true_ua, bench.state) == (0, "FAULT")
    assert [e["id"] for e in bench.named("FAULT")] == ["13"]


@pytest.mark.parametrize("way", ["battery_r_ohm", "battery_charge"])
def test_a_brown_out_is_a_reset_with_the_run_closed_and_nothing_flows_again(way: str) -> None:
    bench = Bench().to("HOLD", Q=60_000, BATT="FINISH")
    boot = int(bench.status()["boot"])
    before = bench.true_uc
    put(bench, **{way: 1000.0 if way == "battery_r_ohm" else 0.0})
    bench.ticks(3)
    assert bench.true_ua == 0
    bench.ticks(200)
    assert bench.put(b"*IDN?\n") == []  # no processor without power
    put(bench, battery_r_ohm=1.5, battery_charge=1.0)
    bench.ticks(150)
    assert bench.query("*IDN?") is not None
    bench.hello()
    assert int(bench.status()["boot"]) > boot
    facts = bench.ask("RUN run=R1")["fields"]
    assert facts["out"] in ("RESET", "FAULT:13")
    assert int(facts["q"]) >= bench.true_uc - before
    assert max(bench.trace(2.0)) == 0


def test_a_battery_that_recovers_a_little_is_still_low(at: At) -> None:
    bench = at("STAGED")
    put(bench, battery_r_ohm=0.0, battery_charge=0.13)  # 6.55 V
    bench.ticks(2)
    put(bench, battery_charge=0.18)  # 6.8 V
    bench.ticks(2)
    assert bench.code(f"ARM D={bench.digest}") == "17"
    put(bench, battery_charge=0.21)  # 6.93 V
    bench.ticks(2)
    assert bench.arm()["code"] == "00"


# -- the stop button ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "then"), [("RAMP_UP", "RAMP_DOWN"), ("HOLD", "RAMP_DOWN"), ("PAUSED", "DONE"), ("ARMED", "IDLE")]
)
def test_the_button_is_a_stop_told_as_local(at: At, state: str, then: str) -> None:
    bench = at(state, Q=60_000)
    bench.world.act("local_stop")
    bench.ticks(2)
    assert bench.state == then
    assert bench.named("STATE")[-1] == {"st": then, "was": state, "by": "LOCAL"}


def test_while_the_button_is_held_nothing_raises_and_it_stops_once(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    plant.press(bench.world.plant, 5.0)
    bench.ticks(120)
    assert bench.state == "DONE"
    assert bench.prescribe()["code"] == "00"
    assert bench.code(f"ARM D={bench.digest}") == "04"
    assert bench.start("R2")["code"] == "13"
    bench.ticks(10)
    assert bench.state == "STAGED"  # held, it does not stop again and again
    assert bench.status()["fl"] == "0"
    bench.ticks(400)
    assert bench.arm()["code"] == "00"
    assert bench.start("R2")["code"] == "00"


def test_a_second_press_is_a_second_stop(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.act("local_stop")
    bench.until("DONE")
    bench.prescribe()
    bench.world.act("local_stop")
    bench.ticks(2)
    assert bench.state == "IDLE"
