"""Every fault there is, by id and by name: one table, made of the tables of the rooms."""

from __future__ import annotations

from typing import Final

from hw_sim.faults import code, electrical, firmware, on_line, sensors, supply
from hw_sim.faults.fault import Fault

CATALOGUE: Final[tuple[Fault, ...]] = (
    *sorted(electrical.FAULTS + supply.FAULTS, key=lambda fault: fault.id),
    *sensors.FAULTS,
    *sorted(firmware.FAULTS + code.FAULTS, key=lambda fault: fault.id),
    *on_line.FAULTS,
)

_FOUND: Final = {word: fault for fault in CATALOGUE for word in (fault.id.lower(), fault.name)}


def register(fault: Fault) -> None:
    """Let a fault of your own be found by its id and name, wherever faults are named, in this process.

    Raises:
        ValueError: id or name is taken.
    """
    words = (fault.id.lower(), fault.name)
    for word in words:
        if _FOUND.get(word, fault) is not fault:
            raise ValueError(f"{word} is taken by {_FOUND[word].id} {_FOUND[word].name}: give yours another name")
    _FOUND.update(dict.fromkeys(words, fault))


def find(word: str) -> Fault:
    """A fault by its id or its name.

    Raises:
        ValueError: there is none; one sentence with what comes near.
    """
    found = _FOUND.get(word.lower())
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(word.lower(), [fault.name for fault in _FOUND.values()], 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"no fault {word:.40}{hint}; `ionto-sim faults` lists them")
    return found
