"""Every known-bad firmware breaks what it is said to break, and the good one keeps every promise in the same places."""

from __future__ import annotations

import json

import pytest

from controller import Unit
from hw_sim.cli import run_command
from hw_sim.door import Door
from hw_sim.scenario import parse
from hw_sim.scenario.reading import from_toml
from hw_sim.scenario.writing import to_toml
from hw_sim.variants import VARIANTS, find
from hw_sim.world import World
from tests.sim.firmware.bench import Bench
from tests.sim.host import virtual_host
from tests.sim.variants.situations import SITUATIONS, play
from tests.sim.variants.watched import Watched


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_good_firmware_keeps_every_promise(situation):
    assert play(situation) == {}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_breaks_what_it_is_said_to_break(variant):
    broken = play(variant.situation, variant.firmware())
    assert set(variant.invariants) <= set(broken), broken


def test_every_row_is_whole_and_has_a_name_of_its_own():
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS) == 40
    for variant in VARIANTS:
        assert variant.name.replace("-", "").isalnum()
        assert variant.name.islower()
        assert variant.what
        assert variant.origin
        assert variant.invariants
        assert all(word[0] == "I" and 1 <= int(word[1:]) <= 40 for word in variant.invariants)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_it_says_on_the_wire_what_the_good_one_says_and_only_the_truth_names_it(variant):
    good, bad = Bench(world=World()), Bench(world=World(firmware=variant.firmware()))
    for bench in (good, bad):
        virtual = virtual_host(bench.world)
        bench.said = virtual.hello()
    assert bad.said == good.said
    assert "defects" not in good.world.truth()
    assert bad.world.truth()["defects"] == (variant.name,)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_world_with_a_variant_is_brought_back_as_it_was(variant):
    """Into a good one, and with what the defect remembers."""

    def story(bench: Watched) -> None:
        bench.world.act("lift", "drug")
        bench.ticks(3)
        bench.world.act("replace", "drug")
        bench.world.put(bench.conn, b"MEAS:ALL?\n")
        bench.world.advance_to(bench.world.now_us + 25_000)

    bench = Watched(firmware=variant.firmware())
    bench.begin()
    bench.until("HOLD")
    story(bench)
    kept = bench.world.snapshot()
    other = World(load="5k")
    other.restore(kept)
    assert other.snapshot() == kept
    for world in (bench.world, other):
        world.advance_to(world.now_us + 4_000_000)
    assert other.snapshot() == bench.world.snapshot()
    other.act("power_cycle")
    assert other.truth()["defects"] == (variant.name,)


def test_a_good_world_brought_back_into_a_bad_one_is_good():
    good, bad = World(), World(firmware=find("lease-by-any-byte").firmware())
    kept = good.snapshot()
    bad.restore(kept)
    assert bad.snapshot() == kept
    assert "defects" not in bad.truth()
    assert bad.has_lane


def test_a_scenario_has_it_by_name_and_in_its_file():
    scenario = parse("?variant=automatic-resume&load=5k")
    assert scenario.world().truth()["defects"] == ("automatic-resume",)
    assert from_toml(to_toml(scenario), "x").variant == "automatic-resume"
    assert from_toml(to_toml(parse("")), "x").variant == ""


def test_a_name_that_is_none_is_an_error_with_what_comes_near():
    with pytest.raises(ValueError, match=r"no variant crc-uncheked \(did you mean crc-unchecked\?\)"):
        parse("?variant=crc-uncheked")


def test_the_command_lists_them(capsys):
    assert run_command(["variants"]) == 0
    assert "watchdog-off " in capsys.readouterr().out
    assert run_command(["variants", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[26] == {
        "name": "window-forgets-committed",
        "what": "the dose window adds up what was given and forgets what is committed",
        "origin": "an insulin controller's limit, which the dose being asked for was not part of",
        "invariants": ["I09"],
        "situation": "window-nearly-full",
    }


def test_a_world_made_again_from_its_history_has_it_too():
    world = parse("?variant=set-clears-stop&load=5k").world()
    again = from_toml(Door(world).history()["toml"], "again").world()
    assert again.truth()["defects"] == ("set-clears-stop",)


def test_the_driver_meets_it_at_an_address():
    with Unit.open("sim://?variant=watchdog-off&load=5k") as unit:
        assert unit.status().state.name == "IDLE"
