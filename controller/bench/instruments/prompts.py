"""A person with a box of resistors: says what is to be done, and waits for Enter where nothing flows.

While current flows nothing waits: the person is told what to do, the run goes on being watched, and what the unit makes
of it is seen on the line. The moment is the person's own, so no time is taken from it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from typing import Final

from controller.bench.instruments import Deed, Identity

_DEEDS: Final[dict[Deed, tuple[str, str]]] = {
    "interlock": ("open the interlock now", "close the interlock"),
    "local_stop": ("press the stop button of the unit now", "let go of the stop button"),
    "power_cycle": ("switch the unit off and on again now", "leave the unit switched on"),
}


def in_words(ohm: float) -> str:
    """``open``, ``a short``, ``4.7 kohm``."""
    if isinf(ohm):
        return "nothing: leave the output open"
    if ohm == 0:
        return "a short: connect the two leads"
    return f"{ohm / 1000:g} kohm" if ohm >= 1000 else f"{ohm:g} ohm"


class Operator:
    """``tell`` shows a sentence, ``ask`` shows it and returns when it was answered."""

    identity = Identity(driver="prompts", name="resistors, fitted by hand")
    base = "person"
    deeds: frozenset[Deed] = frozenset(_DEEDS)

    def __init__(self, tell: Callable[[str], None], ask: Callable[[str], None]) -> None:
        self._tell = tell
        self._ask = ask
        self._fitted: float | None = None

    def fit(self, ohm: float) -> None:
        if ohm != self._fitted:
            self._ask(f"fit {in_words(ohm)}, then press Enter")
            self._fitted = ohm

    def turn(self, ohm: float) -> float | None:
        self._tell(f"NOW, while current flows: fit {in_words(ohm)}")
        self._fitted = None
        return None

    def do(self, deed: Deed, amount: float = 0.0) -> float | None:
        self._tell(_DEEDS[deed][0])
        return None

    def undo(self, deed: Deed) -> None:
        self._ask(f"{_DEEDS[deed][1]}, then press Enter")
