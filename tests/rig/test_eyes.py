"""The eyes of a soak: what each known-bad firmware shows them, and what a bench has to tell them."""

from __future__ import annotations

import pytest

from controller.monitors import Violated, Watch
from hw_sim.faults.catalogue import CATALOGUE
from hw_sim.rig.blame import BLAME, DOSE
from hw_sim.rig.soak_episode import Shift

# Known-bad firmwares that an ordinary soak meets: seed 1, the episode, and by what it shows itself there.
SEEN = {
    "ramp-down-never-runs": (0, "I05 polarity"),
    "output-left-on": (0, "I01 rest"),
    "dac-zero-is-full": (0, "I03 no excess"),
    "slow-disable": (0, "I01 rest"),
    "on-without-link": (12, "I21 live keep"),
    "impedance-16-bit": (4, "I10 start gate"),
    "dose-cleared-on-resume": (0, "I07 dose monotone"),
    "undelivered-subtracted-twice": (10, "I07 dose monotone"),
    "nothing-at-the-end": (0, "I08 dose truth"),
    "retry-runs-twice": (12, "I11 at most once"),
    "telemetry-repeated": (0, "I04 slew"),
    "automatic-resume": (0, "I15 no automatic resume"),
}


@pytest.mark.parametrize("variant", SEEN)
def test_a_soak_finds_a_known_bad_firmware_by_the_invariant_that_it_breaks(variant: str) -> None:
    number, by = SEEN[variant]
    shift = Shift(1, number // 12, variant)
    try:
        told = [shift.episode(n) for n in range(number - number % 12, number + 1)]
    finally:
        shift.close()
    assert by in [find.what for one in told for find in one.finds]


def test_what_is_excused_is_an_invariant_of_a_fault_that_there_is() -> None:
    assert set(BLAME) <= {fault.id for fault in CATALOGUE}
    for blame in BLAME.values():
        assert blame.why
        assert blame.breaks or blame.spoils
        assert all(what in DOSE or "I01" <= what <= "I40" for what in blame.spoils)


def relay_found(*deeds: str) -> bool:
    """Whether ARMED is an offence after these, with a relay that sticks."""
    watch, t_us = Watch(), 0
    for deed in deeds:
        t_us += 1_000_000
        match deed:
            case "breaks":
                watch.broken(t_us, "relay")
            case "is mended":
                watch.mended(t_us, "relay")
            case state:
                watch.truth(
                    {"t_us": t_us, "state": state, "i_ua": 0.0, "v_mv": 0.0, "q_uc": 0.0, "relay_closed": False,
                     "bridge": 1, "peak_ua": 0.0, "set_ua": 0, "faults": 0}
                )  # fmt: skip
    verdicts = {finding.id: finding.verdict for finding in watch.finish()}
    return isinstance(verdicts["I10"], Violated)


def test_a_self_test_has_to_find_what_was_broken_before_it_and_is_so_still() -> None:
    assert relay_found("IDLE", "breaks", "IDLE", "CHECK", "ARMED")
    assert not relay_found("IDLE", "CHECK", "breaks", "CHECK", "ARMED")
    assert not relay_found("IDLE", "breaks", "IDLE", "is mended", "CHECK", "ARMED")
    assert relay_found("IDLE", "breaks", "is mended", "breaks", "IDLE", "CHECK", "ARMED")
