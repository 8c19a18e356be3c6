"""What acts on the output, and the steps of the control at rest and in a run: by hand, edge by edge."""

from __future__ import annotations

import pytest

from hw_sim.firmware import control, output
from hw_sim.firmware.machine import (
    ARMED,
    CHECK,
    DONE,
    FAULT,
    HOLD,
    IDLE,
    PAUSED,
    PAUSING,
    RAMP_DOWN,
    RAMP_UP,
    SELFTEST,
)
from hw_sim.firmware.record import Record
from tests.sim.firmware.records import holding, shows

# -- what acts on the output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prog", "st", "n_off", "n"),
    [(950_000, HOLD, 0, 10_001), (950_001, HOLD, 0, 10_002), (950_000, HOLD, 50_000, 10_001),
     (950_000, RAMP_DOWN, 10_000, 10_001), (950_000, RAMP_DOWN, 10_001, 10_001), (950_000, RAMP_DOWN, 50_000, 50_000),
     (0, HOLD, 0, 1)],
)  # fmt: skip
def test_a_ramp_to_zero_is_never_slower_than_one_under_way(prog: int, st: int, n_off: int, n: int) -> None:
    s = holding(prog=prog, st=st, n_off=n_off)
    output.slope_to_zero(s, 95)
    shows(s, n_off=n, tgt=0)


@pytest.mark.parametrize(
    ("i", "v", "ua", "z"),
    [((1_500_000, 1_501_000), 6000, 1500, 4000), ((1_500_000, 1_501_000), 6001, 1500, 4001),
     ((20_000, 20_000), 6, 20, 300),
     ((19_999, 20_000), 6, 19, 0), ((-5000, -5000), -3, 0, 0), ((1000, 1000), 1, 1, 0),
     ((500_000, 700_000), 3000, 600, 5000),
     ((30_000, 30_000), 1, 30, 33), ((700_000, 700_000), 6, 700, 9)],
)  # fmt: skip
def test_a_fault_keeps_the_values_of_its_moment(i: tuple[int, int], v: int, ua: int, z: int) -> None:
    s = holding(i=i[0], i_1=i[1], v=v, q=777, cause=200, note=output.NOTE_LINK)
    output.latch(s, 2)
    shows(s, fl=2, first=2, f_id=2, f_i=ua, f_v=max(v, 0), f_z=z, f_open=1, f_q=777, cause=0, saving=1)
    assert s.note == output.NOTE_LINK | output.NOTE_FAULT
    s.is_open = 0
    output.latch(s, 20)
    shows(s, fl=2 | 1 << 19, first=2, f_id=20, f_open=0, f_q=0)


def test_a_trip_opens_the_output_and_is_told_once() -> None:
    s = holding()
    output.trip_now(s, 7)
    shows(s, st=FAULT, relay=0, dac=0, tgt=0, prog=0, reg=0, is_open=0, why=107, f_id=7, fl=64)
    s.note = s.saving = 0
    s.t_st, s.cause = 55, 150
    output.trip_now(s, 7)
    shows(s, note=0, saving=0, t_st=55, cause=0, why=107)


def test_a_ramp_to_a_fault_keeps_the_first_cause() -> None:
    s = holding(first=3, fl=4)
    output.trip_ramp(s, 3)
    shows(s, st=RAMP_DOWN, why=103, tgt=0, note=0, n_off=10_528)  # (1 000 000 + 94) // 95 + 1
    s = holding()
    output.trip_ramp(s, 5)
    shows(s, st=RAMP_DOWN, why=105, fl=16, f_id=5)


def test_an_outcome_belongs_to_an_open_run_and_link_goes_with_it() -> None:
    s = holding(fl=output.LINK_BIT | 2, why=1)
    output.close_run(s, output.STOPPED)
    shows(s, is_open=0, why=2, saving=1, fl=2)
    s = holding(is_open=0, fl=output.LINK_BIT | 2, why=1)
    output.close_run(s, output.STOPPED)
    shows(s, why=1, saving=0, fl=2)


