"""Yield and capability of a family of units, out of the index: of one shelf, or of a lab's stations together.

Rules, so that a figure means the same next year:

* A verification that ended without a verdict (ERROR, TIMEOUT, ABORTED) is no attempt: not measured is not failed. It is
  counted beside.
* First-pass yield is over units: who passed at the first attempt. Final yield: who passed at the last.
* Mean, spread and Cpk are of the first attempts. A unit that was tested five times would otherwise count five times,
  and units that were adjusted would show the family better than it leaves the line.
* Limits are those of the newest verification; where older ones had others, it is said.
* Recipes and families are never mixed: each pair is a figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from controller.shelf.capability import Attempt, Capability, Cause, Yield, capability, pareto, yield_of
from controller.shelf.entry import VERIFICATION, Entry, Measured
from controller.shelf.index import Shelf
from controller.shelf.query import Query

_PASSED: Final = frozenset({"PASS", "MARGINAL"})
_VERDICTS: Final = _PASSED | {"FAIL"}

Rows = Mapping[tuple[str, str], Sequence[Measured]]


class Quantity(NamedTuple):
    """One measurement over the first attempts of all units; ``values`` oldest first."""

    name: str
    unit: str
    low: float | None
    high: float | None
    capability: Capability
    values: tuple[float, ...]


class FamilyYield(NamedTuple):
    """Of one recipe and one family; ``first_utc`` and ``last_utc`` of the attempts."""

    recipe: str
    family: str
    found: Yield
    without_verdict: int
    simulated: int  # of the units
    first_utc: str
    last_utc: str
    quantities: tuple[Quantity, ...]
    causes: tuple[Cause, ...]


def yields(shelf: Shelf, query: Query) -> list[FamilyYield]:
    """For each recipe and family among the verifications that are asked for."""
    entries = sorted(shelf.entries(query.of_kind(VERIFICATION)), key=lambda entry: (entry.recorded_utc, entry.id))
    rows = shelf.measured(query.of_kind(VERIFICATION))
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.problem is None:
            groups.setdefault((entry.recipe or "", entry.family or ""), []).append(entry)
    return [_family(recipe, family, group, rows) for (recipe, family), group in sorted(groups.items())]


def _family(recipe: str, family: str, entries: Sequence[Entry], rows: Rows) -> FamilyYield:
    judged = [entry for entry in entries if entry.outcome in _VERDICTS]
    attempts = [Attempt(entry.unit, entry.outcome in _PASSED, entry.failing) for entry in judged]
    first: dict[str, Entry] = {}
    for entry in judged:
        first.setdefault(entry.unit, entry)
    return FamilyYield(
        recipe, family, yield_of(attempts), len(entries) - len(judged),
        simulated=sum(entry.simulated for entry in first.values()),
        first_utc=judged[0].recorded_utc if judged else "", last_utc=judged[-1].recorded_utc if judged else "",
        quantities=tuple(_quantities(list(first.values()), judged, rows)), causes=tuple(pareto(attempts)),
    )  # fmt: skip


def _quantities(first: Sequence[Entry], judged: Sequence[Entry], rows: Rows) -> list[Quantity]:
    """In the order in which the newest verification has them."""
    limits: dict[str, list[Measured]] = {}
    for entry in reversed(judged):
        for row in rows.get((entry.root, entry.id), ()):
            limits.setdefault(row.name, []).append(row)
    values: dict[str, list[float]] = {}
    for entry in first:
        for row in rows.get((entry.root, entry.id), ()):
            if row.value is not None:
                values.setdefault(row.name, []).append(row.value)
    return [_quantity(found, tuple(values.get(name, ()))) for name, found in limits.items()]


def _quantity(found: Sequence[Measured], values: tuple[float, ...]) -> Quantity:
    newest = found[0]
    figures = capability(values, newest.low, newest.high)
    if any((row.low, row.high) != (newest.low, newest.high) for row in found):
        note = "; ".join(filter(None, (figures.note, "older verifications had other limits")))
        figures = figures._replace(note=note)
    return Quantity(newest.name, newest.unit, newest.low, newest.high, figures, values)
