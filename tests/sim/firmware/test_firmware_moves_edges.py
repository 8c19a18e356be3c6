"""Moves of the voltage, sudden and slow, on a record put together by hand, edge by edge."""

from __future__ import annotations

import pytest

from hw_sim.firmware import control, detect, output
from hw_sim.firmware.machine import FAULT, HOLD, PAUSED, RAMP_DOWN, RAMP_UP, SELFTEST
from hw_sim.firmware.output import NOTE_FAULT, NOTE_LINK, NOTE_WARN
from tests.sim.firmware.records import holding, shows

# -- step ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("v", "reg", "old", "old_reg", "move"),
    [
        (5100, 1_000_000, 4000, 1_000_000, 0), (5101, 1_000_000, 4000, 1_000_000, 1),
        (2900, 1_000_000, 4000, 1_000_000, 0), (2899, 1_000_000, 4000, 1_000_000, 2),
        # 10 % more set-point: 100 000 // 977 = 102 parts of 1024; 1000 + 398 + 100
        (5498, 1_100_000, 4000, 1_000_000, 0), (5499, 1_100_000, 4000, 1_000_000, 1),
        (5498, 900_000, 4000, 1_000_000, 0), (5499, 900_000, 4000, 1_000_000, 1), (2501, 900_000, 4000, 1_000_000, 2),
        # 4096 parts are the last that are judged: 25 + 400 + 100
        (625, 5119, 100, 1023, 0), (626, 5119, 100, 1023, 1), (9999, 5120, 100, 1023, 0),
    ],
)  # fmt: skip
def test_a_move_is_a_quarter_the_change_of_set_and_100_mv(v: int, reg: int, old: int, old_reg: int, move: int) -> None:
    assert detect._moved(v, reg, old, old_reg) == move


SLOTS = "abcde"


@pytest.mark.parametrize("slot", range(5))
@pytest.mark.parametrize(("back", "to"), [(1000, PAUSED), (4000, FAULT)])
def test_a_move_is_seen_against_each_of_the_last_five_means(slot: int, back: int, to: int) -> None:
    means = {f"v_{name}": 2000 for name in SLOTS} | {f"s_{name}": 1_000_000 for name in SLOTS}
    for valid in (slot, slot + 1):
        s = holding(v=2000, v_1=2000, hot=1, step_n=valid, **(means | {f"v_{SLOTS[slot]}": back}))
        detect.step(s, HOLD)
        near = slot == 0 or valid > slot
        assert s.st == (to if valid > slot else HOLD)
        assert s.hot in ((0, 4) if near else (0,))


def test_the_first_rise_pauses_and_whatever_comes_then_trips() -> None:
    for direction, rises, state, warn in ((1, 0, PAUSED, 6), (1, 1, FAULT, 0), (2, 0, FAULT, 0)):
        s = holding(rises=rises)
        detect._stepped(s, direction)
        shows(s, st=state, warn=warn, rises=1 if direction == 1 else rises)


def test_means_move_down_the_row_with_their_set_points() -> None:
    s = holding(v_a=1, v_b=2, v_c=3, v_d=4, v_e=5, s_a=11, s_b=12, s_c=13, s_d=14, s_e=15, step_n=0, v=4001, v_1=4004)
    detect.step(s, RAMP_UP)
    shows(s, v_a=4002, v_b=1, v_c=2, v_d=3, v_e=4, s_a=1_000_000, s_b=11, s_c=12, s_d=13, s_e=14, step_n=1)
    for _ in range(6):
        detect.step(s, RAMP_UP)
    shows(s, v_e=4002, s_e=1_000_000, step_n=5, m_n=0)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({"i": 188_000, "i_1": 188_000, "prog": 200_000}, True), ({"i": 187_999, "i_1": 900_000, "prog": 200_000}, False),
     ({"i": 900_000, "i_1": 187_999, "prog": 200_000}, False), ({"i": 500_000}, True), ({"i": 499_999}, False),
     ({"c_open": 1, "c_good": 9}, False), ({"c_open": 1, "c_good": 10}, True), ({"c_open": 0, "c_good": 0}, True)],
)  # fmt: skip
def test_a_voltage_without_its_current_says_nothing(fields: dict[str, int], counts: bool) -> None:
    s = holding(step_n=3, v_a=5000, **fields)
    detect.step(s, RAMP_UP)
    shows(s, step_n=4 if counts else 0)


