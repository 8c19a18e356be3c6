"""What each parameter that a mishap moves does to current, voltage, codes and feedback; values worked out by hand."""

import math

import pytest

from hw_sim.plant import Plant, lift, new_plant, power_off, power_on, replace, reset, set_parameter, step
from hw_sim.plant.detour import sine

CODE_2MA = 1950
TRUE_2MA = CODE_2MA * 4.2e-3 / 4095 * 1.004
QUIET = dict.fromkeys(("noise_i", "noise_i2", "noise_v"), 0.0)


def energised(load: str = "5k", code: int = CODE_2MA, **parameters: float) -> Plant:
    p = new_plant(load=load, **parameters)
    p.relay = 1
    p.dac_code = code
    return steps(p, 30)


def steps(p: Plant, n: int) -> Plant:
    for _ in range(n):
        step(p)
    return p


def put(p: Plant, **values: float) -> Plant:
    for name, value in values.items():
        set_parameter(p, name, value)
    return p


# -- source --------------------------------------------------------------------------------------------------


def test_dead_source_gives_nothing_whatever_is_asked() -> None:
    p = steps(put(energised(), source_stuck_a=0.0), 5)
    assert p.i_a < 1e-12
    p.dac_code = 4095
    assert steps(p, 5).i_a < 1e-12


def test_source_at_full_scale_is_held_by_the_limiter_and_without_it_opens_the_relay() -> None:
    p = steps(put(energised(), source_stuck_a=5e-3), 20)
    assert p.i_a == pytest.approx(4.2e-3, rel=1e-3)
    p.dac_code = 0
    assert steps(p, 5).i_a == pytest.approx(4.2e-3, rel=1e-3)
    put(p, limiter_a=5e-3)
    steps(p, 2)
    assert (p.cmp_i, p.closed, p.i_a) == (1, 0, 0.0)


@pytest.mark.parametrize(("bits", "code"), [({"dac_or": 64}, 1950 | 64), ({"dac_and": 4095 - 1024}, 1950 - 1024)])
def test_stuck_bits_of_the_dac(bits: dict[str, float], code: int) -> None:
    p = steps(put(energised("short"), **bits), 20)
    assert p.i_a == pytest.approx(TRUE_2MA * code / 1950, rel=1e-5)


def test_stuck_bit_drives_current_at_code_zero_only_through_a_closed_relay() -> None:
    p = put(new_plant(load="5k"), dac_or=2048)
    assert steps(p, 10).i_a == 0.0
    p.relay = 1
    assert steps(p, 10).i_a == pytest.approx(TRUE_2MA * 2048 / 1950, rel=1e-3)


def test_drifting_reference_moves_the_current_and_no_reading() -> None:
    p = energised("5k", **QUIET)
    before = (p.adc_i, p.adc_i2, p.adc_v)
    steps(put(p, reference_drift=0.1), 20)
    assert p.i_a == pytest.approx(1.1 * TRUE_2MA, rel=1e-3)
    assert (p.adc_i, p.adc_i2, p.adc_v) == pytest.approx(before, abs=2)


def test_offset_of_the_source_leaves_code_zero_alone() -> None:
    p = energised("short", source_offset_a=5e-6)
    assert p.i_a == pytest.approx(TRUE_2MA + 5e-6, rel=1e-6)
    p.dac_code = 0
    assert steps(p, 20).i_a == pytest.approx(0.0, abs=1e-15)


def test_noise_of_the_source_is_in_the_true_current() -> None:
    p = energised("5k", source_noise_a=5e-6, tau_source_s=1e-5)
    seen = [steps(p, 1).i_a for _ in range(4000)]
    mean = sum(seen) / len(seen)
    rms = math.sqrt(sum((i - mean) ** 2 for i in seen) / len(seen))
    assert mean == pytest.approx(TRUE_2MA - 1e-6, abs=4e-7)  # 10 V over 10 Mohm
    assert rms == pytest.approx(5e-6, rel=0.05)


