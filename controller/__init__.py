"""Drive a current-controlled iontophoresis unit: ``Unit``, ``Treatment``, ``Session``, ``Record``.

    from controller import Treatment, Unit

    with Unit.open("sim://") as unit, unit.deliver(Treatment.load("treatment.toml")) as run:
        for sample in run:
            print(sample.current_ma, sample.dose_ma_min)
    print(run.record.outcome)

Names are loaded when they are first used: a program that only lists ports does not pay for a state machine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from controller.version import __version__

if TYPE_CHECKING:
    from controller.errors import (
        CommandRefused,
        IllegalTransition,
        IontoError,
        LinkError,
        LinkLost,
        OutputRefused,
        PortUnavailable,
        ProtocolViolation,
        RecordError,
        SafetyTrip,
        TreatmentError,
        Unacknowledged,
        UnitFault,
    )
    from controller.journal import Record
    from controller.sample import Sample
    from controller.session import Session
    from controller.treatment import Treatment
    from controller.unit import Status, Unit

_HOME = {
    "Unit": "unit", "Status": "unit", "Session": "session", "Treatment": "treatment", "Record": "journal",
    "Sample": "sample",
    **dict.fromkeys(
        (
            "CommandRefused", "IllegalTransition", "IontoError", "LinkError", "LinkLost", "OutputRefused",
            "PortUnavailable", "ProtocolViolation", "RecordError", "SafetyTrip", "TreatmentError",
            "Unacknowledged", "UnitFault",
        ),
        "errors",
    ),
}  # fmt: skip

__all__ = [
    "CommandRefused",
    "IllegalTransition",
    "IontoError",
    "LinkError",
    "LinkLost",
    "OutputRefused",
    "PortUnavailable",
    "ProtocolViolation",
    "Record",
    "RecordError",
    "SafetyTrip",
    "Sample",
    "Session",
    "Status",
    "Treatment",
    "TreatmentError",
    "Unacknowledged",
    "Unit",
    "UnitFault",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
