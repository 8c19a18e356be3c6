"""``ionto runs yield``: how many units pass, how well they keep their limits, and what fails first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.choice import json_option
from controller.cli.choosing import out_option, query_of, say, shelf_or_lab

if TYPE_CHECKING:
    from controller.shelf.yields import FamilyYield, Quantity


@click.command("yield")
@out_option
@click.option("--recipe", metavar="NAME", help="verifications by this recipe")
@click.option("--family", metavar="NAME", help="units of this family")
@click.option("--unit", "--serial", metavar="SERIAL")
@click.option("--since", metavar="WHEN", help="from this day (2026-10-01), time (UTC), or age (30d, 12h) on")
@click.option("--until", metavar="WHEN", help="up to this day, time, or age")
@click.option("--html", metavar="FILE", help="write a page with the distributions, too")
@json_option
def yield_(out: str | None, html: str | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - of filters
    """First-pass yield, final yield and Cpk over the verifications on record.

    \b
    Examples:  ionto runs yield --recipe acceptance --since 90d
               ionto runs yield --family IONTO-4 --html yield.html
    """
    from controller.shelf.yields import yields

    query = query_of(outcome=(), operator=None, treatment=None, limit=None, **asked)
    with shelf_or_lab(out) as shelf:
        families = yields(shelf, query)
    if html is not None:
        _page(families, Path(html))
    if as_json:
        click.echo(json.dumps([_document(family) for family in families]))
        return
    if not families:
        click.echo("no verifications that are asked for")
    for family in families:
        for line in _lines(family):
            click.echo(line)


def _page(families: list[FamilyYield], target: Path) -> None:
    from controller.bench.report.yield_page import yield_page

    text = yield_page(families, datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        target.write_text(text, "utf-8")
    except OSError as exc:
        raise click.UsageError(f"{target}: {exc.strerror or exc}; name another file with --html") from exc
    say(f"wrote {target}")


def _document(family: FamilyYield) -> dict[str, Any]:
    plain = family._asdict() | family.found._asdict()
    del plain["found"]
    plain["first_pass_yield"] = family.found.first_pass_yield
    plain["final_yield"] = family.found.final_yield
    plain["quantities"] = [_quantity(quantity) for quantity in family.quantities]
    plain["causes"] = [cause._asdict() for cause in family.causes]
    return plain


def _quantity(quantity: Quantity) -> dict[str, Any]:
    plain = quantity._asdict() | quantity.capability._asdict()
    del plain["capability"]
    return plain


def _lines(family: FamilyYield) -> Iterator[str]:
    from controller.bench.report.words import limits_text, number, percent
    from controller.bench.report.yield_page import heading

    found = family.found
    yield f"{heading(family)}: {found.units} units, {found.attempts} attempts with a verdict"
    if family.without_verdict:
        yield f"  {family.without_verdict} ended without a verdict and are not counted"
    if family.simulated:
        yield f"  {family.simulated} of the units are simulated"
    yield f"  first-pass yield  {percent(found.first_pass_yield)} ({found.first_pass} of {found.units})"
    yield f"  final yield       {percent(found.final_yield)} ({found.final} of {found.units})"
    if family.quantities:
        yield f"  {'measurement':44} {'n':>4} {'mean':>10} {'s':>9} {'Cp':>6} {'Cpk':>6} {'95 % >=':>7}  limits"
    for name, unit, low, high, figures, _ in family.quantities:
        numbers = f"{figures.n:4} {number(figures.mean):>10} {number(figures.s, 3):>9} {number(figures.cp, 3):>6}"
        worth = f"{number(figures.cpk, 3):>6} {number(figures.cpk_at_least, 3):>7}"
        note = f"  ({figures.note})" if figures.note else ""
        yield f"  {name:44} {numbers} {worth}  {limits_text(low, high, unit)}{note}"
    if family.causes:
        yield "  what fails first"
    for cause in family.causes:
        yield f"  {cause.times:4} x  {cause.name}  (up to here {percent(cause.up_to_here)})"
