"""The yield of a family as a page: figures, distributions against their limits, and what fails first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from controller.bench.report.cells import histogram
from controller.bench.report.charts import shares
from controller.bench.report.pages import picture, rendered
from controller.bench.report.words import limits_text, number, percent
from controller.plot.paint import unit_sign
from controller.shelf.yields import FamilyYield, Quantity


class _Line(NamedTuple):
    name: str
    n: int
    mean: str
    s: str
    limits: str
    cp: str
    cpk: str
    at_least: str
    note: str
    picture: object


class _Family(NamedTuple):
    title: str
    about: str
    notes: list[str]
    facts: list[tuple[str, str]]
    lines: list[_Line]
    causes: object  # a picture, or None
    rows: Sequence[object]


def yield_page(families: Sequence[FamilyYield], made_utc: str) -> str:
    """The HTML text; ``made_utc`` is written at its foot."""
    return rendered("yield.html", title="Yield and capability", families=list(map(_family, families)), made=made_utc)


def heading(family: FamilyYield) -> str:
    return " · ".join(filter(None, (family.recipe or "no recipe", family.family)))


def _family(family: FamilyYield) -> _Family:
    found = family.found
    notes = []
    if family.simulated:
        notes.append(f"{family.simulated} of {found.units} units are simulated.")
    if family.without_verdict:
        notes.append(
            f"{family.without_verdict} verifications ended without a verdict and are not counted: "
            "not measured is not failed."
        )
    facts = [
        ("First-pass yield", f"{percent(found.first_pass_yield)} ({found.first_pass} of {found.units} units)"),
        ("Final yield", f"{percent(found.final_yield)} ({found.final} of {found.units} units)"),
        ("Attempts with a verdict", str(found.attempts)),
    ]
    causes = picture(
        shares(f"What fails first: {heading(family)}", [(c.name, c.times, c.up_to_here) for c in family.causes])
    )
    about = f"{family.first_utc[:10]} to {family.last_utc[:10]}" if family.first_utc else "no verdict yet"
    return _Family(
        heading(family), about, notes, facts, list(map(_line, family.quantities)),
        causes if family.causes else None, family.causes,
    )  # fmt: skip


def _line(quantity: Quantity) -> _Line:
    figures = quantity.capability
    unit = f" {unit_sign(quantity.unit)}" if quantity.unit and figures.mean is not None else ""
    drawn = histogram(quantity.values, quantity.low, quantity.high)
    return _Line(
        quantity.name, figures.n, number(figures.mean) + unit, number(figures.s, 3),
        limits_text(quantity.low, quantity.high, quantity.unit), number(figures.cp, 3), number(figures.cpk, 3),
        number(figures.cpk_at_least, 3), figures.note, picture(drawn),
    )  # fmt: skip
