"""A measurement as data: what, in which unit, between which limits, how and with what; and how it came out.

``Definition`` is what a procedure declares before it begins, ``Measurement`` the same with its value. A value within
its limits but nearer to one of them than the definition's ``margin`` (a share of the way from there to the middle) is
MARGINAL: it passes, and the next one of its kind may not. A value nobody measured is NOT_MEASURED, never a pass and
never a failure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Any, Final, NamedTuple, Self

MARGIN: Final = 0.1  # of the way from a limit to the middle; the usual guard band of a bench (own)


class Outcome(StrEnum):
    """Of one measurement."""

    PASS = "PASS"
    MARGINAL = "MARGINAL"
    FAIL = "FAIL"
    NOT_MEASURED = "NOT_MEASURED"


class Limits(NamedTuple):
    """Both ends belong to it; None: no limit on that side."""

    low: float | None = None
    high: float | None = None

    @property
    def text(self) -> str:
        """As OpenHTF writes a range."""
        if self.low is None and self.high is None:
            return "any"
        if self.low is not None and self.low == self.high:
            return f"x == {self.low:g}"
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" <= {self.high:g}"
        return f"{low}x{high}"

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def margin_of(self, value: float) -> float | None:
        """How far within: 1 in the middle, 0 on a limit, negative beyond; None where there is no span to share.

        A limit on one side only is taken as a span from 0 to it.
        """
        low, high = self.low, self.high
        if low is not None and high is not None:
            half = (high - low) / 2
            nearest = min(value - low, high - value)
        elif high is not None:
            half, nearest = abs(high), high - value
        elif low is not None:
            half, nearest = abs(low), value - low
        else:
            return None
        return None if half == 0 else nearest / half


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """``name`` is unique in a record; ``instrument`` the role of what measures, None: the unit's or the host's word."""

    name: str
    title: str
    unit: str
    limits: Limits
    how: str
    error_code: str
    margin: float = MARGIN
    instrument: str | None = None

    def unmeasured(self, reason: str) -> Measurement:
        return Measurement(self, reason=reason)

    def measured(self, value: float, *, calibrated: str | None = None) -> Measurement:
        """With its value; what is no number (NaN, infinite) was not measured."""
        if not isfinite(value):
            return self.unmeasured("the instrument gave no number")
        return Measurement(self, value=value, calibrated=calibrated)


@dataclass(frozen=True, slots=True)
class Measurement:
    """``reason`` says why there is no value; ``calibrated`` when its instrument was, an ISO date."""

    definition: Definition
    value: float | None = None
    reason: str | None = None
    calibrated: str | None = None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def outcome(self) -> Outcome:
        if self.value is None:
            return Outcome.NOT_MEASURED
        if not self.definition.limits.holds(self.value):
            return Outcome.FAIL
        margin = self.margin
        return Outcome.MARGINAL if margin is not None and margin < self.definition.margin else Outcome.PASS

    @property
    def margin(self) -> float | None:
        """See ``Limits.margin_of``."""
        return None if self.value is None else self.definition.limits.margin_of(self.value)

    def as_dict(self) -> dict[str, Any]:
        """Names as in OpenHTF where it has them."""
        d = self.definition
        return {
            "name": d.name, "docstring": d.title, "outcome": self.outcome.value, "measured_value": self.value,
            "units": d.unit, "validators": [d.limits.text], "limits": {"low": d.limits.low, "high": d.limits.high},
            "marginal_below": d.margin, "margin": None if self.margin is None else round(self.margin, 4),
            "method": d.how, "instrument": d.instrument, "calibrated": self.calibrated, "error_code": d.error_code,
            "reason": self.reason,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        definition = Definition(
            name=data["name"], title=data["docstring"], unit=data["units"], limits=Limits(**data["limits"]),
            how=data["method"], error_code=data["error_code"], margin=data["marginal_below"],
            instrument=data["instrument"],
        )  # fmt: skip
        return cls(definition, data["measured_value"], data["reason"], data["calibrated"])

    def because(self, reason: str) -> Measurement:
        """The same, not measured for another reason."""
        return replace(self, reason=reason)


class Point(NamedTuple):
    """A point of a chart with its limits; ``label`` names it where x is only a place in a row."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""


class Chart(StrEnum):
    """How people would rather look at a series."""

    ERROR = "error"  # points against limits, x a set-point; series of one title lie in one chart, a group a load
    RAMP = "ramp"  # lines over time, laid over each other
    TIMING = "timing"  # one row a point, its label before it
    DRIFT = "drift"  # a line over time against limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points that belong together. Series of one ``chart`` and one ``title`` are drawn into one figure."""

    name: str
    chart: Chart
    title: str
    group: str
    x_title: str
    x_unit: str
    y_title: str
    y_unit: str
    points: tuple[Point, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "chart": self.chart.value, "title": self.title, "group": self.group,
            "x": {"title": self.x_title, "units": self.x_unit}, "y": {"title": self.y_title, "units": self.y_unit},
            "points": [list(point) for point in self.points],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            name=data["name"], chart=Chart(data["chart"]), title=data["title"], group=data["group"],
            x_title=data["x"]["title"], x_unit=data["x"]["units"], y_title=data["y"]["title"],
            y_unit=data["y"]["units"], points=tuple(Point(*point) for point in data["points"]),
        )  # fmt: skip
