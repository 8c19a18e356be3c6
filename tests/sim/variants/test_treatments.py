"""The known-bad firmwares in plain treatments by the product's own driver: to the end, paused, stopped, aborted.

Many a defect does not show there, because nothing brings it out; its situation does. What shows, the monitors have to
see in a host's log with the truth of every sample beside it; and nothing of the good firmware.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from controller import IontoError
from hw_sim.firmware.main import Firmware
from hw_sim.rig.eyes import violated
from hw_sim.variants import VARIANTS, find
from hw_sim.world import World
from tests.evidence import good_runs

DEEDS = ("", "pause", "stop", "abort")
PHASE = {"pole": "-", "current_ma": 1.0, "dose_ma_min": 0.2, "ramp_up_ma_per_s": 0.5, "ramp_down_ma_per_s": 0.5}
TREATMENT = {"format": 1, "name": "plain", "load": "bench", "phase": [PHASE]}
# Seen in these treatments; every other defect needs a mishap, a stranger's line, or a look between two samples.
SHOWN = {
    "dac-zero-is-full": {"I04", "I32"},
    "dose-cleared-on-resume": {"I07", "I08"},
    "nothing-at-the-end": {"I07", "I08"},
    "output-left-on": {"I01"},
    "ramp-down-never-runs": {"I04", "I05"},
    "slow-disable": {"I01"},
    "telemetry-repeated": {"I08"},
    "undelivered-subtracted-twice": {"I07", "I08"},
}


@dataclass
class Told:
    broken: set[str] = field(default_factory=set)
    refused: bool = False


def treated(firmware: type[Firmware]) -> Told:
    told = Told()
    for deed in DEEDS:
        plan = good_runs.Plan(1, "5k", "usb", 100, 10_000, TREATMENT, deed, after_s=3.0)
        try:
            findings = good_runs.deliver(plan, World(load=plan.load, seed=plan.seed, firmware=firmware))
        except IontoError:
            told.refused = True  # the driver would have none of it
        else:
            told.broken |= set(violated(findings))
    return told


def test_nothing_of_the_good_one() -> None:
    assert treated(Firmware) == Told()


@pytest.mark.parametrize("name", SHOWN)
def test_what_shows_is_seen(name: str) -> None:
    assert treated(find(name).firmware()).broken >= SHOWN[name]


@pytest.mark.slow
def test_all_of_them() -> None:
    shown = {variant.name for variant in VARIANTS if treated(variant.firmware()).broken}
    assert shown >= set(SHOWN)
