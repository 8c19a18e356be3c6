"""Samples to an SVG path: a spike of one sample stays a spike, at its own time.

A run has 12 000 to 140 000 samples, a plot 860 pixels. In each of COLUMNS slices of time the lowest
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

COLUMNS: Final = 860  # one a pixel of the frame
# Telemetry comes every 0.5 s at the slowest (protocol, section 5, TELE): after four lines missed it is
# not known what happened, and the line stops.
GAP_S: Final = 2.0
# A figure that no unit can send (10 digits, section 3); it would turn the scale to infinity.
_LIMIT: Final = 1e10


class Curve(NamedTuple):
    """What is drawn of a series: times and values of each unbroken part, and the extremes of all of them."""

    parts: list[tuple[list[float], list[float]]]
    low: float
    high: float

    @property
    def end(self) -> tuple[float, float]:
        """Time and value of the last sample."""
        times, values = self.parts[-1]
        return times[-1], values[-1]


def curve_of(t_s: Sequence[float], y: Sequence[float], gap_s: float = GAP_S, columns: int = COLUMNS) -> Curve | None:
    """The series reduced to what a plot can show; None where there is nothing to show."""
    n = min(len(t_s), len(y))
    y = y if len(y) == n else y[:n]
    edges = [0, *_gaps(t_s, n, gap_s), n]
    holes: set[int] = set()
    if not all(map(isfinite, y)) or (n and max(max(y), -min(y)) >= _LIMIT):
        holes = {index for index, value in enumerate(y) if not -_LIMIT < value < _LIMIT}
        edges = sorted({*edges, *holes, *(index + 1 for index in holes)})
    spans = [(start, end) for start, end in pairwise(edges) if start not in holes and start < end]
    if not spans:
        return None
    if n <= 2 * columns:
        parts = [(list(t_s[start:end]), list(y[start:end])) for start, end in spans]
    else:
        width = (t_s[spans[-1][1] - 1] - t_s[spans[0][0]]) / columns
        parts = [_extremes(t_s, y, start, end, width) for start, end in spans]
    return Curve(parts, min(min(values) for _, values in parts), max(max(values) for _, values in parts))


def _gaps(t_s: Sequence[float], n: int, gap_s: float) -> list[int]:
    steps = list(map(sub, islice(t_s, 1, n), t_s))
    if not steps or (max(steps) <= gap_s and min(steps) >= 0):
        return []
    return [index for index, step in enumerate(steps, 1) if not 0 <= step <= gap_s]


def _extremes(
    t_s: Sequence[float], y: Sequence[float], start: int, end: int, width: float
) -> tuple[list[float], list[float]]:
    """At most two samples a column of ``width`` seconds, and the first and the last."""
    times, values = [t_s[start]], [y[start]]
    begin, left, column = t_s[start], start, 0
    while left < end:
        column += 1
        right = bisect_left(t_s, begin + column * width, left, end)
        if right == left:  # nothing in this column: go on with the one that the next sample is in
            column = max(column, int((t_s[left] - begin) / width) + 1) if width > 0 else column
            right = max(left + 1, bisect_left(t_s, begin + column * width, left, end))
        piece = y[left:right]
        low, high = min(piece), max(piece)
        first = left + piece.index(low)
        if low != high:
            second = left + piece.index(high)
            if second < first:
                first, second = second, first
            times.append(t_s[first])
            values.append(y[first])
            first = second
        times.append(t_s[first])
        values.append(y[first])
        left = right
    times.append(t_s[end - 1])
    values.append(y[end - 1])
    return times, values


def path_data(curve: Curve, x: Scale, y: Scale) -> list[str]:
    """The ``d`` of a path, one piece for each part; a part of one sample is a dot (with round line caps)."""
    return ["M" + " ".join(_points(times, values, x, y)) for times, values in curve.parts]


def _points(times: list[float], values: list[float], x: Scale, y: Scale) -> list[str]:
    a, b = x.line
    c, d = y.line
    if y.log:
        values = [log10(value) for value in values]
    rows = [f"{c * value + d:.1f}" for value in values]
    if len(rows) == 1:
        rows, times = rows * 2, times * 2
    # On a level stretch its two ends are enough.
    before, after = ["", *rows[:-1]], [*rows[1:], ""]
    return [
        f"{a * time + b:.1f},{row}"
        for time, row, last, coming in zip(times, rows, before, after, strict=True)
        if row != last or row != coming
    ]
