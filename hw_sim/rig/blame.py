"""What a fault of the catalogue does to the unit, as a judge has to know it: what broke, and what cannot hold then.

Whoever breaks something on purpose tells the monitors which part it was (`Watch.broken`), and they give the unit the
time that its fault table has to find it. What rests on a part that lies to every channel, or is known-bad code itself,
is not judged: each row says why. A fault that is not in the table excuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from hw_sim.faults.board import Strike
from hw_sim.rig.eyes import Eyes

DOSE: Final = ("dose", "interval")


class Blame(NamedTuple):
    """``breaks``: a part as `Watch.broken` has it; ``blind``: no channel sees it. ``spoils``: invariants by number, and
    "dose" (at most what was prescribed) and "interval" (the record's holds what flowed).
    """

    why: str
    breaks: str = ""
    blind: bool = False
    spoils: tuple[str, ...] = ()


_CONTACT: Final = Blame("what falls then is the load's doing", breaks="contact")
_BOUNCE: Final = Blame(
    "it is over before a detector's time, and telemetry sees an end of it", "contact", spoils=("I17",)
)
_SOURCE: Final = Blame("the source does not do what it is told", breaks="source")
_SENSOR: Final = Blame("a channel does not tell what is so", breaks="sensor")
_GARBAGE: Final = Blame("there are stop bytes in it, and two in a row cut the current off", breaks="contact")
_LATE: Final = Blame("telemetry is older than it looks when it comes", spoils=("I08", "I21"))

BLAME: Final[dict[str, Blame]] = {
    "E01": _CONTACT,
    "E02": _CONTACT,
    "E03": _BOUNCE,
    "E04": _BOUNCE,
    "E05": _CONTACT,
    "E06": _CONTACT,
    "E07": _CONTACT,
    "E08": Blame("leads exchanged behind the unit: none of its channels has a sign", spoils=("I05",)),
    "E09": _CONTACT,
    "E10": _SOURCE,
    "E11": _SOURCE,
    "E12": Blame("a welded relay: what the source gives flows on", breaks="relay", spoils=(*DOSE, "I01", "I22")),
    "E13": Blame("nothing flows through it", breaks="relay"),
    "E14": _SOURCE,
    "E15": _SOURCE,
    "E16": Blame("DAC and converters share the reference", breaks="reference", blind=True, spoils=DOSE),
    "E17": _SOURCE,
    "E20": _SENSOR,
    "E23": _CONTACT,
    "S01": _SENSOR,
    "S02": _SENSOR,
    "S03": Blame("with channel=currents both are wrong alike", breaks="sensor", blind=True, spoils=(*DOSE, "I35")),
    "S04": Blame(
        "what is below the differences that the two channels may have (5 % + 20 uA) is not seen",
        breaks="sensor", spoils=DOSE,
    ),
    "S05": _SENSOR,
    "S06": _SENSOR,
    "S07": _SENSOR,
    "S08": _SENSOR,
    "S09": _SENSOR,
    "S10": Blame("what the relay does is not what it says", breaks="relay"),
    "F01": Blame("until its watchdog has opened the relay", breaks="processor"),
    "F02": Blame("a dead control step counts nothing", breaks="processor", spoils=DOSE),
    "F03": Blame(
        "without its watchdog a dead processor leaves the output as it is",
        breaks="processor", spoils=(*DOSE, "I01", "I13", "I22", "I24"),
    ),
    "F06": Blame(
        "the count itself, what it is compared with, or the ramp", breaks="memory",
        spoils=(*DOSE, "I02", "I06", "I07", "I08", "I12", "I18", "I32", "I35", "I39"),
    ),
    "F07": Blame("what a lost record had counted is counted as if it were all", breaks="record"),
    "F08": Blame("what a lost record had counted is counted as if it were all", breaks="record"),
    "F10": Blame("the unit's own clock counts the dose", spoils=(*DOSE, "I08")),
    "F11": Blame(
        "the bench moves the unit's clock by weeks in the middle of a run",
        spoils=("I04", "I08", "I10", "I21", "I29", "I32", "I35", "I39"),
    ),
    "F12": Blame("known-bad code: a retry is executed again", spoils=DOSE),
    "F14": Blame("known-bad code: telemetry is old", spoils=("I01", "I04", "I07", "I08", "I17", "I19")),
    "F15": Blame("known-bad code: the ramp-down is cut off", spoils=(*DOSE, "I04", "I32", "I35")),
    "F16": Blame("known-bad code: the dose is counted from the set-point", spoils=DOSE),
    "F17": Blame("known-bad code: the dose begins anew", spoils=(*DOSE, "I07", "I08")),
    "F18": Blame("the unit's own account contradicts itself", spoils=(*DOSE, "I05", "I07", "I08", "I39")),
    "F22": Blame("known-bad code: undelivered charge is subtracted twice", spoils=(*DOSE, "I07", "I08")),
    "F23": Blame("known-bad code: the bridge turns, whatever flows", spoils=("I05",)),
    "F24": Blame("known-bad code: a paused run goes on by itself", spoils=("I08", "I10", "I12", "I14", "I15")),
    "F27": Blame("known-bad code: a reply carries the number of another request", spoils=("I11",)),
    "L09": _LATE,
    "L25": Blame("what somebody else says is in no log of the host", spoils=("I21",)),
    "L26": _GARBAGE,
    "L27": _LATE,
    "L18": _GARBAGE,
}  # fmt: skip


def tell(eyes: Eyes, struck: Iterable[Strike], lifted: Iterable[tuple[int, str]]) -> None:
    """The monitors, what was broken and when it was whole again."""
    for at_us, fault, _ in struck:
        if fault in BLAME and BLAME[fault].breaks:
            eyes.broke(at_us, BLAME[fault].breaks, blind=BLAME[fault].blind)
    for at_us, fault in lifted:
        if fault in BLAME and BLAME[fault].breaks:
            eyes.mended(at_us, BLAME[fault].breaks)


def spoilt(faults: Iterable[str]) -> set[str]:
    """What cannot be judged where these are on the bench."""
    return {what for fault in BLAME.keys() & set(faults) for what in BLAME[fault].spoils}
