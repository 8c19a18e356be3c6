"""What a fault is: its row of the table, its arguments, and the bench it acts on.

A strike moves parameters of the plant with `plant.set_parameter`, or calls what the bench itself can do. The
board notes what parameters a strike has moved and puts those back by itself; ``lift`` is for the rest (a lead, the
power). A fault that goes on by itself (a peel, a sagging battery) has a ``course``, called with the seconds since the
strike; it answers in how many seconds it wants to be called again, None: no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hw_sim.faults.when import number
from hw_sim.line import Line
from hw_sim.plant import Plant, set_parameter
from hw_sim.variants import Housing

if TYPE_CHECKING:
    from hw_sim.faults.board import Board


class Memory(Protocol):
    """The unit's board, as far as a mishap reaches it: its non-volatile memory."""

    nvm: dict[str, bytes]
    nvm_full: bool
    nvm_slow_us: int


class Bench(Housing, Protocol):
    """What a fault acts on: the world."""

    seed: int
    now_us: int
    powered_us: int
    fed_us: int
    hung: bool
    plant: Plant
    to_unit: dict[int, Line]
    to_host: dict[int, Line]
    agenda: tuple[tuple[int, str, str], ...]
    next_tick_us: int
    tick_us: int
    load: str
    bytes_in: int
    bytes_out: int

    @property
    def hal(self) -> Memory: ...

    def act(self, verb: str, argument: str = "") -> None:
        """One thing that happens to the bench, `World.act`."""

    def later(self, at_us: int, verb: str, argument: str) -> None:
        """The same, at its time."""

    def faults(self) -> Board:
        """The board of the faults."""


class Argument(NamedTuple):
    """One argument: a number from ``low`` to ``high``, or one of ``words``."""

    name: str
    default: float | str
    what: str
    low: float = 0.0
    high: float = 0.0
    words: tuple[str, ...] = ()

    def read(self, value: object) -> float | str:
        """The value, judged."""
        if not self.words:
            return number(self.name, value, self.low, self.high)
        if value not in self.words:
            raise ValueError(f"{self.name}={value!s:.40}: expected {' or '.join(self.words)}")
        return str(value)


class Arguments(dict[str, float | str]):
    """The arguments of a strike, every one with its value.

    A ``per_byte`` fault finds ``byte``, ``towards`` and ``p`` of its schedule here too, 0 where they were not given.
    """

    def number(self, name: str) -> float:
        return float(self[name])

    def word(self, name: str) -> str:
        return str(self[name])


Strike = Callable[[Bench, Arguments], None]
Course = Callable[[Bench, Arguments, float], float | None]


class Fault(NamedTuple):
    """A row of the catalogue.

    ``instant``: over as soon as it struck, so that nothing can be lifted. ``per_byte``: a fault of a line, which
    looks after ``byte=`` and ``p=`` itself.
    """

    id: str
    name: str
    what: str
    strike: Strike
    arguments: tuple[Argument, ...] = ()
    lift: Strike | None = None
    course: Course | None = None
    instant: bool = False
    per_byte: bool = False

    def read(self, fields: Mapping[str, Any]) -> Arguments:
        """All arguments, from those given and the defaults."""
        known = {argument.name: argument for argument in self.arguments}
        for key in fields:
            if key not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes no argument"
                raise ValueError(f"{self.name} has no argument {key!s:.40}; {takes}")
        return Arguments({name: a.read(fields[name]) if name in fields else a.default for name, a in known.items()})


def a_number(name: str, default: float, low: float, high: float, what: str) -> Argument:
    return Argument(name, default, what, low, high)


def one_of(name: str, *words: str, what: str) -> Argument:
    """The first word is the default."""
    return Argument(name, words[0], what, words=words)


def move(bench: Bench, **values: float) -> None:
    """Set parameters of the plant."""
    for name, value in values.items():
        set_parameter(bench.plant, name, value)
