"""Every detector just before and just at its edge, on a record put together by hand; all numbers by hand too."""

from __future__ import annotations

import pytest

from hw_sim.firmware import detect
from hw_sim.firmware.machine import FAULT, HOLD, PAUSED, PAUSING, RAMP_DOWN, RAMP_UP
from hw_sim.firmware.output import NOTE_FAULT, NOTE_LINK, NOTE_WARN
from tests.sim.firmware.records import holding, shows

# -- the whole judgement ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("i", "prog", "counts"),
    [(1_070_000, 1_000_000, 0), (1_070_001, 1_000_000, 1), (4_200_000, 4_000_000, 0), (123_000, 98_095, 1),
     (123_000, 98_096, 0)],
)  # fmt: skip
def test_too_much_is_more_than_5_percent_and_20_ua(i: int, prog: int, counts: int) -> None:
    s = holding(prog=prog, c_over=0)
    detect.judge(s, HOLD, i, i, 5000)
    shows(s, c_over=counts, st=HOLD)


def test_too_much_trips_at_the_fifth_tick_and_above_4_2_ma_at_once() -> None:
    for before, state in ((3, HOLD), (4, FAULT)):
        s = holding(c_over=before)
        detect.judge(s, HOLD, 1_080_000, 1_080_000, 5000)
        assert s.st == state
    s = holding(prog=4_100_000)
    detect.judge(s, HOLD, 4_200_001, 4_200_001, 5000)
    shows(s, st=FAULT, f_id=7)


def test_a_good_reading_forgets_an_excess_and_leaves_nothing_dirty() -> None:
    s = holding(c_over=4, c_track=4, c_chan=4, c_leak=4, c_zhi=4, c_zlo=4, c_rail=4, dirty=1)
    detect.judge(s, HOLD, 1_000_000, 1_000_000, 5000)
    shows(s, c_over=0, c_track=0, c_chan=0, c_leak=0, c_zhi=0, c_zlo=0, c_rail=0, dirty=0)


@pytest.mark.parametrize(
    ("what", "reading"),
    [("c_open", (100_000, 100_000, 52_000)), ("c_zhi", (1_000_000, 1_000_000, 30_001)),
     ("c_zlo", (1_000_000, 1_000_000, 199)), ("c_over", (1_080_000, 1_080_000, 5000)),
     ("c_track", (940_000, 940_000, 5000)), ("c_chan", (1_000_000, 900_000, 5000))],
)  # fmt: skip
def test_whatever_is_being_counted_makes_the_next_tick_look_again(what: str, reading: tuple[int, int, int]) -> None:
    s = holding(t_st=3000)
    detect.judge(s, HOLD, *reading)
    assert (getattr(s, what), bool(s.dirty)) == (1, True)


def test_a_rail_makes_the_next_tick_look_again() -> None:
    s = holding(adc_v=65_535)
    detect.judge(s, HOLD, 1_000_000, 1_000_000, 5000)
    shows(s, c_rail=1, dirty=1)


def test_while_a_contact_opens_the_channels_are_not_judged() -> None:
    for good, counted in ((9, 0), (10, 5)):
        s = holding(c_open=2, c_good=good - 1, c_chan=4, c_leak=4)
        detect.judge(s, HOLD, 1_000_000, 800_000, 5000)
        shows(s, c_good=good, c_chan=counted, c_leak=counted)


def test_tracking_trips_at_the_tenth_tick() -> None:
    for before, state in ((8, HOLD), (9, FAULT)):
        s = holding(c_track=before)
        detect.judge(s, HOLD, 940_000, 940_000, 5000)
        assert s.st == state
    shows(s, f_id=8, c_track=10)


def test_impedance_is_not_judged_on_the_way_down() -> None:
    s = holding(st=PAUSING, t_st=3000)
    detect.judge(s, PAUSING, 1_000_000, 1_000_000, 199)
    shows(s, c_zlo=0)


