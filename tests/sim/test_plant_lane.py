"""Whole worlds with a parameter moved in the middle of a hold: the same with and without the lane of steady ticks."""

import pytest

from hw_sim.plant import set_parameter
from tests.sim.firmware.bench import Bench

MOVED = {
    "relay_welded": 1, "relay_fb_lies": 0, "leads_swapped": 1, "leak_s": 1e-6, "chatter_hz": 20.0, "mains_a": 5e-6,
    "source_noise_a": 1e-6, "unit_temp_c": 45.0, "unit_temp_missing": 1, "interlock_open": 1, "frozen_i": 1,
    "sense_open": 1, "spikes": 0.01, "esd": 1, "breakdown": 3.0, "dry_r_s": 3.0, "battery_charge": 0.02,
    "battery_r_ohm": 40.0, "reference_drift": 0.02, "gain_i2": 0.98, "noise_v": 5.0, "boost_overshoot_v": 10.0,
    "temperature_c": 38.0, "r_s_ohm": 900.0,
}  # fmt: skip


@pytest.mark.parametrize("name", MOVED)
def test_a_parameter_moved_in_a_hold_is_the_same_with_and_without_the_lane(name: str) -> None:
    fast, slow = Bench("skin", seed=4), Bench("skin", seed=4)
    slow.world.has_lane = False
    for bench in (fast, slow):
        bench.begin(I=2000, Q=60_000, TU=4000, TD=2000)
        for _ in range(6):
            bench.keep()
            bench.ticks(100)
        assert bench.state == "HOLD"
        set_parameter(bench.world.plant, name, MOVED[name])
    for _ in range(12):
        for bench in (fast, slow):
            bench.keep()
            bench.ticks(37)
        assert fast.world.snapshot() == slow.world.snapshot()
