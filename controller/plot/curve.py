"""Samples to an SVG path: a spike of one sample stays a spike, at its own time.

A run has 12 000 to 140 000 samples, a plot some 850 pixels. In each of COLUMNS slices of time the lowest
and the highest sample are kept, in their order, so that the drawn line covers what the full one would
cover. Averages or every n-th sample were rejected: they hide the very millisecond one looks for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, pairwise
from math import isfinite, log10
from operator import sub
from typing import Final, NamedTuple

from controller.plot.axes import Scale

COLUMNS: Final = 1200
# Telemetry comes every 0.5 s at the slowest (protocol, section 5, TELE): after four lines missed it is
# not known what happened, and the line stops.
GAP_S: Final = 2.0
# A figure that no unit can send (10 digits, section 3); it would turn the scale to infinity.
_LIMIT: Final = 1e10


class Curve(NamedTuple):
    """The parts of a series that can be drawn, as index pairs, with the lowest and the highest value."""

    t_s: Sequence[float]
    y: Sequence[float]
    parts: list[tuple[int, int]]
    low: float
    high: float


def curve_of(t_s: Sequence[float], y: Sequence[float], gap_s: float = GAP_S) -> Curve | None:
    """None where there is nothing to draw."""
    n = min(len(t_s), len(y))
    if n == 0:
        return None
    t_s, y = (t_s, y) if len(t_s) == len(y) else (t_s[:n], y[:n])
    breaks = _gaps(t_s, gap_s)
    if all(map(isfinite, y)) and max(max(y), -min(y)) < _LIMIT:
        parts = list(pairwise([0, *breaks, n]))
        return Curve(t_s, y, parts, min(y), max(y))
    absent = [index for index, value in enumerate(y) if not -_LIMIT < value < _LIMIT]
    edges = sorted({0, n, *breaks, *absent, *(index + 1 for index in absent)})
    holes = set(absent)
    parts = [(start, end) for start, end in pairwise(edges) if start not in holes]
    if not parts:
        return None
    return Curve(t_s, y, parts, min(min(y[i:j]) for i, j in parts), max(max(y[i:j]) for i, j in parts))


def _gaps(t_s: Sequence[float], gap_s: float) -> list[int]:
    steps = list(map(sub, islice(t_s, 1, None), t_s))
    if not steps or (max(steps) <= gap_s and min(steps) >= 0):
        return []
    return [index for index, step in enumerate(steps, 1) if not 0 <= step <= gap_s]


def reduced(curve: Curve, columns: int = COLUMNS) -> list[tuple[list[float], list[float]]]:
    """Times and values to draw, one pair of lists a part: at most 2 a column, and the ends of each part."""
    t_s, y, parts, _, _ = curve
    drawn = sum(end - start for start, end in parts)
    if drawn <= 2 * columns:
        return [(list(t_s[i:j]), list(y[i:j])) for i, j in parts]
    width = (t_s[parts[-1][1] - 1] - t_s[parts[0][0]]) / columns
    return [_extremes(t_s, y, start, end, width) for start, end in parts]


def _extremes(
    t_s: Sequence[float], y: Sequence[float], start: int, end: int, width: float
) -> tuple[list[float], list[float]]:
    times, values = [t_s[start]], [y[start]]
    begin, left = t_s[start], start
    column = 0
    while left < end:
        # The next column that holds anything, so that a long gap costs no more than a short one.
        column = max(column + 1, int((t_s[left] - begin) / width) + 1 if width > 0 else 1)
        right = max(left + 1, bisect_left(t_s, begin + column * width, left, end)) if width > 0 else end
        piece = y[left:right]
        low, high = min(piece), max(piece)
        at_low = left + piece.index(low)
        if low == high:
            times.append(t_s[at_low])
            values.append(low)
        else:
            at_high = left + piece.index(high)
            first, second = (at_low, at_high) if at_low < at_high else (at_high, at_low)
            times += (t_s[first], t_s[second])
            values += (y[first], y[second])
        left = right
    times.append(t_s[end - 1])
    values.append(y[end - 1])
    return times, values


def path_data(curve: Curve, x: Scale, y: Scale, columns: int = COLUMNS) -> list[str]:
    """The ``d`` of a path, one piece for each part; a part of one sample is a dot (with round line caps)."""
    return ["M" + " ".join(_points(times, values, x, y)) for times, values in reduced(curve, columns)]


def _points(times: list[float], values: list[float], x: Scale, y: Scale) -> list[str]:
    a, b = x.line
    c, d = y.line
    if y.log:
        values = [log10(value) for value in values]
    rows = [f"{c * value + d:.1f}" for value in values]
    if len(rows) == 1:
        rows, times = rows * 2, times * 2
    last = len(rows) - 1
    # On a level stretch its two ends are enough.
    return [
        f"{a * times[i] + b:.1f},{row}"
        for i, row in enumerate(rows)
        if i == 0 or i == last or not (row == rows[i - 1] == rows[i + 1])
    ]