def test_dac_that_powers_up_high_is_seen_only_with_a_welded_relay() -> None:
    p = put(new_plant(load="5k"), dac_at_power_on=4095)
    power_off(p)
    power_on(p)
    assert p.dac_code == 4095
    assert steps(p, 20).i_a == 0.0
    power_off(p)
    put(p, relay_welded=1)
    power_on(p)
    assert steps(p, 20).i_a == pytest.approx(4.2e-3, rel=2e-3)


def test_reset_takes_the_commands_back() -> None:
    p = energised()
    p.bridge = -1
    reset(p)
    assert (p.relay, p.bridge, p.dac_code) == (0, 1, 0)


# -- relay, bridge, leads ------------------------------------------------------------------------------------


def test_welded_relay_goes_on_and_its_feedback_says_so() -> None:
    p = put(energised(), relay_welded=1)
    p.relay = 0
    steps(p, 5)
    assert (p.closed, p.relay_fb) == (1, 1)
    assert p.i_a == pytest.approx(TRUE_2MA, rel=1e-3)


def test_comparator_cannot_open_a_welded_relay() -> None:
    p = steps(put(energised(), relay_welded=1, limiter_a=5e-3, source_stuck_a=5e-3), 20)
    assert (p.cmp_i, p.closed) == (1, 1)
    assert p.i_a == pytest.approx(5e-3, rel=2e-3)


def test_stuck_relay_does_not_close_and_its_feedback_says_so() -> None:
    p = put(new_plant(load="5k"), relay_stuck=1)
    p.relay, p.dac_code = 1, CODE_2MA
    steps(p, 20)
    assert (p.closed, p.relay_fb, p.i_a, p.v_v) == (0, 0, 0.0, 0.0)


@pytest.mark.parametrize(("says", "relay"), [(0, 1), (1, 0)])
def test_feedback_lies_about_a_sound_relay(says: int, relay: int) -> None:
    p = put(energised(), relay_fb_lies=says)
    p.relay = relay
    steps(p, 3)
    assert (p.closed, p.relay_fb) == (relay, says)
    put(p, relay_fb_lies=-1)
    steps(p, 1)
    assert p.relay_fb == relay


@pytest.mark.parametrize(
    ("bridge", "stuck", "swapped", "sign"),
    [(1, 0, 0, 1), (-1, 0, 0, -1), (1, -1, 0, -1), (-1, 1, 0, 1), (1, 0, 1, -1), (-1, 0, 1, 1), (1, -1, 1, 1)],
)
def test_polarity_at_the_skin(bridge: int, stuck: int, swapped: int, sign: int) -> None:
    p = put(energised(), bridge_stuck=stuck, leads_swapped=swapped)
    p.bridge = bridge
    steps(p, 1)
    assert math.copysign(1.0, p.i_a) == sign


# -- leak ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("load", "ohm"), [("5k", 5e3), ("1k", 1e3), ("5k||10n", 5e3)])
def test_leak_shares_the_current_as_two_resistors_do(load: str, ohm: float) -> None:
    p = steps(put(energised(load, **QUIET), leak_s=1 / 20e3), 40)
    out = p.i_a
    assert out == pytest.approx(TRUE_2MA, rel=1e-3)
    assert p.leak_a == pytest.approx(out * ohm / (ohm + 20e3), rel=1e-6)
    assert p.return_a == pytest.approx(out * 20e3 / (ohm + 20e3), rel=1e-6)
    assert p.adc_i - 40 == pytest.approx(out / 5e-3 * 65535 * 1.001, abs=1)
    assert p.adc_i2 - 36 == pytest.approx(p.return_a / 5e-3 * 65535 * 0.999, abs=1)


def test_leak_beside_skin_takes_what_its_voltage_gives() -> None:
    p = put(energised("skin"), leak_s=1 / 50e3)
    p.bridge = -1
    steps(p, 200)
    assert p.leak_a == pytest.approx(p.v_v / 50e3, rel=1e-6)
    assert p.return_a == pytest.approx(p.i_a + p.leak_a, rel=1e-9)
    assert p.i_a < p.return_a < 0.0