@pytest.mark.parametrize(("cause", "name"), [(0, "open"), (1, "step"), (2, "link")])
@pytest.mark.parametrize(("third_s", "locked"), [(600, 1), (601, 0)])
def test_three_pauses_of_a_cause_within_ten_minutes_lock(cause: int, name: str, third_s: int, locked: int) -> None:
    s = holding(sec=50)
    for run_s in (0, 300, third_s):
        s.run_s = run_s
        assert s.locked == 0
        output.count_pause(s, cause)
    shows(s, locked=locked, p_at=third_s, sec=0, **{f"p_{name}2": 301, f"p_{name}1": third_s + 1})
    others = {f"p_{other}{n}": 0 for other in ("open", "step", "link") if other != name for n in (1, 2)}
    shows(s, **others)


@pytest.mark.parametrize(
    ("na", "trim", "code"),
    [(1_000_000, 0, 975), (40_000, 0, 39), (20_000, 0, 20), (512, 0, 0), (513, 0, 1), (4_200_000, 0, 4095),
     (4_400_000, 0, 4095), (1_000_000, 10_000, 985), (1_000_000, -30_000, 946), (4_100_000, 30_000, 4095),
     (0, 30_000, 0), (3_565_641, 0, 3476), (2_233_038, 30_000, 2243), (4_201_000, 0, 4095)],
)  # fmt: skip
def test_39_codes_are_40_ua(na: int, trim: int, code: int) -> None:
    s = holding(trim=trim)
    output.write_dac(s, na)
    shows(s, dac=code)


# -- the control step ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("i", "prog", "q"),
    [(1_000_000, 1_000_000, 500), (2_000_000, 1_000_000, 500), (500_000, 1_000_000, 125), (0, 1_000_000, 0),
     (-9_000, 1_000_000, 0), (999, 1_000_000, 0), (1000, 1_000_000, 0), (45_999, 1_000_000, 1),
     (-200_000, 1_000_000, 0), (44_999, 1_000_000, 0)],
)  # fmt: skip
def test_the_charge_of_the_ramp_down_to_come(i: int, prog: int, q: int) -> None:
    s = holding(prog=prog, n_dn=10_000)
    control._foresee(s, i)
    shows(s, q_down=q)


def test_the_ramp_down_begins_from_what_flows() -> None:
    s = holding(i=900_000, i_1=904_000)
    control._turn_down(s)
    shows(s, prog=902_000, reg=902_000, n_off=10_000, why=output.DONE, tgt=0, st=RAMP_DOWN)
    s = holding(i=1_100_000, i_1=1_100_000, reg=990_000)
    control._turn_down(s)
    shows(s, prog=1_000_000, reg=990_000)
    s = holding(i=-50, i_1=-50)
    control._turn_down(s)
    shows(s, prog=0, reg=0)


@pytest.mark.parametrize(
    ("mean", "fields", "trim"),
    [(990_000, {}, 2500), (1_010_000, {}, -2500), (990_000, {"trim": 29_000}, 30_000),
     (1_010_000, {"trim": -29_000}, -30_000),
     (990_000, {"pulled": 1}, 0), (990_000, {"limited": 1}, 0), (990_000, {"trim": 27_500}, 30_000),
     (1_000_000, {"trim": 30_001}, 30_000), (1_000_000, {"trim": -30_001}, -30_000)],
)  # fmt: skip
def test_the_trim_takes_a_quarter_of_the_error_and_at_most_3_percent(
    mean: int, fields: dict[str, int], trim: int
) -> None:
    s = holding(b_i=mean * 10, b_reg=10_000_000, b_v=50_000, **fields)
    control.block(s, HOLD, 10)
    shows(s, trim=trim, b_i=0, b_v=0, b_reg=0, k_v=50_000, run_s=0, saving=0)


