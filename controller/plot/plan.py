"""The profile before a run: planned current, and the charge that it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from controller.plot.axes import clock_text
from controller.plot.figure import figure
from controller.plot.values import EventMark, Panel, Series
from controller.units import ma_from_ua, ma_min_from_uc

_RAMP_PIECES: Final = 24  # the charge of a ramp is a parabola


class PlannedPhase(NamedTuple):
    """Corners (seconds, uA) from the phase's start on, straight lines between them; ``name`` may be empty."""

    corners: Sequence[tuple[float, float]]
    name: str = ""


def plan_plot(title: str, phases: Sequence[PlannedPhase], subtitle: str = "") -> str:
    """An SVG of the plan, phase after phase.

    Between phases there may be a wait for the operator, whose length nobody knows: none is drawn.
    """
    t_s: list[float] = []
    current_ma: list[float] = []
    dose_ma_min: list[float] = []
    marks: list[EventMark] = []
    start_s = before_uc = 0.0
    for number, phase in enumerate(phases, 1):
        rows = _dense(phase.corners)
        t_s += [start_s + row[0] for row in rows]
        current_ma += [ma_from_ua(row[1]) for row in rows]
        dose_ma_min += [ma_min_from_uc(before_uc + row[2]) for row in rows]
        if rows:
            marks.append(EventMark(start_s, _label(number, phase, rows), "phase"))
            start_s += rows[-1][0]
            before_uc += rows[-1][2]
    if t_s:
        marks.append(EventMark(start_s, f"end {clock_text(start_s)}", "phase"))
    panels = (
        Panel("Planned current", "mA", (Series("planned current", t_s, current_ma, "filled"),)),
        Panel(
            "Cumulative dose", "mA.min", (Series("cumulative dose", t_s, dose_ma_min, "filled"),),
            target=ma_min_from_uc(before_uc) if t_s else None,
        ),
    )  # fmt: skip
    return figure(title, subtitle, panels, marks, empty="nothing planned")


def _label(number: int, phase: PlannedPhase, rows: Sequence[tuple[float, float, float]]) -> str:
    peak_ma = ma_from_ua(max(row[1] for row in rows))
    name = phase.name or f"phase {number}"
    return f"{name}: {peak_ma:g} mA, {ma_min_from_uc(rows[-1][2]):.4g} mA·min, {clock_text(rows[-1][0])}"


def _dense(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Seconds, uA and uC at every corner and along the ramps; the charge is exact, not summed up."""
    rows = [(corners[0][0], corners[0][1], 0.0)] if corners else []
    charge_uc = 0.0
    for (t0, i0), (t1, i1) in pairwise(corners):
        pieces = _RAMP_PIECES if i0 != i1 and t1 > t0 else 1
        for piece in range(1, pieces + 1):
            share = piece / pieces
            i = i0 + (i1 - i0) * share
            rows.append((t0 + (t1 - t0) * share, i, charge_uc + (i0 + i) / 2 * (t1 - t0) * share))
        charge_uc = rows[-1][2]
    return rows
