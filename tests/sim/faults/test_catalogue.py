"""Every fault of the table, struck in the middle of a run and lifted: it takes, and everything it moved goes back."""

from __future__ import annotations

from operator import attrgetter

import pytest

from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.faults.spec import from_text
from hw_sim.plant import PARAMETERS
from hw_sim.world import World
from tests.sim.host import virtual_host

ON_THE_BENCH = [fault for fault in CATALOGUE if fault.id[0] in "ES"]
parameters = attrgetter(*(name for name in PARAMETERS if name != "battery_charge"))  # which drains by itself


@pytest.fixture(scope="module")
def holding():
    world = World()
    host = virtual_host(world)
    host.start(I=1000, Q=600_000, POL="+")
    host.until_state("HOLD")
    return world.snapshot()


@pytest.fixture
def world(holding):
    world = World()
    world.restore(holding)
    return world


@pytest.mark.parametrize("fault", ON_THE_BENCH, ids=lambda fault: fault.id)
def test_it_strikes_and_is_lifted(world, fault):
    before, contacts = parameters(world.plant), (world.plant.alpha_drug, world.plant.alpha_return)
    world.act("inject", fault.name)
    assert world.faults().struck == ((world.now_us, fault.id, world.truth()["state"]),)
    if not fault.instant:
        world.advance_to(world.now_us + 3_000_000)
        world.act("lift_fault", fault.id)
    world.advance_to(world.now_us + 1_000_000)
    assert parameters(world.plant) == before
    assert (world.plant.alpha_drug, world.plant.alpha_return) == contacts
    assert world.agenda == ()


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault.id)
def test_every_argument_at_its_ends(fault):
    for argument in fault.arguments:
        for value in argument.words or (argument.low, argument.high):
            text = f"{fault.id}:{argument.name}={value}"
            assert from_text(from_text(text).text()) == from_text(text)


@pytest.mark.parametrize("fault", ON_THE_BENCH, ids=lambda fault: fault.id)
def test_the_plant_takes_every_argument_at_its_ends(holding, fault):
    for argument in fault.arguments:
        for value in argument.words or (argument.low, argument.high):
            world = World()
            world.restore(holding)
            world.act("inject", f"{fault.id}:{argument.name}={value}")
            world.advance_to(world.now_us + 50_000)


# What must be so 1 s after the strike on 1 mA in HOLD: own arithmetic on the plant's truth.
TRUE_UA = [
    ("E01", 0),
    ("E11", 0),
    ("E08:plus", 1000),
    ("E08:leads", 1000),
]


@pytest.mark.parametrize(("text", "ua"), TRUE_UA)
def test_what_flows(world, text, ua):
    world.act("inject", text)
    world.advance_to(world.now_us + 50_000)
    assert abs(world.truth()["i_ua"]) == pytest.approx(ua, abs=12)


def test_a_stuck_source_gives_what_it_likes(world):
    world.act("inject", "E10:ma=3")
    world.advance_to(world.now_us + 40_000)
    assert abs(world.truth()["peak_ua"]) == pytest.approx(3000, rel=0.01)


def test_the_limiter_holds_a_stuck_source_unless_it_is_broken(world):
    kept = world.snapshot()
    world.act("inject", "E10")
    world.advance_to(world.now_us + 40_000)
    assert world.truth()["peak_ua"] == pytest.approx(4200, rel=0.01)
    world.restore(kept)
    world.act("inject", "E10:limiter=broken")
    world.advance_to(world.now_us + 40_000)
    assert 4400 < world.truth()["peak_ua"] <= 5000
    assert world.truth()["relay_closed"] is False  # the comparator


def test_an_offset_is_told_in_microamperes(world):
    """100 uA of a full scale of 5 mA are 1311 of 65535 codes."""
    before = world.plant.offset_i
    world.act("inject", "S04:100")
    assert world.plant.offset_i - before == pytest.approx(1310.7)


def test_a_torn_record_is_found_at_power_on(world):
    world.act("inject", "F08")
    world.advance_to(world.now_us + 500_000)
    assert world.truth()["state"] == "FAULT"
    assert world.truth()["faults"] == 1 << 14
    _, told_uc, outcome = world.firmware.run_facts("RUN1")  # from the record's other slot, and never less
    assert outcome == "RESET"
    assert told_uc >= world.truth()["q_uc"] - 50


def test_a_full_memory_is_free_again_when_lifted(world):
    world.act("inject", "memory-full")
    assert world.hal.nvm_write("x", b"") is False
    world.act("lift_fault", "memory-full")
    assert world.hal.nvm_write("x", b"") is True