# -- open ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("i", "v", "limited", "counts"),
    [(494_999, 51_301, 0, 1), (495_000, 51_301, 0, 0), (494_999, 51_300, 0, 0), (244_999, 51_301, 1, 1),
     (245_000, 51_301, 1, 0)],
)  # fmt: skip
def test_open_is_less_than_half_the_current_at_95_percent_of_the_voltage(
    i: int, v: int, limited: int, counts: int
) -> None:
    s = holding(reg=500_000, limited=limited)
    assert not detect._open(s, HOLD, i, v)
    shows(s, c_open=counts)


def test_open_is_10_ua_below_half_to_the_nanoampere() -> None:
    s = holding(prog=1_000_001)
    detect._open(s, HOLD, 495_000, 54_000)
    shows(s, c_open=1)


@pytest.mark.parametrize(("cont", "st", "to"), [(0, HOLD, FAULT), (1, HOLD, PAUSED), (1, RAMP_UP, PAUSED),
                                                (1, PAUSING, FAULT), (1, RAMP_DOWN, FAULT)])  # fmt: skip
def test_the_fifth_open_tick_trips_or_pauses(cont: int, st: int, to: int) -> None:
    s = holding(st=st, cont=cont, c_open=3, note=NOTE_LINK)
    assert not detect._open(s, st, 0, 54_000)
    assert detect._open(s, st, 0, 54_000)
    shows(s, st=to, relay=0, dac=0, note=NOTE_LINK | (NOTE_WARN if to == PAUSED else NOTE_FAULT))
    assert (s.warn, s.p_open1) == ((1, 1) if to == PAUSED else (0, 0))


def test_fifty_good_ticks_take_one_open_tick_back() -> None:
    s = holding(c_open=3, c_good=48)
    detect._open(s, HOLD, 1_000_000, 5000)
    shows(s, c_open=3, c_good=49)
    detect._open(s, HOLD, 1_000_000, 5000)
    shows(s, c_open=2, c_good=0)
    s.c_good = 20
    detect._open(s, HOLD, 0, 54_000)
    shows(s, c_open=3, c_good=0)
    s.c_open = 0
    detect._open(s, HOLD, 1_000_000, 5000)
    shows(s, c_good=0)


# -- impedance and the voltage limit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("st", "t_st", "i", "v", "counts"),
    [(HOLD, 3000, 1_000_000, 5001, 1), (HOLD, 3000, 1_000_000, 5000, 0), (HOLD, 2999, 1_000_000, 5001, 0),
     (HOLD, 3000, 999_999, 5001, 0), (RAMP_UP, 3000, 1_000_000, 5001, 0), (HOLD, 3000, 2_000_000, 10_001, 1)],
)  # fmt: skip
def test_too_high_is_judged_from_30_s_of_hold_and_1_ma(st: int, t_st: int, i: int, v: int, counts: int) -> None:
    s = holding(zmax=5000, t_st=t_st)
    assert not detect._impedance(s, st, i, v)
    shows(s, c_zhi=counts)


@pytest.mark.parametrize(
    ("prog", "zmin", "i", "v", "counts"),
    [(100_000, 200, 1_000_000, 199, 1), (100_000, 200, 1_000_000, 200, 0), (99_999, 200, 1_000_000, 199, 0),
     (100_000, 200, 999, -1, 0), (100_000, 200, 1000, 0, 1), (100_000, 0, 1_000_000, -1, 0),
     (100_000, 1, 1_000_000, 0, 1), (100_000, 5000, 4_000_000, 19_999, 1), (100_000, 5000, 4_000_000, 20_000, 0)],
)  # fmt: skip
def test_too_low_is_judged_from_100_ua_and_with_a_zmin(prog: int, zmin: int, i: int, v: int, counts: int) -> None:
    s = holding(prog=prog, zmin=zmin)
    assert not detect._impedance(s, HOLD, i, v)
    shows(s, c_zlo=counts)


