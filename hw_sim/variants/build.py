"""A firmware with defects, made of the good one: classes laid over its classes, in a new unit or in one that runs.

A defect overrides what it breaks of the unit, its session, its memory or the wires of its board, and nothing else. A
tick calls functions of a module, which belong to every world of the process, so a defect of the control step acts on
the record before or behind it. What a defect has to remember stands in ``OWN`` and goes into snapshots with the
rest. Copies of the firmware with a line changed were rejected: in a month they would differ by more than that line.

Another class in a running unit is what other code in its flash would be: memory and outputs stay as they are. So a
defect of the code that begins in the middle of a run (a fault) and one that was there from the start (a
variant) are one and the same class.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, NamedTuple, Protocol

from hw_sim.firmware.main import Firmware
from hw_sim.firmware.nvm import Store
from hw_sim.firmware.record import Record
from hw_sim.firmware.session import Session


class Wires:
    """Something between the firmware and its board; everything it does not say itself is the board's."""

    def __init__(self, board: Any, unit: Any) -> None:  # noqa: ANN401 - firmware has no types for either
        self.board = board
        self.unit = unit

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.board, name)

    def drive(self, s: Record) -> None:
        self.board.drive(s)


class Defect(NamedTuple):
    """What lies over which class; one that is the good firmware's own breaks nothing there."""

    name: str
    unit: type[Firmware] = Firmware
    session: type[Session] = Session
    store: type[Store] = Store
    wires: type[Wires] | None = None


class Defective(Firmware):
    """The bottom of every unit that has a defect: dresses itself before it starts."""

    DEFECTS: ClassVar[tuple[str, ...]] = ()
    SESSION: ClassVar[type[Session]] = Session
    STORE: ClassVar[type[Store]] = Store
    WIRES: ClassVar[tuple[type[Wires], ...]] = ()

    def boot(self) -> None:
        self.dress()
        super().boot()

    def dress(self) -> None:
        self.session.__class__ = self.SESSION
        self.store.__class__ = self.STORE
        for wires in self.WIRES:
            self.hal = wires(self.hal, self)


class Housing(Protocol):
    """What the unit stands in, that is the world: ``make`` is what is put in after the next reset."""

    make: type[Firmware]
    has_lane: bool

    @property
    def firmware(self) -> Firmware: ...


@cache
def built(defects: tuple[Defect, ...]) -> type[Firmware]:
    """The unit with these defects, the first one's overrides outermost; the good one if there are none."""
    if not defects:
        return Firmware
    units = _over(Firmware, [d.unit for d in defects])
    body = {
        "DEFECTS": tuple(d.name for d in defects),
        "SESSION": _one(Session, [d.session for d in defects]),
        "STORE": _one(Store, [d.store for d in defects]),
        "WIRES": tuple(dict.fromkeys(d.wires for d in defects if d.wires is not None)),
    }
    return type("Unit", (Defective, *units), body)


def _over(good: type[Any], wanted: list[type[Any]]) -> tuple[type[Any], ...]:
    """Those that are not the good one, each once, and none that another of them is already."""
    bad = tuple(dict.fromkeys(part for part in wanted if part is not good))
    return tuple(part for part in bad if not any(other is not part and issubclass(other, part) for other in bad))


def _one(good: type[Any], wanted: list[type[Any]]) -> type[Any]:
    bad = _over(good, wanted)
    return type(good.__name__, bad, {}) if bad else good


def defects_of(make: type[Firmware]) -> tuple[str, ...]:
    """The names of its defects."""
    return make.DEFECTS if issubclass(make, Defective) else ()


def refit(housing: Housing, make: type[Firmware]) -> None:
    """Other code in the unit as it runs, and in every one that starts in its place.

    What only a defect that is gone remembered is forgotten. The fast lane knows the good control step alone.
    """
    unit = housing.firmware
    before = _own(unit)
    housing.make = make
    housing.has_lane = make is Firmware
    while isinstance(unit.hal, Wires):
        unit.hal = unit.hal.board
    unit.__class__ = make
    unit.session.__class__ = Session
    unit.store.__class__ = Store
    if isinstance(unit, Defective):
        unit.dress()
    after = _own(unit)
    for part, name in before:
        if (part, name) not in after:
            vars(part).pop(name, None)


# -- snapshots -----------------------------------------------------------------------------------------------


def memories(unit: Firmware) -> tuple[Any, ...]:
    """What its defects remember beyond the good one's state."""
    return tuple(getattr(part, name) for part, name in _own(unit))


def remember(unit: Firmware, values: tuple[Any, ...]) -> None:
    for (part, name), value in zip(_own(unit), values, strict=True):
        setattr(part, name, value)


def _own(unit: Firmware) -> list[tuple[object, str]]:
    """Every ``OWN`` on the way up, of the unit and of its session."""
    parts = (unit, unit.session)
    return [(part, name) for part in parts for kind in type(part).__mro__ for name in vars(kind).get("OWN", ())]
