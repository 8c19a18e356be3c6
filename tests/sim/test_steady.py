"""The fast lane of a steady hold against the ordinary tick: whole worlds, equal to the last bit at every look."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_sim import steady
from hw_sim.world import World
from tests.sim.firmware.bench import Bench, seal

SECONDS = 12


def pair(load: str, seed: int) -> tuple[Bench, Bench]:
    fast, slow = Bench(load, seed=seed), Bench(load, seed=seed)
    slow.world.has_lane = False
    return fast, slow


def alike(fast: Bench, slow: Bench) -> None:
    assert fast.world.snapshot() == slow.world.snapshot()
    assert fast.telemetry == slow.telemetry
    assert fast.events == slow.events


happenings = st.sampled_from(
    [("load", load) for load in ("skin", "4k7", "6k8", "15k", "short", "open")]
    + [("line", line) for line in ("PAUSE", "STOP", "SET I=150", "SET I=900", "TELE ms=0", "TELE ms=20", "TELE ms=370")]
    + [("lift", "drug"), ("replace", "drug"), ("contact", "drug:0.8"), ("contact", "return:0.3")]
    + [("hang", ""), ("power_cycle", ""), ("local_stop", ""), ("nvm_full", ""), ("nvm_free", "")]
    + [("inject", "E18:charge=8"), ("inject", "E18:charge=0"), ("lift_fault", "E18"), ("inject", "E22"), ("slow", "")]
    + [("keep", "")] * 8
)


@settings(max_examples=25, deadline=None)
@given(
    load=st.sampled_from(["skin", "dry-skin", "tap-water", "5k", "1k"]),
    current_ua=st.sampled_from([100, 240, 1000, 2500, 4000]),
    seed=st.integers(0, 1000),
    story=st.lists(st.tuples(st.integers(1, 170), happenings), max_size=12),
)
def test_any_story_is_the_same_with_and_without_the_lane(load, current_ua, seed, story) -> None:
    benches = pair(load, seed)
    for bench in benches:
        bench.begin(I=current_ua, Q=max(6000, current_ua * SECONDS // 6000 * 6000), TU=2 * current_ua, TD=current_ua)
        bench.ticks(210)
    for ticks, (verb, argument) in story:
        for bench in benches:
            if verb == "keep":
                bench.keep()
            elif verb == "slow":
                bench.world.hal.nvm_slow_us = 200_000
            elif verb == "lift_fault" and argument not in {fault["id"] for fault in bench.world.faults().listed()}:
                continue
            elif verb != "line":
                bench.world.act(verb, argument)
            elif bench.sid:
                bench.number += 1
                bench.put(seal(f">{bench.sid:04X} {bench.number:04X} {argument}"))
            bench.ticks(ticks)
        alike(*benches)


@pytest.mark.parametrize("load", ["skin", "5k"])
def test_a_run_to_its_dose_is_the_same_and_goes_through_the_lane(load: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*args: object) -> int:
        made.append(hold(*args))  # type: ignore[arg-type]
        return made[-1]

    hold = steady.hold
    monkeypatch.setattr(steady, "hold", counted)
    benches = pair(load, 7)
    for bench in benches:
        bench.begin(I=2000, Q=120_000, TU=4000, TD=2000)
        bench.until("HOLD")
        while bench.state != "DONE":
            bench.advance(0.5)
    alike(*benches)
    assert sum(made) > 0.9 * 56 * 100  # of the 56 s of hold


def test_the_lane_ends_with_the_dose_on_the_same_tick() -> None:
    """The last second decides when the ramp-down begins: looked at tick by tick."""
    fast, slow = pair("skin", 3)
    for bench in (fast, slow):
        bench.begin(I=1000, Q=18_000, TU=2000, TD=2000)
        bench.advance(17)
    for _ in range(400):
        for bench in (fast, slow):
            bench.ticks()
            if bench.now_ms % 500 == 0:
                bench.keep()
        alike(fast, slow)
    assert fast.state == "DONE"


def test_a_world_knows_nothing_of_the_lane_in_its_snapshots() -> None:
    fast, slow = World(seed=5), World(seed=5)
    slow.has_lane = False
    assert fast.snapshot() == slow.snapshot()