@pytest.mark.parametrize(("name", "v", "code"), [("c_zhi", 30_001, 2), ("c_zlo", 199, 3)])
def test_the_fiftieth_tick_ramps_down(name: str, v: int, code: int) -> None:
    s = holding(t_st=3000, **{name: 48})
    assert not detect._impedance(s, HOLD, 1_000_000, v)
    assert detect._impedance(s, HOLD, 1_000_000, v)
    shows(s, st=RAMP_DOWN, f_id=code, fl=1 << (code - 1))


def test_the_voltage_limit_warns_after_a_second_and_trips_after_ten_in_all() -> None:
    s = holding(limited=1, c_lim=98, lim_total=500, note=NOTE_LINK)
    detect._impedance(s, HOLD, 1_000_000, 5000)
    shows(s, c_lim=99, lim_total=501, warn=0, note=NOTE_LINK)
    detect._impedance(s, HOLD, 1_000_000, 5000)
    shows(s, c_lim=100, lim_total=502, warn=4, note=NOTE_LINK | NOTE_WARN)
    s.note = 0
    detect._impedance(s, HOLD, 1_000_000, 5000)
    shows(s, c_lim=101, note=0)
    s.limited = 0
    detect._impedance(s, HOLD, 1_000_000, 5000)
    shows(s, c_lim=0, lim_total=503)


@pytest.mark.parametrize(
    ("total", "lim", "trips"), [(998, 0, False), (999, 0, True), (999, 1, False), (5000, 1, False)]
)
def test_ten_seconds_at_the_limit_trip_unless_stretched(total: int, lim: int, trips: bool) -> None:
    s = holding(limited=1, lim_total=total, lim=lim)
    assert detect._impedance(s, HOLD, 1_000_000, 5000) is trips
    shows(s, st=RAMP_DOWN if trips else HOLD, f_id=4 if trips else 0)


# -- tracking and sensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "off", "counts"),
    [(1_000_000, 50_000, 0), (1_000_000, 50_001, 1), (400_000, 30_000, 0), (400_000, 30_001, 1), (40_000, 20_000, 0),
     (40_000, 20_001, 1), (60_000, 30_000, 0), (60_002, 30_001, 1), (600_000, 30_001, 1), (620_000, 31_000, 0)],
)  # fmt: skip
def test_tracking_allows_5_percent_or_30_ua_or_half(ref: int, off: int, counts: int) -> None:
    for i in (ref - off, ref + off):
        s = holding(prog=ref)
        assert not detect._tracking(s, HOLD, i)
        shows(s, c_track=counts)
        s = holding(prog=4_000_000, reg=ref, pulled=1)
        assert not detect._tracking(s, HOLD, i)
        shows(s, c_track=counts)


@pytest.mark.parametrize(
    ("st", "prog", "limited", "counts"),
    [(RAMP_UP, 99_999, 0, 0), (RAMP_UP, 100_000, 0, 8), (HOLD, 99_999, 0, 8), (HOLD, 1_000_000, 1, 0),
     (RAMP_DOWN, 1_000_000, 0, 0), (PAUSING, 1_000_000, 0, 0)],
)  # fmt: skip
def test_tracking_is_judged_where_the_current_can_follow(st: int, prog: int, limited: int, counts: int) -> None:
    s = holding(prog=prog, limited=limited, c_track=7)
    assert not detect._tracking(s, st, 0)
    shows(s, c_track=counts)


@pytest.mark.parametrize(
    ("i", "i2", "chan", "leak"),
    [(1_000_000, 930_000, 0, 0), (1_000_000, 929_999, 6, 0), (1_000_000, 1_070_000, 0, 0), (1_000_000, 1_070_001, 6, 0),
     (1_000_000, 900_000, 6, 0), (1_000_000, 899_999, 6, 6), (-40_000, -60_000, 0, 0), (-40_000, -60_001, 6, 0),
     (-40_000, -90_001, 6, 6)],
)  # fmt: skip
def test_the_channels_may_differ_by_5_percent_and_20_ua(i: int, i2: int, chan: int, leak: int) -> None:
    s = holding(c_chan=5, c_leak=5)
    assert not detect._sensors(s, i, i2)
    shows(s, c_chan=chan, c_leak=leak)