@pytest.mark.parametrize(("ua", "trim"), [(100, 25_000), (99, 0)])
def test_below_100_ua_nothing_is_trimmed(ua: int, trim: int) -> None:
    s = holding(b_i=ua * 9000, b_reg=ua * 10_000, prog=ua * 1000, reg=ua * 1000, tgt=ua * 1000)
    control.block(s, HOLD, 10)
    shows(s, trim=trim)


def test_a_block_trims_nothing_and_foresees_nothing_on_the_way_down() -> None:
    s = holding(st=RAMP_DOWN, b_i=9_900_000, b_reg=10_000_000, q_down=77, k_v=1, b_v=10)
    control.block(s, RAMP_DOWN, 100)
    shows(s, trim=0, q_down=77, run_s=1, saving=1, k_v=11)


def test_the_tenth_block_is_a_second() -> None:
    for st, kept in ((HOLD, 0), (RAMP_UP, 0)):
        for n, run_s in ((90, 0), (100, 1), (110, 0), (200, 1)):
            s = holding(st=st, b_i=10_000_000, b_reg=10_000_000, b_v=50_000, k_v=450_000, t_st=10_000)
            control.block(s, st, n)
            shows(s, run_s=run_s, saving=run_s, k_v=kept if run_s else 500_000, k_count=run_s if st == HOLD else 0)
    shows(s, q_down=0)  # in the ramp-up it is the set-point's business
    s = holding(b_i=10_000_000, b_reg=10_000_000)
    control.block(s, HOLD, 10)
    shows(s, q_down=500)


@pytest.mark.parametrize(
    ("v", "i", "up", "fields", "reg", "limited"),
    [
        (48_600, 1_000_000, 1000, {}, 1_001_000, 0), (48_601, 1_000_000, 1000, {}, 995_120, 1),
        (48_601, 1_000_000, 10_000, {}, 990_000, 1), (48_601, 494_999, 1000, {}, 1_000_000, 0),
        (48_601, 495_000, 1000, {}, 995_120, 1), (48_060, 1_000_000, 1000, {"limited": 1}, 1_000_000, 1),
        (48_059, 1_000_000, 1000, {"limited": 1}, 1_001_000, 1), (48_060, 1_000_000, 1000, {}, 1_001_000, 0),
        (48_903, 1_000_000, 1000, {}, 989_264, 1),  # 976 * (573 * 1024 // 48_903 = 11)
        (54_000, 1_000_000, 1000, {}, 895_568, 1),  # 976 * (5670 * 1024 // 54000 = 107)
    ],
)  # fmt: skip
def test_the_voltage_limit(v: int, i: int, up: int, fields: dict[str, int], reg: int, limited: int) -> None:
    s = holding(**fields)
    assert control._limit(s, 1_000_000, up, i, v) == reg
    shows(s, limited=limited)


def test_a_current_below_half_by_10_ua_is_a_contact_and_no_limit() -> None:
    assert control._limit(holding(), 1_000_001, 1000, 495_000, 48_601) == 1_000_001
    assert control._limit(holding(), 999_999, 1000, 495_000, 48_601) < 999_999


def test_the_limit_leaves_20_ua() -> None:
    assert control._limit(holding(), 20_500, 1000, 20_000, 54_000) == 20_000
    assert control._limit(holding(), 21_001, 1000, 20_000, 48_601) == 20_001


