"""When a fault strikes and how long it lasts: the schedule, as text, as a table of a file, and as a value.

The words are the same everywhere: behind the ``@`` of an address (``fault=E01@state=HOLD+5,for=2``), in a
scenario's ``[[fault]]``, in the bench door's ``inject``.

==============  =======================================================================================
at=60           60 s after power-on of the world
state=HOLD+5    5 s after HOLD is entered; ``state=HOLD`` at once
event=3         with the unit's event number 3; ``event=WARN``: with the next event of that name
byte=120        with byte 120 that reaches the unit; ``byte=host:120``: that reaches the host
p=0.01          by chance, 0.01 a second (of a line's fault: a byte), from the world's seed
for=2           lifted after 2 s; else it stays
==============  =======================================================================================

Of the first five one, or none: at once. A state, an event or a byte counts from the moment of injection, once, and is
seen by the end of the control tick (10 ms) in which it came; a fault of a line meets its byte exactly. Chance strikes
again and again where the fault is over by itself or by ``for``. A heap of conditions joined by "and" was left out:
what it could say, two faults and a scenario's events say more plainly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from hw_sim.firmware.machine import NAMES

LONGEST_S: Final = 1e7  # 115 days
TRIGGERS: Final = ("at", "state", "event", "byte", "p")
KEYS: Final = (*TRIGGERS, "for")


class When(NamedTuple):
    """Times in us, None and "" where nothing was said."""

    at_us: int | None = None
    state: str = ""
    after_us: int = 0
    event: str = ""
    byte: int = 0
    towards: str = "unit"
    chance: float = 0.0
    for_us: int | None = None

    def fields(self) -> dict[str, str]:
        """As key and value, the way `when` reads them."""
        said = {}
        if self.at_us is not None:
            said["at"] = seconds_text(self.at_us)
        if self.state:
            said["state"] = self.state + (f"+{seconds_text(self.after_us)}" if self.after_us else "")
        if self.event:
            said["event"] = self.event
        if self.byte:
            said["byte"] = f"host:{self.byte}" if self.towards == "host" else str(self.byte)
        if self.chance:
            said["p"] = repr(self.chance)
        if self.for_us is not None:
            said["for"] = seconds_text(self.for_us)
        return said


def when(fields: Mapping[str, Any]) -> When:
    """A schedule from its keys; the values are text or numbers.

    Raises:
        ValueError: one sentence that names the key.
    """
    found = When()
    triggers = [key for key in fields if key in TRIGGERS]
    if len(triggers) > 1:
        raise ValueError(f"{triggers[0]} and {triggers[1]} are both given: a fault has one beginning")
    for key, value in fields.items():
        found = _READERS[key](found, key, value)
    return found


def seconds_text(us: int) -> str:
    """Seconds, without what is not needed: 2500000 is "2.5"."""
    return f"{us // 1_000_000}.{us % 1_000_000:06d}".rstrip("0").rstrip(".")


def microseconds(key: str, value: object, most_s: float = LONGEST_S) -> int:
    """A time in seconds, as text or number."""
    return round(number(key, value, 0.0, most_s, "seconds") * 1e6)


def number(key: str, value: object, low: float, high: float, unit: str = "") -> float:
    """A finite number in its range."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        found = float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not low <= found <= high or not math.isfinite(found):
        what = f" of {unit}" if unit else ""
        raise ValueError(f"{key}={value!s:.40}: expected a number{what} from {low:g} to {high:g}")
    return found


def _at(w: When, key: str, value: object) -> When:
    return w._replace(at_us=microseconds(key, value))


def _state(w: When, key: str, value: object) -> When:
    name, plus, after = str(value).partition("+")
    if name not in NAMES:
        raise ValueError(f"{key}={value!s:.40}: expected a state and seconds, as in HOLD+5; states: {', '.join(NAMES)}")
    return w._replace(state=name, after_us=microseconds(f"{key}={name}+", after) if plus else 0)


def _event(w: When, key: str, value: object) -> When:
    text = str(value)
    if not text.isascii() or not ((text.isdecimal() and 0 < int(text) < 65_536) or text.replace("_", "").isupper()):
        raise ValueError(f"{key}={text:.40}: expected the number of an event from 1 to 65535, or its name, as in WARN")
    return w._replace(event=str(int(text)) if text.isdecimal() else text)


def _byte(w: When, key: str, value: object) -> When:
    towards, colon, n = str(value).rpartition(":")
    towards = towards if colon else "unit"
    if towards not in ("unit", "host") or not n.isascii() or not n.isdecimal() or not 0 < int(n) < 2**31:
        raise ValueError(f"{key}={value!s:.40}: expected the number of a byte, as in 120 (to the unit) or host:120")
    return w._replace(byte=int(n), towards=towards)


def _chance(w: When, key: str, value: object) -> When:
    chance = number(key, value, 0.0, 1.0)
    if chance == 0.0:
        raise ValueError(f"{key}=0 never strikes: leave the fault out")
    return w._replace(chance=chance)


def _span(w: When, key: str, value: object) -> When:
    span_us = microseconds(key, value)
    if span_us == 0:
        raise ValueError(f"{key}={value}: expected a time above 0 s")
    return w._replace(for_us=span_us)


_READERS: Final[dict[str, Callable[[When, str, object], When]]] = {
    "at": _at,
    "state": _state,
    "event": _event,
    "byte": _byte,
    "p": _chance,
    "for": _span,
}
