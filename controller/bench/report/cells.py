"""Pictures small enough for a cell of a table. The cells beside them say the same in words, so these are silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from controller.bench.measurement import Limits
from controller.plot.axes import Scale
from controller.plot.paint import fill, stroke

_BAR_W, _BAR_H = 120.0, 16.0
_PAD: Final = 14.0  # beyond each limit there is room for what is beyond


def margin_bar(value: float, low: float | None, high: float | None) -> str:
    """Where a value is between its limits; the text beside it in the table says the same, so this one is silent."""
    if low is None and high is None:
        return ""
    span = _span(value, low, high)
    x = Scale(*span, _PAD, _BAR_W - _PAD)
    at = min(max(x.px(value), 4.0), _BAR_W - 4.0)
    beyond = not Limits(low, high).holds(value)
    limits = "".join(f"M{x.px(limit):.1f},2v12" for limit in (low, high) if limit is not None)
    track = f"M{x.px(span[0]):.1f},8H{x.px(span[1]):.1f}"
    shape = f"M{at - 4:.1f},4l8,8m0,-8l-8,8" if beyond else f"M{at:.1f},3l4.5,5l-4.5,5l-4.5,-5Z"
    return (
        f'<svg viewBox="0 0 {_BAR_W:g} {_BAR_H:g}" width="{_BAR_W:g}" height="{_BAR_H:g}" aria-hidden="true">'
        f'<path d="{track}" {stroke("axis", 3)}/><path d="{limits}" {stroke("mute", 1.5)}/>'
        f'<path d="{shape}" {stroke("alarm", 2.2) if beyond else fill("hue2")}/></svg>'
    )


def _span(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    """From limit to limit; where one is missing, from zero or as far as the value is, and always of some width."""
    first = min(0.0, value) if low is None else low
    last = max(0.0, value, _twice(first)) if high is None else high
    if first >= last:
        first = last - (abs(last) or 1.0)
    return first, last


def _twice(low: float) -> float:
    return 2 * low if low > 0 else low / 2 if low < 0 else 1.0


_BINS: Final = 12


def histogram(values: Sequence[float], low: float | None, high: float | None) -> str:
    """Where units lie between their limits, for a cell of a table; the cells beside it say it in numbers."""
    if not values:
        return ""
    span = _span_of(values, low, high)
    x = Scale(*span, _PAD, _BAR_W - _PAD)
    width = (x.end_px - x.start_px) / _BINS
    counts: dict[int, int] = {}
    for value in values:
        place = min(max(int((x.px(value) - x.start_px) // width), -1), _BINS)  # -1 and _BINS: beyond
        counts[place] = counts.get(place, 0) + 1
    most, foot = max(counts.values()), 22.0
    bars = "".join(_column(x.start_px + place * width, width, 18.0 * n / most, foot) for place, n in counts.items())
    limits = "".join(f"M{x.px(limit):.1f},1v{foot + 1:g}" for limit in (low, high) if limit is not None)
    return (
        f'<svg viewBox="0 0 {_BAR_W:g} 26" width="{_BAR_W:g}" height="26" aria-hidden="true">'
        f'<path d="{bars}" {fill("hue2")}/><path d="M4,{foot:g}H{_BAR_W - 4:g}" {stroke("axis", 1)}/>'
        f'<path d="{limits}" {stroke("alarm", 1.4)} stroke-dasharray="3 2"/></svg>'
    )


def _column(left: float, width: float, height: float, foot: float) -> str:
    return f"M{left + 0.5:.1f},{foot:g}v{-max(height, 1.5):.1f}h{width - 1:.1f}V{foot:g}Z"


def _span_of(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    if low is not None and high is not None and low < high:
        return low, high
    first = min([*values, *(limit for limit in (low, high) if limit is not None)])
    last = max([*values, *(limit for limit in (low, high) if limit is not None)])
    room = 0.05 * (last - first) or abs(last) / 2 or 1.0
    return first - room, last + room