@pytest.mark.parametrize(
    ("st", "left", "loss", "lost", "paused"),
    [(RAMP_UP, 99, 0, 0, False), (RAMP_UP, 0, 0, 1, True), (RAMP_UP, 0, 1, 1, True), (HOLD, 0, 0, 1, True),
     (HOLD, 0, 1, 1, False), (HOLD, 1, 0, 0, False)],
)  # fmt: skip
def test_a_lease_half_gone_is_told_and_one_all_gone_pauses(
    st: int, left: int, loss: int, lost: int, paused: bool
) -> None:
    s = holding(st=st, loss=loss, lease=left, fl=1)
    control._lease(s, st, left)
    shows(s, half=1, lost=lost, st=PAUSING if paused else st, fl=1 | (output.LINK_BIT if paused else 0))
    note = output.NOTE_LINK | (output.NOTE_CLOSE if lost else 0) | (output.NOTE_WARN if paused else 0)
    shows(s, note=note, warn=11 if paused else 0, p_link1=1 if paused else 0)
    shows(s, n_off=10_206 if paused else 0, tgt=0 if paused else 1_000_000)  # (1 000 000 + 97) // 98 + 1
    s.note = output.NOTE_LOCAL
    control._lease(s, st, left)
    assert s.note & ~output.NOTE_WARN == output.NOTE_LOCAL
    s.half = 0
    control._lease(s, st, left)
    assert s.note & ~output.NOTE_WARN == output.NOTE_LOCAL | output.NOTE_LINK


def test_a_keep_fills_the_lease() -> None:
    s = holding(lease=1, half=1, lost=1)
    control.keep(s)
    shows(s, lease=200, half=0, lost=0)


def test_zero_ends_a_pause_a_run_and_a_fault() -> None:
    s = holding(st=PAUSING, run_s=42, sec=9)
    control._at_zero(s)
    shows(s, st=PAUSED, p_at=42, sec=0, is_open=1, relay=0)
    for why, state in ((output.DONE, DONE), (99, DONE), (100, FAULT), (105, FAULT)):
        s = holding(st=RAMP_DOWN, why=why)
        control._at_zero(s)
        shows(s, st=state, is_open=0, why=why, relay=0)


@pytest.mark.parametrize("resumed", [0, 1])
def test_a_ramp_begins_with_everything_of_a_ramp_at_zero(resumed: int) -> None:
    left = dict.fromkeys(("q", "carry", "run_s", "sec", "first"), 7)
    sums = dict.fromkeys(("trim", "b_i", "b_v", "b_reg", "q_down", "prog", "reg", "half", "lost", "lease"), 7)
    s = holding(on_time=101, relay=0, fl=output.LINK_BIT | 2, **left, **sums)
    control.begin(s, resumed)
    shows(s, **dict.fromkeys(left, 7 * resumed), **(dict.fromkeys(sums, 0) | {"lease": 200}))
    shows(s, relay=1, tgt=1_000_000, on_time=200 * resumed, unsteady=1, fl=2)
    s.on_time = 200
    control.begin(s, 1)
    shows(s, on_time=200)


# -- at rest ---------------------------------------------------------------------------------------------------


def resting(**fields: int) -> Record:
    return holding(
        **({"st": IDLE, "is_open": 0, "relay": 0, "relay_fb": 0, "dac": 0, "quiet": 5, "cause": 50} | fields)
    )


@pytest.mark.parametrize(
    ("i", "fields", "quiet"),
    [(9_999, {}, 6), (10_000, {}, 0), (-9_999, {}, 6), (-10_000, {}, 0), (9_999, {"quiet": 99}, 100),
     (9_999, {"quiet": 100}, 100), (12_000, {"off_i": 5000}, 6), (-8000, {"off_i": 5000}, 0)],
)  # fmt: skip
def test_quiet_is_counted_to_a_second(i: int, fields: dict[str, int], quiet: int) -> None:
    s = resting(**fields)
    control._at_rest(s, IDLE, i)
    shows(s, quiet=quiet)


@pytest.mark.parametrize(("cause", "cmp_i", "after"), [(198, 0, 199), (199, 0, 200), (200, 0, 200), (50, 1, 50)])
def test_the_time_without_a_cause_is_counted_to_two_seconds(cause: int, cmp_i: int, after: int) -> None:
    s = resting(cause=cause, cmp_i=cmp_i)
    control._at_rest(s, IDLE, 0)
    shows(s, cause=after)


