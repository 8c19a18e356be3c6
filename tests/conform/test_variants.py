"""Every known-bad firmware fails a check that says what is wrong with it.

With the bench door all of them are seen. Eight are not seen by the wire alone, each for the reason beside it.
"""

from __future__ import annotations

import pytest

from controller.conform import Outcome
from hw_sim.variants import VARIANTS
from tests.conform.suites import conform, failures, ids

SEEN_BY = {
    "ramp-down-never-runs": "STOP-09", "output-left-on": "RAMP-05", "dac-zero-is-full": "STATE-05",
    "slow-disable": "STOP-12", "on-without-link": "LEASE-09", "maximum-never-used": "PRES-03",
    "impedance-16-bit": "REF-08", "integral-wind-up": "FAULT-07", "set-clears-stop": "STOP-14",
    "slow-over-current": "FAULT-13", "buffer-overrun": "NOISE-02", "dose-from-set-point": "FAULT-04",
    "dose-cleared-on-resume": "RAMP-08", "undelivered-subtracted-twice": "RAMP-09", "nothing-at-the-end": "RAMP-05",
    "retry-runs-twice": "SEQ-03", "sequence-reused": "SEQ-04", "crc-unchecked": "SEAL-02",
    "silent-defaults": "FAULT-23", "telemetry-repeated": "RAMP-02", "self-test-always-passes": "FAULT-24",
    "arming-never-expires": "STATE-07", "automatic-resume": "LEASE-10", "stop-behind-telemetry": "STOP-07",
    "lease-by-any-byte": "LEASE-07", "watchdog-off": "FAULT-21", "window-forgets-committed": "REF-11",
    "contact-never-looked-at": "FAULT-02", "one-channel": "FAULT-15", "source-tried-at-power-on": "STATE-05",
    "no-longest-time": "FAULT-01", "anyone-takes-over": "SES-15", "any-version": "SES-04",
    "dose-by-the-clock": "RAMP-11", "ramp-by-delays": "RAMP-01", "pauses-not-counted": "REF-10",
    "changes-untold": "STATE-06", "alarm-repeated": "FAULT-25", "telemetry-doubled": "SEAL-16",
    "output-by-plain-line": "PLAIN-10",
}  # fmt: skip

# What an outside observer with nothing but the wire and a resistor cannot see, and why.
NOT_BY_THE_WIRE = {
    "impedance-16-bit": "the load has to be changed to more than 400 kohm",
    "slow-over-current": "the source has to give more than it is asked for",
    "silent-defaults": "a record has to be damaged while the power is off",
    "self-test-always-passes": "reference or relay has to be broken",
    "watchdog-off": "the processor has to stop",
    "window-forgets-committed": "the bench jumper, with which nothing is counted, has to be taken off",
    "one-channel": "a channel has to be broken",
    "dose-by-the-clock": "the unit has to be on for 49.7 days",
}


def test_every_variant_has_its_check():
    assert set(SEEN_BY) == {variant.name for variant in VARIANTS}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN_BY)
def test_a_variant_fails_its_check(name):
    report, truth = conform(f"sim://bench-5k?variant={name}", [SEEN_BY[name]])
    assert ids(report, Outcome.FAIL) == {SEEN_BY[name]}
    assert not report.conforms
    assert truth["defects"] == (name,)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOT_BY_THE_WIRE)
def test_what_the_wire_alone_does_not_show(name):
    report, _ = conform(f"sim://bench-5k?variant={name}", door=False)
    assert failures(report) == {}
    assert SEEN_BY[name] in ids(report, Outcome.NOT_RUN)
