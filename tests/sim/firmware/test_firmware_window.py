"""The dose window: 160 mA.min in 24 h, over runs, resets, nights, clocks and checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim.firmware import window
from tests.sim.firmware.bench import Bench

At = Callable[..., Bench]
UTC = 1_795_464_000
LIMIT = 9_600_000


def patient(**said: int) -> Bench:
    """A unit without the bench jumper."""
    bench = Bench()
    bench.world.act("jumper", "0")
    bench.hello("".join(f" {key}={value}" for key, value in said.items()))
    return bench


def spent(bench: Bench) -> int:
    return sum(bench.world.firmware.store.window[3:])


def deliver(bench: Bench, run: str, **fields: int | str) -> int:
    bench.begin(run, **({"I": 1000, "Q": 6000, "TU": 2000, "TD": 1000} | fields))
    bench.until("DONE")
    return int(bench.status()["q"])


def fill(bench: Bench, uc: int) -> None:
    """So much was delivered this hour."""
    store = bench.world.firmware.store
    store.window = (*store.window[:3], uc, *store.window[4:])
    assert store.save_window()
    assert store.save_window()


def night(bench: Bench, said: str = "") -> None:
    bench.world.act("power_cycle")
    bench.ticks(40)
    bench.hello(said)


def test_what_was_delivered_and_each_contact_check_counts(at: At) -> None:
    bench = patient()
    assert spent(bench) == 0
    a = deliver(bench, "A")
    assert spent(bench) == a + 50
    b = deliver(bench, "B")
    assert spent(bench) == a + b + 100


def test_a_check_without_a_run_counts() -> None:
    bench = patient()
    bench.prescribe()
    bench.arm()
    bench.ask("STOP")
    assert spent(bench) == 50
    night(bench)
    assert spent(bench) == 50


@pytest.mark.parametrize("end", ["STOP", "ABORT", "lift", "power_cycle", "hang"])
def test_a_run_that_ends_early_counts_as_what_it_reports(end: str) -> None:
    bench = patient()
    bench.begin("A", I=1000, Q=60_000, TU=2000, TD=1000)
    bench.advance(6)
    if end in ("STOP", "ABORT"):
        bench.ask(end)
        bench.ticks(120)
    else:
        bench.world.act(end, "drug" if end == "lift" else "")
        bench.ticks(60)
        bench.hello()
    q = int(bench.ask("RUN run=A")["fields"]["q"])
    assert q > 3000
    assert spent(bench) == q + 50
    night(bench)
    night(bench)
    assert spent(bench) == q + 50  # once


def test_the_run_being_admitted_counts_to_the_last_step() -> None:
    """9 600 000 less the check of this arming less 6000: 6000 more are the last that fit."""
    bench = patient()
    fill(bench, LIMIT - 50 - 6000)
    bench.prescribe()
    assert bench.arm()["code"] == "00"
    fill(bench, LIMIT - 6000 + 1)
    assert bench.start()["code"] == "20"
    assert bench.state == "ARMED"
    fill(bench, LIMIT - 6000)
    assert bench.start()["code"] == "00"


def test_arming_is_refused_before_a_check_that_can_lead_to_nothing() -> None:
    bench = patient()
    fill(bench, LIMIT - 50 - 5999)
    bench.prescribe()
    assert bench.code(f"ARM D={bench.digest}") == "20"
    assert (bench.state, spent(bench)) == ("STAGED", LIMIT - 50 - 5999)


def test_a_run_under_way_may_be_resumed_when_nothing_else_fits() -> None:
    bench = patient()
    fill(bench, LIMIT - 50 - 60_000)
    bench.begin("A", I=1000, Q=60_000, TU=2000, TD=1000)
    bench.until("HOLD")
    bench.ask("PAUSE")
    bench.until("PAUSED")
    assert bench.arm()["code"] == "00"
    assert bench.resume("A")["code"] == "00"


def test_order_of_refusals_digest_then_window_then_deadline() -> None:
    bench = patient()
    bench.prescribe()
    bench.arm()
    fill(bench, LIMIT)
    late = (bench.now_ms - 10) % 2**32
    assert bench.code(f"START run=A D=00000000 X={late}") == "14"
    assert bench.code(f"START run=A D={bench.digest} X={late}") == "20"
    fill(bench, 0)
    assert bench.code(f"START run=A D={bench.digest} X={late}") == "09"


def test_with_the_bench_jumper_runs_are_recorded_and_not_counted() -> None:
    bench = Bench()
    bench.hello()
    fill(bench, LIMIT)
    deliver(bench, "A")
    assert bench.ask("RUN run=A")["fields"]["out"] == "DONE"
    night(bench)
    assert spent(bench) == LIMIT
    bench.world.act("jumper", "0")
    bench.prescribe()
    assert bench.code(f"ARM D={bench.digest}") == "20"


def test_a_run_begun_without_the_jumper_counts_though_it_is_fitted_later() -> None:
    bench = patient()
    bench.begin("A", I=1000, Q=6000, TU=2000, TD=1000)
    bench.world.act("jumper", "1")
    bench.until("DONE")
    assert spent(bench) == int(bench.status()["q"]) + 50


# -- time --------------------------------------------------------------------------------------------------------


def later(bench: Bench, seconds: int) -> None:
    """Powered time goes by, at rest; the unit looks at it now and then."""
    for _ in range(seconds // 3600):
        bench.world.firmware.store.window_at = (bench.world.firmware.store.window_at - 3_600_000) & 0xFFFFFFFF
        window.pass_time(bench.world.firmware)


def test_charge_is_forgotten_after_24_hours_and_not_before() -> None:
    bench = patient()
    fill(bench, LIMIT)
    later(bench, 24 * 3600)
    assert spent(bench) == LIMIT
    later(bench, 3600)
    assert spent(bench) == 0


def test_powered_time_is_recorded_once_an_hour_at_rest() -> None:
    bench = patient(utc=UTC)
    fill(bench, LIMIT)
    bench.world.firmware.rec.t_st = 359_990  # an hour in this state, but for 100 ms
    later(bench, 3600)
    bench.ticks(20)
    night(bench)
    assert bench.world.firmware.store.window[0] >= UTC + 3600
    assert bench.world.firmware.store.window[3:5] == (0, LIMIT)


@pytest.mark.parametrize(("off_h", "left"), [(23, LIMIT), (24, LIMIT), (25, 0), (1000, 0)])
def test_time_without_power_passes_as_the_first_hello_tells_it(off_h: int, left: int) -> None:
    bench = patient(utc=UTC)
    fill(bench, LIMIT)
    night(bench, f" utc={UTC + 3600 * off_h + 5}")
    assert spent(bench) == left


def test_without_a_clock_no_time_passes_while_off() -> None:
    bench = patient()
    fill(bench, LIMIT)
    for _ in range(30):
        night(bench)
    assert spent(bench) == LIMIT
    night(bench, f" utc={UTC}")  # the first time it is ever told: nothing to compare it with
    assert spent(bench) == LIMIT
    night(bench, f" utc={UTC + 26 * 3600}")
    assert spent(bench) == 0


def test_the_clock_never_goes_back_and_a_clock_that_jumps_empties_nothing() -> None:
    bench = patient(utc=UTC)
    fill(bench, LIMIT)
    bench.hello(f" utc={UTC + 90_000}", nonce="00000002")  # a day later, within the same boot
    assert spent(bench) == LIMIT
    night(bench, f" utc={UTC - 90_000}")
    assert (spent(bench), bench.world.firmware.store.window[0] >= UTC) == (LIMIT, True)
    night(bench, f" utc={UTC + 10}")
    assert spent(bench) == LIMIT


def test_the_hello_of_a_refused_version_tells_no_time() -> None:
    bench = Bench()
    bench.world.act("jumper", "0")
    bench.send(0, 1, f"HELLO vmin=2 vmax=2 nonce=5F2A90C1 host=bench utc={UTC}")
    assert bench.world.firmware.store.window[0] == 0


def test_uptime_may_wrap() -> None:
    bench = patient(utc=UTC)
    unit = bench.world.firmware
    unit.store.window_at = (unit.now() - 7_200_000) & 0xFFFFFFFF  # before 0: the counter has gone round
    window.pass_time(unit)
    assert unit.store.window[0] == UTC + 7200
