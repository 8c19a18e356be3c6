"""The long way of a tick: the same record as the short way, taken only when something is wrong, left afterwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_sim.plant import (
    PARAMETERS,
    Plant,
    new_plant,
    press,
    restore,
    set_contact,
    set_load,
    set_parameter,
    snapshot,
    step,
)
from hw_sim.plant.detour import detour
from hw_sim.plant.record import FIELDS, NOTHING

MODE = {FIELDS.index(name) for name in ("odd", "path", "way", "news")}


def state(p: Plant) -> list[float]:
    return [value for n, value in enumerate(snapshot(p)) if n not in MODE]


def long_way(p: Plant) -> None:
    if not p.odd:
        p.odd, p.way, p.path = 1, p.path, NOTHING
    detour(p)


happening = st.one_of(
    st.tuples(st.just("load"), st.sampled_from(["skin", "dry-skin", "5k", "22k", "open", "short", "spent-electrode"])),
    st.tuples(st.just("contact"), st.sampled_from([0.0, 0.3, 1.0])),
    st.tuples(st.just("relay"), st.integers(0, 1)),
    st.tuples(st.just("dac"), st.sampled_from([0, 49, 900, 3000, 4095])),
)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    drive=st.sampled_from([{}, {"compliance_v": 75.0}, {"limiter_a": 5e-3, "a_per_code": 5e-3 / 4095}]),
    story=st.lists(st.tuples(happening, st.integers(1, 30)), max_size=12),
)
def test_with_nothing_wrong_both_ways_are_the_same_to_the_last_bit(seed, drive, story) -> None:
    short, long = new_plant(seed=seed, **drive), new_plant(seed=seed, **drive)
    for (verb, what), ticks in [(("relay", 1), 1), *story]:
        for p in (short, long):
            match verb:
                case "load":
                    set_load(p, what)
                case "contact":
                    set_contact(p, "drug", what)
                case "relay":
                    p.relay = what
                case _:
                    p.dac_code = what
        for _ in range(ticks):
            step(short)
            long_way(long)
            assert state(short) == state(long)


WRONG = {
    "relay_welded": 1, "relay_stuck": 1, "relay_fb_lies": 0, "bridge_stuck": -1, "leads_swapped": 1, "leak_s": 1e-5,
    "chatter_hz": 20.0, "source_noise_a": 1e-6, "boost_overshoot_v": 5.0, "unit_temp_missing": 1, "interlock_open": 1,
    "frozen_i": 1, "frozen_i2": 1, "frozen_v": 1, "code_stuck_i": 0, "code_stuck_i2": 9, "code_stuck_v": 1,
    "sense_open": 1, "spikes": 0.5, "mains_a": 1e-5, "mains_v": 0.1, "breakdown": 10.0, "dry_r_s": 3.0,
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_goes_the_long_way_and_what_is_mended_comes_back(name: str) -> None:
    p = new_plant()
    p.relay, p.dac_code = 1, 900
    for _ in range(5):
        step(p)
    assert p.path > 0
    sound = getattr(p, name)
    set_parameter(p, name, WRONG[name])
    assert (p.odd, p.path) == (1, 0)
    for _ in range(150):
        step(p)
        assert name == "breakdown" or p.odd == 1
    set_parameter(p, name, sound)
    for _ in range(5):
        step(p)
    assert (p.odd, p.way) == (0, 0)
    assert p.path > 0


def test_breakdown_that_is_complete_goes_the_short_way_again() -> None:
    p = new_plant()
    set_parameter(p, "breakdown", 10.0)
    ticks = 0
    while p.odd:
        step(p)
        ticks += 1
    assert p.broken == 10.0
    assert 100 <= ticks <= 101  # a second, and what adding 100 hundredths leaves


def test_any_parameter_set_to_what_it_is_changes_nothing_but_the_way_of_one_tick() -> None:
    p, untouched = new_plant(seed=3), new_plant(seed=3)
    for q in (p, untouched):
        q.relay, q.dac_code = 1, 2000
        for _ in range(50):
            step(q)
    for name in PARAMETERS:
        for q in (p, untouched):
            step(q)
        set_parameter(p, name, getattr(p, name))
        for q in (p, untouched):
            step(q)
        assert (p.adc_i, p.adc_i2, p.adc_v, p.v_v, p.q_c) == (
            untouched.adc_i, untouched.adc_i2, untouched.adc_v, untouched.v_v, untouched.q_c,
        ), name  # fmt: skip
    assert p.odd == 0


@pytest.mark.parametrize("name", ["chatter_hz", "leak_s", "spikes", "breakdown", "dry_r_s", "boost_overshoot_v"])
def test_snapshot_in_the_middle_of_a_fault_is_whole(name: str) -> None:
    p = new_plant(seed=8)
    p.relay, p.dac_code = 1, 900
    set_parameter(p, name, WRONG[name])
    for _ in range(33):
        step(p)
    saved = snapshot(p)

    def story(q: Plant) -> tuple[float, ...]:
        for _ in range(40):
            step(q)
        set_parameter(q, name, getattr(Plant(), name))
        for _ in range(10):
            step(q)
        return snapshot(q)

    first = story(p)
    other = new_plant(load="22k", seed=1)
    restore(other, saved)
    assert story(other) == first


def test_button_is_seen_while_it_is_pressed() -> None:
    p = new_plant()
    press(p, 0.05)
    seen = []
    for _ in range(8):
        step(p)
        seen.append(p.local_stop)
    assert seen == [1, 1, 1, 1, 1, 0, 0, 0]
    assert p.odd == 0


def test_button_pressed_for_no_time_is_refused() -> None:
    p = new_plant()
    with pytest.raises(ValueError, match="give a time above 0"):
        press(p, 0.0)
    assert p.local_stop == 0


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("relay_welded", 2, "give a whole number from 0 to 1"),
        ("dac_or", 1.5, "give a whole number from 0 to 4095"),
        ("breakdown", 0.5, "give a number from 1 to"),
        ("chatter_hz", 51, "give a number from 0 to 50"),
        ("leak_s", -1e-9, "is negative"),
        ("rail_v", 50.0, "no parameter 'rail_v'"),
        ("spikes", float("nan"), "is no quantity"),
    ],
)
def test_what_a_parameter_cannot_be_is_refused_and_changes_nothing(name: str, value: float, why: str) -> None:
    p = new_plant()
    before = snapshot(p)
    with pytest.raises(ValueError, match=why):
        set_parameter(p, name, value)
    assert snapshot(p) == before


def test_whole_numbers_stay_whole() -> None:
    p = new_plant(relay_welded=1.0, dac_or=8.0)
    assert (type(p.relay_welded), type(p.dac_or)) == (int, int)
    set_parameter(p, "relay_welded", 0.0)
    assert type(p.relay_welded) is int
