"""Named set-ups of the bench, and the options of a ``sim://`` address. The seed lives here.

A scenario says what is wired to the unit and what happens to it, with a sentence of what is to be expected. Its name
and options are one text, the same in an address (``sim://dry-skin?seed=3``) and on the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from urllib.parse import parse_qsl

from hw_sim import plant
from hw_sim.line import Line
from hw_sim.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to build a ``World`` from. ``speed`` is simulated seconds per real one; 0: as fast as it goes."""

    name: str
    expect: str
    load: str = "skin"
    agenda: tuple[tuple[float, str, str], ...] = ()
    seed: int = 1
    person: int | None = None
    serial: str = "SN0001"
    line: str = "usb"
    speed: int = 0
    parameters: dict[str, float] = field(default_factory=dict)

    def world(self) -> World:
        extra = dict(self.parameters)
        if self.person is not None:
            drug, back = plant.draw_person(self.seed, self.person)
            extra["person_drug"], extra["person_return"] = drug, back
        return World(load=self.load, seed=self.seed, serial=self.serial, agenda=self.agenda, **extra)


def _s(name: str, expect: str, load: str = "skin", agenda: tuple[tuple[float, str, str], ...] = ()) -> Scenario:
    return Scenario(name=name, expect=expect, load=load, agenda=agenda)


SCENARIOS = {
    s.name: s
    for s in (
        _s("skin", "prepared skin under a 10 cm2 drug and a 25 cm2 return patch: the treatment runs to its dose"),
        _s("dry-skin", "unprepared skin: starts near 30 V at 4 mA and falls; the treatment runs to its dose", "dry-skin"),
        _s("hydrated-skin", "wet or stripped skin: low voltage throughout; runs to its dose", "hydrated-skin"),
        _s("membrane", "excised epidermis: 2.3 to 8 kohm.cm2; runs to its dose", "membrane"),
        _s("tap-water", "two hands in trays of tap water, 150 cm2 each; runs to its dose", "tap-water"),
        _s("bench-5k", "a 5 kohm resistor: the voltage is 5 V at 1 mA, flat; runs to its dose", "5k"),
        _s("open", "nothing connected: the contact check refuses (16), no current flows", "open"),
        _s("short", "leads shorted: the contact check refuses (16), below the lowest impedance", "short"),
        _s("lead-pulled", "the drug lead comes off 60 s after power-on: fault OPEN (01) within 100 ms, current off",
           agenda=((60.0, "lift", "drug"),)),
        _s("shorted-in-run", "the electrodes are shorted 60 s after power-on: fault STEP (06) at once, current off",
           agenda=((60.0, "load", "short"),)),
        _s("peeling", "from 300 s on the drug patch peels to 30 % within a minute: CONTACT (05) warns, then trips",
           agenda=tuple((300.0 + n, "contact", f"drug:{1 - 0.7 * n / 60:.4f}") for n in range(61))),
        _s("power-cut", "the unit loses power for an instant at 60 s: the run is closed RESET, nothing resumes",
           agenda=((60.0, "power_cycle", ""),)),
        _s("firmware-hangs", "the processor stops at 60 s: the watchdog opens the relay, fault WATCHDOG (16)",
           agenda=((60.0, "hang", ""),)),
        _s("unplugged", "the cable is pulled at 60 s for 10 s: the unit pauses by itself, nothing resumes by itself",
           agenda=((60.0, "unplug", ""), (70.0, "replug", ""))),
    )
}  # fmt: skip


def parse(text: str) -> Scenario:
    """``[scenario][?key=value&...]`` as a Scenario; ValueError with a sentence when something in it is unknown."""
    name, _, query = text.partition("?")
    name = name.strip("/") or "skin"
    base = SCENARIOS.get(name)
    if base is None:
        raise ValueError(f"no scenario {name!r}{_hint(name, list(SCENARIOS))}; `ionto-sim scenarios` lists them")
    for key, value in parse_qsl(query, keep_blank_values=True):
        option = _OPTIONS.get(key)
        if option is None:
            raise ValueError(f"unknown option {key!r}{_hint(key, list(_OPTIONS))}; known: {', '.join(_OPTIONS)}")
        base = option(base, value)
    return base


def _hint(wrong: str, known: list[str]) -> str:
    near = get_close_matches(wrong, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _integer(key: str, value: str, lowest: int, highest: int) -> int:
    if not value.isdigit() or not lowest <= int(value) <= highest:
        raise ValueError(f"{key}={value}: expected a whole number from {lowest} to {highest}")
    return int(value)


def _load(s: Scenario, value: str) -> Scenario:
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
    return replace(s, speed=0 if value == "max" else _integer("speed", value, 1, 100_000))


_OPTIONS: dict[str, Callable[[Scenario, str], Scenario]] = {
    "seed": lambda s, v: replace(s, seed=_integer("seed", v, 0, 2**63 - 1)),
    "person": lambda s, v: replace(s, person=_integer("person", v, 0, 2**31 - 1)),
    "load": _load,
    "line": _line,
    "sn": _serial,
    "speed": _speed,
}
