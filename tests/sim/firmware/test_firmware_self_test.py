"""Fault 14: what the self-test, the arming and a unit at rest find of relay, DAC, reference and memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hw_sim import plant
from hw_sim.firmware import post
from hw_sim.firmware.record import Record
from tests.sim.firmware.bench import Bench, seal

At = Callable[..., Bench]


def put(bench: Bench, **parameters: float) -> None:
    for name, value in parameters.items():
        plant.set_parameter(bench.world.plant, name, value)


def self_test(bench: Bench) -> str:
    bench.number += 1
    before = len(bench.replies)
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} SELFTEST"))
    bench.until(lambda: len(bench.replies) > before, within_s=2.0)
    reply = bench.replies[-1]
    return str(reply["fields"].get("res", reply["code"]))


DEFECTS = {
    "relay welded": {"relay_welded": 1},
    "relay will not close": {"relay_stuck": 1},
    "feedback says open": {"relay_fb_lies": 0},
    "feedback says closed": {"relay_fb_lies": 1},
    "a DAC bit is stuck": {"dac_or": 0x100},
    "source at full scale": {"source_stuck_a": 5e-3},
    "reference high": {"reference_drift": 0.10},
    "reference low": {"reference_drift": -0.03},
    "voltage sense open": {"sense_open": 1},
    "current reads nothing": {"gain_i": 0.0, "offset_i": 0.0, "noise_i": 0.0},
    "current 100 uA off": {"offset_i": 1350.0},
    "return current reads full scale": {"code_stuck_i2": 65535},
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_self_test_finds_it_and_gives_no_output_until_it_is_gone(defect: str, at: At) -> None:
    bench = at("IDLE")
    sound = {name: getattr(bench.world.plant, name) for name in DEFECTS[defect]}
    put(bench, **DEFECTS[defect])
    charge = bench.true_uc
    assert self_test(bench) == "1"
    assert bench.true_uc - charge <= 42.1  # the relay closes for one tick
    assert (bench.state, bench.status()["fl"], bench.query("*TST?")) == ("FAULT", "2000", "1")
    put(bench, **sound)
    bench.ticks(230)
    assert bench.code("CLEAR id=14") == "00"
    assert self_test(bench) == "0"
    assert (bench.state, bench.query("*TST?")) == ("IDLE", "0")


def test_a_sound_unit_passes_without_any_current_on_any_load() -> None:
    for load in ("5k", "skin", "short", "open"):
        bench = Bench(load).to("IDLE")
        charge = bench.true_uc
        assert self_test(bench) == "0"
        assert bench.true_uc == charge


def test_the_relay_does_not_move_at_power_on_and_closes_for_one_tick_when_asked(bench: Bench) -> None:
    closed = []

    def watched(ticks: int) -> int:
        closed.clear()
        for _ in range(ticks):
            bench.ticks(1)
            closed.append(bench.world.truth()["relay_closed"])
        return sum(closed)

    bench.world.act("power_cycle")
    assert watched(40) == 0
    bench.hello()
    bench.put(seal(f">{bench.sid:04X} 0001 SELFTEST"))
    assert watched(40) == 1


@pytest.mark.parametrize("defect", ["relay welded", "feedback says closed", "reference high"])
def test_power_on_finds_what_can_be_seen_with_the_relay_open(defect: str, bench: Bench) -> None:
    put(bench, **DEFECTS[defect])
    bench.world.act("power_cycle")
    bench.ticks(40)
    assert (bench.state, bench.world.firmware.rec.fl) == ("FAULT", 0x2000)


def test_a_stop_while_the_relay_is_tried_opens_it_and_the_test_still_passes(at: At) -> None:
    bench = at("IDLE")
    bench.number += 1
    bench.put(seal(f">{bench.sid:04X} {bench.number:04X} SELFTEST"))
    bench.ticks(5)
    bench.put(b"\x03")
    bench.ticks(40)
    assert (bench.state, bench.status()["fl"], bench.query("*TST?")) == ("IDLE", "0", "0")


@pytest.mark.parametrize(
    "defect", ["relay will not close", "feedback says open", "feedback says closed", "reference high", "relay welded",
               "voltage sense open", "current reads nothing", "current 100 uA off"],
)  # fmt: skip
def test_arming_finds_it_before_start(defect: str, at: At) -> None:
    bench = at("STAGED")
    put(bench, **DEFECTS[defect])
    assert bench.arm()["code"] == "17"
    assert (bench.state, bench.status()["fl"]) == ("FAULT", "2000")


@pytest.mark.parametrize("defect", ["relay welded", "feedback says closed"])
def test_a_relay_that_does_not_open_after_a_run_is_found_within_150_ms(defect: str, at: At) -> None:
    bench = at("HOLD", Q=60_000)
    put(bench, **DEFECTS[defect])
    bench.ask("ABORT")
    bench.ticks(15)
    assert [e["name"] for e in bench.named("FAULT")] == ["SELFTEST"]
    bench.ticks(500)
    assert len(bench.named("FAULT")) == 1
    assert bench.code("CLEAR id=14") == "17"


def test_a_memory_cell_that_does_not_hold_is_found() -> None:
    class Worn(Record):
        @property
        def k_9(self) -> int:
            return self.held & ~4

        @k_9.setter
        def k_9(self, value: int) -> None:
            self.held = value

    assert post.keeps(Record())
    assert not post.keeps(Worn())


def test_the_memory_test_leaves_everything_as_it_was() -> None:
    s = Record()
    s.q, s.lease, s.zero_i = 123_456, 77, -5
    before = s.snapshot()
    assert post.keeps(s)
    assert s.snapshot() == before
