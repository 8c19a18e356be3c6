"""The figure: heading, event flags, panels under one another on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import Final, NamedTuple

from controller.plot import flags
from controller.plot.axes import Scale, clock_text, time_ticks, value_scale, value_ticks
from controller.plot.curve import GAP_S, Curve, curve_of, path_data
from controller.plot.paint import (
    BOLDER,
    HUES,
    document,
    fill,
    plain,
    stroke,
    text_at,
    unit_sign,
    width_px,
    wrap,
)
from controller.plot.values import EventMark, Panel, Series

_WIDTH: Final = 960.0
_LEFT: Final = 70.0
_RIGHT: Final = 930.0
_MARGIN: Final = 30.0
_PANEL: Final = 118.0
_HEADER: Final = 30.0  # of a panel, above its frame
_TITLE_PX, _TEXT_PX, _SMALL_PX = 19.0, 12.0, 10.5
_TIME_TICKS: Final = 12
_PLANNED: Final = "planned"
_RUN_DASHES: Final = ("", ' stroke-dasharray="7 3"')  # of runs in one panel: four hues twice, eight runs
_HUES: Final = {"mA": 0, "V": 1, "kohm": 2, "mA.min": 3}  # one quantity, one hue, in every figure


class _Drawn(NamedTuple):
    series: Series
    curve: Curve | None


class _Frame(NamedTuple):
    panel: Panel
    lines: list[_Drawn]
    hue: str
    y: Scale

    @property
    def top(self) -> float:
        return self.y.end_px

    @property
    def bottom(self) -> float:
        return self.y.start_px

    @property
    def curves(self) -> list[Curve]:
        return [drawn.curve for drawn in self.lines if drawn.curve is not None]


def run_plot(
    title: str,
    subtitle: str,
    panels: Sequence[Panel],
    events: Sequence[EventMark],
    *,
    planned: Sequence[tuple[float, float]] | None = None,
) -> str:
    """An SVG of a run: ``panels`` under one another, ``events`` as lines through all of them.

    Args:
        title: one line, or two.
        subtitle: what run, which unit, when; is wrapped.
        panels: in their order from above; series may be empty.
        events: in any order.
        planned: corners (s, uA) of the planned current on the run's time axis, drawn dashed in the first
            panel, which is taken to be in mA; None: no plan.
    """
    if planned and panels:
        plan = Series(_PLANNED, [t for t, _ in planned], [ua / 1000 for _, ua in planned], "target")
        panels = [panels[0]._replace(series=(plan, *panels[0].series)), *panels[1:]]
    return figure(title, subtitle, panels, events)


def figure(
    title: str,
    subtitle: str,
    panels: Sequence[Panel],
    events: Sequence[EventMark],
    *,
    empty: str = "no samples",
) -> str:
    """The SVG text. ``empty``: what a panel without data says."""
    marks = sorted((mark for mark in events if isfinite(mark.t_s)), key=lambda mark: mark.t_s)
    lines = [[_Drawn(series, _curve(series)) for series in panel.series] for panel in panels]
    x = _time_scale(lines, marks)
    placed, left_out = flags.place(marks, x, _LEFT, _WIDTH - _MARGIN / 2)
    heading, y = _heading(title, subtitle)
    lanes = 1 + max((flag.lane for flag in placed), default=-1)
    top = y + lanes * flags.LANE_PX + 34
    frames = [
        _frame(panel, line, f"hue{_HUES.get(panel.unit, n % HUES)}", top + n * (_PANEL + _HEADER))
        for n, (panel, line) in enumerate(zip(panels, lines, strict=True))
    ]
    bottom = frames[-1].bottom if frames else top
    body = list(heading)
    for frame in frames:
        body += _grid(frame, x)
    body += flags.draw(marks, placed, x, top - 22, bottom)
    for frame in frames:  # above the events' lines: no spike hides behind the fault it caused
        body += [_line(drawn, frame, x) for drawn in frame.lines if drawn.curve is not None]
        body += _labels(frame, x, empty)
    body += _time_axis(x, [frame.bottom for frame in frames] or [bottom])
    if left_out:
        note = f"{left_out} labels left out for want of room; the record has every event"
        body.append(text_at(_LEFT, bottom + 38, note, "mute", _SMALL_PX))
    return document(title, _description(subtitle, frames, marks), body, _WIDTH, bottom + 56)


def _curve(series: Series) -> Curve | None:
    # A plan has a few corners, far apart, and none is missing.
    is_plan = series.style == "filled" or series.name == _PLANNED
    return curve_of(series.t_s, series.y, inf if is_plan else GAP_S)


def _time_scale(lines: Sequence[Sequence[_Drawn]], marks: Sequence[EventMark]) -> Scale:
    curves = [drawn.curve for line in lines for drawn in line if drawn.curve is not None]
    times = [mark.t_s for mark in marks]
    times += [end for curve in curves for part, _ in curve.parts for end in (part[0], part[-1])]
    low, high = (min(times), max(times)) if times else (0.0, 60.0)
    return Scale(low, high if high > low else low + 1.0, _LEFT, _RIGHT)


# -- a panel -----------------------------------------------------------------------------------------------


def _frame(panel: Panel, lines: list[_Drawn], hue: str, top: float) -> _Frame:
    curves = [drawn.curve for drawn in lines if drawn.curve is not None]
    target = panel.target
    extents = [(curve.low, curve.high) for curve in curves] + ([] if target is None else [(target, target)])
    usual = [] if target is not None else [value for curve in curves for value in _some(curve)]
    return _Frame(panel, lines, hue, value_scale(extents, usual, top, top + _PANEL))


def _some(curve: Curve) -> list[float]:
    """A few hundred values, evenly spread: enough to know what is usual."""
    if curve.low <= 0:
        return [0.0]
    return [value for _, values in curve.parts for value in values[:: max(1, len(values) // 300)]]


def _grid(frame: _Frame, x: Scale) -> list[str]:
    y = frame.y
    ticks = value_ticks(y)
    rows = "".join(f"M{_LEFT:g},{y.px(tick.value):.1f}H{_RIGHT:g}" for tick in ticks)
    columns = "".join(
        f"M{x.px(tick.value):.1f},{frame.top:.1f}V{frame.bottom:.1f}"
        for tick in time_ticks(x.low, x.high, _TIME_TICKS)[0]
    )
    axis = f"M{_LEFT:g},{frame.top:.1f}V{frame.bottom:.1f}H{_RIGHT:g}"
    parts = [f'<path d="{rows}{columns}" {stroke("grid", 1)}/>', f'<path d="{axis}" {stroke("axis", 1)}/>']
    if frame.panel.target is not None and frame.curves:
        at = y.px(frame.panel.target)
        parts.append(f'<path d="M{_LEFT:g},{at:.1f}H{_RIGHT:g}" {stroke("mute", 1.1)} stroke-dasharray="6 3"/>')
    return parts


def _line(drawn: _Drawn, frame: _Frame, x: Scale) -> str:
    series, curve = drawn
    if curve is None:
        return ""
    pieces = path_data(curve, x, frame.y)
    area = ""
    if series.style == "filled":
        base = frame.y.px(max(0.0, frame.y.low))
        closed = "".join(
            f"{piece}L{x.px(times[-1]):.1f},{base:.1f}L{x.px(times[0]):.1f},{base:.1f}Z"
            for piece, (times, _) in zip(pieces, curve.parts, strict=True)
        )
        area = f'<path d="{closed}" {fill(frame.hue)} fill-opacity="0.12"/>'
    pen = _pen(series, frame.hue)
    return f'{area}<path d="{"".join(pieces)}" {pen}><title>{plain(series.name)}</title></path>'


def _pen(series: Series, hue: str) -> str:
    if series.style == "target":
        return stroke("mute", 1.1) + f' stroke-dasharray="{"1.5 3" if series.name == _PLANNED else "6 3"}"'
    if series.pen:
        hue = f"hue{(series.pen - 1) % HUES}"
        dashes = _RUN_DASHES[(series.pen - 1) // HUES % len(_RUN_DASHES)]
        return stroke(hue, 1.4) + f' stroke-linejoin="round"{dashes}'
    return stroke(hue, 1.4) + ' stroke-linejoin="round" stroke-linecap="round"'


def _labels(frame: _Frame, x: Scale, empty: str) -> list[str]:
    panel, y = frame.panel, frame.y
    unit = unit_sign(panel.unit)
    head = frame.top - 9
    scale = f"{unit}, logarithmic" if y.log else unit
    parts = [text_at(_LEFT, head, panel.title, "ink", _TEXT_PX, bold=True, halo=True, unit=scale)]
    parts += [
        text_at(_LEFT - 8, y.px(tick.value) + 3.6, tick.label, "mute", _SMALL_PX, anchor="end")
        for tick in value_ticks(y)
    ]
    if len(frame.lines) > 1:
        parts += _legend(frame, head)
    if not frame.curves:
        middle = (frame.top + frame.bottom) / 2 + 4
        parts.append(text_at((_LEFT + _RIGHT) / 2, middle, empty, "mute", _TEXT_PX, anchor="middle", halo=True))
    elif panel.target is not None:
        text = f"target {panel.target:g} {unit}"
        parts.append(text_at(_LEFT + 8, y.px(panel.target) + 14, text, "mute", _SMALL_PX, halo=True))
        parts += _last_value(frame.curves[-1], frame, x)
    return parts


def _legend(frame: _Frame, y: float) -> list[str]:
    """Names of the series, from the right."""
    parts, at = [], _RIGHT
    for series, _ in reversed(frame.lines):
        at -= width_px(series.name, _SMALL_PX)
        parts.append(text_at(at, y, series.name, "mute", _SMALL_PX, halo=True))
        parts.append(f'<path d="M{at - 26:.1f},{y - 3.5:.1f}h20" {_pen(series, frame.hue)}/>')
        at -= 44
    return parts


def _last_value(curve: Curve, frame: _Frame, x: Scale) -> list[str]:
    """A dot at the curve's end, and its value in the panel's header, where no curve can be in its way."""
    t_s, value = curve.end
    at_x, at_y = x.px(t_s), frame.y.px(value)
    text = f"{value:.{2 if abs(value) >= 10 else 3}f} {unit_sign(frame.panel.unit)}"
    return [
        f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="2.6" {fill(frame.hue)}/>',
        text_at(_RIGHT, frame.top - 9, text, frame.hue, _TEXT_PX, anchor="end", bold=True, halo=True),
    ]


# -- around the panels -------------------------------------------------------------------------------------


def _heading(title: str, subtitle: str) -> tuple[list[str], float]:
    y = _MARGIN + 14
    parts = []
    for line in wrap(title, _RIGHT - _MARGIN, _TITLE_PX * BOLDER, 2):
        parts.append(text_at(_MARGIN, y, line, "ink", _TITLE_PX, bold=True))
        y += 24
    y -= 3
    for line in wrap(subtitle, _RIGHT - _MARGIN, _TEXT_PX, 3):
        parts.append(text_at(_MARGIN, y, line, "mute", _TEXT_PX))
        y += 17
    return parts, y


def _time_axis(x: Scale, bottoms: Sequence[float]) -> list[str]:
    ticks, meaning = time_ticks(x.low, x.high, _TIME_TICKS)
    last = bottoms[-1]
    marks = "".join(f"M{x.px(tick.value):.1f},{bottom:.1f}v4" for bottom in bottoms for tick in ticks)
    parts = [f'<path d="{marks}" {stroke("axis", 1)}/>']
    parts += [text_at(x.px(t.value), last + 17, t.label, "mute", _SMALL_PX, anchor="middle") for t in ticks]
    parts.append(text_at(_RIGHT, last + 36, f"time, {meaning}", "mute", _SMALL_PX, anchor="end"))
    return parts


def _description(subtitle: str, frames: Sequence[_Frame], marks: Sequence[EventMark]) -> str:
    """The picture in words."""
    said = [subtitle]
    for frame in frames:
        panel, lines = frame.panel, frame.lines
        unit = unit_sign(panel.unit)
        target = "" if panel.target is None else f", target {panel.target:g} {unit}"
        for series, curve in lines:
            values = "no samples" if curve is None else f"{curve.low:.4g} to {curve.high:.4g} {unit}"
            said.append(f"{panel.title}, {series.name}: {values}{target}.")
    if marks:
        said.append("Events: " + "; ".join(f"{clock_text(mark.t_s)} {mark.label}" for mark in marks) + ".")
    return " ".join(said)