@pytest.mark.parametrize(("v", "hot"), [(3300, 0), (3301, 4), (3100, 0), (3099, 4)])
def test_a_move_of_3_percent_is_looked_at_for_five_means(v: int, hot: int) -> None:
    s = holding(v=v, v_1=v, v_a=3200, step_n=0)
    detect.step(s, RAMP_UP)
    shows(s, hot=hot)


# -- fall ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("v", "trips"), [(2900, False), (2899, True)])
def test_a_fall_is_40_percent_and_100_mv(v: int, trips: bool) -> None:
    s = holding(m_0=5000, m_max=5000)  # 5 x 2900 + 500 = 3 x 5000
    detect._fall(s, v)
    shows(s, st=FAULT if trips else HOLD)


def test_a_fall_by_a_third_of_a_mv_more_is_one() -> None:
    s = holding(m_0=337, m_max=337)  # 5 x 102 + 500 = 1010, 3 x 337 = 1011
    detect._fall(s, 102)
    shows(s, st=FAULT)


def test_a_higher_reading_raises_the_maximum_of_its_half_second_and_of_all() -> None:
    s = holding(m_0=3000, m_max=4000, m_n=3)
    detect._fall(s, 3500)
    shows(s, m_0=3500, m_max=4000, m_n=4)
    detect._fall(s, 4500)
    shows(s, m_0=4500, m_max=4500, m_n=5)
    detect._fall(s, 4500)
    shows(s, m_0=4500, m_max=4500, m_n=6)


@pytest.mark.parametrize(
    ("m", "top"),
    [((600, 900, 700, 1000), 900), ((950, 900, 700, 1000), 950), ((600, 700, 900, 1000), 900),
     ((450, 400, 300, 1000), 500)],
)  # fmt: skip
def test_after_25_means_the_oldest_half_second_is_forgotten(m: tuple[int, int, int, int], top: int) -> None:
    s = holding(m_0=m[0], m_1=m[1], m_2=m[2], m_3=m[3], m_max=1000, m_n=23)
    detect._fall(s, 500)
    shows(s, m_n=24, m_max=1000)
    s.m_0 = m[0]
    detect._fall(s, 500)
    shows(s, m_n=0, m_0=500, m_1=max(m[0], 500) if m[0] < 500 else m[0], m_2=m[1], m_3=m[2], m_max=top)


@pytest.mark.parametrize("why", ["unsteady", "limited"])
def test_a_set_point_that_moves_begins_all_maxima_anew(why: str) -> None:
    s = holding(m_0=9, m_1=9, m_2=9, m_3=9, m_max=9, m_n=9, **{why: 1})
    detect._fall(s, 5000)
    shows(s, m_0=5000, m_1=5000, m_2=5000, m_3=5000, m_max=5000, m_n=0, st=HOLD)


# -- contact ---------------------------------------------------------------------------------------------------


def seconds(value: int) -> dict[str, int]:
    return {f"k_{n}": value for n in range(9)}


@pytest.mark.parametrize(
    ("mv", "state", "warned"), [(1060, HOLD, 0), (1061, HOLD, 1), (1120, HOLD, 1), (1121, RAMP_DOWN, 0), (999, HOLD, 0)]
)
def test_a_mean_of_ten_seconds_warns_at_6_percent_and_trips_at_12(mv: int, state: int, warned: int) -> None:
    s = holding(k_count=9, k_min=1000, k_v=mv * 100 + 99, t_st=5000, note=NOTE_LINK, **seconds(mv))
    detect.contact(s)
    told = NOTE_WARN if warned else NOTE_FAULT if state == RAMP_DOWN else 0
    shows(
        s,
        note=NOTE_LINK | told,
        k_0=mv,
        st=state,
        k_warned=warned,
        warn=5 * warned,
        k_v=0,
        k_count=10,
        k_min=999 if mv == 999 else 1000,
    )


