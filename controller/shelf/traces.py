"""What is asked of a run's trace: where the current began, dose over all phases, impedance at a minute."""

from __future__ import annotations

from array import array
from math import nan
from statistics import median
from typing import Final

from controller.journal import Record
from controller.journal.record import file_digests
from controller.journal.trace import Trace

# States in which current is driven, or was a moment ago (protocol, section 7).
_DELIVERING: Final = frozenset({"RAMP_UP", "HOLD", "RAMP_DOWN", "PAUSING", "PAUSED"})
# Impedance is read as the median over ten seconds: one sample of it has noise, and a motion artefact lasts less.
_WINDOW_S: Final = 5.0


def begin_row(trace: Trace) -> int:
    """The first row of delivery; 0 where there was none."""
    return next((n for n, state in enumerate(trace.state) if state in _DELIVERING), 0)


def impedance_ohm_at(trace: Trace, minutes: float) -> float | None:
    """Median around ``minutes`` after the current began; None where no current flowed then.

    The unit sends 0 below 20 uA, where impedance means nothing (protocol, section 3).
    """
    if len(trace) == 0:
        return None
    at_s = trace.t_s[begin_row(trace)] + 60 * minutes
    near = [
        z
        for t, z, state in zip(trace.t_s, trace.impedance_ohm, trace.state, strict=True)
        if abs(t - at_s) <= _WINDOW_S and z > 0 and state in _DELIVERING
    ]
    return median(near) if near else None


def impedance_kohm(trace: Trace) -> array[float]:
    """To draw: NaN where it means nothing."""
    return array("d", [z / 1000 if z > 0 else nan for z in trace.impedance_ohm])


def whole_dose_ma_min(trace: Trace) -> array[float]:
    """Over all phases, where the trace has it phase by phase."""
    whole, before, last, phase = array("d"), 0.0, 0.0, None
    for dose, number in zip(trace.dose_ma_min, trace.phase, strict=True):
        if phase is not None and number != phase:
            before += last
        elif dose < last:
            last = 0.0  # before START the unit still shows the last run's dose
        phase, last = number, dose
        whole.append(before + dose)
    return whole


def changed_files(record: Record) -> list[str]:
    """Files of the folder that are gone or are not what the record says they were."""
    folder, said = record.folder, record.data["files"]
    if folder is None:
        return []
    found = file_digests(folder, list(said))
    return [name for name in said if found.get(name) != said[name]]
