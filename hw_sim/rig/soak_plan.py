"""What a soak does to one treatment, drawn before it begins: load, prescription, faults, and what the operator does.

Everything is drawn from the seed and the episode's number by a generator of integers of our own (splitmix64), so that
an episode is the same on every machine and a failure can be repeated by its two numbers. Faults come from the whole
catalogue, half of them with the catalogue's arguments and half with others around them; at most three in an episode.
One episode in four is left in peace, and must then go to its dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.faults.fault import Argument, Fault

_T = TypeVar("_T")
_WORD: Final = (1 << 64) - 1
SHIFT: Final = 12  # episodes that one unit lives through; then the next unit is taken

SOUND_LOADS: Final = ("skin", "dry-skin", "hydrated-skin", "tap-water", "5k", "2k2", "5k||100n")
OTHER_LOADS: Final = ("membrane", "child-patch", "spent-electrode", "33k", "open", "short", "220R")
CURRENTS_MA: Final = (0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0)
STATES: Final = ("STAGED", "CHECK", "ARMED", "RAMP_UP", "HOLD", "HOLD", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED")
DEEDS: Final = ("pause", "pause", "pause", "sleep", "sleep", "second", "resume", "stop", "abort", "request", "leave",
                "raise", "close", "button")  # fmt: skip
HEAVY: Final = {("L26", "rate"): 20_000.0, ("F05", "every"): 5.0, ("L27", "ms"): 1000.0, ("F13", "events"): 500.0}
WHOLE: Final = ("bit", "code", "bytes", "length", "n", "events", "left", "baud")


class Dice:
    """Integers from a seed."""

    def __init__(self, *seeds: int) -> None:
        self._x = 0
        for seed in seeds:
            self._x = self.draw() ^ (seed & _WORD)

    def draw(self) -> int:
        """64 bits (Steele, Lea and Flood, 2014)."""
        self._x = (self._x + 0x9E3779B97F4A7C15) & _WORD
        z = self._x
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _WORD
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        return self.draw() % n

    def pick(self, choices: tuple[_T, ...]) -> _T:
        return choices[self.below(len(choices))]

    def seconds(self, low: float, high: float) -> float:
        """To the millisecond."""
        return (round(low * 1000) + self.below(round((high - low) * 1000) + 1)) / 1000


class Mishap(NamedTuple):
    """A fault as it is injected, ``after_s`` the beginning of the episode."""

    after_s: float
    text: str


class Deed(NamedTuple):
    """What the operator or the program does."""

    after_s: float
    what: str
    for_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    number: int
    load: str
    treatment: dict[str, Any]
    attended: bool
    keep_open: bool  # the port, for the next episode
    mishaps: tuple[Mishap, ...] = ()
    deeds: tuple[Deed, ...] = ()

    @property
    def in_peace(self) -> bool:
        return not self.mishaps and not self.deeds and self.load in SOUND_LOADS

    def lines(self) -> list[str]:
        """For a person."""
        phases = "; ".join(
            f"{p['current_ma']:g} mA to {p['dose_ma_min']:g} mA.min, pole {p['pole']}" for p in self.treatment["phase"]
        )
        policy = " ".join(f"{key}={value}" for key, value in self.treatment["policy"].items())
        said = [f"load {self.load}; {phases}; {policy}; {'' if self.attended else 'un'}attended"]
        said += [f"fault {m.text} from {m.after_s:g} s" for m in self.mishaps]
        said += [f"{d.what} at {d.after_s:g} s" + (f" for {d.for_s:g} s" if d.for_s else "") for d in self.deeds]
        return said


def plan(seed: int, number: int) -> Plan:
    """The episode of that number."""
    dice = Dice(seed, number)
    dice.draw()
    peace = dice.below(4) == 0
    load = dice.pick(SOUND_LOADS) if peace or dice.below(4) else dice.pick(OTHER_LOADS)
    treatment, planned_s = _treatment(dice, load)
    return Plan(
        number=number,
        load=load,
        treatment=treatment,
        attended=bool(dice.below(2)),
        keep_open=bool(dice.below(2)),
        mishaps=() if peace else tuple(_mishap(dice, planned_s) for _ in range(1 + dice.below(3))),
        deeds=() if peace else _deeds(dice, planned_s),
    )


def _treatment(dice: Dice, load: str) -> tuple[dict[str, Any], float]:
    """The treatment's table, and how long it takes."""
    phases, planned_s = [], 0.0
    for n in range(1 if dice.below(4) else 2):
        phase, phase_s = _phase(dice)
        phases.append({**phase, "auto": True} if n else phase)
        planned_s += phase_s + 2.0
    policy = {
        "resistance": "stretch" if dice.below(3) == 0 else "stop",
        "contact": "pause" if dice.below(2) else "stop",
        "link": "finish" if dice.below(4) == 0 else "stop",
        "battery": "finish" if dice.below(4) == 0 else "stop",
    }
    whole = {"format": 1, "name": f"soak on {load}", "load": "bench", "phase": phases, "policy": policy}
    return whole, planned_s


