"""Every monitor can fail: what proves it, one row each. A monitor without one fails here, and so does a row that lies.

A known-bad firmware is the best proof, because it shows that the monitor sees a real defect through a real line. Where
no firmware can break it, because it is the host's to keep (verdicts, record, which unit it talks to), a log does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import pytest

from controller.monitors import MONITORS, Monitor
from hw_sim.variants import VARIANTS, find
from tests.sim.variants.situations import play

PROOFS = {
    "I01": "variant output-left-on",
    "I02": "variant maximum-never-used",
    "I03": "variant slow-over-current",
    "I04": "variant ramp-down-never-runs",
    "I05": "variant ramp-down-never-runs",
    "I06": "variant dose-cleared-on-resume",
    "I07": "variant nothing-at-the-end",
    "I08": "variant dose-from-set-point",
    "I09": "variant window-forgets-committed",
    "I10": "variant impedance-16-bit",
    "I11": "variant retry-runs-twice",
    "I12": "variant crc-unchecked",
    "I13": "variant stop-behind-telemetry",
    "I14": "variant set-clears-stop",
    "I15": "variant automatic-resume",
    "I16": "variant silent-defaults",
    "I17": "variant contact-never-looked-at",
    "I18": "variant slow-over-current",
    "I19": "variant one-channel",
    "I20": "variant on-without-link",
    "I21": "variant lease-by-any-byte",
    "I22": "variant watchdog-off",
    "I23": "variant source-tried-at-power-on",
    "I24": "variant no-longest-time",
    "I25": "variant anyone-takes-over",
    "I26": "variant any-version",
    "I27": "test_record test_a_verdict_that_the_wire_does_not_give",
    "I28": "test_record test_one_record_that_is_the_units",
    "I29": "variant telemetry-doubled",
    "I31": "variant dose-by-the-clock",
    "I32": "variant ramp-by-delays",
    "I33": "variant silent-defaults",
    "I35": "variant ramp-by-delays",
    "I36": "variant pauses-not-counted",
    "I37": "variant output-by-plain-line",
    "I38": "test_starting test_identity",
    "I39": "variant changes-untold",
    "I40": "variant alarm-repeated",
}


HOSTS: Final = {"I27", "I28", "I38"}


def test_every_monitor_has_its_proof_and_no_row_is_left_over() -> None:
    assert sorted(PROOFS) == [monitor.id for monitor in MONITORS]
    assert {number for number, proof in PROOFS.items() if not proof.startswith("variant ")} == HOSTS


@pytest.mark.parametrize("number", PROOFS)
def test_it_can_fail(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, name = PROOFS[number].split()
    if kind == "variant":
        variant = find(name)
        assert number in variant.invariants
        assert number in play(variant.situation, variant.firmware())
        return
    failed: set[str] = set()
    violate = Monitor.violate

    def noted(monitor: Monitor, seen: str) -> None:
        failed.add(monitor.id)
        violate(monitor, seen)

    monkeypatch.setattr(Monitor, "violate", noted)
    getattr(import_module(f"tests.unit.monitors.{kind}"), name)()
    assert number in failed


def test_what_a_variant_breaks_has_a_monitor() -> None:
    assert {number for variant in VARIANTS for number in variant.invariants} <= set(PROOFS)
