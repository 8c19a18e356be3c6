"""Named set-ups of the bench, and the options of a ``sim://`` address. The seed lives here.

A scenario says what is wired to the unit and what happens to it, with a sentence of what is to be expected.
Its name and options are one text, the same in an address (``sim://dry-skin?seed=3``) and on the command
line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from hw_sim import plant
from hw_sim.line import Line
from hw_sim.world import World

LOAD_LONGEST: Final = 16  # characters of a load's name or value; a number of 400 digits would be infinite
SPEED_MAX: Final = 1000  # at 4 us a tick, 40 % of a core


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to build a ``World`` from.

    ``speed``: simulated seconds per real one; 0: as fast as it goes, None: not said. ``line``: how bytes
    travel; None: as the endpoint has it, 1 ms USB frames on ``sim://`` and its own transport elsewhere.
    """

    name: str
    expect: str
    load: str = "skin"
    agenda: tuple[tuple[float, str, str], ...] = ()
    seed: int = 1
    person: int | None = None
    serial: str = "SN0001"
    line: str | None = None
    speed: int | None = None
    parameters: dict[str, float] = field(default_factory=dict)

    def world(self) -> World:
        extra = dict(self.parameters)
        if self.person is not None:
            drug, back = plant.draw_person(self.seed, self.person)
            extra["person_drug"], extra["person_return"] = drug, back
        return World(load=self.load, seed=self.seed, serial=self.serial, agenda=self.agenda, **extra)


_PEEL: Final = tuple((300.0 + n, "contact", f"drug:{1 - 0.7 * n / 60:.4f}") for n in range(61))

# name, load, what happens (seconds after power-on), what is to be expected: each is a test.
_TABLE: Final[tuple[tuple[str, str, tuple[tuple[float, str, str], ...], str], ...]] = (
    ("skin", "skin", (), "prepared skin: 28 V after a 30 s ramp to 4 mA, then falling; runs to its dose"),
    ("dry-skin", "dry-skin", (), "dry skin: 34 V after a 30 s ramp to 4 mA, then falling; runs to its dose"),
    (
        "hydrated-skin", "hydrated-skin", (),
        "wet or stripped skin: 18 V after a 30 s ramp to 4 mA, then falling; runs to its dose",
    ),
    ("membrane", "membrane", (), "excised epidermis: 2.3 to 8 kohm.cm2 after 5 min at 2 to 4 mA; runs to its dose"),
    ("tap-water", "tap-water", (), "two hands in trays of tap water: 3 to 5 kohm; runs to its dose"),
    ("bench-5k", "5k", (), "a 5 kohm resistor: 5 V at 1 mA, flat; runs to its dose"),
    ("open", "open", (), "nothing connected: the contact check refuses (16), no current flows"),
    ("short", "short", (), "leads shorted: the contact check refuses (16), the impedance is below ZMIN"),
    (
        "lead-pulled", "skin", ((60.0, "lift", "drug"),),
        "the drug lead comes off at 60 s: fault OPEN (01) within 100 ms, current off",
    ),
    (
        "shorted-in-run", "skin", ((60.0, "load", "short"),),
        "shorted at 60 s of a run at 0.5 mA or more: fault STEP (06) within 100 ms, current off",
    ),
    (
        "peeling", "skin", _PEEL,
        "the drug patch peels to 30 % from 300 to 360 s: CONTACT (05) warns, trips by 345 s, current off",
    ),
    (
        "power-cut", "skin", ((60.0, "power_cycle", ""),),
        "the power fails for an instant at 60 s: current off, the run is closed RESET, nothing resumes",
    ),
    (
        "firmware-hangs", "skin", ((60.0, "hang", ""),),
        "the processor stops at 60 s: relay open within 150 ms, fault WATCHDOG (16), the run is closed RESET",
    ),
    (
        "unplugged", "skin", ((60.0, "unplug", ""), (70.0, "replug", "")),
        "the cable is out from 60 to 70 s: paused within 3 s, dose kept; nothing resumes by itself",
    ),
)  # fmt: skip

SCENARIOS: Final = {
    name: Scenario(name=name, load=load, agenda=agenda, expect=expect) for name, load, agenda, expect in _TABLE
}


def parse(text: str) -> Scenario:
    """``[scenario][?key=value&...]`` as a Scenario; ValueError: a sentence about what is wrong with it."""
    name, _, query = text.partition("?")
    name = name.strip("/") or "skin"
    base = SCENARIOS.get(name)
    if base is None:
        raise ValueError(f"no scenario {name!r}{_hint(name, list(SCENARIOS))}; `ionto-sim scenarios` lists them")
    for key, value in _pairs(query):
        option = _OPTIONS.get(key)
        if option is None:
            raise ValueError(f"unknown option {key!r}{_hint(key, list(_OPTIONS))}; known: {', '.join(_OPTIONS)}")
        base = option(base, value)
    return base


def _pairs(query: str) -> list[tuple[str, str]]:
    """``key=value&...`` as in an address; nothing is imported for the most common one, which has none."""
    if not query:
        return []
    from urllib.parse import parse_qsl

    return parse_qsl(query, keep_blank_values=True)


def _hint(wrong: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wrong, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _integer(key: str, value: str, lowest: int, highest: int) -> int:
    if not value.isdecimal() or not value.isascii() or not lowest <= int(value) <= highest:
        raise ValueError(f"{key}={value}: expected a whole number from {lowest} to {highest}")
    return int(value)


def _load(s: Scenario, value: str) -> Scenario:
    if len(value) > LOAD_LONGEST:
        raise ValueError(f"load={value[:LOAD_LONGEST]}... is no load: `ionto-sim loads` lists them")
    plant.new_plant(load=value)  # refuses what it does not know
    return replace(s, load=value)


def _line(s: Scenario, value: str) -> Scenario:
    Line(value)
    return replace(s, line=value)


def _serial(s: Scenario, value: str) -> Scenario:
    if not 0 < len(value) <= 12 or not value.isalnum() or not value.isascii():
        raise ValueError(f"sn={value}: expected 1 to 12 letters and digits")
    return replace(s, serial=value)


def _speed(s: Scenario, value: str) -> Scenario:
    return replace(s, speed=0 if value == "max" else _integer("speed", value, 1, SPEED_MAX))


_OPTIONS: dict[str, Callable[[Scenario, str], Scenario]] = {
    "seed": lambda s, v: replace(s, seed=_integer("seed", v, 0, 2**63 - 1)),
    "person": lambda s, v: replace(s, person=_integer("person", v, 0, 2**31 - 1)),
    "load": _load,
    "line": _line,
    "sn": _serial,
    "speed": _speed,
}
