"""Writes of the non-volatile memory that are cut short, or take their time: no charge is lost, nothing waits for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim import plant
from tests.sim.firmware.bench import Bench, seal
from tests.sim.firmware.test_firmware_memory import outcome, power_cycle

At = Callable[..., Bench]

# -- writes cut short ------------------------------------------------------------------------------------------


def tearing(bench: Bench, at: int) -> None:
    """From the ``at``-th write on nothing reaches the memory, and that one is cut short."""
    hal = bench.world.hal
    keep, left = hal.nvm_write, [at]

    def write(slot: str, data: bytes) -> bool:
        left[0] -= 1
        if left[0] > 0:
            return keep(slot, data)
        if left[0] == 0:
            hal.nvm[slot] = data[: len(data) // 2]
        return True

    hal.nvm_write = write  # type: ignore[method-assign]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_power_cut_within_any_write_of_a_run_loses_no_charge_and_is_found(at: int) -> None:
    bench = Bench().to("ARMED", I=1000, Q=6000, TU=2000, TD=1000)
    before = bench.true_uc
    tearing(bench, at)
    bench.start()
    while all(raw[-1:] == b"\n" for raw in bench.world.hal.nvm.values()):
        bench.keep()
        bench.ticks(1)
    del bench.world.hal.nvm_write
    delivered = bench.true_uc - before
    power_cycle(bench)
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
    facts = bench.ask("RUN run=R1")
    if at == 1:
        assert facts["code"] == "06"  # it never began
    else:
        assert facts["fields"]["out"] == "RESET"
        # Which of the two records is the newer cannot be told with one of them torn: two seconds and a half count.
        assert delivered <= int(facts["fields"]["q"]) <= delivered + 2600
    bench.ticks(200)
    assert bench.code("CLEAR id=15") == "00"
    power_cycle(bench)
    assert bench.state == "IDLE"


# -- a memory that takes its time ------------------------------------------------------------------------------


def test_a_slow_memory_holds_nothing_up_and_start_waits_for_its_record() -> None:
    bench = Bench().to("ARMED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.number += 1
    request = f"START run=R1 D={bench.digest} X={bench.now_ms + 500}"
    bench.silent(bench.sid, bench.number, request)
    bench.ticks(19)
    assert (bench.state, bench.true_ua) == ("ARMED", 0)
    bench.silent(bench.sid, bench.number, request)  # a repeat is ignored
    bench.ticks(2)
    assert bench.replies[-1]["fields"] == {"run": "R1", "st": "RAMP_UP"}
    bench.until("DONE")
    bench.ticks(100)
    assert outcome(bench)[0] == "DONE"
    power_cycle(bench)
    assert (bench.state, outcome(bench)[0]) == ("IDLE", "DONE")


@pytest.mark.parametrize("ask", ["STOP", "ABORT", "BYE"])
def test_a_stop_while_start_waits_is_answered_13_and_the_id_is_used(ask: str) -> None:
    bench = Bench().to("ARMED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.number += 1
    bench.silent(bench.sid, bench.number, f"START run=R1 D={bench.digest} X={bench.now_ms + 500}")
    bench.number += 1
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} {ask}"))
    assert [(r["verb"], r["code"]) for r in bench.replies[-2:]] == [("START", "13"), (ask, "00")]
    assert max(bench.trace(1.0)) == 0
    if ask == "BYE":
        bench.hello()
    assert outcome(bench) == ("STOPPED", 0)
    assert bench.state in ("IDLE", "STAGED")


@pytest.mark.parametrize("after_ms", range(0, 3000, 70))
def test_a_cut_with_a_slow_memory_is_found_or_harmless_and_loses_no_charge(after_ms: int) -> None:
    bench = Bench().to("ARMED", I=4000, Q=60_000, TU=8000, TD=4000)
    bench.world.hal.nvm_slow_us = 200_000
    before = bench.true_uc
    bench.number += 1
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} START run=R1 D={bench.digest} X={bench.now_ms + 500}"))
    bench.ticks(25)
    bench.until(lambda: bench.true_uc > before + 4000)
    bench.trace(after_ms / 1000)
    bench.world.act("hang")
    bench.ticks(45)
    delivered = bench.true_uc - before
    bench.hello()
    assert bench.status()["fl"] in ("8000", "C000")
    out, dose = outcome(bench)
    assert out == "RESET"
    assert delivered <= dose <= delivered + 1.9 * 4000


def test_a_memory_that_never_ends_its_write_is_fault_15_within_a_second(at: At) -> None:
    bench = at("HOLD", Q=60_000)
    bench.world.hal.nvm_slow_us = 10**9
    bench.until("FAULT", within_s=2.2)
    assert bench.status()["fl"] == "4000"


def test_a_new_session_while_start_waits_leaves_a_run_that_was_stopped_and_no_answer(at: At) -> None:
    bench = at("ARMED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.number += 1
    bench.silent(bench.sid, bench.number, f"START run=R1 D={bench.digest} X={bench.now_ms + 500}")
    bench.hello(nonce="00000002")
    assert bench.state == "STAGED"
    assert max(bench.trace(1.0)) == 0
    assert [reply["verb"] for reply in bench.replies if reply["verb"] == "START"] == []
    assert outcome(bench) == ("STOPPED", 0)


def test_an_interlock_that_opens_while_start_waits_refuses_it(at: At) -> None:
    bench = at("ARMED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.number += 1
    bench.silent(bench.sid, bench.number, f"START run=R1 D={bench.digest} X={bench.now_ms + 500}")
    plant.set_parameter(bench.world.plant, "interlock_open", 1)
    assert max(bench.trace(2.0)) == 0
    assert (bench.replies[-1]["verb"], bench.replies[-1]["code"], bench.state) == ("START", "17", "FAULT")
    assert outcome(bench) == ("STOPPED", 0)


def test_a_memory_that_refuses_while_start_waits_is_fault_15_without_current(at: At) -> None:
    bench = at("STAGED")
    bench.world.hal.nvm_slow_us = 200_000
    bench.arm()
    bench.ticks(50)
    bench.world.hal.nvm_write("win", b"?")  # it is busy with something else
    bench.number += 1
    bench.silent(bench.sid, bench.number, f"START run=R1 D={bench.digest} X={bench.now_ms + 500}")
    bench.world.act("nvm_full")
    assert max(bench.trace(1.0)) == 0
    assert [(r["verb"], r["code"]) for r in bench.replies[-1:]] == [("START", "17")]
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "4000")
