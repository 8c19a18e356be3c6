"""When faults strike, what a lift puts back, and that a world with faults goes back and comes again like any other."""

from __future__ import annotations

import pytest

from hw_sim.faults.board import MOST
from hw_sim.world import World
from tests.sim.host import virtual_host

TICK_US = 10_000


def on(world: World) -> list[str]:
    return [fault["id"] for fault in world.faults().listed() if fault["on"]]


def struck(world: World) -> tuple[tuple[int, str], ...]:
    return tuple(strike[:2] for strike in world.faults().struck)


# -- when --------------------------------------------------------------------------------------------------


def test_at_once():
    world = World()
    world.act("inject", "E01:return")
    assert world.plant.alpha_return == 0.0
    assert struck(world) == ((500_000, "E01"),)


def test_at_power_on():
    assert struck(World(faults=("E01",))) == ((0, "E01"),)


def test_at_a_time_between_two_ticks_and_for_a_span():
    world = World(faults=("E01@at=1.2345,for=0.5",))
    world.advance_to(1_234_499)
    assert world.plant.alpha_drug == 1.0
    world.advance_to(1_234_500)
    assert world.plant.alpha_drug == 0.0
    world.advance_to(1_734_499)
    assert world.plant.alpha_drug == 0.0
    world.advance_to(10_000_000)
    assert world.plant.alpha_drug == 1.0
    assert world.faults().listed() == []
    assert world.agenda == ()


def test_a_time_that_is_over_is_refused():
    world = World()
    with pytest.raises(ValueError, match=r"^fault E01@at=0\.4: it is 0\.5 s already$"):
        world.act("inject", "E01@at=0.4")
    assert world.faults().listed() == []


def test_when_a_state_is_entered():
    world = World(faults=("S03:percent=-1@state=HOLD+2", "S07:percent=1@state=RAMP_UP"))
    host = virtual_host(world)
    host.start(I=200, Q=60_000)
    host.until_state("HOLD")
    host.until(lambda: len(struck(world)) == 2)
    entered_us = {e["st"]: e["ms"] * 1000 for e in host.events if e["name"] == "STATE"}
    assert struck(world)[1] == (entered_us["HOLD"] + 2_000_000, "S03")
    assert struck(world)[0][1] == "S07"
    assert 0 <= struck(world)[0][0] - entered_us["RAMP_UP"] <= TICK_US
    assert world.agenda == ()  # nothing is looked at any longer


def test_a_state_is_waited_for_from_the_injection_on():
    world = World()
    host = virtual_host(world)
    host.start(I=200, Q=60_000)
    host.until_state("HOLD")
    world.act("inject", "S07:percent=1@state=HOLD")
    world.advance_to(world.now_us + 1_000_000)
    assert on(world) == []


@pytest.mark.parametrize("what", ["5", "STATE"])
def test_with_an_event(what):
    """Events 1 and 2 are of power-on; PRES is the third, ARM the fourth, its end the fifth."""
    world = World(faults=(f"S07:percent=1@event={what}",))
    host = virtual_host(world)
    host.start(I=200, Q=60_000)
    at_us = struck(world)[0][0]
    if what == "STATE":
        assert at_us == 200_000  # the end of the self-test; its beginning was at power-on, before the injection
    else:
        assert host.events[2]["st"] == "ARMED"
        assert 0 <= at_us - host.events[2]["ms"] * 1000 <= TICK_US


def test_with_a_byte():
    world = World()
    wire = virtual_host(world)
    wire.hello()
    world.act("inject", "S07@byte=10")
    world.act("inject", "S04@byte=host:10")
    wire._send(b"*IDN?\n")  # six
    world.advance_to(world.now_us + 50_000)
    assert on(world) == ["S04"]  # the answer is longer
    wire._send(b"*OPC")
    world.advance_to(world.now_us + 50_000)
    assert on(world) == ["S07", "S04"]


def test_by_chance_and_again():
    """0.2 a second for 2000 s, each 0.1 s long: 400 strikes; within four times the square root of it."""
    world = World(faults=("S07@p=0.2,for=0.1",), load="open")
    world.advance_to(2_000_000_000)
    times = [at for at, _ in struck(world)]
    assert 330 < len(times) < 480
    assert len({at % 1_000_000 for at in times}) > 250  # anywhere in the second
    other = World(faults=("S07@p=0.2,for=0.1",), load="open", seed=2)
    other.advance_to(100_000_000)
    assert struck(other) != struck(world)[: len(struck(other))]


# -- what a lift puts back ---------------------------------------------------------------------------------