@pytest.mark.parametrize(
    ("st", "fields", "trips"),
    [(IDLE, {"dac": 1}, True), (IDLE, {"relay": 1}, True), (SELFTEST, {"dac": 1, "relay": 1}, False),
     (CHECK, {"dac": 50, "relay": 1, "relay_fb": 1}, False), (PAUSED, {"dac": 1}, True)],
)  # fmt: skip
def test_an_output_that_is_on_at_rest_trips(st: int, fields: dict[str, int], trips: bool) -> None:
    s = resting(st=st, chk_n=50, **fields)
    control._at_rest(s, st, 50_000 if st == CHECK else 0)
    assert bool(s.fl & 1 << 13) is trips


@pytest.mark.parametrize(
    ("before", "cmp_i", "after", "trips"), [(9, 0, 10, False), (10, 0, 10, True), (10, 1, 10, False)]
)
def test_a_relay_that_lies_trips_after_ten_ticks(before: int, cmp_i: int, after: int, trips: bool) -> None:
    s = resting(relay_fb=1, c_relay=before, cmp_i=cmp_i)
    control._at_rest(s, IDLE, 0)
    assert bool(s.fl & 1 << 13) is trips
    shows(s, c_relay=after)
    s = resting(c_relay=before)
    control._at_rest(s, IDLE, 0)
    shows(s, c_relay=0)


def test_an_hour_at_rest_is_told_and_begins_anew() -> None:
    for ticks, after, note in ((359_999, 359_999, 0), (360_000, 0, output.NOTE_HOUR)):
        s = resting(t_st=ticks, note=output.NOTE_LOCAL)
        control._at_rest(s, IDLE, 0)
        shows(s, t_st=after, note=output.NOTE_LOCAL | note)


@pytest.mark.parametrize(("fl", "outcome"), [(0, output.TIMEOUT), (output.LINK_BIT, output.LINK)])
def test_ten_minutes_of_pause_end_the_run(fl: int, outcome: int) -> None:
    s = resting(st=PAUSED, is_open=1, run_s=698, p_at=100, sec=98, fl=fl)
    control._at_rest(s, PAUSED, 0)
    shows(s, sec=99, run_s=698, st=PAUSED)
    control._at_rest(s, PAUSED, 0)
    shows(s, sec=0, run_s=699, st=PAUSED)
    s.sec = 99
    control._at_rest(s, PAUSED, 0)
    shows(s, run_s=700, st=DONE, is_open=0, why=outcome, sec=0)


def test_an_arming_lasts_ten_seconds() -> None:
    for ticks, state in ((999, ARMED), (1000, 3)):
        s = resting(st=ARMED, t_st=ticks)
        control._at_rest(s, ARMED, 0)
        shows(s, st=state)


def test_a_cause_is_present_as_long_as_a_converter_does_not_rest() -> None:
    for code, cause in ((399, 51), (400, 0)):
        s = resting(st=FAULT, adc_i=200, adc_i2=200, adc_v=code)
        control._at_rest(s, FAULT, 0)
        shows(s, cause=cause)


# -- a tick ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("carry", "q", "left"), [(99_008, 0, 99_999), (99_009, 1, 0), (99_010, 1, 1), (299_009, 3, 0), (0, 0, 991)]
)
def test_a_dose_is_whole_uc_and_the_rest_is_carried(carry: int, q: int, left: int) -> None:
    s = holding(st=RAMP_DOWN, carry=carry, adc_i=13, adc_i2=13)  # 13 codes are 988 + 3 nA
    control.tick(s)
    shows(s, i=991, q=q, carry=left)


def test_a_nanoampere_counts_and_what_comes_back_does_not() -> None:
    for zero_i, left in ((75, 1), (76, 0), (100, 0)):
        s = holding(st=RAMP_DOWN, adc_i=1, zero_i=zero_i)  # one code is 76 nA
        control.tick(s)
        shows(s, i=76 - zero_i, carry=left)


def test_a_tick_that_trips_is_none_of_the_on_time() -> None:
    s = holding(on_time=99, run_s=4, adc_i=65_000)  # 4.96 mA: at once
    control.tick(s)
    shows(s, st=FAULT, on_time=99, run_s=4, b_i=0)