@pytest.mark.parametrize(("chan", "leak", "code"), [(8, 9, 0), (9, 8, 9), (9, 9, 10)])
def test_ten_ticks_of_difference_are_a_leak_if_all_of_them_were(chan: int, leak: int, code: int) -> None:
    s = holding(c_chan=chan, c_leak=leak)
    assert detect._sensors(s, 1_000_000, 800_000) is bool(code)
    shows(s, f_id=code)


@pytest.mark.parametrize(
    ("name", "code", "rails"),
    [("adc_i", 0, 1), ("adc_i", 1, 0), ("adc_i", 65_535, 1), ("adc_i", 65_534, 0), ("adc_i2", 0, 1), ("adc_i2", 1, 0),
     ("adc_i2", 65_535, 1), ("adc_i2", 65_534, 0), ("adc_v", 65_535, 1), ("adc_v", 65_534, 0), ("adc_v", 0, 0)],
)  # fmt: skip
def test_a_converter_at_its_end_is_a_rail(name: str, code: int, rails: int) -> None:
    s = holding(code_i=9, code_i2=9, **{name: code})
    assert not detect._sensors(s, 1_000_000, 1_000_000)
    shows(s, c_rail=rails)


def test_the_tenth_tick_at_a_rail_trips() -> None:
    for before, trips in ((8, False), (9, True)):
        s = holding(adc_v=65_535, c_rail=before)
        assert detect._sensors(s, 1_000_000, 1_000_000) is trips
    shows(s, f_id=9)


@pytest.mark.parametrize(("code", "count"), [("code_i", "c_code_i"), ("code_i2", "c_code_i2")])
def test_a_code_that_stands_for_a_hundred_ticks_trips_while_something_is_driven(code: str, count: str) -> None:
    same = {"code_i": 13_107, "code_i2": 13_108}[code]
    for before, dac, trips in ((98, 975, False), (99, 975, True), (99, 1, True), (99, 0, False)):
        s = holding(dac=dac, **{code: same, count: before})
        assert detect._sensors(s, 1_000_000, 1_000_000) is trips
        assert getattr(s, count) == before + 1
    s = holding(**{code: same - 1, count: 99})
    assert not detect._sensors(s, 1_000_000, 1_000_000)
    shows(s, **{count: 0, code: same})


# -- the bands of a healthy tick -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("na", "band", "band_e", "v_lo", "v_hi"),
    [
        (1_000_000, 50_000, 67_500, 210, 28_500),  # 950 uA times 30 kohm
        (400_000, 30_000, 38_500, 86, 48_600),
        (20_000, 10_000, 20_500, 6, 48_600),
        (60_000, 23_000, 21_850, 16, 48_600),  # not 30, because 5 % and 20 uA are less
        (150_000, 27_500, 26_125, 35, 48_600),
        (951_000, 47_550, 65_172, 199, 48_600),  # below 1 mA with all of the band
        (952_381, 47_619, 65_238, 200, 27_120),  # 1 mA
        (4_000_000, 200_000, 210_000, 840, 48_600),
    ],
)
def test_the_bands_lie_inside_the_narrowest_detector(na: int, band: int, band_e: int, v_lo: int, v_hi: int) -> None:
    s = holding()
    detect.set_bands(s, na)
    shows(s, band=band, band_e=band_e, v_lo=v_lo, v_hi=v_hi)


BANDS = {"band": 50_000, "band_e": 60_000, "v_lo": 210, "v_hi": 28_500, "code_i": 1, "code_i2": 1}


