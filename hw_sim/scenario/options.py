"""``[scenario][?key=value&...]``: the one text of an address and of ``--scenario``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from hw_sim import plant
from hw_sim.line import Line
from hw_sim.scenario import recorded
from hw_sim.scenario.model import LOAD_LONGEST, Scenario
from hw_sim.scenario.shelf import DEFAULT, SCENARIOS, load_file

SPEED_MAX: Final = 1000  # at 4 us a tick, 40 % of a core


def parse(text: str) -> Scenario:
    """``[scenario][?key=value&...]`` as a Scenario; ValueError: a sentence about what is wrong with it."""
    name, _, query = text.partition("?")
    base = _named(name)
    for key, value in _pairs(query):
        option = _OPTIONS.get(key)
        if option is None:
            raise ValueError(f"unknown option {key!r}{_hint(key, list(_OPTIONS))}; known: {', '.join(_OPTIONS)}")
        base = option(base, value)
    return base


def _named(name: str) -> Scenario:
    if name.endswith(".toml"):
        return load_file(Path(name))
    name = name.strip("/") or DEFAULT.name
    if name == DEFAULT.name:
        return DEFAULT
    if name not in SCENARIOS:
        hint = _hint(name, list(SCENARIOS))
        raise ValueError(f"no scenario {name!r}{hint}; `ionto-sim scenarios` lists them")
    return SCENARIOS[name]


def _pairs(query: str) -> list[tuple[str, str]]:
    """``key=value&...`` as in an address, where a plus is a plus; the most common one has none."""
    if not query:
        return []
    from urllib.parse import unquote

    return [(unquote(key), unquote(value)) for key, _, value in (pair.partition("=") for pair in query.split("&"))]


def _hint(wrong: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wrong, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _integer(key: str, value: str, lowest: int, highest: int) -> int:
    if not value.isdecimal() or not value.isascii() or not lowest <= int(value) <= highest:
        raise ValueError(f"{key}={value}: expected a whole number from {lowest} to {highest}")
    return int(value)


def load_named(value: str) -> str:
    """A load, if it is one."""
    if value.startswith(recorded.PREFIX):
        recorded.rows_of(value.removeprefix(recorded.PREFIX))
        return value
    if len(value) > LOAD_LONGEST:
        raise ValueError(f"load={value[:LOAD_LONGEST]}... is no load: `ionto-sim loads` lists them")
    plant.new_plant(load=value)  # refuses what it does not know
    return value


def _line(s: Scenario, value: str) -> Scenario:
    Line(value)
    return replace(s, line=value)


def serial_number(value: str) -> str:
    """A serial number, if it is one."""
    if not 0 < len(value) <= 12 or not value.isalnum() or not value.isascii():
        raise ValueError(f"sn={value}: expected 1 to 12 letters and digits")
    return value


def _speed(s: Scenario, value: str) -> Scenario:
    return replace(s, speed=0 if value == "max" else _integer("speed", value, 1, SPEED_MAX))


def _fault(s: Scenario, value: str) -> Scenario:
    from hw_sim.faults.spec import from_text

    return replace(s, faults=(*s.faults, from_text(value).text()))


def variant_named(value: str) -> str:
    """A known-bad firmware, if it is one."""
    from hw_sim.variants import find

    return find(value).name


_OPTIONS: Final[dict[str, Callable[[Scenario, str], Scenario]]] = {
    "seed": lambda s, v: replace(s, seed=_integer("seed", v, 0, 2**63 - 1)),
    "person": lambda s, v: replace(s, person=_integer("person", v, 0, 2**31 - 1)),
    "load": lambda s, v: replace(s, load=load_named(v)),
    "line": _line,
    "sn": lambda s, v: replace(s, serial=serial_number(v)),
    "speed": _speed,
    "fault": _fault,
    "variant": lambda s, v: replace(s, variant=variant_named(v)),
    "dtr_resets": lambda s, v: replace(s, dtr_resets=bool(_integer("dtr_resets", v, 0, 1))),
}