def test_off_leaves_nothing_of_what_held_the_current_back() -> None:
    s = holding(pulled=1, limited=1)
    output.off(s)
    shows(s, pulled=0, limited=0, relay=0, dac=0, tgt=0, prog=0, reg=0)


def test_the_pull_begins_at_a_tenth_and_20_ua_to_the_nanoampere() -> None:
    s = holding(prog=1_100_000, reg=1_000_009)  # 9 x 1 000 009 - 200 000 = 10 x 880 008 + 1
    control._set_point(s, HOLD, 880_008, 5000)
    shows(s, pulled=1)


@pytest.mark.parametrize(("reg", "limited"), [(994_999, 1), (995_000, 0)])
def test_a_limit_is_over_when_the_programme_is_reached(reg: int, limited: int) -> None:
    s = holding(reg=reg, limited=1, pulled=1)
    control._set_point(s, HOLD, 995_000, 5000)
    shows(s, limited=limited, pulled=limited, reg=reg + 5000)


@pytest.mark.parametrize(
    ("i", "reg", "pulled"), [(880_000, 1_000_000, 0), (879_999, 884_999, 1), (10_000, 20_000, 1), (15_001, 20_001, 1)]
)
def test_what_does_not_flow_is_not_asked_for(i: int, reg: int, pulled: int) -> None:
    s = holding()
    control._set_point(s, HOLD, i, 5000)
    shows(s, reg=reg, pulled=pulled, prog=1_000_000)


@pytest.mark.parametrize(
    ("prog", "tgt", "half", "after"),
    [(900_000, 1_000_000, 0, 905_000), (998_000, 1_000_000, 0, 1_000_000), (900_000, 1_000_000, 1, 900_000),
     (1_000_000, 900_000, 0, 990_000), (905_000, 900_000, 0, 900_000), (1_000_000, 900_000, 1, 990_000)],
)  # fmt: skip
def test_the_programme_moves_by_its_slew_to_the_target(prog: int, tgt: int, half: int, after: int) -> None:
    s = holding(prog=prog, reg=prog, tgt=tgt, half=half, i=prog, i_1=prog)
    control._set_point(s, HOLD, prog, 5000)
    shows(s, prog=after, reg=after, pulled=0, limited=0)


def test_the_top_of_the_ramp_is_the_hold() -> None:
    s = holding(st=RAMP_UP, prog=996_000, reg=996_000, i=990_000, i_1=990_000, m_n=7)
    control._set_point(s, RAMP_UP, 990_000, 5000)
    shows(s, st=HOLD, prog=1_000_000, m_n=0, q_down=490, band=50_000, dac=975)  # 5 x 990 x 990 // 10 000
    s = holding(st=RAMP_UP, prog=900_000, reg=900_000, band=7)
    control._set_point(s, RAMP_UP, 900_000, 5000)
    shows(s, st=RAMP_UP, band=7, dac=882)  # 905 uA


def test_zero_is_told_in_the_tick_after_the_move() -> None:
    s = holding(st=RAMP_DOWN, prog=10_000, reg=10_000, n_off=10_000, t_st=0, why=output.DONE, tgt=0)
    control._set_point(s, RAMP_DOWN, 10_000, 50)
    shows(s, st=RAMP_DOWN, prog=0, reg=0, dac=0)
    s = holding(st=RAMP_DOWN, prog=10_000, reg=10_000, n_off=10_000, t_st=1, why=output.DONE, tgt=0)
    control._set_point(s, RAMP_DOWN, 10_000, 50)
    shows(s, st=DONE, relay=0)
    s = holding(st=RAMP_DOWN, prog=10_001, reg=10_001, n_off=10_000, t_st=1, why=output.DONE, tgt=0)
    control._set_point(s, RAMP_DOWN, 10_001, 50)
    shows(s, st=RAMP_DOWN, prog=1, reg=1)
