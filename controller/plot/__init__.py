"""Plots of a run and of a plan, as one SVG text each; no plotting library.

A run's folder holds its plot, so every run draws one: that must cost milliseconds and import nothing
(matplotlib: 400-700 ms and 78 MB). What is drawn is fixed, panels over one time axis, and that is little
enough to do well by hand: axes with round ticks, curves that keep every spike, flags for what happened.

* Pure: same values, same text, to the byte. No file, no clock, no font metrics asked of the system.
* One file for paper, screen and ``<img>``: colours are plain attributes for light, which any rasteriser
  understands, and a style sheet inside overrides them where the viewer prefers dark.
* Nothing is told by colour alone, and the text alternative says what the picture says.
* Gaps in the data are gaps in the line: a value that nobody measured is not drawn.

``axes`` scales and ticks · ``curve`` samples to paths · ``flags`` event labels that do not overlap ·
``paint`` colours and text · ``figure`` puts them together · ``plan`` the profile before a run.
"""

from __future__ import annotations

from controller.plot.figure import run_plot
from controller.plot.plan import PlannedPhase, plan_plot
from controller.plot.values import EventKind, EventMark, Panel, Series, SeriesStyle

__all__ = [
    "EventKind",
    "EventMark",
    "Panel",
    "PlannedPhase",
    "Series",
    "SeriesStyle",
    "plan_plot",
    "run_plot",
]
