"""Wire fields against the golden line of PRES, defaults against sums done by hand."""

from __future__ import annotations

import pytest

from controller.errors import TreatmentError
from controller.treatment import Pole, Prescription, check_against_unit


def test_the_golden_prescription() -> None:
    told = Prescription(i_ua=1500, q_uc=2_400_000, pole=Pole.NEGATIVE, tu_ms=30_000, td_ms=15_000, tmax_ms=2_400_000)
    assert " ".join(f"{key}={value}" for key, value in told.fields().items()) == (
        "I=1500 Q=2400000 TU=30000 TD=15000 TMAX=2400000 ZMAX=30000 ZMIN=200 VMAX=54000 "
        "POL=- LIM=STOP CONT=STOP LOSS=STOP BATT=STOP"
    )


@pytest.mark.parametrize(
    ("i_ua", "q_uc", "tu_ms", "td_ms", "tmax_ms"),
    [
        (1500, 2_400_000, 15_000, 7_500, 2_416_875),  # 3 * (1 600 000 + 11 250) / 2
        (530, 2_400_000, 5_300, 2_650, 6_798_414),  # 4 528 301.8 and 3975, both down
        (70, 6_000, 700, 350, 129_358),  # 3 * (85 714 + 525) / 2 = 129 358.5, down
    ],
)
def test_times_left_out_follow_the_protocol(i_ua: int, q_uc: int, tu_ms: int, td_ms: int, tmax_ms: int) -> None:
    told = Prescription(i_ua=i_ua, q_uc=q_uc, pole=Pole.POSITIVE)
    assert (told.tu_ms, told.td_ms, told.tmax_ms) == (tu_ms, td_ms, tmax_ms)


def test_the_longest_time_follows_from_the_ramps_that_are_given() -> None:
    # 3 * (1 600 000 + 22 500) / 2
    told = Prescription(i_ua=1500, q_uc=2_400_000, pole=Pole.POSITIVE, tu_ms=30_000, td_ms=15_000)
    assert told.tmax_ms == 2_433_750


def test_zero_is_a_value_and_not_a_default() -> None:
    told = Prescription(i_ua=1000, q_uc=60_000, pole=Pole.POSITIVE, tu_ms=0, td_ms=0, tmax_ms=0)
    assert (told.tu_ms, told.td_ms, told.tmax_ms) == (0, 0, 0)


@pytest.mark.parametrize(("i_ua", "q_uc"), [(0, 60_000), (1000, 0), (-1, 60_000)])
def test_no_longest_time_without_current_or_charge(i_ua: int, q_uc: int) -> None:
    with pytest.raises(TreatmentError, match="both must be above 0"):
        Prescription(i_ua=i_ua, q_uc=q_uc, pole=Pole.POSITIVE)
    # A bench sends a unit what it has to refuse: with a longest time given, it can be made.
    assert Prescription(i_ua=i_ua, q_uc=q_uc, pole=Pole.POSITIVE, tmax_ms=1000).fields()["I"] == str(i_ua)


def test_poles_are_opposite() -> None:
    assert (Pole.POSITIVE.other, Pole.NEGATIVE.other) == (Pole.NEGATIVE, Pole.POSITIVE)


def test_a_unit_that_can_do_it_has_nothing_to_say() -> None:
    told = Prescription(i_ua=4000, q_uc=4_800_000, pole=Pole.POSITIVE)
    assert check_against_unit(told, imax_ua=4000, qmax_uc=4_800_000, vcomp_mv=54_000) == []


def test_every_limit_of_a_smaller_unit_is_told() -> None:
    told = Prescription(i_ua=4000, q_uc=4_800_000, pole=Pole.POSITIVE)
    current, dose, voltage = check_against_unit(told, imax_ua=2000, qmax_uc=2_400_000, vcomp_mv=30_000)
    assert "4 mA is more than the 2 mA" in current
    assert "80 mA.min is more than the 40 mA.min" in dose
    assert "54 V is more than the 30 V" in voltage
    assert "voltage_max_v" in voltage