def test_leak_carries_alone_when_the_lead_is_off() -> None:
    p = put(energised(), leak_s=1 / 20e3)
    lift(p, "drug")
    steps(p, 5)
    assert p.i_a == pytest.approx(TRUE_2MA, rel=1e-2)
    assert (p.return_a, p.v_v) == pytest.approx((0.0, p.i_a * 20e3), abs=1e-12)


def test_leak_at_the_voltage_limit() -> None:
    p = steps(put(energised("47k"), leak_s=1 / 100e3), 5)
    assert p.v_v == 60.0
    assert p.i_a == pytest.approx(60 / 47e3 + 60 / 100e3, rel=1e-9)
    assert p.leak_a == pytest.approx(60 / 100e3, rel=1e-9)


def test_leak_that_is_gone_leaves_one_current() -> None:
    p = steps(put(energised(), leak_s=1e-4), 5)
    steps(put(p, leak_s=0.0), 5)
    assert (p.leak_a, p.return_a, p.odd) == (0.0, p.i_a, 0)


# -- skin ----------------------------------------------------------------------------------------------------


def test_breakdown_takes_a_second_and_the_skin_remembers() -> None:
    p = energised("skin")
    g, g0 = p.g_drug, p.g0_drug
    steps(put(p, breakdown=10.0), 51)
    assert p.g_drug / g == pytest.approx(5.59, rel=0.02)
    steps(p, 50)
    assert p.g_drug / g == pytest.approx(10.0, rel=0.02)
    assert p.g0_drug == pytest.approx(10 * g0)
    put(p, breakdown=1.0)
    assert p.g0_drug == pytest.approx(g0)
    assert steps(p, 100).g_drug > 9 * g


def test_gel_dries_over_minutes_and_new_gel_is_new_at_once() -> None:
    p = put(energised("skin"), dry_over_s=120.0, dry_r_s=3.0)
    assert steps(p, 6000).series_ohm == pytest.approx(1000.0, abs=0.2)
    assert steps(p, 6001).series_ohm == pytest.approx(1500.0)
    assert steps(p, 2).odd == 0
    put(p, dry_r_s=1.0)
    assert p.series_ohm == 500.0


def test_resistor_has_no_gel_that_dries() -> None:
    p = put(energised("5k"), dry_over_s=0.0, dry_r_s=3.0)
    v = p.v_v
    assert steps(p, 10).v_v == pytest.approx(v, rel=1e-6)


# -- chatter -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", ["skin", "5k"])
@pytest.mark.parametrize("hz", [1.0, 20.0, 50.0])
def test_chatter_bounces_at_its_rate_and_every_contact_takes_less_than_a_microcoulomb(load: str, hz: float) -> None:
    p = put(energised(load), chatter_hz=hz)
    contacts = surges = 0
    worst = 0.0
    carried = 0.0
    before = p.touching
    q = p.q_c
    for _ in range(2000):
        surge, was_touching = p.q_surge_c, p.touching
        step(p)
        carried += p.i_a * 0.01
        worst = max(worst, p.q_surge_c - surge)
        surges += p.q_surge_c > surge
        contacts += p.touching > was_touching
    assert before == 1
    assert worst < 0.6001e-6  # 10 nF at 60 V; half a bounce at 50 Hz is 5 ms or more, so that no tick has two
    assert 0.6 * hz * 20 <= surges <= 1.2 * hz * 20
    assert contacts <= surges + 1
    assert p.q_c - q == pytest.approx(carried + p.q_surge_c, rel=1e-9)
    assert carried == pytest.approx(0.5 * TRUE_2MA * 20, rel=0.2)
    assert p.peak_i_a <= TRUE_2MA


def test_edges_fall_between_ticks() -> None:
    p = put(energised("5k"), chatter_hz=20.0)
    means = [steps(p, 1).i_a for _ in range(400)]
    assert sum(1 for i in means if 0.05 * TRUE_2MA < i < 0.95 * TRUE_2MA) > 150


def test_lead_that_lies_still_again_carries_again() -> None:
    p = put(energised("5k"), chatter_hz=3.0)
    while p.touching:
        step(p)
    steps(put(p, chatter_hz=0.0), 20)
    assert (p.odd, p.touching) == (0, 1)
    assert p.i_a == pytest.approx(TRUE_2MA, rel=1e-3)


