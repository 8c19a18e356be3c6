"""Charts of a verification that are no run over time: errors against limits, and times against limits.

Scales, ticks, colours and text are those of ``controller.plot``, so that a report looks like one thing. A point that is
beyond its limits has a ring and its value written beside it: red alone says nothing to one man in twelve, nor on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log10
from typing import Final, NamedTuple

from controller.bench.measurement import Limits, Point
from controller.plot.axes import Scale, Tick, value_ticks
from controller.plot.curve import curve_of, path_data
from controller.plot.paint import HUES, document, fill, plain, shorten, stroke, text_at, unit_sign, width_px

_WIDTH: Final = 960.0
_LEFT, _RIGHT = 70.0, 930.0
_TEXT_PX, _SMALL_PX = 12.0, 10.5
_HIGH: Final = 230.0
_TOP: Final = 40.0
_TEN_TICKS: Final = 280.0  # pixels that ``value_ticks`` cuts into ten
_LINE: Final = 26.0
_NAMES: Final = 300.0
_VALUES: Final = 120.0
_LOG_FROM: Final = 20.0
_ASIDE: Final = 9.0  # from one group's mark to the next: at one set-point all loads have nearly one value


def is_beyond(point: Point) -> bool:
    return not Limits(point.low, point.high).holds(point.y)


class Group(NamedTuple):
    """Points that belong together, as all of one load."""

    name: str
    points: Sequence[Point]

    @property
    def worst(self) -> Point | None:
        """The one that is farthest beyond its limits; None: none is."""
        beyond = [point for point in self.points if is_beyond(point)]
        return max(beyond, key=_excess, default=None)


def _excess(point: Point) -> float:
    low, high = point.low, point.high
    return max(0.0 if low is None else low - point.y, 0.0 if high is None else point.y - high)


class Axis(NamedTuple):
    title: str
    unit: str

    @property
    def text(self) -> str:
        return f"{self.title}, {unit_sign(self.unit)}" if self.unit else self.title


# -- points against limits -----------------------------------------------------------------------------------------


def scatter(title: str, x_axis: Axis, y_axis: Axis, groups: Sequence[Group], *, joined: bool = False) -> str:
    """The SVG text. Limits are two lines, of all points the tightest at each place; ``joined``: lines, not marks."""
    points = [point for group in groups for point in group.points]
    low, high = _room([point.x for point in points])
    x = Scale(min(point.x for point in points) if joined and points else low, high, _LEFT, _RIGHT)
    if not joined:
        x = _spread([point.x for point in points], x)
    limits = [limit for point in points for limit in (point.low, point.high) if limit is not None]
    y = Scale(*_room([point.y for point in points] + limits), _TOP + _HIGH, _TOP)
    body = [*_grid(x, y), *_limits(points, x, y)]
    for n, group in enumerate(groups):
        if joined:
            body.append(_joined(n, group, x, y))
        else:
            aside = _aside(groups) * (n - (len(groups) - 1) / 2)
            body += [_mark(n, x.px(point.x) + aside, y.px(point.y)) for point in group.points]
            body += [_ring(x.px(point.x) + aside, y.px(point.y)) for point in group.points if is_beyond(point)]
    body += _worst(groups, x, y, y_axis.unit)
    body += [text_at(_LEFT, _TOP - 14, y_axis.title, "ink", _TEXT_PX, bold=True, unit=unit_sign(y_axis.unit))]
    body += _legend(groups, bool(limits), joined)
    kind = f"{x_axis.text}, logarithmic" if x.log else x_axis.text
    body.append(text_at(_RIGHT, _TOP + _HIGH + 36, kind, "mute", _SMALL_PX, anchor="end"))
    return document(title, _points_in_words(y_axis, groups), body, _WIDTH, _TOP + _HIGH + 48)


def _pen(n: int) -> str:
    dashes = ("", ' stroke-dasharray="7 3"', ' stroke-dasharray="2 3"')[n // HUES % 3]
    return f'{stroke(f"hue{n % HUES}", 1.4)} stroke-linejoin="round" stroke-linecap="round"{dashes}'


def _joined(n: int, group: Group, x: Scale, y: Scale) -> str:
    """No gap is drawn: a procedure hands over what it looked at, and not what lay between."""
    curve = curve_of([point.x for point in group.points], [point.y for point in group.points], inf)
    path = "" if curve is None else "".join(path_data(curve, x, y))
    return f'<path d="{path}" {_pen(n)}><title>{plain(group.name)}</title></path>'


def _room(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.06 * (high - low) or abs(high) or 1.0
    return low - room, high + room


def _spread(values: Sequence[float], x: Scale) -> Scale:
    """Set-points go up by factors, and on a linear axis the low ones lie on each other."""
    if values and min(values) > 0 and max(values) > _LOG_FROM * min(values):
        return x._replace(low=min(values) / 1.3, high=max(values) * 1.3, log=True)
    return x


def _aside(groups: Sequence[Group]) -> float:
    return min(_ASIDE, 30.0 / max(1, len(groups)))


def _ticks(scale: Scale) -> list[Tick]:
    """At most ten, or 1, 2 and 5 of each decade."""
    if scale.log:
        return value_ticks(scale._replace(start_px=scale.end_px - scale.start_px, end_px=0.0))
    shown = value_ticks(scale._replace(start_px=0.0, end_px=_TEN_TICKS))
    return [tick for tick in shown if scale.low <= tick.value <= scale.high]


def _grid(x: Scale, y: Scale) -> list[str]:
    across, up = _ticks(x), value_ticks(y)
    lines = "".join(f"M{_LEFT:g},{y.px(tick.value):.1f}H{_RIGHT:g}" for tick in up)
    lines += "".join(f"M{x.px(tick.value):.1f},{y.end_px:.1f}V{y.start_px:.1f}" for tick in across)
    axis = f"M{_LEFT:g},{y.end_px:.1f}V{y.start_px:.1f}H{_RIGHT:g}"
    parts = [f'<path d="{lines}" {stroke("grid", 1)}/>', f'<path d="{axis}" {stroke("axis", 1)}/>']
    if y.low < 0 < y.high:
        parts.append(f'<path d="M{_LEFT:g},{y.px(0):.1f}H{_RIGHT:g}" {stroke("axis", 1)}/>')
    parts += [text_at(_LEFT - 8, y.px(t.value) + 3.6, t.label, "mute", _SMALL_PX, anchor="end") for t in up]
    parts += [text_at(x.px(t.value), y.start_px + 17, t.label, "mute", _SMALL_PX, anchor="middle") for t in across]
    return parts


def _limits(points: Iterable[Point], x: Scale, y: Scale) -> Iterable[str]:
    lows: dict[float, float] = {}
    highs: dict[float, float] = {}
    for point in points:
        if point.low is not None:
            lows[point.x] = max(point.low, lows.get(point.x, point.low))
        if point.high is not None:
            highs[point.x] = min(point.high, highs.get(point.x, point.high))
    flat = Scale(log10(x.low), log10(x.high), x.start_px, x.end_px) if x.log else x
    for side in (lows, highs):
        times = [log10(at) if x.log else at for at in sorted(side)]
        values = [side[at] for at in sorted(side)]
        if len(times) == 1:  # a set-point alone still has a limit that one can see
            room = 20 / flat.line[0]
            times, values = [times[0] - room, times[0] + room], values * 2
        curve = curve_of(times, values, inf)
        if curve is not None:  # one piece: the dashes of a thousand short ones would look like a line
            path = "".join(path_data(curve, flat, y))
            yield f'<path d="{path}" {stroke("alarm", 1.2)} stroke-dasharray="6 3"/>'


def _ring(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" {stroke("alarm", 1.6)}/>'


def _worst(groups: Sequence[Group], x: Scale, y: Scale, unit: str) -> list[str]:
    """The value that is farthest beyond its limits, in figures: of all groups one, which the table says too."""
    found = max((group.worst for group in groups if group.worst is not None), key=_excess, default=None)
    if found is None:
        return []
    at_x, at_y = x.px(found.x), y.px(found.y)
    left = at_x > (_LEFT + _RIGHT) / 2
    text = f"{found.y:.4g} {unit_sign(unit)}".replace("-", "−")
    aside = 12 + _aside(groups) * len(groups) / 2
    place, anchor = (at_x - aside, "end") if left else (at_x + aside, "start")
    return [text_at(place, at_y + 4, text, "alarm", _SMALL_PX, anchor=anchor, bold=True, halo=True)]


def _mark(n: int, x: float, y: float) -> str:
    """Four hues, four shapes; from the fifth group on hollow."""
    shape = (
        f"M{x - 4:.1f},{y:.1f}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
        f"M{x - 3.6:.1f},{y - 3.6:.1f}h7.2v7.2h-7.2Z",
        f"M{x:.1f},{y - 4.6:.1f}l4.6,8h-9.2Z",
        f"M{x:.1f},{y - 5:.1f}l5,5l-5,5l-5,-5Z",
    )[n % HUES]
    hue = f"hue{n % HUES}"
    paint = stroke(hue, 1.4) if n // HUES % 2 else fill(hue)
    return f'<path d="{shape}" {paint}/>'


def _legend(groups: Sequence[Group], limited: bool, joined: bool) -> list[str]:
    """From the right."""
    parts, at = [], _RIGHT
    if limited:
        at -= width_px("limit", _SMALL_PX)
        parts.append(text_at(at, _TOP - 14, "limit", "mute", _SMALL_PX))
        parts.append(f'<path d="M{at - 26:.1f},{_TOP - 17.5:.1f}h20" {stroke("alarm", 1.2)} stroke-dasharray="6 3"/>')
        at -= 46
    for n, group in reversed(list(enumerate(groups))):
        at -= width_px(group.name, _SMALL_PX)
        parts.append(text_at(at, _TOP - 14, group.name, "mute", _SMALL_PX))
        parts.append(
            f'<path d="M{at - 20:.1f},{_TOP - 17.5:.1f}h15" {_pen(n)}/>' if joined else _mark(n, at - 10, _TOP - 17.5)
        )
        at -= 34
    return parts


def _points_in_words(y_axis: Axis, groups: Sequence[Group]) -> str:
    unit = unit_sign(y_axis.unit)
    said = []
    for name, points in groups:
        if points:
            beyond = sum(map(is_beyond, points))
            low, high = min(point.y for point in points), max(point.y for point in points)
            said.append(f"{name}: {len(points)} points, {low:.4g} to {high:.4g} {unit}, {beyond} beyond their limits.")
    return " ".join([f"{y_axis.title}.", *said])


# -- values against limits, each in a row of its own ---------------------------------------------------------------


class Bar(NamedTuple):
    """``value`` None: it was not measured."""

    name: str
    value: float | None
    low: float | None
    high: float | None

    @property
    def beyond(self) -> bool:
        return self.value is not None and not Limits(self.low, self.high).holds(self.value)


def rows(title: str, axis: Axis, bars: Sequence[Bar]) -> str:
    """The SVG text: the band that is allowed, and where the value is. Logarithmic where they are far apart."""
    left, right, top = _NAMES, _WIDTH - _VALUES, 12.0
    bottom = top + _LINE * len(bars)
    numbers = [n for bar in bars for n in (bar.value, bar.low, bar.high) if n is not None]
    x = _row_scale(numbers, left, right)
    ticks = _ticks(x)
    grid = "".join(f"M{x.px(tick.value):.1f},{top:g}V{bottom:g}" for tick in ticks)
    body = [f'<path d="{grid}" {stroke("grid", 1)}/>']
    for n, bar in enumerate(bars):
        body += _row(bar, axis.unit, x, top + _LINE * (n + 0.5))
    body += [text_at(x.px(t.value), bottom + 15, t.label, "mute", _SMALL_PX, anchor="middle") for t in ticks]
    kind = f"{axis.text}, logarithmic" if x.log else axis.text
    body.append(text_at(right, bottom + 33, kind, "mute", _SMALL_PX, anchor="end"))
    return document(title, _rows_in_words(axis, bars), body, _WIDTH, bottom + 44)


def _row_scale(numbers: Sequence[float], left: float, right: float) -> Scale:
    positive = [number for number in numbers if number > 0]
    if positive and min(numbers) >= 0 and max(positive) > _LOG_FROM * min(positive):
        return Scale(min(positive) / 1.3, max(positive) * 1.3, left, right, log=True)
    low, high = _room([0.0, *numbers])
    return Scale(0.0 if min(numbers, default=0.0) >= 0 else low, high, left, right)


def _row(bar: Bar, unit: str, x: Scale, y: float) -> list[str]:
    paint = "alarm" if bar.beyond else "ink"
    name = shorten(bar.name, _NAMES - 24, _TEXT_PX)
    parts = [text_at(_NAMES - 12, y + 4, name, "ink", _TEXT_PX, anchor="end")]
    if bar.low is not None or bar.high is not None:
        low = x.start_px if bar.low is None else _within(x, bar.low)
        high = x.end_px if bar.high is None else _within(x, bar.high)
        parts.append(
            f'<rect x="{low:.1f}" y="{y - 6:.1f}" width="{high - low:.1f}" height="12" {fill("hue2")} '
            f'fill-opacity="0.22"/>'
        )
        ends = [at for at, limit in ((low, bar.low), (high, bar.high)) if limit is not None]
        edges = "".join(f"M{at:.1f},{y - 8:.1f}v16" for at in ends)
        parts.append(f'<path d="{edges}" {stroke("hue2", 1.6)}/>')
    if bar.value is None:
        return [*parts, text_at(x.end_px + 12, y + 4, "not measured", "mute", _TEXT_PX)]
    at = _within(x, bar.value)
    shape = f"M{at - 5:.1f},{y - 5:.1f}l10,10m0,-10l-10,10" if bar.beyond else f"M{at:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6Z"
    parts.append(f'<path d="{shape}" {stroke(paint, 2.2) if bar.beyond else fill(paint)}/>')
    text = f"{bar.value:.4g} {unit_sign(unit)}" + (" !" if bar.beyond else "")
    return [*parts, text_at(x.end_px + 12, y + 4, text, paint, _TEXT_PX, bold=bar.beyond)]


def _within(x: Scale, value: float) -> float:
    """A zero has no place on a logarithmic scale but its end."""
    if x.log and value <= 0:
        return x.start_px
    return min(max(x.px(value), x.start_px), x.end_px)


def _rows_in_words(axis: Axis, bars: Sequence[Bar]) -> str:
    unit = unit_sign(axis.unit)
    return " ".join(f"{bar.name}: {_in_words(bar, unit)}." for bar in bars) or "Nothing was measured."


def _in_words(bar: Bar, unit: str) -> str:
    value = "not measured" if bar.value is None else f"{bar.value:.4g} {unit}"
    limits = [f"at least {bar.low:.4g}"] if bar.low is not None else []
    limits += [f"at most {bar.high:.4g}"] if bar.high is not None else []
    return value + (f", allowed {' and '.join(limits)} {unit}" if limits else "") + (", BEYOND" if bar.beyond else "")


# -- what fails first --------------------------------------------------------------------------------------------------


def shares(title: str, causes: Sequence[tuple[str, int, float]]) -> str:
    """A Pareto chart in rows: name, how often, and the share of all up to here."""
    left, right, top = _NAMES, _WIDTH - _VALUES - 60, 8.0
    most = max((times for _, times, _ in causes), default=1)
    x = Scale(0.0, float(most), left, right)
    whole = Scale(0.0, 1.0, left, right)
    body, line = [], []
    for n, (name, times, up_to_here) in enumerate(causes):
        y = top + _LINE * (n + 0.5)
        body.append(text_at(left - 12, y + 4, shorten(name, _NAMES - 24, _TEXT_PX), "ink", _TEXT_PX, anchor="end"))
        body.append(f'<path d="M{left:g},{y - 8:.1f}H{x.px(times):.1f}v16H{left:g}Z" {fill("hue0")}/>')
        body.append(text_at(right + 14, y + 4, f"{times} ×, up to here {100 * up_to_here:.0f} %", "ink", _TEXT_PX))
        line.append(f"{whole.px(up_to_here):.1f},{y:.1f}")
    body.append(f'<path d="M{" ".join(line)}" {stroke("hue1", 1.6)} stroke-dasharray="2 3"/>')
    said = " ".join(f"{name}: {times}, up to here {100 * share:.0f} %." for name, times, share in causes)
    return document(title, said or "Nothing failed.", body, _WIDTH, top + _LINE * len(causes) + 8)
