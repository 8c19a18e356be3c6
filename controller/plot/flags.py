"""Event labels in lanes above the curves, none over another.

What matters more is placed first: where there is no room left, it is a state change that goes without a
label, never a fault. Its line stays, its text stays in the tooltip and in the text alternative, and the
figure says how many labels were left out. Events of one kind that fall on nearly the same pixel (ARM and
what follows it within a second of a 20 min run) share one label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from controller.plot.axes import Scale, clock_text
from controller.plot.paint import fill, plain, shorten, stroke, text_at, width_px
from controller.plot.values import EventKind, EventMark

LANE_PX: Final = 15.0
SIZE_PX: Final = 10.5
MOST_LANES: Final = 5
_GAP_PX: Final = 10.0  # between two labels of a lane
_TOGETHER_PX: Final = 9.0
_LONGEST_PX: Final = 330.0

RANK: Final[dict[EventKind, int]] = {
    "fault": 0, "stop": 1, "warning": 2, "pause": 3, "phase": 4, "operator": 5, "state": 6,
}  # fmt: skip
_PAINT: Final[dict[EventKind, str]] = {"fault": "alarm", "warning": "caution", "state": "mute"}
_DASHES: Final[dict[EventKind, str]] = {"state": "1 3", "operator": "4 3", "pause": "4 3"}


class Flag(NamedTuple):
    """A label at ``x``; ``start_px`` to ``end_px`` is what its lane gives to it."""

    x: float
    label: str
    kind: EventKind
    lane: int
    leftward: bool


def kind_of(mark: EventMark) -> EventKind:
    """An operator's stop or pause gets the sign of a stop or a pause."""
    if mark.kind == "operator" and mark.label in ("stop", "abort"):
        return "stop"
    return "pause" if mark.kind == "operator" and mark.label == "pause" else mark.kind


