"""Two verifications side by side: the same rows as of two runs, and each measurement of either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from controller.bench.record import VerificationRecord
from controller.shelf.compare import Row, row

_FACTS: Final[tuple[tuple[str, Callable[[VerificationRecord], Any]], ...]] = (
    ("recipe", lambda r: r.test_name),
    ("recipe, SHA-256", lambda r: r.metadata["recipe"].get("sha256")),
    ("outcome", lambda r: r.outcome.value),
    ("unit", lambda r: r.dut_id),
    ("firmware", lambda r: r.metadata["unit"].get("firmware")),
    ("operator", lambda r: r.operator_id),
    ("station", lambda r: r.station_id),
)


def compare(first: VerificationRecord, second: VerificationRecord) -> list[Row]:
    """Every fact and every measurement, equal or not; None: not measured, or not in that recipe."""
    rows = [row(what, of(first), of(second)) for what, of in _FACTS]
    values = [{each.name: each for each in record.measurements} for record in (first, second)]
    for name in dict.fromkeys([*values[0], *values[1]]):
        pair = [found.get(name) for found in values]
        unit = next(each.definition.unit for each in pair if each is not None)
        a, b = (None if each is None else each.value for each in pair)
        rows.append(row(f"{name} ({unit})" if unit else name, a, b))
    return rows