def test_a_lift_puts_back_what_the_strike_found():
    world = World(gain_i=0.97)
    world.act("inject", "S03:percent=-10")
    assert world.plant.gain_i == pytest.approx(0.873)
    world.act("lift_fault", "1")
    assert world.plant.gain_i == 0.97


@pytest.mark.parametrize("order", ["12", "21"])
def test_two_on_one_parameter_are_lifted_in_any_order(order):
    world = World()
    world.act("inject", "S03:percent=-10")
    world.act("inject", "S03:percent=-50")
    for number in order:
        assert world.plant.gain_i != 1.001
        world.act("lift_fault", number)
    assert world.plant.gain_i == 1.001


def test_the_earlier_one_stays_when_the_later_is_lifted():
    world = World()
    world.act("inject", "S03:percent=-10")
    world.act("inject", "S03:percent=-50")
    world.act("lift_fault", "2")
    assert world.plant.gain_i == pytest.approx(1.001 * 0.9)


def test_by_number_id_or_name():
    world = World()
    for text in ("E01", "S07@at=9", "S07@at=10", "S04"):
        world.act("inject", text)
    world.act("lift_fault", "lead-off")
    assert world.plant.alpha_drug == 1.0
    world.act("lift_fault", "s07")
    assert [fault["number"] for fault in world.faults().listed()] == [4]
    assert world.agenda == ()
    with pytest.raises(ValueError, match=r"^no fault 1 is injected; injected: 4 S04$"):
        world.act("lift_fault", "1")


def test_one_that_is_lifted_while_it_waits_never_strikes():
    world = World()
    for text in ("E01@at=2", "E01@event=9", "E01@p=1"):
        world.act("inject", text)
    for number in "123":
        world.act("lift_fault", number)
    world.advance_to(20_000_000)
    assert struck(world) == ()


def test_there_is_an_end_to_how_many():
    world = World(faults=("S07@at=100",) * MOST)
    with pytest.raises(ValueError, match=r"^64 faults are injected already: lift some$"):
        world.act("inject", "S07")


# -- one that goes on --------------------------------------------------------------------------------------


def test_a_peel_goes_on_by_itself_and_ends():
    world = World(faults=("E23:share=0.2,over=10@at=1",))
    shares = []
    for at_s in (1, 3, 6, 11, 12):
        world.advance_to(at_s * 1_000_000)
        shares.append(world.plant.alpha_drug)
    assert shares == pytest.approx([1.0, 0.84, 0.6, 0.2, 0.2])
    assert world.agenda == ()
    world.act("lift_fault", "1")
    assert world.plant.alpha_drug == 1.0


def test_a_bounce_is_over_by_itself():
    world = World(faults=("E04:return,gap=0.005@at=1.001",))
    world.advance_to(1_003_000)
    assert world.plant.alpha_return == 0.0
    world.advance_to(1_006_000)
    assert world.plant.alpha_return == 1.0
    assert world.faults().listed() == []


def test_without_power_the_unit_is_dead_and_begins_anew():
    world = World(faults=("E19@at=2,for=3",))
    host = virtual_host(world)
    host.hello()
    world.advance_to(2_500_000)
    told = world.bytes_out
    world.put(1, b"*IDN?\n")
    world.advance_to(4_990_000)
    assert world.bytes_out == told
    assert world.firmware.store.boot == 1
    world.advance_to(6_000_000)
    assert world.firmware.store.boot == 2
    assert world.truth()["state"] == "IDLE"


# -- the whole world ---------------------------------------------------------------------------------------


def test_a_world_with_faults_goes_back_and_comes_again():
    world = World(
        faults=("S07:percent=1@state=HOLD+1,for=1", "E04@p=0.3", "S03:percent=-1", "E23@at=20", "S04:5@byte=400")
    )
    host = virtual_host(world)
    host.start(I=500, Q=60_000)
    host.until(lambda: world.now_us >= 7_000_000)
    kept = world.snapshot()
    other = World()
    other.restore(kept)
    assert other.snapshot() == kept
    for each in (world, other):
        each.advance_to(40_000_000)
    assert other.snapshot() == world.snapshot()
    assert struck(other) == struck(world)
    assert len(struck(world)) > 5
    world.restore(kept)
    assert world.snapshot() == kept


def test_faults_from_the_same_seed_are_the_same():
    def told(seed: int) -> tuple[tuple[int, str], ...]:
        world = World(seed=seed, faults=("E04@p=0.5",))
        world.advance_to(60_000_000)
        return struck(world)

    assert told(3) == told(3) != told(4)


def test_a_world_without_faults_has_no_board():
    world = World()
    world.advance_to(2_000_000)
    assert world.board is None
    assert world.snapshot()[-1] == ((), None)