def test_lifted_lead_does_not_chatter() -> None:
    p = put(energised("5k"), chatter_hz=50.0)
    lift(p, "return")
    assert steps(p, 50).i_a == 0.0
    replace(p, "return")
    assert sum(steps(p, 1).i_a for _ in range(50)) > 0.01 * TRUE_2MA


# -- converters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["i", "i2", "v"])
def test_frozen_converter_repeats_and_the_others_go_on(channel: str) -> None:
    p = put(energised(), **{f"frozen_{channel}": 1})
    was = getattr(p, f"adc_{channel}")
    p.dac_code = 900
    steps(p, 10)
    assert getattr(p, f"adc_{channel}") == was
    others = {"adc_i": 13200, "adc_i2": 13200, "adc_v": 4800}
    del others[f"adc_{channel}"]
    assert all(getattr(p, name) < most for name, most in others.items())


@pytest.mark.parametrize("channel", ["i", "i2", "v"])
def test_stuck_code(channel: str) -> None:
    p = steps(put(energised(), **{f"code_stuck_{channel}": 12345}), 3)
    assert [p.adc_i == 12345, p.adc_i2 == 12345, p.adc_v == 12345] == [channel == c for c in ("i", "i2", "v")]


def test_open_sense_line_reads_zero_volts_while_there_are_ten() -> None:
    p = steps(put(energised(), sense_open=1), 3)
    assert p.adc_v == 0
    assert p.v_v == pytest.approx(10.0, rel=0.01)


def test_spikes_come_at_their_chance_one_converter_at_a_time() -> None:
    p = put(energised(), spikes=0.1)
    hits = {"adc_i": 0, "adc_i2": 0, "adc_v": 0}
    for _ in range(6000):
        step(p)
        full = [name for name in hits if getattr(p, name) == 65535]
        assert len(full) <= 1
        for name in full:
            hits[name] += 1
    assert all(150 < n < 250 for n in hits.values())  # 200 each


def test_discharge_is_one_tick_of_garbage_on_every_converter() -> None:
    p = energised(**QUIET)
    sound = (p.adc_i, p.adc_i2, p.adc_v)
    steps(put(p, esd=1), 1)
    assert all(abs(a - b) > 100 for a, b in zip(sound, (p.adc_i, p.adc_i2, p.adc_v), strict=True))
    steps(p, 1)
    assert (p.adc_i, p.adc_i2, p.adc_v, p.esd, p.odd) == (*sound, 0, 0)


def test_mains_at_fifty_hertz_alternates_from_tick_to_tick() -> None:
    p = put(energised(**QUIET), mains_a=20e-6, mains_v=0.2)
    seen = []
    for _ in range(4):
        step(p)
        seen.append((p.adc_i, p.adc_i2, p.adc_v))
    up = 20e-6 / 5e-3 * 65535  # 262 codes
    assert seen[0] == seen[2]
    assert seen[1] == seen[3]
    assert seen[0][0] - seen[1][0] == pytest.approx(2 * up * 1.001, abs=2)
    assert seen[0][1] - seen[1][1] == pytest.approx(2 * up * 0.999, abs=2)
    assert seen[0][2] - seen[1][2] == pytest.approx(0.4 / 70 * 65535 * 1.0015, abs=2)


def test_mains_at_sixty_hertz_is_an_alias_of_forty() -> None:
    """60 Hz sampled at 100 Hz comes back after five ticks and has no mean."""
    p = put(energised(**QUIET), mains_a=20e-6, mains_hz=60.0)
    codes = [steps(p, 1).adc_i for _ in range(10)]
    assert codes[:5] == pytest.approx(codes[5:], abs=1)
    assert sum(codes[:5]) / 5 == pytest.approx(TRUE_2MA / 5e-3 * 65535 * 1.001 + 40, abs=15)
    assert max(codes) - min(codes) > 450


def test_sine_is_the_sine() -> None:
    assert max(abs(sine(n / 1000) - math.sin(2 * math.pi * n / 1000)) for n in range(1000)) < 4e-6
