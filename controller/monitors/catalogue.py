"""All monitors, and the invariants that one log cannot show: each of I01 to I40 is in one of the two tables."""

from __future__ import annotations

from typing import Final, NamedTuple

from controller.monitors import (
    current,
    detectors,
    dose,
    faults,
    link,
    orders,
    ramps,
    record,
    resets,
    starting,
    stopping,
)
from controller.monitors.monitor import Monitor


class Unjudged(NamedTuple):
    id: str
    title: str
    property: str
    reason: str


MONITORS: Final[tuple[type[Monitor], ...]] = tuple(
    sorted(
        current.MONITORS + ramps.MONITORS + dose.MONITORS + starting.MONITORS + orders.MONITORS + stopping.MONITORS
        + link.MONITORS + detectors.MONITORS + faults.MONITORS + resets.MONITORS + record.MONITORS,
        key=lambda monitor: monitor.id,
    )
)  # fmt: skip

UNJUDGED: Final = (
    Unjudged(
        "I30", "truthful display",
        "no value older than 1 s is shown as live; off is shown only from a measured quiet",
        "what a screen showed is in no log",
    ),
    Unjudged(
        "I34", "determinism",
        "the same seed, scenario and commit give the same bytes on the wire",
        "it takes two logs of the same seed: compare them byte by byte",
    ),
)  # fmt: skip