def place(marks: Sequence[EventMark], x: Scale, left: float, right: float) -> tuple[list[Flag], int]:
    """Flags for ``marks``, ordered by time, and the number of marks left without a label."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_LANES)]
    flags: list[Flag] = []
    left_out = 0
    for at, label, kind, count in sorted(_together(marks, x), key=lambda group: (RANK[group[2]], group[0])):
        text = shorten(label, min(_LONGEST_PX, right - left), SIZE_PX)
        span = width_px(text, SIZE_PX) + 8
        leftward = at + span > right
        begin, end = (at - span, at + 5) if leftward else (at - 5, at + span)
        if begin < left - 5:  # it fits on neither side, so it starts where there is most room
            leftward, begin, end = False, at - 5, at + span
        lane = next((n for n, spans in enumerate(taken) if _is_free(spans, begin, end)), None)
        if lane is None:
            left_out += count
            continue
        taken[lane].append((begin, end))
        flags.append(Flag(at, text, kind, lane, leftward))
    return sorted(flags), left_out


def _is_free(spans: Iterable[tuple[float, float]], begin: float, end: float) -> bool:
    return all(end + _GAP_PX <= a or b + _GAP_PX <= begin for a, b in spans)


def _together(marks: Sequence[EventMark], x: Scale) -> list[tuple[float, str, EventKind, int]]:
    groups: list[tuple[float, str, EventKind, int]] = []
    by_kind = sorted(marks, key=lambda mark: (RANK[kind_of(mark)], mark.t_s))
    for kind, same in groupby(by_kind, kind_of):
        near: list[EventMark] = []
        for mark in same:
            if near and x.px(mark.t_s) - x.px(near[-1].t_s) > _TOGETHER_PX:
                groups.append(_group(near, kind, x))
                near = []
            near.append(mark)
        groups.append(_group(near, kind, x))
    return groups


def _group(near: Sequence[EventMark], kind: EventKind, x: Scale) -> tuple[float, str, EventKind, int]:
    names = [mark.label for mark in near]
    joint = " → " if kind == "state" else ", "
    if len(set(names)) == 1:
        label = names[0] if len(names) == 1 else f"{names[0]} ×{len(names)}"
    elif len(names) > 4:
        label = f"{names[0]}{joint}…{joint}{names[-1]} ({len(names)})"
    else:
        label = joint.join(names)
    return x.px(near[0].t_s), label, kind, len(near)


def draw(marks: Sequence[EventMark], flags: Sequence[Flag], x: Scale, top: float, bottom: float) -> list[str]:
    """Lines from ``top`` (of the curves) down to ``bottom``, and the flags in their lanes above ``top``."""
    parts = [_line(mark, x.px(mark.t_s), top, bottom) for mark in marks]
    lanes = 1 + max((flag.lane for flag in flags), default=0)
    for flag in flags:
        y = top - 8 - (lanes - 1 - flag.lane) * LANE_PX
        parts.append(_stem(flag, y, top))
    for flag in flags:
        y = top - 8 - (lanes - 1 - flag.lane) * LANE_PX
        parts.append(_sign(flag.kind, flag.x, y - 4) + _label(flag, y))
    return parts


def _paint(kind: EventKind) -> str:
    return _PAINT.get(kind, "ink")


def _line(mark: EventMark, at: float, top: float, bottom: float) -> str:
    kind = kind_of(mark)
    dashes = f' stroke-dasharray="{_DASHES[kind]}"' if kind in _DASHES else ""
    width, opacity = (1.25, 0.9) if kind == "fault" else (0.8, 0.55)
    return (
        f'<path d="M{at:.1f},{top:.1f}V{bottom:.1f}" {stroke(_paint(kind), width)} stroke-opacity="{opacity}"'
        f"{dashes}><title>{clock_text(mark.t_s)} {plain(mark.label)}</title></path>"
    )


def _stem(flag: Flag, y: float, top: float) -> str:
    return (
        f'<path d="M{flag.x:.1f},{y:.1f}V{top:.1f}" {stroke(_paint(flag.kind), 0.8)} stroke-opacity="0.55"/>'
    )


def _label(flag: Flag, y: float) -> str:
    # The halo interrupts stems of other flags behind the text.
    x, anchor = (flag.x - 8, "end") if flag.leftward else (flag.x + 8, "start")
    text = text_at(x, y, flag.label, _paint(flag.kind), SIZE_PX, anchor=anchor, bold=flag.kind == "fault")
    halo = text_at(x, y, flag.label, "ground", SIZE_PX, anchor=anchor, bold=flag.kind == "fault")
    halo = halo.replace(
        "<text ", f'<text {stroke("ground", 4).replace(' fill="none"', "")} aria-hidden="true" ', 1
    )
    return halo + text


def _sign(kind: EventKind, x: float, y: float) -> str:
    """A shape of its own for each kind, so that nothing is told by colour alone."""
    paint = _paint(kind)
    match kind:
        case "fault":
            shape = f'<path d="M{x:.1f},{y - 6:.1f}l6.5,11h-13z" {fill(paint)}/>'
            bang = f"M{x:.1f},{y - 2:.1f}v3.4m0,1.3v1"
            return shape + f'<path d="{bang}" {stroke("ground", 1.3)}/>'
        case "warning":
            return f'<path d="M{x:.1f},{y - 5:.1f}l5.5,9.5h-11z" {fill("ground")} /><path d="M{x:.1f},{y - 5:.1f}l5.5,9.5h-11z" {stroke(paint, 1.2)}/>'
        case "stop":
            return f'<path d="M{x - 1.9:.1f},{y - 4.5:.1f}h3.8l2.6,2.6v3.8l-2.6,2.6h-3.8l-2.6,-2.6v-3.8z" {fill(paint)}/>'
        case "pause":
            return f'<path d="M{x - 3.5:.1f},{y - 4:.1f}h2.4v8h-2.4zM{x + 1.1:.1f},{y - 4:.1f}h2.4v8h-2.4z" {fill(paint)}/>'
        case "phase":
            return f'<path d="M{x:.1f},{y - 4.5:.1f}l4.5,4.5l-4.5,4.5l-4.5,-4.5z" {fill(paint)}/>'
        case "operator":
            circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" '
            return f"{circle}{fill('ground')}/>{circle}{stroke(paint, 1.2)}/>"
        case "state":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.9" {fill(paint)}/>'
