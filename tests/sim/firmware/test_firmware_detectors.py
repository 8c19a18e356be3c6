"""The detectors with a memory: OPEN's counter and pause, STEP's first rise, CONTACT's running minimum."""

from __future__ import annotations

import pytest

from tests.sim.firmware.bench import Bench
from tests.sim.firmware.mishaps import Mishap, act, off_for

# -- OPEN ----------------------------------------------------------------------------------------------------------


def test_chatter_of_10_ms_trips_open_at_the_fifth_break() -> None:
    bench = Bench().to("HOLD", Q=60_000)
    for broken in range(1, 6):
        off_for(10)(bench)
        if broken < 5:
            bench.ticks(9)
            assert bench.state == "HOLD"
    assert (bench.state, bench.named("FAULT")[0]["id"]) == ("FAULT", "01")


def test_open_with_cont_pause_is_paused_at_once_with_a_warning_and_no_fault() -> None:
    bench = Bench().to("HOLD", Q=60_000, CONT="PAUSE")
    bench.world.act("lift", "drug")
    assert bench.until("PAUSED", within_s=0.15) <= 6
    bench.ticks(1)
    assert not bench.world.truth()["relay_closed"]
    assert (bench.named("WARN"), bench.named("FAULT")) == ([{"id": "01"}], [])
    assert bench.status()["fl"] == "0"
    assert bench.named("STATE")[-1] == {"st": "PAUSED", "was": "HOLD", "by": "UNIT"}
    assert bench.arm()["code"] == "16"
    bench.world.act("replace", "drug")
    bench.ticks(3000)
    assert bench.state == "PAUSED"  # by hand only
    assert (bench.arm()["code"], bench.resume()["code"]) == ("00", "00")
    bench.until("DONE", within_s=90)
    assert abs(int(bench.ask("RUN run=R1")["fields"]["q"]) - 60_000) <= 900


def test_open_three_times_in_ten_minutes_locks_the_run() -> None:
    bench = Bench().to("HOLD", Q=60_000, CONT="PAUSE")
    for n in range(3):
        bench.world.act("lift", "drug")
        bench.until("PAUSED", within_s=1)
        bench.world.act("replace", "drug")
        if n < 2:
            assert (bench.arm()["code"], bench.resume()["code"]) == ("00", "00")
            bench.until("HOLD")
    assert [bench.code(f"ARM D={bench.digest}"), bench.code("RESUME run=R1 X=0")] == ["25", "25"]


def test_an_open_circuit_in_the_ramp_up_and_in_a_ramp_down_trips_too() -> None:
    for state in ("RAMP_UP", "RAMP_DOWN", "PAUSING"):
        bench = Bench().to(state, Q=12_000, TU=4000, TD=4000, CONT="STOP")
        bench.world.act("lift", "drug")
        assert bench.until("FAULT", within_s=0.15) <= 6
        assert bench.named("FAULT")[0]["id"] == "01"


# -- STEP ----------------------------------------------------------------------------------------------------------


def test_the_first_rise_of_a_run_pauses_and_the_second_is_latched() -> None:
    bench = Bench().to("HOLD", Q=60_000)
    bench.advance(1)
    bench.world.act("load", "6k6")
    assert bench.until("PAUSED", within_s=0.2) <= 10
    assert (bench.named("WARN"), bench.named("FAULT"), bench.status()["fl"]) == ([{"id": "06"}], [], "0")
    assert (bench.arm()["code"], bench.resume()["code"]) == ("00", "00")
    bench.until("HOLD")
    bench.advance(1)
    bench.world.act("load", "9k")
    bench.until("FAULT", within_s=0.2)
    assert bench.named("FAULT")[0]["name"] == "STEP"


def test_v_falling_by_more_than_40_percent_within_2_s_trips_and_more_slowly_does_not() -> None:
    for stride_s, state in ((0.5, "FAULT"), (2.5, "HOLD")):
        bench = Bench().to("HOLD", Q=120_000)
        bench.advance(3)
        for spec in ("4100R", "3400R", "2850R"):  # 18, 17 and 16 % at a time, 43 % in all
            bench.world.act("load", spec)
            bench.advance(stride_s)
        assert bench.state == state
        assert [e["name"] for e in bench.named("FAULT")] == (["STEP"] if state == "FAULT" else [])


def test_a_change_of_the_set_point_is_no_step() -> None:
    bench = Bench().to("HOLD", I=2000, Q=240_000, TU=4000, TD=2000)
    bench.advance(2)
    bench.ask("SET I=200")
    bench.advance(4)
    assert (bench.state, bench.named("FAULT"), bench.named("WARN")) == ("HOLD", [], [])


# -- CONTACT -------------------------------------------------------------------------------------------------------


def contact_bench(hold_s: float = 42) -> Bench:
    return Mishap(happens=act(""), id="", name="", within_ms=0, hold_s=hold_s).bench()


@pytest.mark.parametrize(("spec", "warned"), [("5k25", False), ("5k5", True)])
def test_a_rise_of_10_percent_warns_once_and_one_of_5_percent_not(spec: str, warned: bool) -> None:
    bench = contact_bench()
    bench.world.act("load", "5250R" if spec == "5k25" else spec)
    bench.advance(25)
    assert bench.named("WARN") == ([{"id": "05"}] if warned else [])
    assert (bench.state, bench.named("FAULT")) == ("HOLD", [])


def test_a_rise_before_30_s_of_hold_becomes_the_minimum() -> None:
    bench = contact_bench(hold_s=15)
    bench.world.act("load", "5k7")
    bench.advance(60)
    assert (bench.state, bench.named("WARN")) == ("HOLD", [])


def test_a_set_restarts_the_minimum() -> None:
    bench = contact_bench()
    bench.world.act("load", "5k7")
    bench.ask("SET I=1490")
    bench.advance(30)
    assert (bench.state, bench.named("WARN")) == ("HOLD", [])


@pytest.mark.parametrize(("pause_s", "state"), [(20, "FAULT"), (100, "FAULT"), (125, "HOLD")])
def test_a_resume_within_2_min_keeps_the_minimum_and_judges_from_hold_entry(pause_s: int, state: str) -> None:
    bench = contact_bench()
    bench.ask("PAUSE")
    bench.until("PAUSED")
    bench.world.act("load", "5k7")
    bench.advance(pause_s)
    bench.arm()
    bench.resume()
    bench.until("HOLD")
    bench.advance(14)
    assert bench.state == state
    assert [e["name"] for e in bench.named("FAULT")] == (["CONTACT"] if state == "FAULT" else [])
