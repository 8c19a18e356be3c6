"""KEEP and the deadline X: what fills the lease, what starts in time, and 2^32 ms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]


def lease(bench: Bench) -> int:
    return int(bench.status()["lk"])


def set_uptime(bench: Bench, ms: int) -> None:
    bench.world.powered_us = bench.world.now_us - ms * 1000


# -- KEEP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["RAMP_UP", "HOLD"])
def test_a_keep_with_fresh_telemetry_fills_the_lease(at: At, state: str) -> None:
    bench = at(state)
    bench.ticks(30)
    assert 0 < lease(bench) < 2000
    assert bench.ask(f"KEEP t={bench.newest}")["fields"] == {"lk": "2000"}
    bench.ticks(1)
    assert lease(bench) == 1990


@pytest.mark.parametrize("state", ["IDLE", "STAGED", "ARMED", "RAMP_DOWN", "PAUSING", "PAUSED", "DONE", "FAULT"])
def test_elsewhere_a_keep_is_answered_00_with_no_lease(at: At, state: str) -> None:
    bench = at(state)
    bench.ticks(11)
    assert bench.ask(f"KEEP t={bench.newest}")["fields"] == {"lk": "0"}
    assert bench.state == state


def test_telemetry_one_second_old_counts_and_older_does_not(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.keep()
    bench.until(lambda: len(bench.telemetry) > 0 and bench.telemetry[-1].split(" ")[2] == str(bench.now_ms))
    made = bench.newest
    bench.ticks(100)
    assert bench.ask(f"KEEP t={made}")["fields"] == {"lk": "2000"}
    bench.ticks(1)
    assert bench.ask(f"KEEP t={made}")["fields"] == {"lk": "1990"}


def test_a_number_that_is_not_made_yet_or_of_the_session_before_does_not_count(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.advance(1)
    old = bench.newest
    bench.hello(" run=R1")
    left = lease(bench)
    assert bench.ask(f"KEEP t={old}")["fields"]["lk"] == str(left)
    assert bench.ask("KEEP t=0000")["fields"]["lk"] == str(left)
    bench.ticks(10)  # 0000 is made now
    assert bench.ask("KEEP t=0001")["fields"]["lk"] == str(left - 100)
    assert bench.ask("KEEP t=0000")["fields"]["lk"] == "2000"


def test_a_keep_across_the_wrap_of_tttt_counts(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    session = bench.world.firmware.session
    session.tele_no = 0xFFFE
    session.tele_made = 64
    bench.until(lambda: bench.newest == "FFFF")
    bench.ticks(5)
    assert bench.ask("KEEP t=FFFF")["fields"]["lk"] == "2000"
    bench.until(lambda: bench.newest == "0001", within_s=1)
    assert bench.ask("KEEP t=FFFF")["fields"]["lk"] == "2000"


def test_with_telemetry_off_no_keep_counts(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.ticks(10)
    made = bench.newest
    bench.ask("TELE ms=0")
    left = lease(bench)
    assert bench.ask(f"KEEP t={made}")["fields"]["lk"] == str(left)
    assert left < 2000


@pytest.mark.parametrize("fields", ["", "t=2F3", "t=02f3", "T=02F3", "t=", "t=0000 t=0000"])
def test_a_keep_of_wrong_form_fills_nothing(at: At, fields: str) -> None:
    bench = at("HOLD", Q=60_000)
    bench.ticks(15)
    left = lease(bench)
    assert bench.code(f"KEEP {fields}".strip()) in ("02", "12")
    assert lease(bench) == left


def test_nothing_else_fills_the_lease(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.keep()
    bench.ticks(50)
    for text in ("STATUS", "TELE ms=50", "SET I=900", "RUN run=R1", "EVENTS n=0001", "ARM D=00000000"):
        bench.ask(text)
    bench.query("MEAS:ALL?")
    bench.hello(" run=R1")
    assert lease(bench) == 1500


def test_start_and_resume_fill_the_lease(at: At) -> None:
    bench = at("ARMED")
    bench.start()
    assert lease(bench) == 2000
    bench.ask("PAUSE")
    bench.until("PAUSED")
    bench.arm()
    bench.resume()
    assert lease(bench) == 2000


def test_a_host_that_repeats_the_number_it_once_saw_loses_the_unit(at: At) -> None:
    """A thread that sends the number it once saw, and reads nothing more."""
    bench = at("HOLD", Q=60_000)
    bench.keep()
    stuck = bench.newest
    for _ in range(40):
        bench.ticks(10)
        if bench.state != "HOLD":
            break
        bench.ask(f"KEEP t={stuck}")
    assert bench.state in ("PAUSING", "PAUSED")


# -- X -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "code"), [(0, "00"), (1, "00"), (1000, "00"), (1001, "09"), (-1, "09"), (2**31, "09"), (-1000, "09")]
)
def test_start_is_in_time_from_now_to_1000_ms_ahead(at: At, ahead: int, code: str) -> None:
    bench = at("ARMED")
    text = f"START run=R1 D={bench.digest} X={(bench.now_ms + ahead) % 2**32}"
    assert bench.code(text) == code
    assert bench.state == ("RAMP_UP" if code == "00" else "ARMED")
    assert bench.code("RUN run=R1") == ("00" if code == "00" else "06")


@pytest.mark.parametrize(("ahead", "code"), [(0, "00"), (1000, "00"), (1001, "09"), (-1, "09")])
def test_resume_has_the_same_deadline(at: At, ahead: int, code: str) -> None:
    bench = at("PAUSED")
    bench.arm()
    assert bench.code(f"RESUME run=R1 X={(bench.now_ms + ahead) % 2**32}") == code
    assert bench.state == ("RAMP_UP" if code == "00" else "ARMED")


@pytest.mark.parametrize(
    ("now", "x", "code"),
    [
        (2**32 - 500, 499, "00"),
        (2**32 - 500, 500, "00"),
        (2**32 - 500, 501, "09"),
        (2**32 - 1, 2**32 - 1, "00"),
        (2**32 - 1, 999, "00"),
        (2**32, 0, "00"),
        (2**32, 2**32 - 1, "09"),
        (2**32 + 5, 5, "00"),
        (2**32 + 5, 1005, "00"),
        (2**32 + 5, 4, "09"),
    ],
)
def test_the_deadline_goes_round_2_to_the_32(at: At, now: int, x: int, code: str) -> None:
    bench = at("ARMED")
    set_uptime(bench, now)
    assert bench.code(f"START run=R1 D={bench.digest} X={x}") == code


def test_x_beyond_32_bits_is_out_of_range(at: At) -> None:
    bench = at("ARMED")
    assert bench.code(f"START run=R1 D={bench.digest} X=4294967296") == "03"
    assert bench.code(f"START run=R1 D={bench.digest} X=42949672960") == "02"


def test_a_run_through_the_wrap_keeps_its_lease_its_telemetry_and_its_times(at: At) -> None:
    bench = at("RAMP_UP", Q=6000)
    set_uptime(bench, 2**32 - 1500)
    bench.telemetry.clear()
    bench.until("DONE")
    times = [int(line.split(" ")[2]) for line in bench.telemetry]
    assert {(b - a) % 2**32 for a, b in pairwise(times)} == {100}
    assert times[0] > 2**32 - 1500
    assert times[-1] < 20_000
    assert bench.ask("RUN run=R1")["fields"]["out"] == "DONE"
    assert int(bench.status()["now"]) < 20_000


def test_the_500_ms_of_an_abort_go_through_the_wrap(at: At) -> None:
    bench = at("HOLD")
    set_uptime(bench, 2**32 - 100)
    bench.put(b"\x18")
    bench.ticks(20)
    assert bench.state == "RAMP_DOWN"
    bench.put(b"\x18")
    assert bench.state == "DONE"


# -- at most once ------------------------------------------------------------------------------------------------


def test_a_run_id_starts_once_whatever_comes_between(at: At) -> None:
    bench = at("DONE")
    facts = bench.ask("RUN run=R1")["fields"]
    assert (facts["st"], facts["out"]) == ("DONE", "DONE")
    assert abs(int(facts["q"]) - 6000) < 630
    bench.prescribe()
    bench.arm()
    again = bench.start("R1")
    assert (again["code"], again["fields"]) == ("15", facts | {"st": "ARMED"})
    assert list(again["fields"]) == ["run", "st", "q", "out"]
    assert bench.state == "ARMED"
    bench.world.act("power_cycle")
    bench.ticks(30)
    bench.hello()
    bench.prescribe()
    bench.arm()
    assert bench.start("R1")["fields"] == facts | {"st": "ARMED"}
    assert bench.start("R2")["code"] == "00"


def test_the_running_run_started_again_answers_15_with_its_present_dose(at: At) -> None:
    bench = at("HOLD")
    reply = bench.start("R1")
    assert reply["code"] == "15"
    assert (reply["fields"]["st"], reply["fields"]["out"]) == ("HOLD", "RUNNING")
    assert reply["fields"]["q"] == bench.status()["q"]


def test_15_is_answered_in_every_state_and_before_the_deadline_and_the_digest(at: At) -> None:
    bench = at("DONE")
    assert bench.code("START run=R1 D=00000000 X=0") == "15"
    bench.query("STOP")
    assert bench.state == "IDLE"
    assert bench.code("START run=R1 D=00000000 X=0") == "15"
