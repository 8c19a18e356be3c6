"""Profiles against areas computed by hand, and as laws."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.profile import Profile
from controller.wire.spec import UnitState


class Told(NamedTuple):
    i_ua: int
    q_uc: int
    tu_ms: int
    td_ms: int


# 2 mA to 40 mA.min, 20 s up and 10 s down: the ramps are 20 000 and 10 000 uC, the hold 2 370 000 / 2000 s.
TRAPEZIUM = Profile.of(Told(2000, 2_400_000, 20_000, 10_000))
# The same slews to 7500 uC: p * p * 15 ms / 2 = 7500 uC at p = 1000 uA, so 10 s up and 5 s down.
TRIANGLE = Profile.of(Told(2000, 7_500, 20_000, 10_000))


def test_the_dose_includes_both_ramps() -> None:
    assert (TRAPEZIUM.peak_ua, TRAPEZIUM.hold_s, TRAPEZIUM.duration_s) == (2000, 1185, 1215)
    assert not TRAPEZIUM.is_triangle
    assert TRAPEZIUM.points() == ((0, 0), (20, 2000), (1205, 2000), (1215, 0))


@pytest.mark.parametrize(
    ("t_s", "current_ua", "charge_uc"),
    [(-1, 0, 0), (0, 0, 0), (10, 1000, 5_000), (20, 2000, 20_000), (30, 2000, 40_000),
     (1205, 2000, 2_390_000), (1210, 1000, 2_397_500), (1215, 0, 2_400_000), (9999, 0, 2_400_000)],
)  # fmt: skip
def test_current_and_charge_on_the_way(t_s: float, current_ua: float, charge_uc: float) -> None:
    assert TRAPEZIUM.current_ua_at(t_s) == pytest.approx(current_ua)
    assert TRAPEZIUM.charge_uc_at(t_s) == pytest.approx(charge_uc)


def test_a_dose_smaller_than_its_ramps_turns_round_early() -> None:
    assert TRIANGLE.is_triangle
    assert (TRIANGLE.peak_ua, TRIANGLE.hold_s, TRIANGLE.duration_s) == pytest.approx((1000, 0, 15))
    assert TRIANGLE.points() == ((0, 0), pytest.approx((10, 1000)), pytest.approx((15, 0)))
    assert TRIANGLE.charge_uc_at(10) == pytest.approx(5000)
    assert TRIANGLE.current_ua_at(12.5) == pytest.approx(500)


def test_a_dose_of_exactly_two_ramps_reaches_its_set_point() -> None:
    exact = Profile.of(Told(2000, 30_000, 20_000, 10_000))
    assert (exact.peak_ua, exact.hold_s, exact.is_triangle) == (2000, 0, False)
    assert exact.points() == ((0, 0), (20, 2000), (30, 0))


def test_without_ramps_it_is_a_rectangle() -> None:
    step = Profile.of(Told(1000, 60_000, 0, 0))
    assert (step.duration_s, step.current_ua_at(30), step.charge_uc_at(30)) == (60, 1000, 30_000)


@pytest.mark.parametrize(
    ("state", "q_uc", "i_ua", "eta_s"),
    [
        ("ARMED", 0, 0, 1215),
        ("RAMP_UP", 5_000, 1000, 1205),
        ("HOLD", 1_000_000, 2000, 705),  # 1 400 000 - 10 000 at 2000 uA, then 10 s
        ("HOLD", 1_000_000, 1000, 1402.5),  # at half the current: 1 397 500 / 1000, then 5 s
        ("HOLD", 2_395_000, 2000, 10),  # less than the fall is left: it falls now
        ("HOLD", 1_000_000, 0, None),  # nothing flows: no one can tell
        ("RAMP_DOWN", 2_397_500, 1000, 5),
        ("PAUSED", 1_000_000, 0, 715),  # 20 s up, 685 s, 10 s down
        ("DONE", 2_400_000, 0, 0),
        ("FAULT", 1_000_000, 0, 0),
    ],
)
def test_time_left(state: str, q_uc: float, i_ua: float, eta_s: float | None) -> None:
    expected = None if eta_s is None else pytest.approx(eta_s)
    assert TRAPEZIUM.eta_s(state, q_uc, i_ua) == expected
    assert TRAPEZIUM.eta_s(UnitState(state), q_uc, i_ua) == expected


@st.composite
def told(draw: st.DrawFn) -> Told:
    i_ua = draw(st.integers(2, 400)) * 10
    up, down = draw(st.integers(20, 500)), draw(st.integers(50, 1000))  # nA/ms
    q_uc = draw(st.integers(1, 800)) * 6_000
    return Told(i_ua, q_uc, -(-i_ua * 1000 // up), -(-i_ua * 1000 // down))


@given(told(), st.floats(0, 1))
def test_charge_is_the_area_under_the_current(what: Told, part: float) -> None:
    profile = Profile.of(what)
    edge_s = profile.duration_s * part
    inside = sorted({edge_s, *(t for t, _ in profile.points() if t < edge_s)})
    area_uc = sum((b - a) * (profile.current_ua_at(a + (b - a) / 2)) for a, b in pairwise(inside))
    assert profile.charge_uc_at(edge_s) == pytest.approx(area_uc, rel=1e-6, abs=1)
    assert profile.peak_ua <= what.i_ua


@given(told(), st.floats(0.001, 0.999))
def test_time_left_is_what_the_profile_has_left(what: Told, part: float) -> None:
    profile = Profile.of(what)
    t_s = profile.duration_s * part
    ends = [("RAMP_UP", profile.rise_s), ("HOLD", profile.rise_s + profile.hold_s), ("RAMP_DOWN", profile.duration_s)]
    state = next(name for name, end_s in ends if t_s < end_s)
    left_s = profile.eta_s(state, profile.charge_uc_at(t_s), profile.current_ua_at(t_s))
    assert left_s == pytest.approx(profile.duration_s - t_s, rel=1e-6, abs=1e-3)