@pytest.mark.parametrize(
    ("i", "i2", "v", "fields", "good"),
    [(950_000, 950_000, 5000, {}, True), (949_999, 950_000, 5000, {}, False), (1_050_000, 1_050_000, 5000, {}, True),
     (1_050_001, 1_050_000, 5000, {}, False), (1_000_000, 940_000, 5000, {}, True),
     (1_000_000, 939_999, 5000, {}, False),
     (1_000_000, 1_060_000, 5000, {}, True), (1_000_000, 1_060_001, 5000, {}, False),
     (1_000_000, 1_000_000, 210, {}, True), (1_000_000, 1_000_000, 209, {}, False),
     (1_000_000, 1_000_000, 28_500, {}, True), (1_000_000, 1_000_000, 28_501, {}, False),
     (1_000_000, 1_000_000, 5000, {"dirty": 1}, False),
     (1_000_000, 1_000_000, 5000, {"code_i": 13_107, "c_code_i": 98}, True),
     (1_000_000, 1_000_000, 5000, {"code_i": 13_107, "c_code_i": 99}, False),
     (1_000_000, 1_000_000, 5000, {"code_i2": 13_108, "c_code_i2": 98}, True),
     (1_000_000, 1_000_000, 5000, {"code_i2": 13_108, "c_code_i2": 99}, False)],
)  # fmt: skip
def test_a_healthy_tick(i: int, i2: int, v: int, fields: dict[str, int], good: bool) -> None:
    assert detect.healthy(holding(**(BANDS | fields)), 1_000_000, i, i2, v) is good


def test_a_new_code_begins_its_count_anew() -> None:
    s = holding(**BANDS, c_code_i=50, c_code_i2=60)
    assert detect.healthy(s, 1_000_000, 1_000_000, 1_000_000, 5000)
    shows(s, code_i=13_107, code_i2=13_108, c_code_i=0, c_code_i2=0)
    assert detect.healthy(s, 1_000_000, 1_000_000, 1_000_000, 5000)
    shows(s, c_code_i=1, c_code_i2=1)


# -- what a START and a RESUME forget --------------------------------------------------------------------------

COUNTERS = (
    "c_open", "c_good", "c_zhi", "c_zlo", "c_over", "c_track", "c_chan", "c_leak", "c_rail", "c_code_i", "c_code_i2",
    "dirty", "c_lim", "step_n", "hot", "k_count", "k_v",
)  # fmt: skip
OF_THE_RUN = ("lim_total", "rises", "p_open1", "p_open2", "p_step1", "p_step2", "p_link1", "p_link2", "locked")


@pytest.mark.parametrize("resumed", [0, 1])
def test_every_counter_is_forgotten_and_what_belongs_to_the_run_only_by_a_new_one(resumed: int) -> None:
    s = holding(**dict.fromkeys(COUNTERS + OF_THE_RUN, 7))
    detect.reset(s, resumed)
    shows(s, **dict.fromkeys(COUNTERS, 0), **dict.fromkeys(OF_THE_RUN, 7 * resumed))


@pytest.mark.parametrize(
    ("resumed", "k_min", "run_s", "kept"),
    [(1, 900, 219, True), (1, 900, 220, False), (1, 0, 150, False), (0, 900, 150, False)],
)
def test_a_pause_shorter_than_two_minutes_keeps_the_minimum(resumed: int, k_min: int, run_s: int, kept: bool) -> None:
    s = holding(k_min=k_min, k_warned=1, run_s=run_s, p_at=100, k_wait=9)
    detect.reset(s, resumed)
    shows(s, k_min=900 if kept else 0, k_warned=1 if kept else 0, k_wait=0 if kept else 30)


def test_hold_begins_with_no_maxima() -> None:
    s = holding(m_0=1, m_1=1, m_2=1, m_3=1, m_max=1, m_n=1, k_count=1)
    detect.enter_hold(s)
    shows(s, m_0=0, m_1=0, m_2=0, m_3=0, m_max=0, m_n=0, k_count=0)
