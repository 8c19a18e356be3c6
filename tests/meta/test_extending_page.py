"""docs/extending-the-simulator.md as written: its blocks run one after the other, and do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hw_sim.endpoints.protocol_sim import unregister_world
from hw_sim.rig.play import play
from hw_sim.scenario import parse
from hw_sim.scenario.reading import from_toml

PAGE = (Path(__file__).parents[2] / "docs" / "extending-the-simulator.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_scenario_of_the_page_goes_as_it_says() -> None:
    (text,) = blocks("toml")
    assert play(from_toml(text, "the page")).held


def test_the_python_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    room: dict[str, object] = {"__name__": "page"}
    for block in blocks("python"):
        exec(block, room)
    unregister_world("mine")
    assert capsys.readouterr().out == "DONE\n"
    world = room["World"](firmware=room["Talkative"])  # type: ignore[operator]
    world.advance_to(5_000_000)
    assert sum("ALIVE" in body for _, _, body in world.firmware.events) == 5
    soaked = parse("skin?fault=soaked:times=20@at=1,for=2").world()
    soaked.advance_to(1_100_000)
    assert soaked.plant.r_s_ohm == 50.0
    soaked.advance_to(3_100_000)
    assert soaked.plant.r_s_ohm == 500.0


def test_a_name_that_is_taken_is_refused() -> None:
    from hw_sim.faults.catalogue import find, register

    with pytest.raises(ValueError, match="lead-off is taken by E01 lead-off"):
        register(find("E01")._replace(id="X99", what="another"))
