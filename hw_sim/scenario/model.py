"""A scenario as a value: how the bench is built, a treatment to give on it, and what must come of that.

The treatment and the expectation are data for whoever plays it: the test that plays every file, ``ionto-sim play``.
Nothing here drives a unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hw_sim import plant
from hw_sim.firmware.main import Firmware
from hw_sim.scenario import recorded
from hw_sim.world import World

LOAD_LONGEST: Final = 16  # characters of a load's name or value; a number of 400 digits would be infinite

OUTCOMES: Final = ("DONE", "STOPPED", "ABORTED", "LINK", "RESET", "TIMEOUT", "RUNNING", "UNKNOWN")
HOST_ACTIONS: Final = ("sleep", "stop", "abort", "pause", "resume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One run, in the words of a treatment file; None: as the unit has it."""

    current_ma: float
    dose_ma_min: float
    pole: str = "-"
    ramp_up_ma_per_s: float = 0.1
    ramp_down_ma_per_s: float = 0.2
    impedance_max_ohm: int | None = None
    impedance_min_ohm: int | None = None
    voltage_max_v: float | None = None
    on_time_max_s: float | None = None
    resistance: str = "stop"
    contact: str = "stop"
    link: str = "stop"
    battery: str = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAction:
    """What the host or its operator does at a time: ``sleep`` (neither reads nor writes) lasts ``for_s``."""

    at_s: float
    do: str
    for_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What comes of the treatment, exactly.

    ``outcome``: as the unit tells it of the run (``FAULT:01``, ``RUNNING`` for one that was left paused, ``UNKNOWN``
    where its record is lost), or ``REFUSED:16`` where PRES, ARM or START is refused with that code. ``events``: states
    from START on, with the faults, warnings and clears between them: all of them, in order. ``within_ms``: from the
    last thing that went wrong to the unit's answer, the first event after it. ``dose_ma_min``: lowest and highest dose
    it reports. ``peak_ma``: highest true current.
    """

    outcome: str
    events: tuple[str, ...] | None = None
    within_ms: int | None = None
    dose_ma_min: tuple[float, float] | None = None
    peak_ma: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to build a ``World`` from.

    ``speed``: simulated seconds per real one; 0: as fast as it goes, None: not said. ``line``: how bytes travel; None:
    as the endpoint has it, 1 ms USB frames on ``sim://`` and its own transport elsewhere. ``agenda``: what happens to
    the bench, (seconds after power-on, verb, argument). ``faults``: as text, in the order of their numbers.
    ``variant``: the name of a known-bad firmware, which the unit then has in place of the good one. ``dtr_resets``: the
    rise of DTR, that is the opening of the port, resets the board.
    """

    name: str
    expect: str
    load: str = "skin"
    agenda: tuple[tuple[float, str, str], ...] = ()
    faults: tuple[str, ...] = ()
    variant: str = ""
    seed: int = 1
    person: int | None = None
    serial: str = "SN0001"
    line: str | None = None
    speed: int | None = None
    dtr_resets: bool = False
    parameters: dict[str, float] = field(default_factory=dict)
    treatment: Treatment | None = None
    host: tuple[HostAction, ...] = ()
    expected: Expected | None = None

    def world(self) -> World:
        extra = dict(self.parameters)
        if self.person is not None:
            drug, back = plant.draw_person(self.seed, self.person)
            extra["person_drug"], extra["person_return"] = drug, back
        trace = self.load.removeprefix(recorded.PREFIX) if self.load.startswith(recorded.PREFIX) else None
        world = World(
            load=self.load if trace is None else "open",
            seed=self.seed,
            serial=self.serial,
            agenda=self.agenda,
            faults=self.faults,
            firmware=_firmware(self.variant),
            **extra,
        )
        if trace is not None:
            since_s = world.now_us / 1e6  # the file's times count from power-on
            plant.set_trace(world.plant, [(time_s - since_s, ohm) for time_s, ohm in recorded.rows_of(trace)])
        world.origin = self
        return world


def _firmware(variant: str) -> type[Firmware]:
    if not variant:
        return Firmware
    from hw_sim.variants import find

    return find(variant).firmware()
