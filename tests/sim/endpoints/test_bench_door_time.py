"""The bench door: what breaks and is mended through it, and what it does with the time."""

from __future__ import annotations

import pytest

from hw_sim.door import Door
from hw_sim.endpoints.pace import Pace
from hw_sim.scenario import parse
from hw_sim.world import World
from tests.sim.host import virtual_host


@pytest.fixture
def holding():
    """A unit that holds 1 mA on skin, its host and its door."""
    world = World()
    host = virtual_host(world)
    host.start(I=1000, Q=600_000)
    host.until_state("HOLD")
    return world, host, Door(world)


# -- faults ------------------------------------------------------------------------------------------------


def test_a_fault_strikes_when_its_state_comes_and_is_lifted_by_itself(holding):
    world, host, door = holding
    door.inject("S03:percent=-3@state=RAMP_DOWN,for=0.5")
    assert door.faults()["faults"][0]["on"] is False
    host.ask("STOP")
    world.advance_to(world.now_us + 20_000)
    assert door.faults()["faults"][0]["on"] is True
    assert world.plant.gain_i == pytest.approx(1.001 * 0.97)
    world.advance_to(world.now_us + 500_000)
    assert door.faults()["faults"] == []
    assert world.plant.gain_i == 1.001


# -- time --------------------------------------------------------------------------------------------------


def test_everything_goes_back_and_comes_again(holding):
    world, host, door = holding
    door.inject("E01@state=RAMP_DOWN")
    door.snapshot("holding")
    first = []
    for _ in range(2):
        host.keeping = False
        door.lead_off("return")
        door.advance(1.0)
        first.append((door.truth(), world.firmware.events, world.snapshot()))
        assert first[-1][0]["state"] == "FAULT"
        door.restore("holding")
        assert door.truth()["state"] == "HOLD"
    assert first[0] == first[1]


def test_history_makes_the_same_again(tmp_path):
    """Played again from its own history, a bench with the same host ends in the same snapshot."""
    world = parse("dry-skin?seed=5&fault=S03:percent=-1@at=3&person=4").world()
    door = Door(world)
    host = virtual_host(world)
    host.start(I=500, Q=60_000)
    door.contact("drug", 0.9)
    host.until(lambda: world.now_us >= 8_000_000)
    door.inject("S07:percent=2@state=FAULT")
    door.lift_fault(2)
    door.lead_off()
    host.until(lambda: world.truth()["state"] == "FAULT")
    path = tmp_path / "again.toml"
    path.write_text(door.history()["toml"], encoding="utf-8")

    again = parse(str(path)).world()
    replayed = virtual_host(again)
    replayed.start(I=500, Q=60_000)
    replayed.until(lambda: again.truth()["state"] == "FAULT")
    assert again.truth() == world.truth()
    assert again.firmware.events == world.firmware.events
    assert again.plant.rng_x == world.plant.rng_x


def test_a_bench_of_no_scenario_has_no_history():
    with pytest.raises(ValueError, match=r"^this bench was not made from a scenario, so none can replay it$"):
        Door(World()).history()


def test_real_time_stands_still_and_goes_on():
    world = World()
    pace = Pace(world, 1000)
    door = Door(world, pace.catch_up)
    stood = door.freeze()["t_us"]
    for _ in range(1000):
        assert door.truth()["t_us"] == stood
    assert door.advance(3)["t_us"] == stood + 3_000_000
    door.snapshot("then")
    door.thaw()
    while door.truth()["t_us"] <= stood + 3_000_000:
        pass
    door.freeze()
    door.restore("then")
    assert door.truth()["t_us"] == stood + 3_000_000
