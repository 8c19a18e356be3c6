"""Runs over one another in one SVG: current, voltage, impedance, dose, each run from the moment its current began.

The contact check before takes as long as it takes, so that traces laid on each other by their first line would be
seconds apart for no reason. Runs are lettered, because ids are longer than a legend has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final, NamedTuple

from controller.errors import RecordError
from controller.journal import Record
from controller.journal.trace import Trace
from controller.plot import Panel, Series, run_plot
from controller.shelf.traces import begin_row, impedance_kohm, whole_dose_ma_min

_SHORTEST: Final = 12
MOST: Final = 8  # four hues, plain and dashed; more cannot be told apart


class _Lines(NamedTuple):
    t_s: Sequence[float]
    current_ma: Sequence[float]
    voltage_v: Sequence[float]
    z_kohm: Sequence[float]
    dose_ma_min: Sequence[float]


_PANELS: Final = (
    ("Current", "mA", "current_ma"),
    ("Voltage", "V", "voltage_v"),
    ("Impedance", "kohm", "z_kohm"),
    ("Dose", "mA.min", "dose_ma_min"),
)


def overlay(records: Sequence[Record]) -> str:
    """The SVG text of one to eight runs.

    Raises:
        RecordError: too many runs, or a trace that is missing or damaged.
    """
    if len(records) > MOST:
        raise RecordError(f"{len(records)} runs cannot be told apart in one plot; name at most {MOST}")
    lines = [_lines(record.trace) for record in records]
    panels = [
        Panel(title, unit, [_series(n, line, field, len(lines)) for n, line in enumerate(lines)])
        for title, unit, field in _PANELS
    ]
    names = _short_names(records)
    legend = (_legend(n, record, names[n]) for n, record in enumerate(records))
    return run_plot(_title(records), "; ".join(legend), panels, ())


def _lines(trace: Trace) -> _Lines:
    first = begin_row(trace)
    zero_s = trace.t_s[first] if len(trace) else 0.0
    return _Lines(
        [t - zero_s for t in trace.t_s[first:]],
        trace.current_ma[first:],
        trace.voltage_v[first:],
        impedance_kohm(trace)[first:],
        whole_dose_ma_min(trace)[first:],
    )


def _series(n: int, lines: _Lines, field: str, runs: int) -> Series:
    name = ascii_uppercase[n] if runs > 1 else field.partition("_")[0]
    return Series(name, lines.t_s, getattr(lines, field), pen=n + 1 if runs > 1 else 0)


def _title(records: Sequence[Record]) -> str:
    names = dict.fromkeys(str(record.data["treatment"]["name"]) for record in records)
    if len(names) == 1:
        return next(iter(names)) + (f", {len(records)} runs" if len(records) > 1 else "")
    return f"{len(records)} runs of {len(names)} treatments"


def _legend(n: int, record: Record, name: str) -> str:
    return f"{ascii_uppercase[n]} {name}: {record.outcome}, {record.dose_ma_min:.2f} mA.min"


def _short_names(records: Sequence[Record]) -> list[str]:
    """As much of each id as tells it from the others: eight whole ones are more than three lines."""
    names = [str(record.data["run_set"]) if record.folder is None else record.folder.name for record in records]
    length = next((n for n in range(_SHORTEST, 26) if len({name[:n] for name in names}) == len(names)), 32)
    return [name[:length] for name in names]
