"""A run: its dose, its ramps, and what may never happen to the current on the way (unit.md, sections 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]


def deliver(bench: Bench, within_s: float = 2000.0) -> None:
    """Run on until DONE, in strides, with KEEPs."""
    for _ in range(round(within_s)):
        bench.advance(1.0)
        if bench.state not in ("RAMP_UP", "HOLD", "RAMP_DOWN"):
            break
    assert bench.state == "DONE"


# -- dose --------------------------------------------------------------------------------------------------------

FAST, SLOW = (2, 1), (50, 20)  # TU and TD over I: 0.5 and 1.0 mA/s, 0.02 and 0.05 mA/s

DOSES = [
    # I, Q, (TU, TD) / I, load
    (20, 6000, (10, 5), "5k"),
    (20, 6000, SLOW, "skin"),
    (50, 6000, FAST, "15k"),
    (100, 6000, (10, 5), "skin"),
    (100, 12_000, FAST, "dry-skin"),
    (500, 6000, FAST, "5k"),
    (500, 18_000, (10, 5), "15k"),
    (1000, 6000, FAST, "1k"),
    (1000, 12_000, SLOW, "skin"),
    (1500, 30_000, FAST, "skin"),
    (1500, 90_000, (10, 5), "hydrated-skin"),
    (2000, 60_000, FAST, "membrane"),
    (2000, 120_000, FAST, "dry-skin"),
    (4000, 240_000, (10, 5), "skin"),
    (4000, 600_000, FAST, "tap-water"),
    (4000, 60_000, FAST, "1k"),
]
TRIANGLES = [
    (4000, 6000, FAST, "5k"),
    (4000, 6000, SLOW, "5k"),
    (4000, 6000, (2, 20), "skin"),
    (4000, 6000, (50, 1), "skin"),
    (4000, 24_000, (10, 5), "dry-skin"),
    (1000, 6000, SLOW, "skin"),
    (2000, 12_000, (10, 20), "1k"),
]


@pytest.mark.parametrize(("ua", "uc", "ramps", "load"), DOSES + TRIANGLES)
def test_the_dose_is_what_was_prescribed(ua: int, uc: int, ramps: tuple[int, int], load: str) -> None:
    bench = Bench(load)
    bench.begin(I=ua, Q=uc, TU=ramps[0] * ua, TD=ramps[1] * ua, ZMIN=0, TMAX=3_600_000)
    before = bench.true_uc  # the contact check
    deliver(bench)
    facts = bench.ask("RUN run=R1")["fields"]
    reported = int(facts["q"])
    assert facts["out"] == "DONE"
    assert abs(reported - uc) <= uc * 0.005 + 600
    assert abs(bench.true_uc - before - reported) <= uc * 0.01 + 60
    assert bench.named("FAULT") == bench.named("WARN") == []


@pytest.mark.parametrize(("ua", "uc", "ramps", "load"), TRIANGLES)
def test_a_dose_smaller_than_its_ramps_turns_round_early(ua: int, uc: int, ramps: tuple[int, int], load: str) -> None:
    bench = Bench(load)
    bench.begin(I=ua, Q=uc, TU=ramps[0] * ua, TD=ramps[1] * ua, ZMIN=0, TMAX=3_600_000)
    peak = (2 * uc / (ramps[0] + ramps[1]) * 1000) ** 0.5  # uc = peak^2 (TU + TD) / (2 I)
    deliver(bench)
    assert "HOLD" not in [event["st"] for event in bench.named("STATE")]
    assert abs(bench.world.truth()["peak_ua"] - peak) < 0.03 * peak + 10


def test_the_dose_never_goes_back_and_survives_to_pres(at: At) -> None:
    bench = at("RAMP_UP")
    bench.until("DONE")
    doses = [int(line.split(" q=")[1].split(" ")[0]) for line in bench.telemetry]
    assert all(a <= b for a, b in pairwise(doses))
    final = bench.status()["q"]
    assert bench.query("MEAS:CHAR?") == f"0.{int(final):06d}"
    bench.prescribe()
    assert bench.status()["q"] == "0"


@pytest.mark.parametrize("ua", [20, 60, 100, 500, 1500, 4000])
def test_the_current_is_what_was_set_and_what_is_reported(ua: int) -> None:
    bench = Bench("5k").to("HOLD", I=ua, Q=4_800_000, TU=2 * ua, TD=ua, TMAX=43_200_000)
    bench.advance(3)
    band = 0.01 * ua + (2 if ua < 100 else 10)
    assert abs(bench.true_ua - ua) <= band
    status = {key: int(bench.status()[key]) for key in ("set", "i", "i2", "v", "z", "rl", "lim")}
    assert (status["set"], status["rl"], status["lim"]) == (ua, 1, 0)
    assert abs(status["i"] - bench.true_ua) <= band
    assert abs(status["i2"] - bench.true_ua) <= band
    assert abs(status["v"] - bench.world.truth()["v_mv"]) <= 0.005 * status["v"] + 10
    assert abs(status["z"] - 5000) < 0.02 * 5000 + 10_000 / ua


# -- ramps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", ["5k", "skin", "dry-skin"])
@pytest.mark.parametrize(
    ("ua", "tu", "td"),
    [(100, 200, 2000), (500, 25_000, 500), (1000, 10_000, 5000), (4000, 8000, 4000), (1230, 7770, 3330)],
)
def test_ramps_are_monotone_and_as_long_as_prescribed(load: str, ua: int, tu: int, td: int) -> None:
    bench = Bench(load).to("ARMED", I=ua, Q=60_000, TU=tu, TD=td, TMAX=3_600_000)
    bench.ticks(2)  # the sense current is gone
    bench.start()
    up: list[float] = []
    while bench.state == "RAMP_UP":
        up += bench.trace(0.01, keep=len(up) % 50 == 0)
    assert abs(len(up) * 10 - tu) <= 0.02 * tu + 50
    assert up[0] <= 50
    assert all(b >= a - 1.5 for a, b in pairwise(up))  # 1.03 uA is a step of the DAC
    slew = ua / tu * 50
    assert all(b - a <= 1.1 * slew + 2.1 for a, b in zip(up, up[5:], strict=False))
    bench.advance(2)
    bench.world.firmware.rec.uc = 6000  # the rest of the dose is not what is tested here
    bench.until("RAMP_DOWN", within_s=60)
    down: list[float] = []
    while bench.state == "RAMP_DOWN":
        down += bench.trace(0.01, keep=False)
    assert abs(len(down) * 10 - td) <= 0.02 * td + 50
    assert all(b <= a + 1.5 for a, b in pairwise(down))


def test_no_run_ever_passes_its_set_point_by_more_than_the_trim_needs(at: At) -> None:
    for load in ("1k", "5k", "skin", "dry-skin"):
        bench = Bench(load).to("HOLD", I=4000, Q=60_000, TU=8000, TD=4000)
        bench.advance(5)
        assert bench.world.truth()["peak_ua"] < 4040


# -- SET ---------------------------------------------------------------------------------------------------------


def test_set_lowers_the_plateau_at_the_slew_of_td_and_it_never_rises_again(at: At) -> None:
    bench = at("HOLD", Q=60_000, TD=10_000)
    assert bench.ask("SET I=600")["fields"] == {"I": "600"}
    assert bench.status()["set"] == "600"
    currents = bench.trace(5.0)
    assert bench.state == "HOLD"
    steps = [a - b for a, b in zip(currents, currents[10:], strict=False)]
    assert max(steps) <= 1.1 * 10 + 2.1  # 1000 uA in 10 s: 10 uA in 100 ms
    assert abs(currents[-1] - 600) < 5
    assert [bench.code("SET I=610"), bench.code("SET I=1000"), bench.code("SET I=600")] == ["03", "03", "00"]
    bench.ask("PAUSE")
    bench.until("PAUSED")
    bench.arm()
    bench.resume()
    bench.until("HOLD")
    bench.advance(1)
    assert abs(bench.true_ua - 600) < 8
    assert bench.code("SET I=610") == "03"


def test_set_in_the_ramp_up_below_what_flows_comes_down_and_holds(at: At) -> None:
    bench = at("RAMP_UP", Q=60_000, TU=10_000, TD=5000)
    bench.advance(5)
    peak = bench.true_ua
    bench.ask("SET I=200")
    currents = bench.trace(3.0)
    assert bench.state == "HOLD"
    assert max(currents) <= peak + 2
    assert abs(currents[-1] - 200) < 5


def test_the_dose_is_right_after_sets(at: At) -> None:
    bench = at("HOLD", I=2000, Q=60_000, TU=4000, TD=4000, TMAX=600_000)
    for ua in (1500, 900, 300):
        bench.advance(3)
        bench.ask(f"SET I={ua}")
    deliver(bench)
    assert abs(int(bench.ask("RUN run=R1")["fields"]["q"]) - 60_000) <= 900


def test_the_lowest_set_point_is_20(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    assert [bench.code("SET I=10"), bench.code("SET I=25"), bench.code("SET I=20")] == ["03", "03", "00"]
    bench.advance(6)
    assert (bench.state, abs(bench.true_ua - 20) < 2.2) == ("HOLD", True)


# -- PAUSE and RESUME ------------------------------------------------------------------------------------------------


def test_a_pause_keeps_the_dose_and_a_resume_completes_it(at: At) -> None:
    bench = at("HOLD", Q=24_000, TU=2000, TD=4000)
    for _ in range(3):
        bench.advance(2)
        bench.ask("PAUSE")
        bench.until("PAUSED")
        dose = bench.status()["q"]
        bench.ticks(1)
        assert not bench.world.truth()["relay_closed"]
        bench.advance(20)
        assert bench.status()["q"] == dose
        assert bench.arm()["code"] == "00"
        assert bench.resume()["fields"] == {"run": "R1", "st": "RAMP_UP"}
        up = bench.trace(1.0)
        assert up[0] <= 50
        assert all(b - a <= 1.1 * 25 + 2.1 for a, b in zip(up, up[5:], strict=False))  # 1000 uA in 2 s
    deliver(bench)
    facts = bench.ask("RUN run=R1")["fields"]
    assert facts["out"] == "DONE"
    assert abs(int(facts["q"]) - 24_000) <= 720


def test_a_pause_ramps_down_at_the_slew_of_td(at: At) -> None:
    bench = at("HOLD", Q=60_000, TD=4000)
    bench.ask("PAUSE")
    ticks = bench.until("PAUSED")
    assert abs(ticks * 10 - 4000) <= 0.02 * 4000 + 50


# -- re-contact --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", ["5k", "skin", "dry-skin"])
@pytest.mark.parametrize("off_ms", [10, 30, 40])
def test_recontact_exceeds_neither_the_slew_nor_the_set_point(load: str, off_ms: int) -> None:
    bench = Bench(load).to("HOLD", I=1500, Q=120_000, TU=15_000, TD=7500)
    bench.advance(10)
    for _ in range(3):
        bench.world.act("lift", "drug")
        bench.ticks(off_ms // 10)
        bench.world.act("replace", "drug")
        back = bench.trace(4.0)
        # One tick after the contact the pulled set-point is 20 uA; from there it rises by the slew.
        assert back[1] < 60
        assert all(b - a <= 1.1 * 5 + 2.1 for a, b in zip(back[1:], back[6:], strict=False))
        assert max(back) <= 1515
        assert bench.state == "HOLD"
        bench.advance(12)
        assert abs(bench.true_ua - 1500) < 15
    assert bench.named("FAULT") == []


def test_many_short_contacts_wind_nothing_up() -> None:
    bench = Bench("5k").to("HOLD", I=1500, Q=240_000, TU=3000, TD=1500)
    bench.advance(3)
    trim = bench.world.firmware.rec.trim
    for _ in range(40):
        bench.world.act("lift", "drug")
        bench.ticks(1)
        bench.world.act("replace", "drug")
        bench.advance(0.6)
    assert bench.state == "HOLD"
    assert bench.world.truth()["peak_ua"] <= 1515
    assert abs(bench.world.firmware.rec.trim - trim) < 2500


# -- compliance --------------------------------------------------------------------------------------------------


def test_lim_stretch_holds_0_89_to_0_90_of_vmax_and_completes_the_dose(at: At) -> None:
    bench = Bench("20k").to("RAMP_UP", I=1000, Q=24_000, TU=2000, TD=1000, VMAX=10_000, LIM="STRETCH", TMAX=120_000)
    bench.advance(3)
    voltages = []
    for _ in range(2000):
        bench.advance(0.01)
        voltages.append(bench.world.truth()["v_mv"])
    assert min(voltages) > 8850
    assert max(voltages) < 9100
    assert "lim=1" in bench.telemetry[-1]
    assert bench.status()["set"] == "1000"  # not lowered while limited
    assert bench.named("WARN")[0] == {"id": "04"}
    deliver(bench)
    facts = bench.ask("RUN run=R1")["fields"]
    assert (facts["out"], abs(int(facts["q"]) - 24_000) <= 720) == ("DONE", True)


def test_lim_stretch_does_not_stretch_tmax() -> None:
    bench = Bench("20k").to("RAMP_UP", I=1000, Q=24_000, TU=2000, TD=1000, VMAX=10_000, LIM="STRETCH")
    bench.until("FAULT", within_s=60)  # TMAX = 1.5 (24 + 1.5) s; at 0.45 mA the dose would take 53 s
    facts = bench.ask("RUN run=R1")["fields"]
    assert (facts["out"], bench.named("FAULT")[0]["name"]) == ("FAULT:12", "TIME_CAP")


def test_lim_stop_warns_after_1_s_and_trips_after_10_s_limited() -> None:
    bench = Bench("20k").to("RAMP_UP", I=1000, Q=60_000, TU=2000, TD=1000, VMAX=10_000)
    limited_at = bench.until(lambda: bench.world.firmware.rec.limited == 1)
    assert limited_at < 50
    assert abs(bench.until(lambda: bool(bench.named("WARN"))) - 100) <= 2
    assert abs(bench.until(lambda: bool(bench.named("FAULT"))) - 900) <= 10
    assert bench.state == "RAMP_DOWN"
    assert bench.until("FAULT") <= 100
    assert bench.named("WARN") == [{"id": "04"}]
    assert bench.ask("RUN run=R1")["fields"]["out"] == "FAULT:04"


def test_a_limit_that_passes_lets_the_current_rise_by_the_slew() -> None:
    """Dry skin gives way under the current: limited at first, then at its set-point."""
    bench = Bench("dry-skin").to("RAMP_UP", I=4000, Q=960_000, TU=40_000, TD=20_000, VMAX=30_000, LIM="STRETCH")
    currents = bench.trace(150.0)
    assert bench.named("WARN")[0] == {"id": "04"}
    assert all(b - a <= 1.1 * 5 + 2.1 for a, b in zip(currents, currents[5:], strict=False))
    assert abs(currents[-1] - 4000) < 25
    assert bench.telemetry[-1].split(" lim=")[1][0] == "0"
    assert bench.state == "HOLD"


def test_limited_for_less_than_ten_seconds_in_total_trips_nothing() -> None:
    bench = Bench("20k").to("RAMP_UP", I=1000, Q=60_000, TU=2000, TD=1000, VMAX=10_000)
    bench.until(lambda: bench.world.firmware.rec.lim_total >= 900)
    bench.ask("SET I=400")
    bench.advance(5)
    assert (bench.state, bench.named("FAULT")) == ("HOLD", [])


# -- polarity ----------------------------------------------------------------------------------------------------


def test_the_sign_of_the_current_is_the_polarity_prescribed() -> None:
    for pol, sign in (("+", 1), ("-", -1)):
        bench = Bench().to("HOLD", POL=pol)
        assert bench.true_ua * sign > 900
        assert int(bench.status()["i"]) > 900  # a magnitude


@pytest.mark.parametrize("armed_ticks", [0, 150], ids=["at-once", "armed-for-a-while"])
def test_the_bridge_turns_only_after_a_second_of_quiet_and_arm_still_answers_in_time(armed_ticks: int) -> None:
    bench = Bench().to("ARMED", POL="+")
    bench.ticks(armed_ticks)
    assert bench.start()["code"] == "00"
    bench.until("HOLD")
    bench.ask("ABORT")
    stopped_us = bench.world.now_us
    bench.prescribe(POL="-")
    asked = bench.world.now_us
    bench.number += 1
    turned = 0
    from_here = len(bench.replies)
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} ARM D={bench.digest}"))
    while len(bench.replies) == from_here:
        bench.ticks()
        if not turned and bench.world.plant.bridge < 0:
            turned = bench.world.now_us
            assert not bench.world.truth()["relay_closed"]
    answered = bench.world.now_us
    assert bench.replies[-1]["code"] == "00"
    assert turned - stopped_us >= 1_000_000
    assert answered - asked <= 2_000_000
    # The worst case: a check, whose 50 uA have just ended, and the other polarity at once.
    bench.ask("STOP")
    bench.prescribe(POL="+")
    asked = bench.world.now_us
    assert bench.arm()["code"] == "00"
    assert bench.world.now_us - asked <= 2_000_000


def test_after_a_reset_the_bridge_waits_a_second_too_because_nobody_knows_how_long_ago_current_flowed() -> None:
    bench = Bench().to("HOLD", POL="-")
    bench.world.power_cycle()
    reset_us = bench.world.now_us
    bench.ticks(50)
    bench.hello()
    assert bench.world.plant.bridge > 0
    bench.prescribe(POL="-")
    asked_us = bench.world.now_us
    assert bench.arm()["code"] == "00"
    assert bench.world.now_us - asked_us <= 2_000_000
    assert bench.world.plant.bridge < 0
    turned_us = bench.world.now_us - 1_000_000  # the check itself takes a second, in the new direction
    assert turned_us - reset_us >= 1_000_000


def test_a_pause_that_has_lost_its_run_is_left_by_stop() -> None:
    bench = Bench().to("HOLD")
    bench.ask("PAUSE")
    bench.until("PAUSED")
    bench.world.firmware.rec.is_open = 0  # a bit that flipped
    bench.put(b"\x18")
    bench.ticks(2)
    assert bench.state == "DONE"
    bench.ask("STOP")
    assert bench.state == "IDLE"


# -- contact check -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "zmin", "code", "warned"),
    [
        ("open", 200, "16", False),
        ("1M", 200, "16", False),
        ("420k", 200, "16", False),
        ("380k", 200, "00", True),
        ("160k", 200, "00", True),
        ("140k", 200, "00", False),
        ("5k", 200, "00", False),
        ("240R", 200, "00", False),
        ("160R", 200, "16", False),
        ("short", 200, "16", False),
        ("short", 0, "00", False),
        ("dry-skin", 200, "00", False),
    ],
)
def test_the_contact_check_passes_50_ua_for_a_second(load: str, zmin: int, code: str, warned: bool) -> None:
    bench = Bench(load).to("STAGED", ZMIN=zmin)
    before = bench.true_uc
    asked = bench.world.now_us
    reply = bench.arm()
    assert reply["code"] == code
    assert bench.world.now_us - asked < 1_500_000
    assert bench.named("WARN") == ([{"id": "02"}] if warned else [])
    assert 40 < bench.world.truth()["peak_ua"] < 60 or load in ("open", "1M")
    assert bench.true_uc - before < 60
    bench.ticks(1)
    assert not bench.world.truth()["relay_closed"]
    if code == "00" and load.endswith("k"):
        assert abs(int(reply["fields"]["z"]) - float(load[:-1]) * 1000) < 0.03 * float(load[:-1]) * 1000 + 300


def test_the_noise_of_a_short_circuit_is_no_negative_impedance() -> None:
    for seed in range(12):
        bench = Bench("short", seed=seed).to("STAGED", ZMIN=0)
        reply = bench.arm()
        assert reply["code"] == "00"
        assert 0 <= int(reply["fields"]["z"]) < 60
