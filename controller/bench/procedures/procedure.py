"""What a procedure is: a table of a recipe, what it declares from it, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from controller.bench.measurement import Definition, Limits
from controller.bench.stand import Stand
from controller.limits import UnitFacts

Table = Mapping[str, Any]  # checked by ``grammar``: every key is there, and in its range


class Procedure(NamedTuple):
    """``declare`` names every measurement before anything is done; ``perform`` writes them down or leaves them."""

    name: str
    title: str
    declare: Callable[[Table, UnitFacts], list[Definition]]
    perform: Callable[[Table, Stand], None]


def within(percent: float, ua: float, of_ua: float) -> Limits:
    """+-(percent of a set-point + uA)."""
    most = percent / 100 * of_ua + ua
    return Limits(-most, most)


def at_most(high: float) -> Limits:
    return Limits(None, high)


def yes() -> Limits:
    """Of a measurement that is 1 where it holds and 0 where it does not."""
    return Limits(1.0, 1.0)


def ua_of(ma: float) -> int:
    """Set-points of recipes are in steps of 10 uA."""
    return round(ma * 1000)


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
