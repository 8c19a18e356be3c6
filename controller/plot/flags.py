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
from controller.plot.paint import BOLDER, fill, plain, shorten, stroke, text_at, width_px
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
_STRENGTH: Final[dict[EventKind, tuple[float, float]]] = {"fault": (1.25, 0.9), "state": (0.8, 0.45)}
# A shape for each kind, so that nothing is told by colour alone; drawn from the middle of the sign.
_SHAPES: Final[dict[EventKind, str]] = {
    "fault": "m0,-6.5l6.5,11.5h-13z",
    "warning": "m0,-5l5.5,9.5h-11z",
    "stop": "m-1.9,-4.5h3.8l2.6,2.6v3.8l-2.6,2.6h-3.8l-2.6,-2.6v-3.8z",
    "pause": "m-3.5,-4h2.4v8h-2.4zm4.6,0h2.4v8h-2.4z",
    "phase": "m0,-4.5l4.5,4.5l-4.5,4.5l-4.5,-4.5z",
    "operator": "m-3.2,0a3.2,3.2 0 1 0 6.4,0a3.2,3.2 0 1 0 -6.4,0z",
    "state": "m-1.9,0a1.9,1.9 0 1 0 3.8,0a1.9,1.9 0 1 0 -3.8,0z",
}
_HOLLOW: Final = frozenset({"warning", "operator"})


class Flag(NamedTuple):
    """A label beside the line at ``x``, to its right or, near the edge, to its left (``leftward``)."""

    x: float
    label: str
    kind: EventKind
    lane: int
    leftward: bool


class _Group(NamedTuple):
    """``marks`` events of one kind on nearly the same pixel."""

    x: float
    label: str
    kind: EventKind
    marks: int


def kind_of(mark: EventMark) -> EventKind:
    """An operator's stop or pause gets the sign of a stop or a pause."""
    if mark.kind == "operator" and mark.label in ("stop", "abort"):
        return "stop"
    return "pause" if mark.kind == "operator" and mark.label == "pause" else mark.kind


def place(marks: Sequence[EventMark], x: Scale, left: float, right: float) -> tuple[list[Flag], int]:
    """Flags for ``marks``, ordered by time, and the number of marks left without a label."""
    flags, left_out = _place(_together(marks, x), left, right)
    if left_out:
        # Of states passed through within a moment the last one is what counts.
        flags, left_out = _place(_together(marks, x, last_only=True), left, right)
    return flags, left_out


def _place(groups: Iterable[_Group], left: float, right: float) -> tuple[list[Flag], int]:
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_LANES)]
    flags: list[Flag] = []
    left_out = 0
    for at, label, kind, count in sorted(groups, key=lambda group: (RANK[group.kind], group.x)):
        text = shorten(label, min(_LONGEST_PX, right - left), SIZE_PX)
        span = width_px(text, SIZE_PX) * (BOLDER if kind == "fault" else 1.0) + 11  # faults are bold
        leftward = at + span > right >= left + span
        begin, end = (at - span, at + 6) if leftward else (at - 6, at + span)
        lane = next((n for n, spans in enumerate(taken) if _is_free(spans, begin, end)), None)
        if lane is None:
            left_out += count
            continue
        taken[lane].append((begin, end))
        flags.append(Flag(at, text, kind, lane, leftward))
    return sorted(flags), left_out


def _is_free(spans: Iterable[tuple[float, float]], begin: float, end: float) -> bool:
    return all(end + _GAP_PX <= a or b + _GAP_PX <= begin for a, b in spans)


def _together(marks: Sequence[EventMark], x: Scale, *, last_only: bool = False) -> list[_Group]:
    groups: list[_Group] = []
    by_kind = sorted(marks, key=lambda mark: (RANK[kind_of(mark)], mark.t_s))
    for kind, same in groupby(by_kind, kind_of):
        near: list[EventMark] = []
        for mark in same:
            if near and x.px(mark.t_s) - x.px(near[0].t_s) > _TOGETHER_PX:
                groups.append(_group(near, kind, x, last_only=last_only))
                near = []
            near.append(mark)
        groups.append(_group(near, kind, x, last_only=last_only))
    return groups


def _group(near: Sequence[EventMark], kind: EventKind, x: Scale, *, last_only: bool) -> _Group:
    names = [mark.label for mark in near]
    joint = " → " if kind == "state" else ", "
    if kind == "state" and last_only:
        label = names[-1]
    elif len(set(names)) == 1:
        label = names[0] if len(names) == 1 else f"{names[0]} ×{len(names)}"
    elif len(names) > 4:
        label = f"{names[0]}{joint}…{joint}{names[-1]} ({len(names)})"
    else:
        label = joint.join(names)
    return _Group(x.px(near[0].t_s), label, kind, len(near))


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
    width, opacity = _STRENGTH.get(kind, (0.8, 0.6))
    return (
        f'<path d="M{at:.1f},{top:.1f}V{bottom:.1f}" {stroke(_paint(kind), width)} stroke-opacity="{opacity}"'
        f"{dashes}><title>{clock_text(mark.t_s)} {plain(mark.label)}</title></path>"
    )


def _stem(flag: Flag, y: float, top: float) -> str:
    return f'<path d="M{flag.x:.1f},{y:.1f}V{top:.1f}" {stroke(_paint(flag.kind), 0.8)} stroke-opacity="0.55"/>'


def _label(flag: Flag, y: float) -> str:
    away = 10.5 if flag.kind in ("fault", "warning") else 8.0
    x, anchor = (flag.x - away, "end") if flag.leftward else (flag.x + away, "start")
    bold = flag.kind == "fault"
    return text_at(x, y, flag.label, _paint(flag.kind), SIZE_PX, anchor=anchor, bold=bold, halo=True)


def _sign(kind: EventKind, x: float, y: float) -> str:
    shape = f'<path d="M{x:.1f},{y:.1f}{_SHAPES[kind]}" '
    if kind in _HOLLOW:
        return f"{shape}{fill('ground')}/>{shape}{stroke(_paint(kind), 1.2)}/>"
    if kind == "fault":
        bang = f'<path d="M{x:.1f},{y - 2.2:.1f}v3.6m0,1.2v1.2" {stroke("ground", 1.3)}/>'
        return f"{shape}{fill(_paint(kind))}/>{bang}"
    return f"{shape}{fill(_paint(kind))}/>"
