"""Edges of the host's eye that no other test stands on: which dose was heard, and what a gap allows, to the uC."""

import pytest

from controller.limits import SafetyMonitor
from tests.unit.core.test_limits import I_UA, OFF, Q_UC, Eye


def test_nothing_is_heard_before_anything_is_said() -> None:
    assert SafetyMonitor(I_UA, Q_UC).heard_uc == 0


def test_the_dose_of_another_run_is_not_heard_at_rest() -> None:
    eye = Eye()
    eye.see("IDLE", q=50_000)
    assert eye.monitor.heard_uc == 0
    eye.see("STAGED", q=50_000)
    assert eye.monitor.heard_uc == 0


@pytest.mark.parametrize("at_rest_uc", [0, 50_000])
def test_the_dose_heard_last_with_current_stays_whatever_is_shown_at_rest(at_rest_uc: int) -> None:
    eye = Eye()
    eye.see_all("HOLD", 1000, 1000, 1000)
    assert eye.monitor.heard_uc == 250  # 50 + 100 + 100
    eye.see("DONE", q=at_rest_uc)
    eye.see("IDLE", q=at_rest_uc)
    assert eye.monitor.heard_uc == 250


@pytest.mark.parametrize(
    ("gaps", "allowed_uc"),
    [
        (1, 2653),  # host 1000, set-point 1000: (1000 + 600 + 1000) / 0.98 = 2653.06
        (2, 4693),  # two seconds of both: (2000 + 600 + 2000) / 0.98 = 4693.88
    ],
)
def test_every_lost_line_allows_what_the_set_point_may_have_given(gaps: int, allowed_uc: int) -> None:
    for unit_uc, limit in ((allowed_uc, None), (allowed_uc + 1, OFF)):
        eye = Eye()
        eye.see("HOLD", 1000, q=0)
        for _ in range(gaps - 1):
            assert eye.see("HOLD", 1000, dt=1000, step=2, q=1000) is None
        breach = eye.see("HOLD", 1000, dt=1000, step=2, q=unit_uc)
        assert (None if breach is None else breach.limit) == limit


@pytest.mark.parametrize(("own_uc", "breaches"), [(9200.0, False), (9199.0, True), (10_800.0, False), (10_801.0, True)])
def test_the_edge_itself_is_allowed(own_uc: float, breaches: bool) -> None:
    eye = Eye()  # 10 000 by the unit: 2 % and 600 are 800
    eye.monitor.own_uc = own_uc
    assert (eye.see("HOLD", 1000, q=10_000) is not None) is breaches


@pytest.mark.parametrize(("i_ua", "counts"), [(950, True), (949, False)])
def test_a_mean_begins_anew_where_less_than_95_percent_flows(i_ua: int, counts: bool) -> None:
    eye = Eye()
    assert eye.settle() == []
    assert eye.mean(10_000) == []
    breaches = eye.see_all("HOLD", *[1000] * 50, v=12_600)
    breaches += eye.see_all("HOLD", i_ua, v=12_600)
    breaches += eye.see_all("HOLD", *[1000] * 50, v=12_600)
    assert bool(breaches) is counts
