"""What a bench works with: loads, meters, and hands. Three protocols, and one driver a file.

``Load`` is what the unit drives. ``Meter`` is what the truth is read from: the unit's own reading never proves itself,
so where there is no meter, what needs one is not measured. ``Hands`` do what no wire can: open the interlock, press the
stop button, cut the power. A person has hands too (``prompts``), but no exact moment: what was done by a person says
None for its time, and no time is measured from it.

Times are seconds on the instrument's own clock (``base``); a difference is taken only between two of one base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

Quantity: TypeAlias = Literal["current", "voltage", "charge"]
Deed: TypeAlias = Literal[
    "interlock", "local_stop", "power_cycle", "hang", "line_break", "overcurrent", "leak", "frozen_sensor", "hot"
]

OPEN_OHM = float("inf")
SHORT_OHM = 0.0


class Reading(NamedTuple):
    """Signed: positive flows out of the drug electrode. uA, mV or uC."""

    t_s: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``driver`` as in a station file; ``name`` as the instrument says it, where it does."""

    driver: str
    name: str


class Load(Protocol):
    @property
    def identity(self) -> Identity: ...

    @property
    def base(self) -> str: ...

    def fit(self, ohm: float) -> None:
        """Wire this resistance, OPEN_OHM or SHORT_OHM, and return when it is done. Nothing flows. InstrumentError."""

    def turn(self, ohm: float) -> float | None:
        """The same while current flows, without waiting; when it was done, None where a person does it."""


class Meter(Protocol):
    @property
    def identity(self) -> Identity: ...

    @property
    def base(self) -> str: ...

    @property
    def quantities(self) -> frozenset[Quantity]: ...

    @property
    def resolution_s(self) -> float:
        """How long a reading takes: no time shorter than a few of these is measured with it."""

    def now(self) -> float:
        """The time of its clock."""

    def read(self, quantity: Quantity) -> Reading:
        """Raises InstrumentError."""


class Hands(Protocol):
    @property
    def base(self) -> str: ...

    @property
    def deeds(self) -> frozenset[Deed]: ...

    def do(self, deed: Deed, amount: float = 0.0) -> float | None:
        """Do it without waiting; when it was done, None where a person does it. ``amount``: uA of an over-current,
        ohm of a leak.
        """

    def undo(self, deed: Deed) -> None:
        """Put it back and return when that is done. Nothing flows."""