def _phase(dice: Dice) -> tuple[dict[str, Any], float]:
    current_ma = dice.pick(CURRENTS_MA)
    minutes = dice.pick((0.3, 0.5, 1.0, 1.0, 2.0, 3.0))
    dose_ma_min = max(0.1, round(current_ma * minutes, 1))
    up, down = dice.pick((0.1, 0.2, 0.5)), dice.pick((0.2, 0.5, 1.0))
    phase = {
        "pole": dice.pick(("+", "-")), "current_ma": current_ma, "dose_ma_min": dose_ma_min,
        "ramp_up_ma_per_s": up, "ramp_down_ma_per_s": down,
    }  # fmt: skip
    return phase, dose_ma_min * 60 / current_ma + current_ma / up / 2 + current_ma / down / 2


def _mishap(dice: Dice, planned_s: float) -> Mishap:
    fault = dice.pick(CATALOGUE)
    text = fault.id + _arguments(dice, fault)
    span = "" if fault.instant or dice.below(3) == 0 else f"for={dice.seconds(0.05, 20):g}"
    match dice.below(8):
        case 0 | 1 | 2:
            when = f"state={dice.pick(STATES)}+{dice.seconds(0, 5):g}"
        case 3:
            when = f"event={dice.pick(('STATE', 'WARN', 'FAULT', 'LINK_WARN'))}"
        case 4:
            when = f"byte={dice.pick(('', 'host:'))}{1 + dice.below(3000)}"
        case _:
            when = ""
    schedule = ",".join(part for part in (when, span) if part)
    after_s = 0.0 if when or dice.below(5) == 0 else dice.seconds(0, planned_s)
    return Mishap(after_s, text + (f"@{schedule}" if schedule else ""))


def _arguments(dice: Dice, fault: Fault) -> str:
    if not fault.arguments or dice.below(2):
        return ""
    return ":" + ",".join(f"{a.name}={_value(dice, fault, a)}" for a in fault.arguments)


def _value(dice: Dice, fault: Fault, argument: Argument) -> str:
    """A word of the argument's, or a number from a third of its default to three times it."""
    if argument.words:
        return dice.pick(argument.words)
    default = float(argument.default)
    low, high = sorted((default / 3, default * 3)) if default else (argument.low, min(argument.high, 1.0))
    high = min(high, argument.high, HEAVY.get((fault.id, argument.name), argument.high))
    low = min(max(low, argument.low), high)
    value = low + (high - low) * dice.below(1001) / 1000
    return f"{round(value)}" if argument.name in WHOLE else f"{value:.6g}"


def _deeds(dice: Dice, planned_s: float) -> tuple[Deed, ...]:
    deeds = []
    for _ in range(dice.pick((0, 0, 1, 2))):
        what = dice.pick(DEEDS)
        for_s = dice.pick((0.4, 1.2, 3.0, 15.0)) if what == "sleep" else 0.0
        deeds.append(Deed(dice.seconds(0, planned_s), what, for_s))
    return tuple(sorted(deeds))