def test_it_warns_once_and_knows_no_minimum_before_ten_seconds() -> None:
    s = holding(k_count=9, k_min=1000, k_v=106_100, k_warned=1, t_st=5000, **seconds(1061))
    detect.contact(s)
    shows(s, warn=0, note=0)
    s = holding(k_count=8, k_v=100_000, t_st=5000, **seconds(1000))
    detect.contact(s)
    shows(s, k_count=9, k_min=0)
    s.k_v = 100_000
    detect.contact(s)
    shows(s, k_count=10, k_min=1000)


def test_all_ten_seconds_count_and_move_down_the_row() -> None:
    s = holding(k_count=9, k_v=100, t_st=5000, **{f"k_{n}": 10 ** (n % 5) * (n + 1) * 10 for n in range(9)})
    before = [s.k_0, s.k_1, s.k_2, s.k_3, s.k_4, s.k_5, s.k_6, s.k_7, s.k_8]
    detect.contact(s)
    assert [s.k_1, s.k_2, s.k_3, s.k_4, s.k_5, s.k_6, s.k_7, s.k_8, s.k_9] == before
    assert s.k_min == (sum(before) + 1) // 10


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({"unsteady": 1}, 0), ({"tgt": 49_999}, 0), ({"tgt": 50_000}, 1), ({"k_wait": 30, "t_st": 2999}, 0),
     ({"k_wait": 30, "t_st": 3000}, 1)],
)  # fmt: skip
def test_a_second_counts_where_the_set_point_was_steady(fields: dict[str, int], counts: int) -> None:
    s = holding(**({"k_v": 100_000, "t_st": 5000} | fields))
    detect.contact(s)
    shows(s, k_count=counts, k_v=0, unsteady=0)


# -- what else may happen in a tick of a run ---------------------------------------------------------------------


@pytest.mark.parametrize(("on_time", "state", "fault"), [(99_998, HOLD, 0), (99_999, RAMP_DOWN, 12)])
def test_the_longest_on_time_is_the_last_tick(on_time: int, state: int, fault: int) -> None:
    s = holding(on_time=on_time, code_i=1, code_i2=1)
    detect.set_bands(s, 1_000_000)
    control._energised(s, HOLD, 1_000_000, 1_000_000, 5000)
    shows(s, st=state, f_id=fault, on_time=on_time + 1, lease=199)


def test_a_run_that_ends_in_this_tick_has_its_set_point_lowered_in_it() -> None:
    s = holding(q=59_500, q_down=500, code_i=1, code_i2=1)
    detect.set_bands(s, 1_000_000)
    control._energised(s, HOLD, 1_000_000, 1_000_000, 5000)
    shows(s, st=RAMP_DOWN, why=output.DONE, prog=990_000, dac=965)
    s = holding(q=59_499, q_down=500, code_i=1, code_i2=1)
    detect.set_bands(s, 1_000_000)
    control._energised(s, HOLD, 1_000_000, 1_000_000, 5000)
    shows(s, st=HOLD, prog=1_000_000)


def test_4_2_ma_itself_is_counted_and_does_not_trip_at_once() -> None:
    s = holding()
    detect.judge(s, HOLD, 4_200_000, 4_200_000, 5000)
    shows(s, st=HOLD, c_over=1)


def test_the_self_test_may_move_the_relay() -> None:
    s = holding(st=SELFTEST, is_open=0, relay=0, relay_fb=1, dac=0, c_relay=10)
    control._at_rest(s, SELFTEST, 0)
    shows(s, st=SELFTEST, c_relay=0, fl=0)
