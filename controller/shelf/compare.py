"""Two runs side by side: what was asked, what was delivered, and what the skin did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from controller.journal import Record
from controller.shelf.entry import asked_ma_min
from controller.shelf.traces import impedance_ohm_at

MINUTES: Final = (1, 5, 10)


class Row(NamedTuple):
    """One quantity of both runs; ``difference`` is second less first, None where it has no meaning."""

    what: str
    first: str | float | None
    second: str | float | None
    difference: float | None = None

    @property
    def same(self) -> bool:
        return self.first == self.second


_FACTS: Final[tuple[tuple[str, Callable[[Record], Any]], ...]] = (
    ("treatment", lambda r: r.data["treatment"]["name"]),
    ("outcome", lambda r: r.outcome),
    ("fault", lambda r: r.data["fault"]),
    ("unit", lambda r: r.data["unit"]["serial"]),
    ("firmware", lambda r: r.data["unit"]["firmware"]),
    ("operator", lambda r: r.data["operator"]),
    ("phases", lambda r: len(r.data["treatment"]["phase"])),
    ("current asked (mA)", lambda r: max(phase["current_ma"] for phase in r.data["treatment"]["phase"])),
    ("dose asked (mA.min)", lambda r: round(sum(map(asked_ma_min, r.data["treatment"]["phase"])), 6)),
    ("dose (mA.min)", lambda r: r.dose_ma_min),
    ("dose, lowest (mA.min)", lambda r: r.dose_interval_ma_min[0]),
    ("dose, highest (mA.min)", lambda r: r.dose_interval_ma_min[1]),
    ("duration (s)", lambda r: r.data["duration_s"]),
    ("peak (mA)", lambda r: r.data["peak_ma"]),
    ("warnings", lambda r: len(r.data["warnings"])),
)
_PLAIN: Final = frozenset({"fault"})  # a number that is a name


def compare(first: Record, second: Record) -> list[Row]:
    """Every quantity, equal or not.

    Raises:
        RecordError: a trace is damaged. One that is missing leaves the impedance out.
    """
    rows = [row(what, of(first), of(second)) for what, of in _FACTS]
    return [*rows, *_impedances(first, second)]


def _impedances(first: Record, second: Record) -> Iterator[Row]:
    found = [_at_minutes(record) for record in (first, second)]
    for n, minutes in enumerate(MINUTES):
        yield row(f"impedance at {minutes} min (ohm)", found[0][n], found[1][n])


def _at_minutes(record: Record) -> list[float | None]:
    if record.folder is None or not (record.folder / "trace.csv").exists():
        return [None] * len(MINUTES)
    trace = record.trace
    return [impedance_ohm_at(trace, minutes) for minutes in MINUTES]


def row(what: str, a: Any, b: Any) -> Row:  # noqa: ANN401 - a cell of a record
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float)) and what not in _PLAIN
    return Row(what, a, b, round(b - a, 6) if numbers else None)
