"""Which pictures a record is worth: its series, those of one title laid into one figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, assert_never

from controller.bench.measurement import Chart, Series
from controller.bench.report.charts import Axis, Bar, Group, rows, scatter

# More lines in one figure cannot be told apart.
_MOST: Final = 12


class Drawing(NamedTuple):
    title: str
    note: str
    svg: str


def drawings(series: Iterable[Series]) -> list[Drawing]:
    """In the order of the record."""
    figures: dict[tuple[Chart, str], list[Series]] = {}
    for each in series:
        if each.points:
            figures.setdefault((each.chart, each.title), []).append(each)
    return [_drawing(chart, title, found) for (chart, title), found in figures.items()]


def _drawing(chart: Chart, title: str, found: Sequence[Series]) -> Drawing:
    shown, first = found[:_MOST], found[0]
    note = "" if len(found) <= _MOST else f"the first {_MOST} of {len(found)}; the record has all"
    x_axis, y_axis = Axis(first.x_title, first.x_unit), Axis(first.y_title, first.y_unit)
    groups = [Group(each.group, each.points) for each in shown]
    match chart:
        case Chart.ERROR:
            return Drawing(title, note, scatter(title, x_axis, y_axis, groups))
        case Chart.RAMP | Chart.DRIFT:
            return Drawing(title, note, scatter(title, x_axis, y_axis, groups, joined=True))
        case Chart.TIMING:
            bars = [_bar(each, n) for each in shown for n in range(len(each.points))]
            return Drawing(title, note, rows(title, y_axis, bars))
        case _:
            assert_never(chart)


def _bar(series: Series, n: int) -> Bar:
    point = series.points[n]
    return Bar(point.label or series.group or series.name, point.y, point.low, point.high)
