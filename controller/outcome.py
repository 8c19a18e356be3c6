"""How a treatment ended, as the one error that says what the caller may do now.

Results are values, and most programs read them from the record. A script wants an exception; of several phases the
first that was not delivered decides, and of several facts the one that asks most of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.effects import RunResult
from controller.errors import CommandRefused, LinkLost, SafetyTrip, Unacknowledged, UnitFault


def raise_for(results: Iterable[RunResult], port: str) -> None:
    """Nothing when every run was delivered.

    Raises:
        UnitFault: the unit latched a fault.
        SafetyTrip: the host stopped the unit.
        LinkLost: the link was lost and nobody resumed.
        Unacknowledged: nobody knows.
        CommandRefused: the unit refused, or somebody ended the run.
    """
    for result in results:
        if result.fault is not None:
            raise UnitFault(result.fault, result.reason)
        if result.breach is not None:
            raise SafetyTrip(result.breach.limit, result.breach.observed)
        if result.outcome == "UNKNOWN":
            raise Unacknowledged("RUN", f": {result.reason}")
        if result.cause == "link":
            raise LinkLost(port, result.reason)
        if result.outcome != "DONE":
            raise CommandRefused("the treatment", result.refused or 0, result.reason or result.outcome)
