"""What a caller hands over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

SeriesStyle: TypeAlias = Literal["measured", "target", "filled"]
"""A measured line; what was asked for, dashed; a line with the area under it, for plans."""

EventKind: TypeAlias = Literal["state", "phase", "operator", "pause", "stop", "warning", "fault"]


class Series(NamedTuple):
    """A line. NaN in ``y``, or more than GAP_S between two times, interrupts it; times do not fall.

    ``pen``: the line's number among several runs in one panel, from 1; 0: one run, in the colour of its quantity.
    """

    name: str
    t_s: Sequence[float]
    y: Sequence[float]
    style: SeriesStyle = "measured"
    pen: int = 0


class EventMark(NamedTuple):
    """Something that happened. A fault's label is best begun with its code."""

    t_s: float
    label: str
    kind: EventKind = "state"


class Panel(NamedTuple):
    """One quantity. ``target``: a line at this value; the last value is then written at the curve's end."""

    title: str
    unit: str
    series: Sequence[Series]
    target: float | None = None
